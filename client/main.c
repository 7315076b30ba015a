/* SPDX-License-Identifier: Apache-2.0 */
/* The command `hotdrop`: a table of commands, help and version. */
#include "client/command.h"
#include "client/print.h"
#include "core/reason.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    int (*run)(const struct hd_invocation *invocation);
    unsigned groups;
    size_t max_arguments;
    const char *synopsis;
    const char *summary;
};

#define ANY_NUMBER ((size_t)-1)

static const struct command commands[] = {
    { "push", hd_command_push,
      HD_OPTIONS_TARGET | HD_OPTIONS_JSON | HD_OPTIONS_DEPLOY | HD_OPTIONS_PUSH |
          HD_OPTIONS_EMERGENCY | HD_OPTIONS_KEEP | HD_OPTIONS_ATTACH |
          HD_OPTIONS_ATTACH_ON_THE_WAY | HD_OPTIONS_TRIAL | HD_OPTIONS_EXPECT,
      ANY_NUMBER, "PATH...", "make class files, directories and jars live" },
    { "check", hd_command_check, HD_OPTIONS_TARGET | HD_OPTIONS_JSON | HD_OPTIONS_DEPLOY,
      ANY_NUMBER, "PATH...", "the verdicts of a push, without changing anything" },
    { "watch", hd_command_watch,
      HD_OPTIONS_TARGET | HD_OPTIONS_JSON | HD_OPTIONS_DEPLOY | HD_OPTIONS_WATCH, ANY_NUMBER,
      "DIR...", "push what changes, one deployment per compile" },
    { "attach", hd_command_attach, HD_OPTIONS_JSON | HD_OPTIONS_ATTACH, 1, "PID",
      "load the agent into a running JVM" },
    { "ps", hd_command_ps, HD_OPTIONS_JSON, 0, "", "this user's JVMs" },
    { "status", hd_command_status, HD_OPTIONS_TARGET | HD_OPTIONS_JSON | HD_OPTIONS_BLOCKING, 0, "",
      "what is live that is not in the jar" },
    { "history", hd_command_history, HD_OPTIONS_TARGET | HD_OPTIONS_JSON, 0, "",
      "the deployments of a JVM" },
    { "show", hd_command_show, HD_OPTIONS_TARGET | HD_OPTIONS_JSON, 1, "N",
      "one deployment in full" },
    { "confirm", hd_command_confirm, HD_OPTIONS_TARGET | HD_OPTIONS_JSON, 1, "[N]",
      "end the trial of a deployment (push --confirm-within): it stays" },
    { "rollback", hd_command_rollback,
      HD_OPTIONS_TARGET | HD_OPTIONS_JSON | HD_OPTIONS_PUSH | HD_OPTIONS_EXPECT, 1, "[N]",
      "undo the last deployment in effect, or return to the state after N (0: as started)" },
    { "keep", hd_command_keep, HD_OPTIONS_TARGET | HD_OPTIONS_JSON | HD_OPTIONS_PUSH, 1, "[N]",
      "what is live, or was after N, survives a restart (0: nothing does)" },
    { "diff", hd_command_diff, HD_OPTIONS_JSON | HD_OPTIONS_DIFF, 2, "OLD NEW",
      "can NEW be swapped onto OLD? Jars or directories; needs no JVM" },
    { "sign", hd_command_sign, HD_OPTIONS_JSON | HD_OPTIONS_SIGN, ANY_NUMBER, "-k KEY BUNDLE",
      "sign a bundle with an SSH key; again: one signature more" },
    { "verify", hd_command_verify, HD_OPTIONS_JSON | HD_OPTIONS_SIGNERS, 1, "BUNDLE",
      "is a bundle what its manifest says, and who signed that?" },
    { "journal", hd_command_journal, HD_OPTIONS_JSON, 2, "[verify|init] STORE",
      "print, check the chain of, or start a store's journal; needs no JVM" },
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_overview(FILE *stream)
{
    fputs("Usage: hotdrop COMMAND [ARGS] [OPTIONS]\n\nSwaps classes in a running JVM, and answers "
          "for every one.\n\n",
          stream);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(stream, "  %-8s %-21s %s\n", commands[i].name, commands[i].synopsis,
                commands[i].summary);
    fputs("  version                        the version of this program\n"
          "  help     [COMMAND|words]       what a command does; every reason and warning\n"
          "\nExamples:\n"
          "  hotdrop push target/classes/com/example/Foo.class\n"
          "  hotdrop push --pid 4711 --attach fix.jar --message \"fix the rounding\"\n"
          "  hotdrop check build/libs/app.jar --json\n"
          "  hotdrop watch target/classes\n",
          stream);
}

static void print_help(FILE *stream, const struct command *command)
{
    fprintf(stream, "Usage: hotdrop %s %s%s[OPTIONS]\n\n%s.\n\n", command->name, command->synopsis,
            command->synopsis[0] != '\0' ? " " : "", command->summary);
    hd_invocation_print_options(stream, command->groups);
}

static void print_words(FILE *stream)
{
    fputs("Reasons (why a class is refused, and what to do):\n", stream);
    for (int reason = HD_REASON_NONE + 1; reason < HD_REASON_COUNT; reason++)
        fprintf(stream, "\n  %s\n      %s\n      %s\n", hd_reason_word((enum hd_reason)reason),
                hd_reason_sentence((enum hd_reason)reason),
                hd_reason_remedy((enum hd_reason)reason));
    fputs("\nWarnings (they do not refuse):\n", stream);
    for (int bit = 0; bit < HD_WARNING_BIT_COUNT; bit++)
        fprintf(stream, "\n  %s\n      %s\n", hd_warning_word((enum hd_warning)(1u << bit)),
                hd_warning_sentence((enum hd_warning)(1u << bit)));
}

/* What cannot be read as options may still ask for JSON. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

static int refuse_usage(int argc, char **argv, const struct hd_error *err)
{
    return hd_print_failure(wants_json(argc, argv), HD_EXIT_USAGE, err);
}

static int run_help(int argc, char **argv)
{
    struct hd_error err = HD_ERROR_INIT;
    if (argc < 2) {
        print_overview(stdout);
        return HD_EXIT_GOOD;
    }
    if (strcmp(argv[1], "words") == 0) {
        print_words(stdout);
        return HD_EXIT_GOOD;
    }
    const struct command *command = find_command(argv[1]);
    if (command == NULL) {
        hd_error_set(&err, HD_E_USAGE, "there is no command '%s'; 'hotdrop help' lists them",
                     argv[1]);
        return refuse_usage(argc, argv, &err);
    }
    print_help(stdout, command);
    return HD_EXIT_GOOD;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_invocation invocation;
    if (hd_invocation_parse(argc, argv, command->groups, &invocation, &err) != 0)
        return refuse_usage(argc, argv, &err);
    if (invocation.help) {
        print_help(stdout, command);
        return HD_EXIT_GOOD;
    }
    if (invocation.argument_count > command->max_arguments) {
        hd_error_set(&err, HD_E_USAGE, "'hotdrop %s' does not know what to do with '%s'",
                     command->name, invocation.arguments[command->max_arguments]);
        return hd_print_failure(invocation.json, HD_EXIT_USAGE, &err);
    }
    return command->run(&invocation);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stderr);
        return HD_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return run_help(argc - 1, argv + 1);
    if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
        puts("hotdrop " HOTDROP_VERSION);
        return HD_EXIT_GOOD;
    }
    const struct command *command = find_command(name);
    if (command == NULL) {
        struct hd_error err = HD_ERROR_INIT;
        hd_error_set(&err, HD_E_USAGE, "there is no command '%s'; 'hotdrop help' lists them", name);
        return refuse_usage(argc, argv, &err);
    }
    return run_command(command, argc - 1, argv + 1);
}
