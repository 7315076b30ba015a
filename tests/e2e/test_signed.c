/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allowed-signers=: only bundles that the right people signed get in, by whichever way they come,
 * and none of them twice. Keys and signatures are the real ssh-keygen's.
 */
#include "tests/e2e/signed.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect_refusal(const struct e2e *e2e, const char *jar, const char *reason)
{
    struct e2e_answer answer;
    e2e_deploy(e2e, &answer, "push", jar);
    if (answer.status != 1 || strcmp(shop_reason(&answer), reason) != 0)
        fail_msg("%s instead of %s: %s", shop_reason(&answer), reason, answer.output);
    assert_false(json_is_true(json_object_get(answer.json, "applied")));
    e2e_answer_close(&answer);
}

/* What people read, without --json. argument may be NULL. */
static void expect_words(const struct e2e *e2e, const char *command, const char *argument,
                         const char *words)
{
    struct e2e_answer answer;
    char pid[32];
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, command, "--pid", pid, argument, NULL);
    if (answer.status != 0 || strstr(answer.output, words) == NULL)
        fail_msg("hotdrop %s does not say \"%s\": %s", command, words, answer.output);
    e2e_answer_close(&answer);
}

static void a_signed_bundle_is_live_and_history_says_who_signed_it(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    signed_start(e2e, "");
    signed_make_bundle(e2e, "one", "ann", "--name fix --release 1.2 --target shop --base classes");
    signed_expect_live(e2e, "one.jar", "one");
    shop_command(e2e, &answer, "show", "1");
    const json_t *sealed = json_object_get(answer.json, "sealed");
    assert_string_equal(json_string_value(json_object_get(sealed, "name")), "fix");
    assert_string_equal(json_string_value(json_object_get(sealed, "version")), "1.2");
    assert_string_equal(json_string_value(json_array_get(json_object_get(sealed, "signers"), 0)),
                        "ann");
    e2e_answer_close(&answer);
    expect_words(e2e, "show", "1", "Signed by ann\nName      fix\nVersion   1.2\n");
    shop_do(e2e, "rollback", NULL);
    e2e_expect(e2e, "call demo.Shop run", "start");
}

static void nothing_unsigned_gets_in_by_push(void **state)
{
    struct e2e *e2e = *state;
    signed_start(e2e, "");
    signed_make_bundle(e2e, "plain", NULL, "");
    expect_refusal(e2e, "plain.jar", "signature-required");
    expect_refusal(e2e, "after", "signature-required");
    signed_make_bundle(e2e, "strange", "eve", "");
    expect_refusal(e2e, "strange.jar", "signature-invalid");
    signed_make_bundle(e2e, "swapped", "ann", "");
    shop_compile(e2e, "evil", "evil");
    signed_run(e2e, "%s/bin/jar uf swapped.jar -C evil demo/Shop.class", e2e->jdk->home);
    expect_refusal(e2e, "swapped.jar", "signature-invalid");
    e2e_expect(e2e, "call demo.Shop run", "start");
}

static void nothing_unsigned_gets_in_by_the_drop_directory(void **state)
{
    struct e2e *e2e = *state;
    signed_start(e2e, "");
    signed_make_bundle(e2e, "plain", NULL, "");
    e2e_drop(e2e, "plain.jar", "plain.jar");
    json_t *report = e2e_await_report(e2e, ".refused", 1);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(report, "error"), "reason")),
        "signature-required");
    json_decref(report);
    e2e_drop(e2e, "after/demo/Shop.class", "Shop.class");
    json_decref(e2e_await_report(e2e, ".refused", 2));
    e2e_expect(e2e, "call demo.Shop run", "start");
    signed_make_bundle(e2e, "signed", "ben", "");
    e2e_drop(e2e, "signed.jar", "signed.jar");
    json_decref(e2e_await_report(e2e, ".done", 3));
    e2e_expect(e2e, "call demo.Shop run", "signed");
}

static void nothing_unsigned_gets_in_by_a_watched_tree(void **state)
{
    struct e2e *e2e = *state;
    char options[256];
    shop_compile(e2e, "start", "tree");
    snprintf(options, sizeof options, ",watch=%s", e2e_path(e2e, "tree"));
    signed_start(e2e, options);
    shop_compile(e2e, "compiled", "tree");
    e2e_await_log(e2e, "the bundle has no META-INF/hotdrop.json");
    e2e_expect(e2e, "call demo.Shop run", "start");
}

