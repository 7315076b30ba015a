/* SPDX-License-Identifier: Apache-2.0 */
#include "client/invocation.h"

#include "core/text.h"

#include <getopt.h>
#include <string.h>

enum { STATE_LENGTH = 16, MAX_DURATION_MS = 604800000 };

enum option_key {
    KEY_HELP = 'h',
    KEY_KEY = 'k',
    KEY_PID = 256,
    KEY_TO,
    KEY_TOKEN,
    KEY_TLS_CA,
    KEY_TLS_CERT,
    KEY_TLS_KEY,
    KEY_JSON,
    KEY_LOADER,
    KEY_ALL_LOADERS,
    KEY_BEST_EFFORT,
    KEY_MESSAGE,
    KEY_KEEP,
    KEY_ATTACH,
    KEY_OPTIONS,
    KEY_AGENT,
    KEY_SETTLE,
    KEY_JDK,
    KEY_CONFIRM_WITHIN,
    KEY_SMOKE,
    KEY_WAIT_DRAINED,
    KEY_EXPECT,
    KEY_BLOCKING,
    KEY_OUTPUT,
    KEY_NAME,
    KEY_RELEASE,
    KEY_TARGET,
    KEY_SEQUENCE,
    KEY_NOT_BEFORE,
    KEY_EXPIRES,
    KEY_BASE,
    KEY_ALLOWED_SIGNERS,
    KEY_EMERGENCY
};

struct known_option {
    const char *name;
    const char *argument; /* NULL: takes none */
    enum option_key key;
    unsigned groups; /* 0: every command */
    const char *summary;
};

