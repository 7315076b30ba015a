/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sequences.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/json.h"
#include "tests/unit/every_allocation.h"

/* Lines of a journal as a store writes them: "begin 1 fix 7", "end 1 fix 7 applied", "interrupted",
 * "initialised"; the name "-" is none. */
static int hear(struct hd_sequences *sequences, const char *line, struct hd_error *err)
{
    char event[16] = "", name[16] = "", applied[16] = "";
    int deployment = 0, sequence = 0;
    sscanf(line, "%15s %d %15s %d %15s", event, &deployment, name, &sequence, applied);
    json_t *entry = json_pack("{s:s, s:i, s:b}", "event", event, "deployment", deployment,
                              "applied", strcmp(applied, "applied") == 0);
    if (sequence != 0)
        json_object_set_new(entry, "sealed",
                            json_pack("{s:s?, s:i}", "name", strcmp(name, "-") == 0 ? NULL : name,
                                      "sequence", sequence));
    int status = hd_sequences_hear(sequences, entry, err);
    json_decref(entry);
    return status;
}

static struct hd_sequences *after(const char *const *lines)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_sequences *sequences = hd_sequences_new();
    for (; *lines != NULL; lines++)
        assert_int_equal(hear(sequences, *lines, &err), 0);
    return sequences;
}

static bool may_come(const struct hd_sequences *sequences, const char *name, uint64_t sequence)
{
    struct hd_error err = HD_ERROR_INIT;
    int status = hd_sequences_check(sequences, name, sequence, &err);
    assert_int_equal(err.code, status == 0 ? HD_OK : HD_E_DENIED);
    return status == 0;
}

static void what_was_live_comes_neither_again_nor_after_something_later(void **state)
{
    (void)state;
    static const char *const lines[] = { "initialised", "begin 1 fix 7",     "end 1 fix 7 applied",
                                         "begin 2 - 9", "end 2 - 9 applied", NULL };
    struct hd_sequences *sequences = after(lines);
    assert_true(hd_sequences_are_initialised(sequences));
    assert_false(may_come(sequences, "fix", 6));
    assert_false(may_come(sequences, "fix", 7));
    assert_true(may_come(sequences, "fix", 8));
    assert_true(may_come(sequences, "other", 1));
    assert_false(may_come(sequences, NULL, 9));
    assert_true(may_come(sequences, NULL, 10));
    hd_sequences_free(sequences);
}

static void what_was_refused_may_come_again(void **state)
{
    (void)state;
    static const char *const lines[] = { "begin 1 fix 7", "end 1 fix 7", "end 2 fix 9", NULL };
    struct hd_sequences *sequences = after(lines);
    assert_false(hd_sequences_are_initialised(sequences));
    assert_true(may_come(sequences, "fix", 7));
    assert_true(may_come(sequences, "fix", 1));
    hd_sequences_free(sequences);
}

static void what_was_interrupted_may_come_again_and_nothing_older(void **state)
{
    (void)state;
    static const char *const told[] = { "begin 1 fix 7", "interrupted 1", NULL };
    static const char *const untold[] = { "begin 1 fix 7", NULL };
    static const char *const then[] = { "begin 1 fix 7", "begin 2 other 1", "end 2 other 1 applied",
                                        NULL };
    static const char *const *const all[] = { told, untold, then };
    for (size_t i = 0; i < 3; i++) {
        struct hd_sequences *sequences = after(all[i]);
        assert_true(may_come(sequences, "fix", 7));
        assert_false(may_come(sequences, "fix", 6));
        hd_sequences_free(sequences);
    }
}

static void an_earlier_one_that_is_repeated_changes_nothing(void **state)
{
    (void)state;
    static const char *const lines[] = { "begin 1 fix 7", "end 1 fix 7 applied", "begin 2 fix 7",
                                         "interrupted 2", NULL };
    struct hd_sequences *sequences = after(lines);
    assert_false(may_come(sequences, "fix", 7));
    hd_sequences_free(sequences);
}

static int attempt(void *context, struct hd_error *err)
{
    (void)context;
    struct hd_sequences *sequences = hd_sequences_new();
    if (sequences == NULL)
        return hd_error_set_memory(err);
    json_t *sealed = json_pack("{s:s, s:i}", "name", "fix", "sequence", 7);
    int status = hd_sequences_begin(sequences, 1, sealed, err);
    if (status == 0)
        status = hd_sequences_end(sequences, 1, sealed, true, err);
    json_decref(sealed);
    hd_sequences_free(sequences);
    return status;
}

static void every_failed_allocation_is_told(void **state)
{
    (void)state;
    fail_every_allocation(attempt, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_live_comes_neither_again_nor_after_something_later),
        cmocka_unit_test(what_was_refused_may_come_again),
        cmocka_unit_test(what_was_interrupted_may_come_again_and_nothing_older),
        cmocka_unit_test(an_earlier_one_that_is_repeated_changes_nothing),
        cmocka_unit_test(every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
