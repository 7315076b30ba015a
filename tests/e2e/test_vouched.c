/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signer stands for whoever brings what it signed: every role, every way in, every signature.
 * Whoever has the role that is needed is asked for a signature all the same.
 */
#include "tests/e2e/secure.h"

#include "tests/certificates.h"

#include <string.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef0123456789abcdef"

enum { NONE, VIEWER, DEPLOYER, OPERATOR, ROLES };
static const char *const role_words[ROLES] = { "none", "viewer", "deployer", "operator" };

enum { LOCALLY, WITH_A_CERTIFICATE, WITH_A_TOKEN, WAYS };
static const char *const way_words[WAYS] = { "locally", "with a certificate", "with a token" };

enum { CHECK, PUSH, KEEP, COMMANDS };
static const struct {
    const char *words[2];
    int least;
} commands[COMMANDS] = {
    { { "check", NULL }, VIEWER },
    { { "push", NULL }, DEPLOYER },
    { { "push", "--keep" }, OPERATOR },
};

/* Who signed it: somebody whose line says deployer, operator, or who has none; an allowed signer's
 * key is not enough to stand for anybody. mallory is no allowed signer. */
enum { UNSIGNED, BY_DAN, BY_OLGA, BY_NED, BY_MALLORY, SIGNATURES };
static const struct {
    const char *key; /* NULL: none */
    bool counts;
    int role;
} signatures[SIGNATURES] = {
    { NULL, false, NONE }, { "dan", true, DEPLOYER },  { "olga", true, OPERATOR },
    { "ned", true, NONE }, { "mallory", false, NONE },
};

static char token[256];
static unsigned sequence;

static void give_everybody(const struct e2e *e2e, int role)
{
    static const char signers[] =
        "deployer signer:dan\noperator signer:olga\noperator signer:mallory\n";
    if (role == NONE)
        secure_authorise(e2e, "%soperator cert:somebody\n", signers);
    else
        secure_authorise(e2e, "%s%s uid:%u\n%s cert:alice\n%s token:%s\n", signers,
                         role_words[role], geteuid(), role_words[role], role_words[role], token);
}

static void start(struct e2e *e2e)
{
    char line[1024], more[768];
    sequence = 0;
    snprintf(token, sizeof token, "%s", e2e_path(e2e, "token"));
    secure_write(e2e, "token", TOKEN "\n");
    snprintf(
        line, sizeof line,
        "for name in dan olga ned mallory; do ssh-keygen -q -t ed25519 -N '' -C $name -f $name; "
        "done && for name in dan olga ned; do printf '%%s ' $name; cat $name.pub; done "
        ">allowed && %s journal init store >/dev/null",
        HD_E2E_CLIENT);
    run_in(e2e->directory, line);
    snprintf(more, sizeof more, "store=%s,allowed-signers=%s,max-rate=10000/min,app=shop",
             e2e_path(e2e, "store"), e2e_path(e2e, "allowed"));
    give_everybody(e2e, OPERATOR);
    secure_start(e2e, secure_file("agent"), more);
    e2e_jar(e2e, "after", "plain.jar");
}

/* A jar of its own each time: no bundle comes twice. */
static const char *bundle(const struct e2e *e2e, int signature, const char *options)
{
    char line[512];
    if (signatures[signature].key == NULL)
        return e2e_path(e2e, "plain.jar");
    snprintf(
        line, sizeof line,
        "cp plain.jar next.jar && %s sign -k %s --name fix --sequence %u %s next.jar >/dev/null",
        HD_E2E_CLIENT, signatures[signature].key, ++sequence, options);
    run_in(e2e->directory, line);
    return e2e_path(e2e, "next.jar");
}

static void ask(const struct e2e *e2e, int way, int command, const char *jar,
                struct e2e_answer *answer)
{
    const char *word = commands[command].words[0];
    const char *option = commands[command].words[1] != NULL ? commands[command].words[1] : "--json";
    if (way == LOCALLY)
        e2e_client(e2e, answer, word, option, jar, "--json", "--to", secure_local, NULL);
    else if (way == WITH_A_CERTIFICATE)
        SECURE_CLIENT(e2e, answer, word, option, jar, AS("alice"));
    else
        SECURE_CLIENT(e2e, answer, word, option, jar, "--token", token);
}