static void no_bundle_comes_twice_nor_after_a_later_one(void **state)
{
    struct e2e *e2e = *state;
    signed_start(e2e, "");
    signed_make_bundle(e2e, "one", "ann", "--name fix --sequence 1");
    signed_make_bundle(e2e, "two", "ann", "--name fix --sequence 2");
    signed_make_bundle(e2e, "other", "ann", "--name other --sequence 1");
    signed_expect_live(e2e, "two.jar", "two");
    expect_refusal(e2e, "two.jar", "replayed");
    expect_refusal(e2e, "one.jar", "replayed");
    signed_expect_live(e2e, "other.jar", "other");
    shop_do(e2e, "rollback", "0");
    expect_refusal(e2e, "two.jar", "replayed");
}

static void what_was_live_is_remembered_when_the_jvm_is_killed(void **state)
{
    struct e2e *e2e = *state;
    signed_start(e2e, "");
    signed_make_bundle(e2e, "one", "ann", "--sequence 1");
    signed_make_bundle(e2e, "two", "ann", "--sequence 2");
    signed_expect_live(e2e, "two.jar", "two");
    int status;
    kill(e2e->jvm.pid, SIGKILL);
    free(e2e_process_finish(&e2e->jvm, 90, &status));
    signed_open_shop(e2e, "");
    expect_refusal(e2e, "one.jar", "replayed");
    expect_refusal(e2e, "two.jar", "replayed");
}

static void what_was_refused_may_come_again(void **state)
{
    struct e2e *e2e = *state;
    signed_start(e2e, ",deny=demo.Shop");
    signed_make_bundle(e2e, "one", "ann", "--sequence 1");
    struct e2e_answer answer;
    e2e_deploy(e2e, &answer, "push", "one.jar");
    e2e_expect_row(answer.json, "demo.Shop", "refused", "denied");
    e2e_answer_close(&answer);
    shop_close(e2e);
    signed_open_shop(e2e, "");
    signed_expect_live(e2e, "one.jar", "one");
}

static void a_deleted_store_fails_closed(void **state)
{
    struct e2e *e2e = *state;
    signed_start(e2e, "");
    signed_make_bundle(e2e, "one", "ann", "");
    shop_close(e2e);
    signed_run(e2e, "rm -r store");
    signed_open_shop(e2e, "");
    expect_refusal(e2e, "one.jar", "store-unavailable");
    shop_close(e2e);
    signed_run(e2e, "%s journal init store", HD_E2E_CLIENT);
    signed_open_shop(e2e, "");
    signed_expect_live(e2e, "one.jar", "one");
}

static void a_bundle_is_for_its_target_its_time_and_its_base(void **state)
{
    struct e2e *e2e = *state;
    signed_start(e2e, "");
    signed_make_bundle(e2e, "bank", "ann", "--target bank");
    expect_refusal(e2e, "bank.jar", "wrong-target");
    signed_make_bundle(e2e, "early", "ann", "--not-before 2100-01-01T00:00:00Z");
    expect_refusal(e2e, "early.jar", "expired");
    signed_make_bundle(e2e, "late", "ann", "--expires 2020-01-01T00:00:00Z");
    expect_refusal(e2e, "late.jar", "expired");
    shop_compile(e2e, "something else", "elsewhere");
    signed_make_bundle(e2e, "based", "ann", "--base elsewhere");
    struct e2e_answer answer;
    e2e_deploy(e2e, &answer, "push", "based.jar");
    assert_int_equal(answer.status, 1);
    e2e_expect_row(answer.json, "demo.Shop", "refused", "wrong-base");
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "start");
}

static void two_approvals_are_two_people(void **state)
{
    struct e2e *e2e = *state;
    signed_start(e2e, ",approvals=2");
    signed_make_bundle(e2e, "one", "ann", "");
    expect_refusal(e2e, "one.jar", "approvals-missing");
    signed_run(e2e, "%s sign -k ann one.jar", HD_E2E_CLIENT);
    expect_refusal(e2e, "one.jar", "approvals-missing");
    signed_run(e2e, "%s sign -k ben one.jar", HD_E2E_CLIENT);
    signed_expect_live(e2e, "one.jar", "one");
}

