/* SPDX-License-Identifier: Apache-2.0 */
#include "client/invocation.h"

#include "core/text.h"

#include <getopt.h>
#include <stddef.h>
#include <string.h>

enum { STATE_LENGTH = 16, MAX_DURATION_MS = 604800000, FIRST_KEY = 256 };

struct known_option {
    const char *name;
    const char *argument; /* NULL: takes none */
    int letter;           /* 0: has none */
    unsigned groups;      /* 0: every command */
    /* takes optarg into the field of the invocation */
    int (*take)(const struct known_option *option, void *field, struct hd_error *err);
    size_t field;
    const char *summary;
};
#define AT(field) offsetof(struct hd_invocation, field)

/* ---- how an option is taken ------------------------------------------------------------------ */

static int take_text(const struct known_option *option, void *field, struct hd_error *err)
{
    if (optarg[0] == '\0')
        return hd_error_set(err, HD_E_USAGE, "--%s: the %s is empty; give one, or leave --%s out",
                            option->name, option->argument, option->name);
    *(const char **)field = optarg;
    return 0;
}

static int take_agent_options(const struct known_option *option, void *field, struct hd_error *err)
{
    (void)option;
    (void)err;
    *(const char **)field = optarg; /* empty: the agent's defaults */
    return 0;
}

static int take_flag(const struct known_option *option, void *field, struct hd_error *err)
{
    (void)option;
    (void)err;
    *(bool *)field = true;
    return 0;
}

static int take_number(const struct known_option *option, uint64_t least, uint64_t most,
                       uint64_t *out, struct hd_error *err)
{
    if (hd_text_parse_number(optarg, least, most, out, err) != 0)
        return hd_error_prefix(err, "--%s", option->name);
    return 0;
}

static int take_pid(const struct known_option *option, void *field, struct hd_error *err)
{
    uint64_t pid;
    if (take_number(option, 1, INT32_MAX, &pid, err) != 0)
        return -1;
    *(int *)field = (int)pid;
    return 0;
}

static int take_release(const struct known_option *option, void *field, struct hd_error *err)
{
    return take_number(option, 8, 28, field, err);
}

static int take_sequence(const struct known_option *option, void *field, struct hd_error *err)
{
    return take_number(option, 1, INT64_MAX, field, err);
}

static int take_time(const struct known_option *option, void *field, struct hd_error *err)
{
    if (hd_text_parse_time(optarg, field, err) != 0)
        return hd_error_prefix(err, "--%s", option->name);
    return 0;
}

/* A week is the longest that an agent waits. */
static int take_wait(const struct known_option *option, void *field, struct hd_error *err)
{
    uint64_t milliseconds;
    if (take_time(option, &milliseconds, err) != 0)
        return -1;
    if (milliseconds == 0 || milliseconds > MAX_DURATION_MS)
        return hd_error_set(err, HD_E_USAGE, "--%s %s: a time from 1ms to a week, please",
                            option->name, optarg);
    *(uint64_t *)field = milliseconds;
    return 0;
}

static int take_state(const struct known_option *option, void *field, struct hd_error *err)
{
    size_t length = strspn(optarg, "0123456789abcdef");
    if (length != STATE_LENGTH || optarg[length] != '\0')
        return hd_error_set(err, HD_E_USAGE,
                            "--%s %s: a state is 16 hexadecimal digits, as 'hotdrop status' "
                            "prints it",
                            option->name, optarg);
    return take_text(option, field, err);
}

static int take_smoke(const struct known_option *option, void *field, struct hd_error *err)
{
    if (optarg[0] == '\0')
        return hd_error_set(err, HD_E_USAGE, "--%s: which command? an empty one always passes",
                            option->name);
    return take_text(option, field, err);
}

/* ---- the options ----------------------------------------------------------------------------- */

