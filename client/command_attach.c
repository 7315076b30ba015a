/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attach.h"
#include "client/command.h"
#include "client/print.h"
#include "core/text.h"

static int attach(const struct hd_invocation *invocation, struct hd_jvm_process *jvm,
                  struct hd_attach_answer *answer, struct hd_error *err)
{
    uint64_t pid;
    if (invocation->argument_count != 1)
        return hd_error_set(err, HD_E_USAGE,
                            "which JVM? 'hotdrop ps' lists them: hotdrop attach PID");
    if (hd_text_parse_number(invocation->arguments[0], 1, INT32_MAX, &pid, err) != 0)
        return hd_error_prefix(err, "PID");
    if (hd_jvms_examine((pid_t)pid, jvm, err) != 0)
        return -1;
    return hd_attach(jvm, invocation->agent_file, invocation->agent_options, answer, err);
}

static void print_answer(bool json, const struct hd_jvm_process *jvm,
                         const struct hd_attach_answer *answer)
{
    if (json) {
        json_t *document = json_pack("{s:i,s:b,s:s}", "pid", (int)jvm->pid, "already",
                                     answer->was_there ? 1 : 0, "words", answer->words);
        hd_print_json(document);
        json_decref(document);
        return;
    }
    if (answer->words[0] != '\0')
        printf("%s\n", answer->words);
    printf("pid %d %s the agent%s.\n", (int)jvm->pid, answer->was_there ? "already had" : "now has",
           answer->was_there ? "; the options given now do not count" : "");
}

int hd_command_attach(const struct hd_invocation *invocation)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_jvm_process jvm;
    struct hd_attach_answer answer;
    if (attach(invocation, &jvm, &answer, &err) != 0)
        return hd_print_failure(invocation->json, hd_exit_for_error(&err), &err);
    print_answer(invocation->json, &jvm, &answer);
    return HD_EXIT_GOOD;
}