/* What the documentation says: the exit status, and the reason where it is not 0. */
static int expected(int role, int command, int signature, const char **reason)
{
    bool vouched = command != CHECK && role > NONE && signatures[signature].counts &&
                   signatures[signature].role >= commands[command].least;
    *reason = "not-authorised";
    if (role < commands[command].least && !vouched)
        return 4;
    *reason = signatures[signature].key == NULL ? "signature-required" : "signature-invalid";
    return signatures[signature].counts ? 0 : 1;
}

static void expect_cell(const struct e2e *e2e, int role, int way, int command, int signature)
{
    struct e2e_answer answer;
    const char *reason;
    int status = expected(role, command, signature, &reason);
    ask(e2e, way, command, bundle(e2e, signature, ""), &answer);
    if (answer.status != status || (status != 0 && strcmp(secure_reason(&answer), reason) != 0))
        fail_msg("%s, %s %s, %s, signed by %s: status %d instead of %d: %s", role_words[role],
                 commands[command].words[0],
                 commands[command].words[1] != NULL ? commands[command].words[1] : "",
                 way_words[way],
                 signatures[signature].key != NULL ? signatures[signature].key : "nobody",
                 answer.status, status, answer.output);
    e2e_answer_close(&answer);
}

static void every_cell_of_role_way_and_signature(void **state)
{
    struct e2e *e2e = *state;
    start(e2e);
    for (int role = NONE; role < ROLES; role++) {
        give_everybody(e2e, role);
        for (int way = 0; way < WAYS; way++)
            for (int command = 0; command < COMMANDS; command++)
                for (int signature = 0; signature < SIGNATURES; signature++)
                    expect_cell(e2e, role, way, command, signature);
    }
}

static json_t *deployments(const struct e2e *e2e)
{
    struct e2e_answer answer;
    e2e_client(e2e, &answer, "history", "--json", "--to", secure_local, NULL);
    json_t *list = json_incref(json_object_get(answer.json, "deployments"));
    e2e_answer_close(&answer);
    return list;
}

static void history_says_who_stood_for_whom(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start(e2e);
    give_everybody(e2e, VIEWER);
    SECURE_CLIENT(e2e, &answer, "push", bundle(e2e, BY_DAN, ""), AS("alice"));
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    json_t *list = deployments(e2e);
    const json_t *line = json_array_get(list, 0);
    assert_string_equal(json_string_value(json_object_get(line, "who")), "cert:alice");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(line, "sealed"), "on_behalf_of")), "dan");
    json_decref(list);
}

