/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/gate.h"

#include "core/alloc.h"
#include "tests/unit/sandbox.h"

static void write_signers(const char *path, mode_t mode)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("# nobody yet\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void expect_refused(struct hd_gate *gate, const char *path, const char *words)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_gate_know_signers(gate, path, &err), -1);
    assert_non_null(strstr(err.text, words));
    assert_non_null(strstr(err.text, path));
    assert_null(gate->signers);
}

static void signers_count_only_where_nobody_else_can_write_them(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_gate gate = { .signers = NULL };
    struct hd_error err = HD_ERROR_INIT;
    sandbox_make(&sandbox);
    const char *path = at(&sandbox, "allowed");
    write_signers(path, 0644);
    assert_int_equal(hd_gate_know_signers(&gate, path, &err), 0);
    assert_int_equal(chmod(path, 0664), 0);
    expect_refused(&gate, path, "others than its owner can write it");
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(hd_gate_know_signers(&gate, path, &err), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 1234, 1234), 0);
        expect_refused(&gate, path, "belongs to another user");
    }
    assert_int_equal(unlink(path), 0);
    expect_refused(&gate, path, "cannot be opened");
    hd_gate_close(&gate);
    sandbox_delete(sandbox.path);
}

static struct hd_digest number_as_digest(size_t number)
{
    struct hd_digest digest = { { 0 } };
    memcpy(digest.bytes, &number, sizeof number);
    return digest;
}

static void of_very_many_class_files_the_older_ones_are_forgotten(void **state)
{
    (void)state;
    static const char bundle[HD_DIGEST_HEX_SIZE] = "b";
    long before = hd_alloc_outstanding();
    struct hd_gate gate = { .signers = NULL };
    struct hd_error err = HD_ERROR_INIT;
    struct hd_digest first, last;
    assert_int_equal(hd_digest_of("first", 5, &first, &err), 0);
    assert_int_equal(hd_digest_of("last", 4, &last, &err), 0);
    hd_gate_note_origin(&gate, &first, bundle);
    for (size_t i = 1; i < HD_GATE_MAX_ORIGINS; i++) {
        struct hd_digest digest = number_as_digest(i);
        hd_gate_note_origin(&gate, &digest, bundle);
        hd_gate_note_origin(&gate, &digest, bundle);
    }
    assert_int_equal(gate.origin_count, HD_GATE_MAX_ORIGINS);
    assert_string_equal(
        hd_gate_find_bundle(&gate, (struct hd_bytes){ (const uint8_t *)"first", 5 }), bundle);
    hd_gate_note_origin(&gate, &last, bundle);
    assert_true(gate.origin_count <= HD_GATE_MAX_ORIGINS / 2 + 1);
    assert_null(hd_gate_find_bundle(&gate, (struct hd_bytes){ (const uint8_t *)"first", 5 }));
    assert_string_equal(hd_gate_find_bundle(&gate, (struct hd_bytes){ (const uint8_t *)"last", 4 }),
                        bundle);
    hd_gate_close(&gate);
    assert_int_equal(hd_alloc_outstanding(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signers_count_only_where_nobody_else_can_write_them),
        cmocka_unit_test(of_very_many_class_files_the_older_ones_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
