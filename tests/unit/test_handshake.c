/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/handshake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "0123456789abcdef"

static const struct hd_address unix_address = { .kind = HD_ADDRESS_UNIX, .path = "/tmp/x" };
static const struct hd_address tcp_address = { .kind = HD_ADDRESS_WS,
                                               .host = "build.example",
                                               .port = 7007 };
static const struct hd_handshake_rules local_rules = { .address = &unix_address };
static const struct hd_handshake_rules remote_rules = { .address = &tcp_address };

static struct hd_handshake good_request(void)
{
    return (struct hd_handshake){ .target = "/",
                                  .host = "localhost",
                                  .upgrade = "websocket",
                                  .connection = "Upgrade",
                                  .key = "dGhlIHNhbXBsZSBub25jZQ==",
                                  .version = "13",
                                  .protocols = "hotdrop.v1",
                                  .authorization = "Bearer " SECRET };
}

/* 0: let in. */
static unsigned judge(const struct hd_handshake *request, const struct hd_handshake_rules *rules)
{
    unsigned status = 0;
    struct hd_error err = HD_ERROR_INIT;
    int result = hd_handshake_judge(request, rules, &status, &err);
    assert_int_equal(result, status == 0 ? 0 : -1);
    assert_int_equal(hd_error_is_set(&err), status != 0);
    return status;
}

static void a_good_request_is_let_in(void **state)
{
    (void)state;
    struct hd_handshake request = good_request();
    assert_int_equal(judge(&request, &remote_rules), 0);
    request.upgrade = "WebSocket";
    request.protocols = "other.v2, hotdrop.v1";
    request.authorization = NULL;
    assert_int_equal(judge(&request, &local_rules), 0);
}

static void a_connection_or_key_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const connections[] = { NULL,         "",          "close",
                                               "keep-alive", "NoUpgrade", "Upgraded, x" };
    static const char *const keys[] = { NULL,
                                        "",
                                        "AAAA",
                                        "AAAAAAAAAAAAAAAAAAAAAA=",
                                        "AAAAAAAAAAAAAAAAAAAAAAA=",
                                        "!AAAAAAAAAAAAAAAAAAAAA==",
                                        "dGhlIHNhbXBsZSBub25jZQ== " };
    for (size_t i = 0; i < sizeof connections / sizeof connections[0]; i++) {
        struct hd_handshake request = good_request();
        request.connection = connections[i];
        assert_int_equal(judge(&request, &local_rules), 400);
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct hd_handshake request = good_request();
        request.key = keys[i];
        assert_int_equal(judge(&request, &local_rules), 400);
    }
    struct hd_handshake request = good_request();
    request.connection = "keep-alive,\tUPGRADE";
    assert_int_equal(judge(&request, &local_rules), 0);
}

static void hosts_that_are_us_are_let_in(void **state)
{
    (void)state;
    static const char *const hosts[] = { "localhost",      "LOCALHOST:7007",     "127.0.0.1",
                                         "127.0.0.1:7007", "10.1.2.3:80",        "[::1]:7007",
                                         "[fe80::1]",      "build.example:7007", "Build.Example" };
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct hd_handshake request = good_request();
        request.host = hosts[i];
        assert_int_equal(judge(&request, &remote_rules), 0);
    }
}

static void foreign_hosts_are_refused(void **state)
{
    (void)state;
    static const char *const hosts[] = { "", "evil.example", "localhost.evil.example",
                                         "127.0.0.1.evil.example", "build.example.evil" };
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct hd_handshake request = good_request();
        request.host = hosts[i];
        assert_int_equal(judge(&request, &remote_rules), 403);
    }
    struct hd_handshake request = good_request();
    request.host =
        "build.example"; /* a name counts only where the agent was told to listen on it */
    assert_int_equal(judge(&request, &local_rules), 403);
    request.host = NULL;
    assert_int_equal(judge(&request, &local_rules), 400);
}

static void browsers_are_refused(void **state)
{
    (void)state;
    struct hd_handshake request = good_request();
    request.origin = "null";
    assert_int_equal(judge(&request, &remote_rules), 403);
    assert_int_equal(judge(&request, &local_rules), 403);
}

static void only_websocket_13_is_an_upgrade(void **state)
{
    (void)state;
    static const char *const upgrades[] = { NULL, "h2c", "websocket, h2c", "" };
    for (size_t i = 0; i < sizeof upgrades / sizeof upgrades[0]; i++) {
        struct hd_handshake request = good_request();
        request.upgrade = upgrades[i];
        assert_int_equal(judge(&request, &local_rules), 426);
    }
    struct hd_handshake request = good_request();
    request.version = "8";
    assert_int_equal(judge(&request, &local_rules), 426);
    request.version = NULL;
    assert_int_equal(judge(&request, &local_rules), 426);
}

static void only_our_subprotocol_is_spoken(void **state)
{
    (void)state;
    static const char *const lists[] = { NULL,          "",     "hotdrop.v2", "hotdrop.v11",
                                         "xhotdrop.v1", "relay" };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct hd_handshake request = good_request();
        request.protocols = lists[i];
        assert_int_equal(judge(&request, &local_rules), 400);
    }
}

static void only_the_root_is_a_target(void **state)
{
    (void)state;
    struct hd_handshake request = good_request();
    request.target = "/admin";
    assert_int_equal(judge(&request, &local_rules), 404);
}

static void over_tls_any_host_will_do_but_there_must_be_one(void **state)
{
    (void)state;
    static const struct hd_address tls = { .kind = HD_ADDRESS_WSS, .host = "0.0.0.0", .port = 1 };
    const struct hd_handshake_rules rules = { .address = &tls };
    struct hd_handshake request = good_request();
    request.host = "build.example:7443";
    assert_int_equal(judge(&request, &rules), 0);
    request.host = NULL;
    assert_int_equal(judge(&request, &rules), 400);
    request = good_request();
    request.origin = "https://build.example";
    assert_int_equal(judge(&request, &rules), 403);
}

static void the_token_is_what_stands_behind_bearer(void **state)
{
    (void)state;
    static const char *const wrong[] = { NULL, "", "Basic " SECRET, "Bearer", SECRET };
    const char *token = NULL;
    unsigned status = 0;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_handshake request = good_request();
    assert_int_equal(hd_handshake_bearer(&request, false, &token, &status, &err), 0);
    assert_string_equal(token, SECRET);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        hd_error_clear(&err);
        request.authorization = wrong[i];
        assert_int_equal(hd_handshake_bearer(&request, true, &token, &status, &err), -1);
        assert_int_equal(status, 401);
        assert_non_null(strstr(err.text, "certificate"));
    }
}

static void a_full_agent_says_so(void **state)
{
    (void)state;
    struct hd_handshake_rules rules = remote_rules;
    rules.full = true;
    struct hd_handshake request = good_request();
    assert_int_equal(judge(&request, &rules), 503);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_request_is_let_in),
        cmocka_unit_test(a_connection_or_key_that_is_none_is_refused),
        cmocka_unit_test(hosts_that_are_us_are_let_in),
        cmocka_unit_test(foreign_hosts_are_refused),
        cmocka_unit_test(browsers_are_refused),
        cmocka_unit_test(only_websocket_13_is_an_upgrade),
        cmocka_unit_test(only_our_subprotocol_is_spoken),
        cmocka_unit_test(only_the_root_is_a_target),
        cmocka_unit_test(over_tls_any_host_will_do_but_there_must_be_one),
        cmocka_unit_test(the_token_is_what_stands_behind_bearer),
        cmocka_unit_test(a_full_agent_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
