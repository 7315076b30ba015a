/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/peer.h"

#include "tests/unit/sandbox.h"

static void write_passwd(const char *path, size_t long_line)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file, "root:x:0:0::/root:/bin/sh\n");
    fprintf(file, "long:x:7:7:%0*d:/:/bin/sh\n", (int)long_line, 0);
    fprintf(file, "alice:x:1000:1000::/home/alice:/bin/sh\n");
    assert_int_equal(fclose(file), 0);
}

static void a_line_that_is_too_long_hides_no_other(void **state)
{
    (void)state;
    static const size_t lengths[] = { 10, 1000, 1023, 1024, 5000, 100000 };
    struct sandbox sandbox;
    char name[33];
    sandbox_make(&sandbox);
    const char *path = at(&sandbox, "passwd");
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        write_passwd(path, lengths[i]);
        assert_true(hd_peer_find_name(path, 0, name, sizeof name));
        assert_string_equal(name, "root");
        assert_true(hd_peer_find_name(path, 1000, name, sizeof name));
        assert_string_equal(name, "alice");
        assert_false(hd_peer_find_name(path, 1001, name, sizeof name));
    }
    assert_int_equal(unlink(path), 0);
    assert_false(hd_peer_find_name(path, 0, name, sizeof name));
    sandbox_delete(sandbox.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_that_is_too_long_hides_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