static const struct known_option known_options[] = {
    { "pid", "PID", 0, HD_OPTIONS_TARGET, take_pid, AT(pid), "the JVM with this process id" },
    { "to", "ADDRESS", 0, HD_OPTIONS_TARGET, take_text, AT(to),
      "unix:PATH, wss://HOST:PORT, ws://HOST:PORT, or a name from ~/.config/hotdrop/targets" },
    { "token", "FILE", 0, HD_OPTIONS_TARGET, take_text, AT(token_file),
      "the file that holds the token for wss:// or ws://" },
    { "ca", "FILE", 0, HD_OPTIONS_TARGET, take_text, AT(ca_file),
      "wss://: who issues the agent's certificate (else whom this system believes)" },
    { "cert", "FILE", 0, HD_OPTIONS_TARGET, take_text, AT(cert_file),
      "wss://: the certificate to show" },
    { "key", "FILE", 0, HD_OPTIONS_TARGET, take_text, AT(key_file), "wss://: its key" },
    { "loader", "TEXT", 0, HD_OPTIONS_DEPLOY, take_text, AT(loader),
      "only class loaders whose label contains TEXT" },
    { "all-loaders", NULL, 0, HD_OPTIONS_DEPLOY, take_flag, AT(all_loaders),
      "every class loader that has the class, even with different code" },
    { "best-effort", NULL, 0, HD_OPTIONS_DEPLOY, take_flag, AT(best_effort),
      "apply what can be applied even if another class is refused" },
    { "message", "TEXT", 0, HD_OPTIONS_PUSH, take_text, AT(message), "why, for the history" },
    { "keep", NULL, 0, HD_OPTIONS_KEEP, take_flag, AT(keep),
      "and what is live then survives a restart of the JVM" },
    { "attach", NULL, 0, HD_OPTIONS_ATTACH_ON_THE_WAY, take_flag, AT(attach),
      "load the agent first where the JVM has none" },
    { "options", "TEXT", 0, HD_OPTIONS_ATTACH, take_agent_options, AT(agent_options),
      "the agent's options, key=value,…" },
    { "agent", "FILE", 0, HD_OPTIONS_ATTACH, take_text, AT(agent_file),
      "libhotdrop.so, where it is not found by itself" },
    { "settle", "TIME", 0, HD_OPTIONS_WATCH, take_time, AT(settle_ms),
      "quiet time that ends a compile (30ms)" },
    { "jdk", "N", 0, HD_OPTIONS_DIFF, take_release, AT(jdk),
      "the release that is to take the swap (17)" },
    { "confirm-within", "TIME", 0, HD_OPTIONS_TRIAL, take_wait, AT(confirm_within_ms),
      "roll back unless somebody confirms within TIME (60s, 2min)" },
    { "smoke", "COMMAND", 0, HD_OPTIONS_TRIAL, take_smoke, AT(smoke),
      "run COMMAND afterwards: exit 0 confirms, anything else rolls back" },
    { "wait-drained", "TIME", 0, HD_OPTIONS_TRIAL, take_wait, AT(wait_drained_ms),
      "wait at most TIME until no thread is in old code" },
    { "expect", "STATE", 0, HD_OPTIONS_EXPECT, take_state, AT(expect),
      "refuse unless this state is live, as status prints it" },
    { "blocking", NULL, 0, HD_OPTIONS_BLOCKING, take_flag, AT(blocking),
      "the stacks of the threads that still run old code" },
    { "key", "KEY", 'k', HD_OPTIONS_SIGN, take_text, AT(key),
      "-k: the SSH key to sign with; its public half, where ssh-agent has it" },
    { "output", "FILE", 0, HD_OPTIONS_SIGN, take_text, AT(output),
      "the signed bundle; without it, in place" },
    { "name", "TEXT", 0, HD_OPTIONS_SIGN, take_text, AT(bundle_name), "what the bundle is called" },
    { "release", "TEXT", 0, HD_OPTIONS_SIGN, take_text, AT(bundle_release), "its version" },
    { "target", "APP", 0, HD_OPTIONS_SIGN, take_text, AT(bundle_target),
      "only for agents with app=APP" },
    { "sequence", "N", 0, HD_OPTIONS_SIGN, take_sequence, AT(sequence),
      "later than all before it (milliseconds since 1970)" },
    { "not-before", "TIME", 0, HD_OPTIONS_SIGN, take_text, AT(not_before),
      "2026-09-21T00:00:00Z, or 30min from now" },
    { "expires", "TIME", 0, HD_OPTIONS_SIGN, take_text, AT(expires),
      "not to be used from then on" },
    { "base", "OLD", 0, HD_OPTIONS_SIGN, take_text, AT(base),
      "only onto these classes: a jar or directory" },
    { "emergency", "REASON", 0, HD_OPTIONS_EMERGENCY, take_text, AT(emergency),
      "with one signature of those whom the agent's emergency= names; marked for ever" },
    { "allowed-signers", "FILE", 0, HD_OPTIONS_SIGNERS, take_text, AT(allowed_signers),
      "whose signatures count, in ssh-keygen's format" },
    { "json", NULL, 0, HD_OPTIONS_JSON, take_flag, AT(json),
      "one JSON document instead of a table" },
    { "help", NULL, 'h', 0, take_flag, AT(help), "this help" },
};
#define KNOWN_OPTION_COUNT (sizeof known_options / sizeof known_options[0])