/* Each with its own reason, and none of them is a deployment: a viewer must not fill the history. */
static void what_a_signer_cannot_stand_for_gets_no_number(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start(e2e);
    give_everybody(e2e, VIEWER);
    const char *jar = bundle(e2e, BY_DAN, "");
    SECURE_CLIENT(e2e, &answer, "push", jar, AS("alice"));
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    static const struct {
        int signature;
        const char *options, *reason;
        int status;
    } cases[] = {
        { UNSIGNED, "", "not-authorised", 4 },
        { BY_NED, "", "not-authorised", 4 },
        { BY_MALLORY, "", "not-authorised", 4 },
        { BY_DAN, "--sequence 1", "replayed", 1 },
        { BY_DAN, "--expires 2020-01-01T00:00:00Z", "expired", 1 },
        { BY_DAN, "--target bank", "wrong-target", 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SECURE_CLIENT(e2e, &answer, "push", bundle(e2e, cases[i].signature, cases[i].options),
                      AS("alice"));
        if (answer.status != cases[i].status ||
            strcmp(secure_reason(&answer), cases[i].reason) != 0)
            fail_msg("%s instead of %s: %s", secure_reason(&answer), cases[i].reason,
                     answer.output);
        assert_true(json_is_null(json_object_get(answer.json, "deployment")));
        e2e_answer_close(&answer);
    }
    json_t *list = deployments(e2e);
    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
    e2e_await_log(e2e, "WARN refused cert:alice");
    run_in(e2e->directory, "grep -q '\"event\":\"refused\",\"who\":\"cert:alice\"' store/journal");
}

static void what_forces_needs_a_role_of_ones_own(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start(e2e);
    give_everybody(e2e, VIEWER);
    SECURE_CLIENT(e2e, &answer, "push", "--best-effort", bundle(e2e, BY_OLGA, ""), AS("alice"));
    assert_int_equal(answer.status, 4);
    e2e_answer_close(&answer);
    SECURE_CLIENT(e2e, &answer, "push", "--all-loaders", bundle(e2e, BY_OLGA, ""), AS("alice"));
    assert_int_equal(answer.status, 4);
    e2e_answer_close(&answer);
}

/* Until the file of signers can be read, and with a signer whose line is gone. */
static void without_signers_nobody_stands_for_anybody(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    start(e2e);
    give_everybody(e2e, VIEWER);
    run_in(e2e->directory, "mv allowed away");
    SECURE_CLIENT(e2e, &answer, "push", bundle(e2e, BY_DAN, ""), AS("alice"));
    assert_int_equal(answer.status, 4);
    e2e_answer_close(&answer);
    run_in(e2e->directory, "mv away allowed");
    secure_authorise(e2e, "viewer cert:alice\noperator signer:olga\n");
    SECURE_CLIENT(e2e, &answer, "push", bundle(e2e, BY_DAN, ""), AS("alice"));
    assert_int_equal(answer.status, 4);
    e2e_answer_close(&answer);
    SECURE_CLIENT(e2e, &answer, "push", bundle(e2e, BY_OLGA, ""), AS("alice"));
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
}

/* ---- dropped files --------------------------------------------------------------------------- */

static unsigned dropped;

static void drop_as(const struct e2e *e2e, int role, int signature)
{
    char line[512];
    (void)bundle(e2e, signature, "");
    snprintf(line, sizeof line, "cp %s x && chown 1234%d x && mv x drop/fix-%u.jar",
             signatures[signature].key == NULL ? "plain.jar" : "next.jar", role, dropped);
    run_in(e2e->directory, line);
}

static void expect_dropped(const struct e2e *e2e, int role, int signature)
{
    bool may = role >= DEPLOYER ||
               (signatures[signature].counts && signatures[signature].role >= DEPLOYER);
    bool good = may && signatures[signature].counts;
    drop_as(e2e, role, signature);
    json_t *report = e2e_await_report(e2e, good ? ".done" : ".refused", ++dropped);
    const char *reason =
        json_string_value(json_object_get(json_object_get(report, "error"), "reason"));
    const char *wanted = !may                                ? "not-authorised"
                         : signatures[signature].key == NULL ? "signature-required"
                                                             : "signature-invalid";
    if (!good && strcmp(reason, wanted) != 0)
        fail_msg("%s, signed by %d: %s instead of %s", role_words[role], signature, reason, wanted);
    json_decref(report);
}

static void every_cell_of_owner_and_signature_in_a_drop_directory(void **state)
{
    struct e2e *e2e = *state;
    if (geteuid() != 0)
        skip();
    start(e2e);
    dropped = 0;
    secure_authorise(e2e, "viewer uid:12341\ndeployer uid:12342\noperator uid:12343\n"
                          "deployer signer:dan\noperator signer:olga\noperator signer:mallory\n");
    for (int role = NONE; role < ROLES; role++)
        for (int signature = 0; signature < SIGNATURES; signature++)
            expect_dropped(e2e, role, signature);
}

/* Only a jar can be signed: loose classes need an owner who may. */
static void loose_classes_cannot_be_vouched_for(void **state)
{
    struct e2e *e2e = *state;
    if (geteuid() != 0)
        skip();
    start(e2e);
    secure_authorise(e2e, "operator signer:olga\n");
    (void)bundle(e2e, BY_OLGA, "");
    run_in(e2e->directory,
           "mkdir both && cp next.jar both/ && chown -R 12345 both && mv both drop/");
    json_t *report = e2e_await_report(e2e, ".refused", 1);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(report, "error"), "reason")),
        "not-authorised");
    json_decref(report);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(every_cell_of_role_way_and_signature),
        E2E_CASE(history_says_who_stood_for_whom),
        E2E_CASE(what_a_signer_cannot_stand_for_gets_no_number),
        E2E_CASE(what_forces_needs_a_role_of_ones_own),
        E2E_CASE(without_signers_nobody_stands_for_anybody),
        E2E_CASE(every_cell_of_owner_and_signature_in_a_drop_directory),
        E2E_CASE(loose_classes_cannot_be_vouched_for),
    };
    secure_make();
    int failed = E2E_RUN(tests);
    secure_remove();
    return failed;
}