static const struct known_option known_options[] = {
    { "pid", "PID", KEY_PID, HD_OPTIONS_TARGET, "the JVM with this process id" },
    { "to", "ADDRESS", KEY_TO, HD_OPTIONS_TARGET,
      "unix:PATH, wss://HOST:PORT, ws://HOST:PORT, or a name from ~/.config/hotdrop/targets" },
    { "token", "FILE", KEY_TOKEN, HD_OPTIONS_TARGET,
      "the file that holds the token for wss:// or ws://" },
    { "ca", "FILE", KEY_TLS_CA, HD_OPTIONS_TARGET,
      "wss://: who issues the agent's certificate (else whom this system believes)" },
    { "cert", "FILE", KEY_TLS_CERT, HD_OPTIONS_TARGET, "wss://: the certificate to show" },
    { "key", "FILE", KEY_TLS_KEY, HD_OPTIONS_TARGET, "wss://: its key" },
    { "loader", "TEXT", KEY_LOADER, HD_OPTIONS_DEPLOY,
      "only class loaders whose label contains TEXT" },
    { "all-loaders", NULL, KEY_ALL_LOADERS, HD_OPTIONS_DEPLOY,
      "every class loader that has the class, even with different code" },
    { "best-effort", NULL, KEY_BEST_EFFORT, HD_OPTIONS_DEPLOY,
      "apply what can be applied even if another class is refused" },
    { "message", "TEXT", KEY_MESSAGE, HD_OPTIONS_PUSH, "why, for the history" },
    { "keep", NULL, KEY_KEEP, HD_OPTIONS_KEEP,
      "and what is live then survives a restart of the JVM" },
    { "attach", NULL, KEY_ATTACH, HD_OPTIONS_ATTACH_ON_THE_WAY,
      "load the agent first where the JVM has none" },
    { "options", "TEXT", KEY_OPTIONS, HD_OPTIONS_ATTACH, "the agent's options, key=value,…" },
    { "agent", "FILE", KEY_AGENT, HD_OPTIONS_ATTACH,
      "libhotdrop.so, where it is not found by itself" },
    { "settle", "TIME", KEY_SETTLE, HD_OPTIONS_WATCH, "quiet time that ends a compile (30ms)" },
    { "jdk", "N", KEY_JDK, HD_OPTIONS_DIFF, "the release that is to take the swap (17)" },
    { "confirm-within", "TIME", KEY_CONFIRM_WITHIN, HD_OPTIONS_TRIAL,
      "roll back unless somebody confirms within TIME (60s, 2min)" },
    { "smoke", "COMMAND", KEY_SMOKE, HD_OPTIONS_TRIAL,
      "run COMMAND afterwards: exit 0 confirms, anything else rolls back" },
    { "wait-drained", "TIME", KEY_WAIT_DRAINED, HD_OPTIONS_TRIAL,
      "wait at most TIME until no thread is in old code" },
    { "expect", "STATE", KEY_EXPECT, HD_OPTIONS_EXPECT,
      "refuse unless this state is live, as status prints it" },
    { "blocking", NULL, KEY_BLOCKING, HD_OPTIONS_BLOCKING,
      "the stacks of the threads that still run old code" },
    { "key", "KEY", KEY_KEY, HD_OPTIONS_SIGN,
      "-k: the SSH key to sign with; its public half, where ssh-agent has it" },
    { "output", "FILE", KEY_OUTPUT, HD_OPTIONS_SIGN, "the signed bundle; without it, in place" },
    { "name", "TEXT", KEY_NAME, HD_OPTIONS_SIGN, "what the bundle is called" },
    { "release", "TEXT", KEY_RELEASE, HD_OPTIONS_SIGN, "its version" },
    { "target", "APP", KEY_TARGET, HD_OPTIONS_SIGN, "only for agents with app=APP" },
    { "sequence", "N", KEY_SEQUENCE, HD_OPTIONS_SIGN,
      "later than all before it (milliseconds since 1970)" },
    { "not-before", "TIME", KEY_NOT_BEFORE, HD_OPTIONS_SIGN,
      "2026-09-21T00:00:00Z, or 30min from now" },
    { "expires", "TIME", KEY_EXPIRES, HD_OPTIONS_SIGN, "not to be used from then on" },
    { "base", "OLD", KEY_BASE, HD_OPTIONS_SIGN, "only onto these classes: a jar or directory" },
    { "emergency", "REASON", KEY_EMERGENCY, HD_OPTIONS_EMERGENCY,
      "with one signature of those whom the agent's emergency= names; marked for ever" },
    { "allowed-signers", "FILE", KEY_ALLOWED_SIGNERS, HD_OPTIONS_SIGNERS,
      "whose signatures count, in ssh-keygen's format" },
    { "json", NULL, KEY_JSON, HD_OPTIONS_JSON, "one JSON document instead of a table" },
    { "help", NULL, KEY_HELP, 0, "this help" },
};
#define KNOWN_OPTION_COUNT (sizeof known_options / sizeof known_options[0])

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
                             NULL, (int)known->key };
    }
    out[count] = (struct option){ NULL, 0, NULL, 0 };
}

static int take_pid(const char *text, struct hd_invocation *out, struct hd_error *err)
{
    uint64_t pid;
    if (hd_text_parse_number(text, 1, INT32_MAX, &pid, err) != 0)
        return hd_error_prefix(err, "--pid");
    out->pid = (int)pid;
    return 0;
}

/* A week is the longest that an agent waits. */
static int take_duration(const char *name, uint64_t *out, struct hd_error *err)
{
    uint64_t milliseconds;
    if (hd_text_parse_time(optarg, &milliseconds, err) != 0)
        return hd_error_prefix(err, "%s", name);
    if (milliseconds == 0 || milliseconds > MAX_DURATION_MS)
        return hd_error_set(err, HD_E_USAGE, "%s %s: a time from 1ms to a week, please", name,
                            optarg);
    *out = milliseconds;
    return 0;
}

static int take_state(struct hd_invocation *out, struct hd_error *err)
{
    size_t length = strspn(optarg, "0123456789abcdef");
    if (length != STATE_LENGTH || optarg[length] != '\0')
        return hd_error_set(err, HD_E_USAGE,
                            "--expect %s: a state is 16 hexadecimal digits, as 'hotdrop status' "
                            "prints it",
                            optarg);
    out->expect = optarg;
    return 0;
}

