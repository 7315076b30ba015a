/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what, end to end: every role, every request, every way in. */
#include "tests/e2e/secure.h"

#include "tests/certificates.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef0123456789abcdef"

enum { NONE, VIEWER, DEPLOYER, OPERATOR, ROLES };
static const char *const role_words[ROLES] = { "none", "viewer", "deployer", "operator" };

/* What a role may, from least on. */
static const struct asked {
    const char *words[3];
    int least;
} everything[] = {
    { { "status", NULL }, VIEWER },          { { "history", NULL }, VIEWER },
    { { "show", "1", NULL }, VIEWER },       { { "check", "AFTER", NULL }, VIEWER },
    { { "push", "AFTER", NULL }, DEPLOYER }, { { "confirm", NULL }, DEPLOYER },
    { { "rollback", NULL }, DEPLOYER },      { { "push", "--keep", "AFTER" }, OPERATOR },
    { { "keep", NULL }, OPERATOR },
};
enum { EVERYTHING = sizeof everything / sizeof everything[0] };

enum { LOCALLY, WITH_A_CERTIFICATE, WITH_A_TOKEN, OF_ANOTHER_CA, EXPIRED, WITH_NOTHING, WAYS };
static const char *const way_words[WAYS] = { "locally",         "with a certificate",
                                             "with a token",    "with another CA's certificate",
                                             "with an expired", "with nothing" };

static char token[256];

static void ask(const struct e2e *e2e, int way, const struct asked *asked,
                struct e2e_answer *answer)
{
    const char *words[3];
    for (unsigned i = 0; i < 3; i++) {
        const char *word = asked->words[i];
        words[i] = word == NULL                 ? "--json"
                   : strcmp(word, "AFTER") == 0 ? e2e_path(e2e, "after")
                                                : word;
    }
    if (way == LOCALLY)
        e2e_client(e2e, answer, words[0], words[1], words[2], "--json", "--to", secure_local, NULL);
    else if (way == WITH_A_CERTIFICATE)
        SECURE_CLIENT(e2e, answer, words[0], words[1], words[2], AS("alice"));
    else if (way == WITH_A_TOKEN)
        SECURE_CLIENT(e2e, answer, words[0], words[1], words[2], "--token", token);
    else if (way == OF_ANOTHER_CA)
        SECURE_CLIENT(e2e, answer, words[0], words[1], words[2], AS("eve"));
    else if (way == EXPIRED)
        SECURE_CLIENT(e2e, answer, words[0], words[1], words[2], AS("over"));
    else
        SECURE_CLIENT(e2e, answer, words[0], words[1], words[2]);
}

static void expect_verdict(int role, int way, const struct asked *asked,
                           const struct e2e_answer *answer)
{
    bool allowed = way < OF_ANOTHER_CA && role >= asked->least;
    bool refused = answer->status == 4 && strcmp(secure_reason(answer), "not-authorised") == 0;
    bool answered = answer->status == 0 || answer->status == 1;
    if (allowed ? !answered : !refused)
        fail_msg("%s, %s %s, %s: status %d: %s", role_words[role], asked->words[0],
                 asked->words[1] != NULL ? asked->words[1] : "", way_words[way], answer->status,
                 answer->output);
}

/* Who comes each way has this role, and nobody else has any. */
static void give_everybody(const struct e2e *e2e, int role)
{
    if (role == NONE)
        secure_authorise(e2e, "operator cert:somebody\noperator uid:%u\n", geteuid() + 1);
    else
        secure_authorise(e2e, "%s uid:%u\n%s cert:alice\n%s token:%s\n", role_words[role],
                         geteuid(), role_words[role], role_words[role], token);
}

static size_t deployments(const struct e2e *e2e)
{
    struct e2e_answer answer;
    give_everybody(e2e, VIEWER);
    e2e_client(e2e, &answer, "history", "--json", "--to", secure_local, NULL);
    size_t count = json_array_size(json_object_get(answer.json, "deployments"));
    e2e_answer_close(&answer);
    return count;
}

static void start(struct e2e *e2e)
{
    char more[512];
    struct e2e_answer answer;
    snprintf(token, sizeof token, "%s", e2e_path(e2e, "token"));
    secure_write(e2e, "token", TOKEN "\n");
    give_everybody(e2e, OPERATOR);
    snprintf(more, sizeof more, "store=%s,max-rate=10000/min", e2e_path(e2e, "store"));
    assert_int_equal(mkdir(e2e_path(e2e, "store"), 0700), 0);
    secure_start(e2e, secure_file("agent"), more);
    e2e_client(e2e, &answer, "push", e2e_path(e2e, "after"), "--json", "--to", secure_local, NULL);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
}