static void push_in_an_emergency(const struct e2e *e2e, struct e2e_answer *answer, const char *jar)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, answer, "push", "--json", "--pid", pid, "--emergency", "shop is down",
               e2e_path(e2e, "%s", jar), NULL);
}

static void in_an_emergency_one_signature_is_enough_and_it_is_marked_for_ever(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    signed_start(e2e, ",approvals=2,emergency=ben");
    signed_make_bundle(e2e, "one", "ann", "");
    push_in_an_emergency(e2e, &answer, "one.jar");
    assert_string_equal(shop_reason(&answer), "approvals-missing");
    e2e_answer_close(&answer);
    signed_make_bundle(e2e, "two", "ben", "");
    expect_refusal(e2e, "two.jar", "approvals-missing");
    push_in_an_emergency(e2e, &answer, "two.jar");
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", "two");
    shop_close(e2e);
    signed_open_shop(e2e, ",approvals=2,emergency=ben");
    shop_command(e2e, &answer, "show", "3");
    assert_string_equal(json_string_value(json_object_get(answer.json, "emergency")),
                        "shop is down");
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(answer.json, "forced"), 0)), "emergency");
    e2e_answer_close(&answer);
    expect_words(e2e, "show", "3", "Forced    emergency\nEmergency shop is down\n");
    expect_words(e2e, "history", NULL, "forced; emergency: shop is down");
    e2e_client(e2e, &answer, "journal", e2e_path(e2e, "store"), NULL);
    assert_non_null(strstr(answer.output, "; emergency: shop is down\n"));
    e2e_answer_close(&answer);
}

static void restart(struct e2e *e2e, const char *word)
{
    char options[512];
    shop_close(e2e);
    snprintf(options, sizeof options, "app=shop,allowed-signers=%s", e2e_path(e2e, "allowed"));
    shop_open_with(e2e, NULL, options, NULL);
    e2e_expect(e2e, "call demo.Shop run", word);
}

/* status names what is kept and not live. */
static void expect_set_aside(struct e2e *e2e, size_t count, const char *why)
{
    struct e2e_answer answer;
    shop_command(e2e, &answer, "status", NULL);
    const json_t *kept = json_object_get(answer.json, "kept");
    const json_t *aside = json_object_get(kept, "set_aside");
    assert_int_equal(json_array_size(aside), count);
    assert_int_equal(json_integer_value(json_object_get(kept, "classes")), count == 0 ? 1 : 0);
    if (count > 0) {
        const json_t *first = json_array_get(aside, 0);
        assert_string_equal(json_string_value(json_object_get(first, "class")), "demo.Shop");
        assert_string_equal(json_string_value(json_object_get(first, "loader")), "app");
        assert_non_null(strstr(json_string_value(json_object_get(first, "why")), why));
    }
    e2e_answer_close(&answer);
}

static void what_is_kept_is_live_after_a_restart_only_while_its_signature_holds(void **state)
{
    struct e2e *e2e = *state;
    signed_start(e2e, "");
    signed_make_bundle(e2e, "one", "ann", "--expires 1min");
    signed_expect_live(e2e, "one.jar", "one");
    shop_do(e2e, "keep", NULL);
    restart(e2e, "one");
    shop_do(e2e, "keep", NULL);
    restart(e2e, "one");
    signed_run(e2e, "cp allowed both && sed -i /^ann/d allowed");
    restart(e2e, "start");
    e2e_await_log(e2e, "is set aside: it is not signed as this agent asks for");
    expect_set_aside(e2e, 1, "it is not signed as this agent asks for");
    signed_run(e2e, "cp both allowed");
    restart(e2e, "one");
    expect_set_aside(e2e, 0, NULL);
}

static void what_was_kept_unsigned_is_not_live_once_signatures_are_asked_for(void **state)
{
    struct e2e *e2e = *state;
    signed_make_keys(e2e);
    signed_run(e2e, "%s journal init store", HD_E2E_CLIENT);
    shop_open_with(e2e, NULL, "", NULL);
    e2e_expect(e2e, "call demo.Shop run", "start");
    signed_make_bundle(e2e, "one", NULL, "");
    signed_expect_live(e2e, "one.jar", "one");
    shop_do(e2e, "keep", NULL);
    restart(e2e, "start");
    e2e_await_log(e2e, "it came in no signed bundle");
    expect_set_aside(e2e, 1, "it came in no signed bundle");
}