static int take_trial_option(int key, struct hd_invocation *out, struct hd_error *err)
{
    switch (key) {
    case KEY_CONFIRM_WITHIN:
        return take_duration("--confirm-within", &out->confirm_within_ms, err);
    case KEY_WAIT_DRAINED:
        return take_duration("--wait-drained", &out->wait_drained_ms, err);
    case KEY_SMOKE:
        if (optarg[0] == '\0')
            return hd_error_set(err, HD_E_USAGE,
                                "--smoke: which command? an empty one always passes");
        out->smoke = optarg;
        return 0;
    case KEY_EXPECT:
        return take_state(out, err);
    case KEY_BLOCKING:
        out->blocking = true;
        return 0;
    default:
        return 0;
    }
}

static bool take_tls_file(int key, struct hd_invocation *out)
{
    if (key == KEY_TLS_CA)
        out->ca_file = optarg;
    else if (key == KEY_TLS_CERT)
        out->cert_file = optarg;
    else if (key == KEY_TLS_KEY)
        out->key_file = optarg;
    else
        return false;
    return true;
}

static int take_sign_option(int key, struct hd_invocation *out, struct hd_error *err)
{
    switch (key) {
    case KEY_KEY:
        out->key = optarg;
        return 0;
    case KEY_OUTPUT:
        out->output = optarg;
        return 0;
    case KEY_NAME:
        out->bundle_name = optarg;
        return 0;
    case KEY_RELEASE:
        out->bundle_release = optarg;
        return 0;
    case KEY_TARGET:
        out->bundle_target = optarg;
        return 0;
    case KEY_NOT_BEFORE:
        out->not_before = optarg;
        return 0;
    case KEY_EXPIRES:
        out->expires = optarg;
        return 0;
    case KEY_BASE:
        out->base = optarg;
        return 0;
    case KEY_EMERGENCY:
        out->emergency = optarg;
        return 0;
    case KEY_ALLOWED_SIGNERS:
        out->allowed_signers = optarg;
        return 0;
    case KEY_SEQUENCE:
        if (hd_text_parse_number(optarg, 1, INT64_MAX, &out->sequence, err) != 0)
            return hd_error_prefix(err, "--sequence");
        return 0;
    default:
        return take_trial_option(key, out, err);
    }
}

static int take_option(int key, struct hd_invocation *out, struct hd_error *err)
{
    switch (key) {
    case KEY_PID:
        return take_pid(optarg, out, err);
    case KEY_TO:
        out->to = optarg;
        return 0;
    case KEY_TOKEN:
        out->token_file = optarg;
        return 0;
    case KEY_JSON:
        out->json = true;
        return 0;
    case KEY_LOADER:
        out->loader = optarg;
        return 0;
    case KEY_ALL_LOADERS:
        out->all_loaders = true;
        return 0;
    case KEY_BEST_EFFORT:
        out->best_effort = true;
        return 0;
    case KEY_MESSAGE:
        out->message = optarg;
        return 0;
    case KEY_KEEP:
        out->keep = true;
        return 0;
    case KEY_ATTACH:
        out->attach = true;
        return 0;
    case KEY_OPTIONS:
        out->agent_options = optarg;
        return 0;
    case KEY_AGENT:
        out->agent_file = optarg;
        return 0;
    case KEY_HELP:
        out->help = true;
        return 0;
    case KEY_JDK:
        if (hd_text_parse_number(optarg, 8, 28, &out->jdk, err) != 0)
            return hd_error_prefix(err, "--jdk");
        return 0;
    case KEY_SETTLE:
        if (hd_text_parse_time(optarg, &out->settle_ms, err) != 0)
            return hd_error_prefix(err, "--settle");
        return 0;
    default:
        return take_tls_file(key, out) ? 0 : take_sign_option(key, out, err);
    }
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