static void a_role_may_what_the_table_says_whichever_way_it_comes(void **state)
{
    struct e2e *e2e = *state;
    start(e2e);
    for (int role = NONE; role < ROLES; role++) {
        size_t before = deployments(e2e);
        give_everybody(e2e, role);
        for (int way = 0; way < WAYS; way++)
            for (unsigned i = 0; i < EVERYTHING; i++) {
                struct e2e_answer answer;
                ask(e2e, way, &everything[i], &answer);
                expect_verdict(role, way, &everything[i], &answer);
                e2e_answer_close(&answer);
            }
        if (role < DEPLOYER)
            assert_int_equal(deployments(e2e), before);
        else
            assert_true(deployments(e2e) > before);
    }
}

static void a_refusal_names_what_is_needed_and_is_logged(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start(e2e);
    secure_authorise(e2e, "viewer cert:alice\n");
    SECURE_CLIENT(e2e, &answer, "push", e2e_path(e2e, "after"), AS("alice"));
    assert_int_equal(answer.status, 4);
    const json_t *error = json_object_get(answer.json, "error");
    assert_string_equal(json_string_value(json_object_get(error, "message")),
                        "push needs the role deployer, and cert:alice is a viewer here");
    e2e_answer_close(&answer);
    e2e_await_log(e2e, "WARN refused cert:alice");
}

/* ---- the journal ----------------------------------------------------------------------------- */

static void await_journal(const struct e2e *e2e, const char *text)
{
    struct e2e at_journal = *e2e;
    snprintf(at_journal.log, sizeof at_journal.log, "%s/store/journal", e2e->directory);
    e2e_await_log(&at_journal, text);
}

static void expect_refused(const struct e2e_answer *answer)
{
    if (answer->status != 4)
        fail_msg("status %d: %s", answer->status, answer->output);
}

static void expect_journal_holds(struct e2e *e2e)
{
    struct e2e_answer answer;
    e2e_client(e2e, &answer, "journal", "verify", e2e_path(e2e, "store"), NULL);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_client(e2e, &answer, "journal", e2e_path(e2e, "store"), NULL);
    assert_int_equal(answer.status, 0);
    assert_non_null(strstr(answer.output, " refused push: push needs the role deployer, and "
                                          "cert:alice is a viewer here, cert:alice, 127.0.0.1:"));
    e2e_answer_close(&answer);
}

static void a_refusal_stands_in_the_journal(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start(e2e);
    secure_write(e2e, "wrong", TOKEN "0\n");
    secure_authorise(e2e, "viewer cert:alice\nviewer uid:%u\n", geteuid());
    SECURE_CLIENT(e2e, &answer, "push", e2e_path(e2e, "after"), AS("alice"));
    expect_refused(&answer);
    e2e_answer_close(&answer);
    await_journal(e2e, "\"event\":\"refused\",\"who\":\"cert:alice\",\"from\":\"127.0.0.1:");
    await_journal(e2e, "\"way\":\"websocket\",\"what\":\"push\",\"role\":\"viewer\","
                       "\"needed\":\"deployer\"");
    e2e_client(e2e, &answer, "keep", "--json", "--to", secure_local, NULL);
    expect_refused(&answer);
    e2e_answer_close(&answer);
    await_journal(e2e, "\"way\":\"local\",\"what\":\"keep\",\"role\":\"viewer\","
                       "\"needed\":\"operator\"");
    SECURE_CLIENT(e2e, &answer, "status", AS("eve"));
    expect_refused(&answer);
    e2e_answer_close(&answer);
    await_journal(e2e, "\"what\":\"connect\",\"role\":\"none\",\"needed\":\"viewer\"");
    e2e_drop(e2e, "after/demo/Greeter.class", "Greeter.class"); /* a viewer's */
    json_decref(e2e_await_report(e2e, ".refused", 2));
    await_journal(e2e, "\"way\":\"drop\",\"what\":\"push\",\"role\":\"viewer\"");
    expect_journal_holds(e2e);
    secure_stop(e2e);
    secure_authorise(e2e, "operator uid:%u\n", geteuid());
    secure_start_again(e2e);
    e2e_client(e2e, &answer, "history", "--json", "--to", secure_local, NULL);
    assert_int_equal(json_array_size(json_object_get(answer.json, "deployments")), 2);
    e2e_answer_close(&answer);
    expect_journal_holds(e2e);
}

static void the_wrong_token_stands_in_the_journal_as_well_as_none(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start(e2e);
    secure_write(e2e, "wrong", TOKEN "0\n");
    SECURE_CLIENT(e2e, &answer, "status", "--token", e2e_path(e2e, "wrong"));
    expect_refused(&answer);
    e2e_answer_close(&answer);
    await_journal(e2e, "\"why\":\"the token is nobody's here\"");
    SECURE_CLIENT(e2e, &answer, "status");
    expect_refused(&answer);
    e2e_answer_close(&answer);
    await_journal(e2e, "this address wants a client's certificate");
}