static void the_file_of_signers_is_read_again_when_it_changes(void **state)
{
    struct e2e *e2e = *state;
    signed_start(e2e, "");
    signed_make_bundle(e2e, "one", "eve", "");
    expect_refusal(e2e, "one.jar", "signature-invalid");
    signed_run(e2e, "{ printf 'eve '; cat eve.pub; } >new && mv new allowed");
    signed_expect_live(e2e, "one.jar", "one");
    signed_make_bundle(e2e, "two", "eve", "");
    signed_run(e2e, "echo nonsense >>allowed");
    expect_refusal(e2e, "two.jar", "signature-required");
    signed_run(e2e, "rm allowed");
    expect_refusal(e2e, "two.jar", "signature-required");
}

static void verify_tells_what_an_agent_would_say(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    signed_make_keys(e2e);
    signed_make_bundle(e2e, "one", "ann", "--name fix");
    e2e_client(e2e, &answer, "verify", "--json", "--allowed-signers", e2e_path(e2e, "allowed"),
               e2e_path(e2e, "one.jar"), NULL);
    assert_int_equal(answer.status, 0);
    assert_true(json_is_true(json_object_get(answer.json, "valid")));
    const json_t *row = json_array_get(json_object_get(answer.json, "signatures"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "principal")), "ann");
    e2e_answer_close(&answer);
    signed_make_bundle(e2e, "two", "eve", "");
    e2e_client(e2e, &answer, "verify", "--allowed-signers", e2e_path(e2e, "allowed"),
               e2e_path(e2e, "two.jar"), NULL);
    assert_int_equal(answer.status, 1);
    e2e_answer_close(&answer);
    e2e_client(e2e, &answer, "verify", e2e_path(e2e, "two.jar"), NULL);
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
}

/* On standard error, when ben signs it. */
static void expect_said(const struct e2e *e2e, const char *jar, const char *words)
{
    signed_run(e2e, "%s sign -k ben %s 2>said && cat said && grep -F '%s' said", HD_E2E_CLIENT, jar,
               words);
}

static void whoever_signs_second_is_told_what_is_signed(void **state)
{
    struct e2e *e2e = *state;
    signed_make_keys(e2e);
    signed_make_bundle(e2e, "one", "ann",
                       "--name fix --release '1.2 \033[31m' --target shop --sequence 7 "
                       "--not-before 2020-01-01T00:00:00Z --expires 2099-12-31T00:00:00Z");
    expect_said(e2e, "one.jar",
                "one.jar was sealed before; what you sign: 1 class, sequence 7, name fix, version "
                "1.2 \\x1B[31m, for shop, not before 2020-01-01T00:00:00");
    expect_said(e2e, "one.jar", ", until 2099-12-31T00:00:00");
    signed_make_bundle(e2e, "two", "ann", "");
    expect_said(e2e, "two.jar", ", for any application, without an end.");
    signed_make_bundle(e2e, "three", NULL, "");
    signed_run(e2e, "%s sign -k ben three.jar 2>said && ! grep sealed said", HD_E2E_CLIENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(a_signed_bundle_is_live_and_history_says_who_signed_it),
        E2E_CASE(nothing_unsigned_gets_in_by_push),
        E2E_CASE(nothing_unsigned_gets_in_by_the_drop_directory),
        E2E_CASE(nothing_unsigned_gets_in_by_a_watched_tree),
        E2E_CASE(no_bundle_comes_twice_nor_after_a_later_one),
        E2E_CASE(what_was_live_is_remembered_when_the_jvm_is_killed),
        E2E_CASE(what_was_refused_may_come_again),
        E2E_CASE(a_deleted_store_fails_closed),
        E2E_CASE(a_bundle_is_for_its_target_its_time_and_its_base),
        E2E_CASE(two_approvals_are_two_people),
        E2E_CASE(in_an_emergency_one_signature_is_enough_and_it_is_marked_for_ever),
        E2E_CASE(what_is_kept_is_live_after_a_restart_only_while_its_signature_holds),
        E2E_CASE(what_was_kept_unsigned_is_not_live_once_signatures_are_asked_for),
        E2E_CASE(the_file_of_signers_is_read_again_when_it_changes),
        E2E_CASE(whoever_signs_second_is_told_what_is_signed),
        E2E_CASE(verify_tells_what_an_agent_would_say),
    };
    return E2E_RUN(tests);
}
