/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/trials.h"

#include <stdio.h>
#include <string.h>

void trial_compile(const struct e2e *e2e, const char *answer, const char *classes)
{
    char source[256];
    snprintf(source, sizeof source,
             "package demo; public class Shop { public static String run() { return \"%s\"; } }",
             answer);
    e2e_write(e2e, "source/demo/Shop.java", source);
    e2e_compile(e2e, "source", classes, "");
}

const char *trial_pid(const struct e2e *e2e)
{
    static char text[16];
    snprintf(text, sizeof text, "%d", (int)e2e->jvm.pid);
    return text;
}

/* hotdrop COMMAND --json --pid <jvm> [argument]; the caller closes the answer. */
void trial_command(const struct e2e *e2e, struct e2e_answer *answer, const char *name,
                   const char *argument)
{
    e2e_client(e2e, answer, name, "--json", "--pid", trial_pid(e2e), argument, NULL);
    if (answer->json == NULL)
        fail_msg("%s: %s", name, answer->output);
}

json_t *trial_shown(const struct e2e *e2e, const char *number)
{
    struct e2e_answer answer;
    trial_command(e2e, &answer, "show", number);
    json_t *document = json_incref(answer.json);
    e2e_answer_close(&answer);
    return document;
}

void trial_expect_text(const json_t *object, const char *key, const char *text)
{
    const char *found = json_string_value(json_object_get(object, key));
    if (found == NULL || strstr(found, text) == NULL)
        fail_msg("%s is \"%s\", not \"%s\"", key, found != NULL ? found : "(none)", text);
}

void trial_expect_number(const json_t *object, const char *key, json_int_t number)
{
    assert_int_equal(json_integer_value(json_object_get(object, key)), number);
}

/* How the trial of that deployment ended, by which rollback (0: none), and who ended it. */
void trial_expect_end(const struct e2e *e2e, const char *deployment, const char *how,
                      json_int_t rollback, const char *who)
{
    json_t *document = trial_shown(e2e, deployment);
    const json_t *trial = json_object_get(document, "trial");
    trial_expect_text(trial, "ended", how);
    trial_expect_text(trial, "who", who);
    trial_expect_number(trial, "rollback", rollback);
    json_decref(document);
}

void trial_expect_error(const struct e2e_answer *answer, const char *reason, const char *words)
{
    const json_t *error = json_object_get(answer->json, "error");
    if (!json_is_object(error))
        fail_msg("no error: %s", answer->output);
    assert_string_equal(json_string_value(json_object_get(error, "reason")), reason);
    trial_expect_text(error, "message", words);
    assert_int_equal(answer->status, 1);
}

void trial_start(struct e2e *e2e, const char *agent_options)
{
    trial_compile(e2e, "start", e2e->classes);
    e2e_start(e2e, agent_options, NULL);
    e2e_expect(e2e, "call demo.Shop run", "start");
}

/* The option and its value stand before the path. */
void trial_push(const struct e2e *e2e, struct e2e_answer *answer, const char *word,
                const char *option, const char *value)
{
    trial_compile(e2e, word, "after");
    e2e_client(e2e, answer, "push", "--json", "--pid", trial_pid(e2e), option, value,
               e2e_path(e2e, "after"), NULL);
    assert_non_null(answer->json);
}

void trial_push_on_trial(const struct e2e *e2e, const char *word, const char *time)
{
    struct e2e_answer answer;
    trial_push(e2e, &answer, word, "--confirm-within", time);
    if (answer.status != 0)
        fail_msg("%s", answer.output);
    assert_true(json_is_null(json_object_get(json_object_get(answer.json, "trial"), "ended")));
    e2e_answer_close(&answer);
}
