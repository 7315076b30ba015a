/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/shop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void shop_compile(const struct e2e *e2e, const char *word, const char *classes)
{
    char source[512];
    snprintf(source, sizeof source,
             "package demo; public class Shop { static String run() { return \"%s\"; } }", word);
    e2e_write(e2e, "source/demo/Shop.java", source);
    e2e_compile(e2e, "source", classes, "");
}

void shop_open_with(struct e2e *e2e, const char *store, const char *agent_options,
                    const char *const *jvm_options)
{
    char options[1024];
    if (access(e2e_path(e2e, "classes/demo/Shop.class"), F_OK) != 0)
        shop_compile(e2e, "start", e2e->classes);
    snprintf(options, sizeof options, "max-rate=100000/min,store=%s%s%s",
             store != NULL ? store : e2e_path(e2e, "store"), agent_options[0] != '\0' ? "," : "",
             agent_options);
    e2e_start(e2e, options, jvm_options);
}

void shop_open(struct e2e *e2e)
{
    shop_open_with(e2e, NULL, "", NULL);
}

void shop_close(struct e2e *e2e)
{
    int status;
    e2e_process_tell(&e2e->jvm, "exit 0");
    char *rest = e2e_process_finish(&e2e->jvm, 90, &status);
    assert_string_equal(rest, "");
    assert_int_equal(status, 0);
    free(rest);
}

void shop_restart(struct e2e *e2e)
{
    shop_close(e2e);
    shop_open(e2e);
}

void shop_command(const struct e2e *e2e, struct e2e_answer *answer, const char *command,
                  const char *argument)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, answer, command, "--json", "--pid", pid, argument, NULL);
}

void shop_do(const struct e2e *e2e, const char *command, const char *argument)
{
    struct e2e_answer answer;
    shop_command(e2e, &answer, command, argument);
    if (answer.status != 0)
        fail_msg("%s: %s", command, answer.output);
    e2e_answer_close(&answer);
}

void shop_try_push(const struct e2e *e2e, struct e2e_answer *answer, const char *word)
{
    shop_compile(e2e, word, "after");
    e2e_deploy(e2e, answer, "push", "after");
}

void shop_push(const struct e2e *e2e, const char *word)
{
    struct e2e_answer answer;
    shop_try_push(e2e, &answer, word);
    if (answer.status != 0)
        fail_msg("push %s: %s", word, answer.output);
    e2e_answer_close(&answer);
}

const char *shop_reason(const struct e2e_answer *answer)
{
    const char *reason =
        json_string_value(json_object_get(json_object_get(answer->json, "error"), "reason"));
    return reason != NULL ? reason : "";
}

void shop_expect_not_kept(const struct e2e *e2e, const char *number, const char *reason)
{
    struct e2e_answer answer;
    shop_command(e2e, &answer, "keep", number);
    assert_int_equal(answer.status, 1);
    assert_string_equal(shop_reason(&answer), reason);
    e2e_answer_close(&answer);
}

int shop_verify(const struct e2e *e2e, const char *store)
{
    struct e2e_answer answer;
    e2e_client(e2e, &answer, "journal", "verify", store, NULL);
    int status = answer.status;
    if (status != 0)
        fprintf(stderr, "%s\n", answer.output);
    e2e_answer_close(&answer);
    return status;
}

size_t shop_count_events(const struct e2e *e2e, const char *event)
{
    char *line = NULL, wanted[64];
    size_t capacity = 0, count = 0;
    snprintf(wanted, sizeof wanted, "\"event\":\"%s\"", event);
    FILE *file = fopen(e2e_path(e2e, "store/journal"), "re");
    assert_non_null(file);
    while (getline(&line, &capacity, file) != -1)
        count += strstr(line, wanted) != NULL;
    free(line);
    fclose(file);
    return count;
}
