/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What scripts rely on, spelled out once more on purpose: a change here is a breaking change. */
static const char *const stable_reasons[] = {
    "method-added",
    "method-removed",
    "method-modifiers-changed",
    "field-added",
    "field-removed",
    "field-changed",
    "superclass-changed",
    "interfaces-changed",
    "class-modifiers-changed",
    "nest-changed",
    "record-changed",
    "permitted-changed",
    "enum-constant-added",
    "malformed-class",
    "verify-error",
    "version-unsupported",
    "name-mismatch",
    "not-modifiable",
    "denied",
    "ambiguous-loader",
    "foreign-edit",
    "wrong-base",
    "no-way-back",
    "not-authorised",
    "rate-limited",
    "too-large",
    "missing-member",
    "malformed-bundle",
    "signature-required",
    "signature-invalid",
    "approvals-missing",
    "replayed",
    "expired",
    "wrong-target",
    "jvm-error",
    "store-unavailable",
    "interrupted",
    "cannot-keep",
    "trial-open",
    "no-trial",
    "smoke-failed",
};

static const char *const stable_outcomes[] = {
    "redefined", "defined", "pending", "unchanged", "refused", "withheld", "rolled-back",
};

static const char *const stable_warnings[] = {
    "constant-changed", "initializer-changed", "annotations-changed", "synthetic-renumbered",
    "old-frames",       "no-way-back",         "not-verified",        "not-journalled",
};

static void the_words_are_the_ones_scripts_rely_on(void **state)
{
    (void)state;
    assert_int_equal(sizeof stable_reasons / sizeof stable_reasons[0], HD_REASON_COUNT - 1);
    for (unsigned i = 1; i < HD_REASON_COUNT; i++)
        assert_string_equal(hd_reason_word((enum hd_reason)i), stable_reasons[i - 1]);
    for (unsigned i = 0; i < HD_OUTCOME_COUNT; i++)
        assert_string_equal(hd_outcome_word((enum hd_outcome)i), stable_outcomes[i]);
    for (unsigned bit = 0; bit < HD_WARNING_BIT_COUNT; bit++)
        assert_string_equal(hd_warning_word((enum hd_warning)(1u << bit)), stable_warnings[bit]);
}

static void assert_is_a_sentence(const char *text)
{
    assert_non_null(text);
    assert_true(text[0] >= 'A' && text[0] <= 'Z');
    assert_int_equal(text[strlen(text) - 1], '.');
}

static void every_reason_explains_itself_and_says_what_to_do(void **state)
{
    (void)state;
    for (unsigned i = 1; i < HD_REASON_COUNT; i++) {
        assert_is_a_sentence(hd_reason_sentence((enum hd_reason)i));
        assert_is_a_sentence(hd_reason_remedy((enum hd_reason)i));
    }
    for (unsigned bit = 0; bit < HD_WARNING_BIT_COUNT; bit++)
        assert_is_a_sentence(hd_warning_sentence((enum hd_warning)(1u << bit)));
}

static void every_word_leads_back_to_its_value(void **state)
{
    (void)state;
    for (unsigned i = 1; i < HD_REASON_COUNT; i++) {
        enum hd_reason reason = HD_REASON_NONE;
        assert_true(hd_reason_from_word(hd_reason_word((enum hd_reason)i), &reason));
        assert_int_equal(reason, i);
    }
    for (unsigned i = 0; i < HD_OUTCOME_COUNT; i++) {
        enum hd_outcome outcome = HD_OUTCOME_COUNT;
        assert_true(hd_outcome_from_word(hd_outcome_word((enum hd_outcome)i), &outcome));
        assert_int_equal(outcome, i);
    }
}

static void an_unknown_word_changes_nothing(void **state)
{
    (void)state;
    enum hd_reason reason = HD_REASON_DENIED;
    enum hd_outcome outcome = HD_OUTCOME_PENDING;
    assert_false(hd_reason_from_word("of-a-newer-peer", &reason));
    assert_false(hd_reason_from_word("", &reason));
    assert_false(hd_reason_from_word(NULL, &reason));
    assert_false(hd_outcome_from_word("Redefined", &outcome));
    assert_false(hd_outcome_from_word(NULL, &outcome));
    assert_int_equal(reason, HD_REASON_DENIED);
    assert_int_equal(outcome, HD_OUTCOME_PENDING);
}

static void values_outside_the_enumerations_have_no_words(void **state)
{
    (void)state;
    assert_null(hd_reason_word(HD_REASON_NONE));
    assert_null(hd_reason_remedy(HD_REASON_NONE));
    assert_null(hd_reason_word(HD_REASON_COUNT));
    assert_null(hd_reason_sentence((enum hd_reason)12345));
    assert_null(hd_outcome_word(HD_OUTCOME_COUNT));
    assert_null(hd_warning_word((enum hd_warning)0));
    assert_null(hd_warning_word((enum hd_warning)3));
    assert_null(hd_warning_sentence((enum hd_warning)(1u << HD_WARNING_BIT_COUNT)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_words_are_the_ones_scripts_rely_on),
        cmocka_unit_test(every_reason_explains_itself_and_says_what_to_do),
        cmocka_unit_test(every_word_leads_back_to_its_value),
        cmocka_unit_test(an_unknown_word_changes_nothing),
        cmocka_unit_test(values_outside_the_enumerations_have_no_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