static void who_is_authorised_changes_with_the_file_and_a_broken_one_changes_nothing(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start(e2e);
    secure_authorise(e2e, "viewer cert:alice\n");
    SECURE_CLIENT(e2e, &answer, "rollback", AS("alice"));
    assert_int_equal(answer.status, 4);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    secure_authorise(e2e, "everything everybody\n");
    SECURE_CLIENT(e2e, &answer, "status", AS("alice"));
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_await_log(e2e, "what it said before stays in force");
    secure_authorise(e2e, "deployer cert:alice\n");
    SECURE_CLIENT(e2e, &answer, "rollback", AS("alice"));
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

/* ---- other users of this machine ------------------------------------------------------------- */

#define AS_USER(uid) "setpriv", "--reuid", uid, "--regid", uid, "--clear-groups"

static void ask_as(const struct e2e *e2e, struct e2e_answer *answer, const char *uid,
                   const char *command, const char *path)
{
    struct e2e_process client = { 0 };
    int status;
    const char *const arguments[] = {
        AS_USER(uid), e2e_path(e2e, "hotdrop"), command, "--json", "--to", secure_local, path, NULL,
    };
    e2e_process_start(&client, arguments, NULL, e2e->errors);
    answer->output = e2e_process_finish(&client, 90, &status);
    answer->status = WEXITSTATUS(status);
    answer->json = json_loads(answer->output, 0, NULL);
}

static void open_up(const struct e2e *e2e)
{
    char line[512];
    snprintf(line, sizeof line, "cp '%s' hotdrop && chmod 755 . hotdrop && chmod -R a+rX after",
             HD_E2E_CLIENT);
    run_in(e2e->directory, line);
}

static void expect_status(const struct e2e_answer *answer, int status)
{
    if (answer->status != status)
        fail_msg("status %d, not %d: %s", answer->status, status, answer->output);
}

static void another_user_may_what_its_line_says(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    if (geteuid() != 0)
        skip();
    start(e2e);
    open_up(e2e);
    secure_authorise(e2e, "viewer uid:12345\ndeployer uid:12346\n");
    ask_as(e2e, &answer, "12345", "status", NULL);
    expect_status(&answer, 0);
    e2e_answer_close(&answer);
    ask_as(e2e, &answer, "12345", "push", e2e_path(e2e, "after"));
    expect_status(&answer, 4);
    assert_string_equal(secure_reason(&answer), "not-authorised");
    e2e_answer_close(&answer);
    ask_as(e2e, &answer, "12346", "push", e2e_path(e2e, "after"));
    expect_status(&answer, 0);
    e2e_answer_close(&answer);
    ask_as(e2e, &answer, "12347", "status", NULL);
    expect_status(&answer, 4);
    e2e_answer_close(&answer);
    e2e_await_log(e2e, "uid:12347 has no role here");
}

static void dropping_a_file_needs_the_role_of_a_push(void **state)
{
    struct e2e *e2e = *state;
    if (geteuid() != 0)
        skip();
    start(e2e);
    secure_authorise(e2e, "viewer uid:12345\ndeployer uid:12346\n");
    run_in(e2e->directory, "chown 12345 after/demo/Greeter.class");
    run_in(e2e->directory, "cp -p after/demo/Greeter.class x && mv x drop/Greeter.class");
    json_t *report = e2e_await_report(e2e, ".refused", 2);
    const json_t *error = json_object_get(report, "error");
    assert_string_equal(json_string_value(json_object_get(error, "reason")), "not-authorised");
    assert_non_null(strstr(json_string_value(json_object_get(error, "message")), "needs deployer"));
    json_decref(report);
    run_in(e2e->directory, "chown 12346 after/demo/Greeter.class");
    run_in(e2e->directory, "cp -p after/demo/Greeter.class x && mv x drop/Greeter.class");
    report = e2e_await_report(e2e, ".done", 3);
    json_decref(report);
    /* Root is not named, so root is nobody. */
    run_in(e2e->directory, "cp after/demo/Greeter.class x && mv x drop/Greeter.class");
    report = e2e_await_report(e2e, ".refused", 4);
    json_decref(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(a_role_may_what_the_table_says_whichever_way_it_comes),
        E2E_CASE(a_refusal_names_what_is_needed_and_is_logged),
        E2E_CASE(a_refusal_stands_in_the_journal),
        E2E_CASE(the_wrong_token_stands_in_the_journal_as_well_as_none),
        E2E_CASE(who_is_authorised_changes_with_the_file_and_a_broken_one_changes_nothing),
        E2E_CASE(another_user_may_what_its_line_says),
        E2E_CASE(dropping_a_file_needs_the_role_of_a_push),
    };
    secure_make();
    int failed = E2E_RUN(tests);
    secure_remove();
    return failed;
}