static int key_of(size_t index)
{
    int letter = known_options[index].letter;
    return letter != 0 ? letter : FIRST_KEY + (int)index;
}

static bool is_taken(const struct known_option *option, unsigned groups)
{
    return option->groups == 0 || (option->groups & groups) != 0;
}

static void select_options(unsigned groups, struct option *out)
{
    size_t count = 0;
    for (size_t i = 0; i < KNOWN_OPTION_COUNT; i++) {
        const struct known_option *known = &known_options[i];
        if (!is_taken(known, groups))
            continue;
        out[count++] =
            (struct option){ known->name, known->argument != NULL ? required_argument : no_argument,
                             NULL, key_of(i) };
    }
    out[count] = (struct option){ NULL, 0, NULL, 0 };
}

/* getopt returned the key. */
static int take_option(int key, struct hd_invocation *out, struct hd_error *err)
{
    size_t i = 0;
    while (key_of(i) != key)
        i++;
    const struct known_option *option = &known_options[i];
    return option->take(option, (char *)out + option->field, err);
}

/* getopt leaves in optopt a short option's character, or a long option's key when its argument
 * is missing. */
static int refuse_option(int result, char **argv, const char *command, struct hd_error *err)
{
    const char *text = argv[optind > 0 ? optind - 1 : 0];
    if (result == ':')
        return hd_error_set(err, HD_E_USAGE, "%s needs a value; see 'hotdrop help %s'", text,
                            command);
    return hd_error_set(err, HD_E_USAGE, "'hotdrop %s' has no option '%s'; see 'hotdrop help %s'",
                        command, text, command);
}

static int check_combination(const struct hd_invocation *invocation, struct hd_error *err)
{
    if (invocation->pid != 0 && invocation->to != NULL)
        return hd_error_set(err, HD_E_USAGE, "--pid and --to both name a target; give one of them");
    if (invocation->loader != NULL && invocation->all_loaders)
        return hd_error_set(
            err, HD_E_USAGE,
            "--loader picks some loaders and --all-loaders takes every one; give one of them");
    if (invocation->keep && (invocation->confirm_within_ms > 0 || invocation->smoke != NULL))
        return hd_error_set(err, HD_E_USAGE,
                            "what is on trial is not permanent yet: leave --keep out, and run "
                            "'hotdrop keep' once it is confirmed");
    if (invocation->attach && invocation->pid == 0)
        return hd_error_set(err, HD_E_USAGE,
                            "--attach needs --pid PID: which JVM should the agent be loaded into?");
    return 0;
}

int hd_invocation_parse(int argc, char **argv, unsigned groups, struct hd_invocation *out,
                        struct hd_error *err)
{
    struct hd_invocation parsed = { .command = argv[0], .settle_ms = 30, .jdk = 17 };
    struct option options[KNOWN_OPTION_COUNT + 1];
    select_options(groups, options);

    optind = 1;
    opterr = 0;
    int key;
    const char *letters = (groups & HD_OPTIONS_SIGN) != 0 ? ":hk:" : ":h";
    while ((key = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        if (key == '?' || key == ':')
            return refuse_option(key, argv, argv[0], err);
        if (take_option(key, &parsed, err) != 0)
            return -1;
    }
    parsed.arguments = argv + optind;
    parsed.argument_count = (size_t)(argc - optind);
    if (!parsed.help && check_combination(&parsed, err) != 0)
        return -1;
    *out = parsed;
    return 0;
}

void hd_invocation_print_options(FILE *stream, unsigned groups)
{
    for (size_t i = 0; i < KNOWN_OPTION_COUNT; i++) {
        const struct known_option *option = &known_options[i];
        if (!is_taken(option, groups))
            continue;
        char left[40];
        snprintf(left, sizeof left, "--%s%s%s", option->name, option->argument != NULL ? " " : "",
                 option->argument != NULL ? option->argument : "");
        fprintf(stream, "  %-21s %s\n", left, option->summary);
    }
}
