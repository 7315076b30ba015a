/* SPDX-License-Identifier: Apache-2.0 */
#include "core/authorized.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/every_allocation.h"

static struct hd_authorized parsed(const char *text)
{
    struct hd_authorized authorized;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_authorized_parse(text, strlen(text), &authorized, &err) != 0)
        fail_msg("%s", err.text);
    return authorized;
}

static void each_kind_of_line_is_taken(void **state)
{
    (void)state;
    struct hd_authorized authorized =
        parsed("# who may\n\n  viewer  uid:0 \noperator\tcert:Alice Example  # the boss\r\n"
               "deployer token:/etc/a#b\ndeployer signer:ci@example.org\nviewer uid:4294967294");
    assert_int_equal(authorized.count, 5);
    assert_int_equal(hd_authorized_uid(&authorized, 0), HD_ROLE_VIEWER);
    assert_int_equal(hd_authorized_uid(&authorized, 4294967294u), HD_ROLE_VIEWER);
    assert_int_equal(hd_authorized_uid(&authorized, 1), HD_ROLE_NONE);
    assert_int_equal(hd_authorized_named(&authorized, HD_WHO_CERT, "Alice Example"),
                     HD_ROLE_OPERATOR);
    assert_int_equal(hd_authorized_named(&authorized, HD_WHO_TOKEN, "/etc/a#b"), HD_ROLE_DEPLOYER);
    assert_int_equal(hd_authorized_named(&authorized, HD_WHO_SIGNER, "ci@example.org"),
                     HD_ROLE_DEPLOYER);
    hd_authorized_close(&authorized);
}

static void names_count_whole_and_for_their_own_kind(void **state)
{
    (void)state;
    struct hd_authorized authorized = parsed("operator cert:alice\n");
    assert_int_equal(hd_authorized_named(&authorized, HD_WHO_CERT, "Alice"), HD_ROLE_NONE);
    assert_int_equal(hd_authorized_named(&authorized, HD_WHO_CERT, "alice2"), HD_ROLE_NONE);
    assert_int_equal(hd_authorized_named(&authorized, HD_WHO_CERT, ""), HD_ROLE_NONE);
    assert_int_equal(hd_authorized_named(&authorized, HD_WHO_TOKEN, "alice"), HD_ROLE_NONE);
    assert_int_equal(hd_authorized_named(&authorized, HD_WHO_SIGNER, "alice"), HD_ROLE_NONE);
    hd_authorized_close(&authorized);
}

static void the_highest_of_several_roles_counts(void **state)
{
    (void)state;
    struct hd_authorized authorized =
        parsed("viewer cert:a\noperator cert:a\ndeployer cert:a\ndeployer uid:7\nviewer uid:7\n");
    assert_int_equal(hd_authorized_named(&authorized, HD_WHO_CERT, "a"), HD_ROLE_OPERATOR);
    assert_int_equal(hd_authorized_uid(&authorized, 7), HD_ROLE_DEPLOYER);
    hd_authorized_close(&authorized);
}

static void an_empty_file_authorises_nobody(void **state)
{
    (void)state;
    struct hd_authorized authorized = parsed("# nobody\n");
    assert_int_equal(authorized.count, 0);
    assert_int_equal(hd_authorized_uid(&authorized, 0), HD_ROLE_NONE);
    hd_authorized_close(&authorized);
}

static void one_bad_line_refuses_the_file_and_is_named(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "viewer",
        "viewer ",
        "admin uid:0",
        "none uid:0",
        "Viewer uid:0",
        "viewer alice",
        "viewer uid:",
        "viewer uid:alice",
        "viewer uid:-1",
        "viewer uid:1 2",
        "viewer cert:",
        "viewer token:",
        "viewer signer:",
        "uid:0 viewer",
        "viewer uid:4294967295",
        "viewer gid:0",
        "viewer uid:99999999999999999999",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[128];
        struct hd_authorized authorized;
        struct hd_error err = HD_ERROR_INIT;
        snprintf(text, sizeof text, "viewer uid:1\n%s\n", bad[i]);
        assert_int_equal(hd_authorized_parse(text, strlen(text), &authorized, &err), -1);
        assert_int_equal(err.code, HD_E_FORMAT);
        assert_non_null(strstr(err.text, "line 2"));
    }
}

static void a_nul_byte_hides_nothing(void **state)
{
    (void)state;
    static const char text[] = "viewer cert:a\0b\n";
    struct hd_authorized authorized;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_authorized_parse(text, sizeof text - 1, &authorized, &err), -1);
    assert_int_equal(err.code, HD_E_FORMAT);
}

static int parse_some(void *context, struct hd_error *err)
{
    static const char text[] = "viewer uid:1\noperator cert:alice\ndeployer token:/t\n";
    struct hd_authorized authorized;
    (void)context;
    if (hd_authorized_parse(text, sizeof text - 1, &authorized, err) != 0)
        return -1;
    hd_authorized_close(&authorized);
    return 0;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    fail_every_allocation(parse_some, NULL);
}

/* ---- what each message needs ----------------------------------------------------------------- */

static void the_table_of_needs_is_this(void **state)
{
    (void)state;
    static const struct {
        enum hd_request_type type;
        bool keep;
        enum hd_role role;
        const char *word;
    } expected[] = {
        { HD_REQUEST_CHECK, false, HD_ROLE_VIEWER, "check" },
        { HD_REQUEST_STATUS, false, HD_ROLE_VIEWER, "status" },
        { HD_REQUEST_HISTORY, false, HD_ROLE_VIEWER, "history" },
        { HD_REQUEST_SHOW, false, HD_ROLE_VIEWER, "show" },
        { HD_REQUEST_PUSH, false, HD_ROLE_DEPLOYER, "push" },
        { HD_REQUEST_PUSH, true, HD_ROLE_OPERATOR, "push --keep" },
        { HD_REQUEST_ROLLBACK, false, HD_ROLE_DEPLOYER, "rollback" },
        { HD_REQUEST_CONFIRM, false, HD_ROLE_DEPLOYER, "confirm" },
        { HD_REQUEST_KEEP, false, HD_ROLE_OPERATOR, "keep" },
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const struct hd_request request = { .type = expected[i].type, .keep = expected[i].keep };
        assert_int_equal(hd_role_needed(&request), expected[i].role);
        assert_string_equal(hd_role_request_word(&request), expected[i].word);
    }
}

static void what_is_not_in_the_table_is_for_operators(void **state)
{
    (void)state;
    const struct hd_request request = { .type = (enum hd_request_type)1000 };
    assert_int_equal(hd_role_needed(&request), HD_ROLE_OPERATOR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_line_is_taken),
        cmocka_unit_test(names_count_whole_and_for_their_own_kind),
        cmocka_unit_test(the_highest_of_several_roles_counts),
        cmocka_unit_test(an_empty_file_authorises_nobody),
        cmocka_unit_test(one_bad_line_refuses_the_file_and_is_named),
        cmocka_unit_test(a_nul_byte_hides_nothing),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(the_table_of_needs_is_this),
        cmocka_unit_test(what_is_not_in_the_table_is_for_operators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
