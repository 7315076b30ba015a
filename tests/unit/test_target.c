/* SPDX-License-Identifier: Apache-2.0 */
#include "client/target.h"

#include "tests/unit/sandbox.h"

#include <errno.h>

static void write_targets(const struct sandbox *sandbox, const char *text)
{
    assert_true(mkdir(at(sandbox, "hotdrop"), 0700) == 0 || errno == EEXIST);
    FILE *file = fopen(at(sandbox, "hotdrop/targets"), "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    setenv("XDG_CONFIG_HOME", sandbox->path, 1);
}

static int find(const char *to, struct hd_target *out, struct hd_error *err)
{
    const struct hd_invocation invocation = { .command = "push", .to = to };
    return hd_target_find(&invocation, out, err);
}

static void a_name_is_looked_up_in_the_targets_file(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_target target;
    struct hd_error err = HD_ERROR_INIT;
    sandbox_make(&sandbox);
    write_targets(&sandbox, "# ours\nproduction unix:/run/other.sock\nprod ws://10.0.0.5:7000 "
                            "token=/etc/hotdrop.token # eu\n");
    assert_int_equal(find("prod", &target, &err), 0);
    assert_int_equal(target.address.kind, HD_ADDRESS_WS);
    assert_string_equal(target.address.host, "10.0.0.5");
    assert_int_equal(target.address.port, 7000);
    assert_string_equal(target.token_file, "/etc/hotdrop.token");
    assert_int_equal(find("staging", &target, &err), -1);
    assert_non_null(strstr(err.text, "staging"));
    sandbox_delete(sandbox.path);
}

static void a_mistake_in_the_targets_file_is_named_with_its_line(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_target target;
    struct hd_error err = HD_ERROR_INIT;
    sandbox_make(&sandbox);
    write_targets(&sandbox, "\nprod ws://10.0.0.5:7000 tokn=/x\n");
    assert_int_equal(find("prod", &target, &err), -1);
    assert_non_null(strstr(err.text, "targets:2"));
    assert_non_null(strstr(err.text, "tokn=/x"));
    hd_error_clear(&err);
    write_targets(&sandbox, "prod wss://10.0.0.5:7000 ca=\n");
    assert_int_equal(find("prod", &target, &err), -1);
    assert_non_null(strstr(err.text, "targets:1: 'ca=' names no file"));
    sandbox_delete(sandbox.path);
}

static void a_websocket_address_needs_a_token(void **state)
{
    (void)state;
    struct hd_target target;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(find("ws://127.0.0.1:7000", &target, &err), -1);
    assert_int_equal(err.code, HD_E_USAGE);
    assert_non_null(strstr(err.text, "--token"));
}

static void a_secure_target_has_all_its_files(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct hd_target target;
    struct hd_error err = HD_ERROR_INIT;
    sandbox_make(&sandbox);
    write_targets(&sandbox,
                  "prod wss://app.example:7443 ca=/ca cert=/cert key=/key token=/token\n");
    assert_int_equal(find("prod", &target, &err), 0);
    assert_int_equal(target.address.kind, HD_ADDRESS_WSS);
    assert_string_equal(target.ca_file, "/ca");
    assert_string_equal(target.cert_file, "/cert");
    assert_string_equal(target.key_file, "/key");
    assert_string_equal(target.token_file, "/token");
    const struct hd_invocation other = {
        .command = "push", .to = "prod", .cert_file = "/mine", .key_file = "/mine.key"
    };
    assert_int_equal(hd_target_find(&other, &target, &err), 0);
    assert_string_equal(target.ca_file, "/ca");
    assert_string_equal(target.cert_file, "/mine");
    assert_string_equal(target.key_file, "/mine.key");
    sandbox_delete(sandbox.path);
}

static void a_certificate_needs_its_key(void **state)
{
    (void)state;
    struct hd_target target;
    struct hd_error err = HD_ERROR_INIT;
    const struct hd_invocation lonely = { .command = "push",
                                          .to = "wss://127.0.0.1:7443",
                                          .cert_file = "/cert" };
    assert_int_equal(hd_target_find(&lonely, &target, &err), -1);
    assert_int_equal(err.code, HD_E_USAGE);
    assert_non_null(strstr(err.text, "--key FILE"));
    hd_error_clear(&err);
    assert_int_equal(find("wss://127.0.0.1:7443", &target, &err), 0); /* the agent will say */
}

static void a_path_that_is_too_long_is_refused_not_cut(void **state)
{
    (void)state;
    char path[600];
    struct hd_target target;
    struct hd_error err = HD_ERROR_INIT;
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    const struct hd_invocation invocation = { .command = "push",
                                              .to = "wss://127.0.0.1:7443",
                                              .ca_file = path };
    assert_int_equal(hd_target_find(&invocation, &target, &err), -1);
    assert_int_equal(err.code, HD_E_USAGE);
}

static void a_process_that_is_no_jvm_is_said_to_be_none(void **state)
{
    (void)state;
    const struct hd_invocation invocation = { .command = "push", .pid = getpid() };
    struct hd_target target;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_target_find(&invocation, &target, &err), -1);
    assert_int_equal(err.code, HD_E_USAGE);
    assert_non_null(strstr(err.text, "not a JVM"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_looked_up_in_the_targets_file),
        cmocka_unit_test(a_mistake_in_the_targets_file_is_named_with_its_line),
        cmocka_unit_test(a_websocket_address_needs_a_token),
        cmocka_unit_test(a_secure_target_has_all_its_files),
        cmocka_unit_test(a_certificate_needs_its_key),
        cmocka_unit_test(a_path_that_is_too_long_is_refused_not_cut),
        cmocka_unit_test(a_process_that_is_no_jvm_is_said_to_be_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
