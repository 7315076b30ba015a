/* SPDX-License-Identifier: Apache-2.0 */
#include "core/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "every_allocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void nothing_said_means_the_defaults(void **state)
{
    (void)state;
    static const char *const nothing[] = { NULL, "", ",", ",," };
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        struct hd_options options;
        assert_int_equal(hd_options_parse(nothing[i], &options, NULL), 0);
        assert_int_equal(options.drops.count + options.watches.count + options.listens.count, 0);
        assert_int_equal(options.allow.count + options.deny.count, 0);
        assert_true(options.settle_ms == 30);
        assert_null(options.token_file);
        assert_null(options.log_file);
        assert_int_equal(options.log_level, HD_LOG_INFO);
        assert_true(options.max_bundle == UINT64_C(268435456));
        assert_true(options.max_rate_per_minute == 60);
        hd_options_close(&options);
    }
}

static void every_key_is_taken(void **state)
{
    (void)state;
    struct hd_options options;
    struct hd_error err = HD_ERROR_INIT;
    int result = hd_options_parse(
        "drop=/a,drop=/b=c,watch=target/classes,listen=unix:/run/h.sock,listen=ws://127.0.0.1:9000,"
        "settle=2s,token=/t,allow=com.example.**,allow=org.*,deny=**.secret.*,max-bundle=1M,"
        "max-rate=5/min,log=/l,log-level=debug",
        &options, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(result, 0);
    assert_int_equal(options.drops.count, 2);
    assert_string_equal(options.drops.items[0], "/a");
    assert_string_equal(options.drops.items[1], "/b=c");
    assert_string_equal(options.watches.items[0], "target/classes");
    assert_int_equal(options.listens.count, 2);
    assert_string_equal(options.listens.items[1], "ws://127.0.0.1:9000");
    assert_true(options.settle_ms == 2000);
    assert_string_equal(options.token_file, "/t");
    assert_int_equal(options.allow.count, 2);
    assert_string_equal(options.deny.items[0], "**.secret.*");
    assert_true(options.max_bundle == 1048576);
    assert_true(options.max_rate_per_minute == 5);
    assert_string_equal(options.log_file, "/l");
    assert_int_equal(options.log_level, HD_LOG_DEBUG);
    hd_options_close(&options);
    assert_null(options.token_file);
}

static void of_a_key_that_is_no_list_the_last_value_counts(void **state)
{
    (void)state;
    struct hd_options options;
    assert_int_equal(hd_options_parse("settle=1s,log=/a,settle=5ms,log=/b", &options, NULL), 0);
    assert_true(options.settle_ms == 5);
    assert_string_equal(options.log_file, "/b");
    hd_options_close(&options);
}

static void a_store_and_a_way_back_are_taken(void **state)
{
    (void)state;
    struct hd_options options;
    assert_int_equal(hd_options_parse("store=/srv/store,way-back=required", &options, NULL), 0);
    assert_string_equal(options.store, "/srv/store");
    assert_true(options.way_back_required);
    hd_options_close(&options);
    assert_int_equal(hd_options_parse("way-back=wanted", &options, NULL), 0);
    assert_null(options.store);
    assert_false(options.way_back_required);
    hd_options_close(&options);
}

static void what_wss_needs_is_taken(void **state)
{
    (void)state;
    struct hd_options options;
    assert_int_equal(hd_options_parse("listen=wss://0.0.0.0:7443,tls-cert=/c,tls-key=/k,"
                                      "tls-client-ca=/a,authorized=/who",
                                      &options, NULL),
                     0);
    assert_string_equal(options.tls_cert, "/c");
    assert_string_equal(options.tls_key, "/k");
    assert_string_equal(options.tls_client_ca, "/a");
    assert_string_equal(options.authorized, "/who");
    assert_null(options.token_file);
    hd_options_close(&options);
}

/* Every part of words, separated by '|', must stand in the error for text. */
static void assert_refused(const char *text, const char *words)
{
    struct hd_options options = { .settle_ms = 4711 };
    struct hd_error err = HD_ERROR_INIT;
    long before = hd_alloc_outstanding();
    if (hd_options_parse(text, &options, &err) == 0)
        fail_msg("\"%s\" was taken", text);
    assert_int_equal(err.code, HD_E_USAGE);
    assert_int_equal(hd_alloc_outstanding(), before);
    assert_true(options.settle_ms == 4711);
    char parts[512];
    snprintf(parts, sizeof parts, "%s", words);
    for (char *part = strtok(parts, "|"); part != NULL; part = strtok(NULL, "|")) {
        if (strstr(err.text, part) == NULL)
            fail_msg("\"%s\": the error \"%s\" does not say \"%s\"", text, err.text, part);
    }
}

static void what_is_wrong_is_named_with_what_would_be_right(void **state)
{
    (void)state;
    assert_refused("drop", "\"drop\"|key=value");
    assert_refused("drop=", "option drop=|empty");
    assert_refused("=x", "unknown key");
    assert_refused("Drop=/x", "option Drop=/x|unknown key|drop, watch, listen");
    assert_refused("way-back=maybe", "option way-back=maybe|required or wanted");
    assert_refused("tls-crt=/x", "unknown key");
    assert_refused("drop=/a,drop=/a", "option drop=/a|twice");
    assert_refused("settle=30", "option settle=30|30ms");
    assert_refused("settle=0ms", "option settle=0ms|1ms to 60s");
    assert_refused("settle=2m", "1ms to 60s");
    assert_refused("max-bundle=0", "option max-bundle=0|1 to 1G");
    assert_refused("max-bundle=1025M", "1 to 1G");
    assert_refused("max-bundle=lots", "256M");
    assert_refused("max-rate=60", "option max-rate=60|60/min");
    assert_refused("max-rate=0/min", "60/min");
    assert_refused("max-rate=1/sec", "60/min");
    assert_refused("max-rate=/min", "60/min");
    assert_refused("max-rate=1000000/min", "100000");
    assert_refused("max-rate=99999999999999999999/min", "60/min");
    assert_refused("log-level=verbose", "option log-level=verbose|error, warn, info or debug");
    assert_refused("allow=com/example/*", "option allow=com/example/*|com.example.**");
    assert_refused("deny=a b", "class names");
    assert_refused("listen=tcp:9000",
                   "option listen=tcp:9000|unix:PATH, ws://HOST:PORT or wss://HOST:PORT");
    assert_refused("listen=wss://localhost:9000,token=/t",
                   "listen=wss://localhost:9000|tls-cert=FILE and tls-key=FILE");
    assert_refused("listen=wss://localhost:9000,tls-cert=/c,token=/t", "tls-key=FILE");
    assert_refused("listen=wss://localhost:9000,tls-cert=/c,tls-key=/k", "token=FILE");
    assert_refused("listen=wss://localhost:9000,tls-cert=/c,tls-key=/k,tls-client-ca=/a",
                   "authorized=FILE");
    assert_refused("bad\n=x", "bad\\x0A");
}

static void options_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    assert_refused("listen=ws://127.0.0.1:9000", "listen=ws://127.0.0.1:9000|token=FILE");
    assert_refused("listen=none,listen=unix:/x", "listen=none");
    assert_refused("drop=/same,watch=/same", "/same|drop=|watch=");
    struct hd_options options;
    assert_int_equal(hd_options_parse("listen=none", &options, NULL), 0);
    assert_string_equal(options.listens.items[0], "none");
    hd_options_close(&options);
}

struct config {
    char path[64];
    char option[96];
};

static void write_config(struct config *config, const void *text, size_t length)
{
    snprintf(config->path, sizeof config->path, "/tmp/hd-test-options-XXXXXX");
    int descriptor = mkstemp(config->path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, length), length);
    close(descriptor);
    snprintf(config->option, sizeof config->option, "config=%s", config->path);
}

static void a_config_file_reads_the_same_keys(void **state)
{
    (void)state;
    static const char text[] = "# the agent of the shop\n"
                               "\n"
                               "drop = /srv/drop,with,commas\r\n"
                               "  deny=com.secret.**   # not these\n"
                               "log=/var/log/a#b.log\n"
                               "settle=1s";
    struct config config;
    write_config(&config, text, sizeof text - 1);
    char line[160];
    snprintf(line, sizeof line, "settle=2s,%s,watch=/w", config.option);
    struct hd_options options;
    struct hd_error err = HD_ERROR_INIT;
    int result = hd_options_parse(line, &options, &err);
    unlink(config.path);
    assert_string_equal(err.text, "");
    assert_int_equal(result, 0);
    assert_string_equal(options.drops.items[0], "/srv/drop,with,commas");
    assert_string_equal(options.deny.items[0], "com.secret.**");
    assert_string_equal(options.log_file, "/var/log/a#b.log");
    assert_true(options.settle_ms == 1000);
    assert_string_equal(options.watches.items[0], "/w");
    hd_options_close(&options);
}

static void assert_config_refused(const char *text, size_t length, const char *words)
{
    struct config config;
    write_config(&config, text, length);
    assert_refused(config.option, words);
    char place[80];
    snprintf(place, sizeof place, "%s", config.path);
    assert_refused(config.option, place);
    unlink(config.path);
}

static void a_wrong_line_of_a_config_file_is_named(void **state)
{
    (void)state;
    assert_config_refused("drop=/a\n\nsetle=1s\n", 18, ":3|setle=1s|unknown key");
    assert_config_refused("drop=/a\nwatch\n", 14, ":2|\"watch\"|key=value");
    assert_config_refused("config=/etc/passwd\n", 19, ":1|cannot name another");
    assert_config_refused("drop=/a\0b\n", 10, "NUL");
}

static void a_config_file_that_is_no_file_is_refused_without_waiting(void **state)
{
    (void)state;
    struct hd_options options;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_options_parse("config=/no/such/file", &options, &err), -1);
    assert_non_null(strstr(err.text, "config=/no/such/file"));
    assert_refused("config=/tmp", "regular file");

    char path[] = "/tmp/hd-test-options-XXXXXX";
    assert_non_null(mkdtemp(path));
    char fifo[64];
    char option[96];
    snprintf(fifo, sizeof fifo, "%s/fifo", path);
    snprintf(option, sizeof option, "config=%s", fifo);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    alarm(10);
    assert_refused(option, "regular file");
    alarm(0);
    unlink(fifo);
    rmdir(path);
}

static void a_config_file_counts_only_where_nobody_else_can_write_it(void **state)
{
    (void)state;
    struct config config;
    write_config(&config, "drop=/a\n", 8);
    assert_int_equal(chmod(config.path, 0622), 0);
    assert_refused(config.option, "config=|others than its owner can write it");
    assert_int_equal(chmod(config.path, 0600), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(config.path, 1234, 1234), 0);
        assert_refused(config.option, "config=|belongs to another user");
    }
    unlink(config.path);
}

static void addresses_are_taken_apart(void **state)
{
    (void)state;
    struct hd_address address;
    assert_int_equal(hd_address_parse("unix:/run/hotdrop.sock", &address, NULL), 0);
    assert_int_equal(address.kind, HD_ADDRESS_UNIX);
    assert_string_equal(address.path, "/run/hotdrop.sock");
    assert_int_equal(hd_address_parse("ws://example.org:8080", &address, NULL), 0);
    assert_int_equal(address.kind, HD_ADDRESS_WS);
    assert_string_equal(address.host, "example.org");
    assert_int_equal(address.port, 8080);
    assert_int_equal(hd_address_parse("ws://[2001:db8::1]:65535", &address, NULL), 0);
    assert_string_equal(address.host, "2001:db8::1");
    assert_int_equal(address.port, 65535);
    assert_int_equal(hd_address_parse("wss://10.0.0.1:7443", &address, NULL), 0);
    assert_int_equal(address.kind, HD_ADDRESS_WSS);
    assert_string_equal(address.host, "10.0.0.1");
    assert_int_equal(hd_address_parse("none", &address, NULL), 0);
    assert_int_equal(address.kind, HD_ADDRESS_NONE);
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "unix:",
                                       "ws://",
                                       "ws://:80",
                                       "ws://host",
                                       "ws://host:",
                                       "ws://host:0",
                                       "ws://host:65536",
                                       "ws://host:80/path",
                                       "ws://::1:80",
                                       "ws://[::1",
                                       "ws://[::1]",
                                       "ws://[host]:80",
                                       "ws://a b:80",
                                       "ws://user@host:80",
                                       "http://host:80",
                                       "/run/sock",
                                       "None" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct hd_address address = { .port = 4711 };
        struct hd_error err = HD_ERROR_INIT;
        if (hd_address_parse(bad[i], &address, &err) == 0)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(err.code, HD_E_USAGE);
        assert_int_equal(address.port, 4711);
    }
}

static void a_unix_path_must_fit_the_kernels_address(void **state)
{
    (void)state;
    char text[200] = "unix:/";
    memset(text + 6, 'p', 106);
    text[5 + 107] = '\0';
    struct hd_address address;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_address_parse(text, &address, &err), 0);
    assert_int_equal(strlen(address.path), 107);
    text[5 + 107] = 'p';
    text[5 + 108] = '\0';
    assert_int_equal(hd_address_parse(text, &address, &err), -1);
    assert_non_null(strstr(err.text, "107"));
}

static bool is_loopback(const char *text)
{
    struct hd_address address;
    assert_int_equal(hd_address_parse(text, &address, NULL), 0);
    return hd_address_is_loopback(&address);
}

static void loopback_is_told_from_the_network(void **state)
{
    (void)state;
    assert_true(is_loopback("ws://127.0.0.1:80"));
    assert_true(is_loopback("ws://127.9.9.9:80"));
    assert_true(is_loopback("ws://LocalHost:80"));
    assert_true(is_loopback("ws://[::1]:80"));
    assert_false(is_loopback("ws://0.0.0.0:80"));
    assert_false(is_loopback("ws://[::]:80"));
    assert_false(is_loopback("ws://128.0.0.1:80"));
    assert_false(is_loopback("ws://127.0.0.1.example.org:80"));
    assert_false(is_loopback("unix:/x"));
}

static int parse_and_close(void *context, struct hd_error *err)
{
    struct hd_options options;
    if (hd_options_parse(context, &options, err) != 0)
        return -1;
    hd_options_close(&options);
    return 0;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static const char text[] =
        "drop=/a\nwatch=/b\nlisten=unix:/x\ntoken=/t\ndeny=x.*\nlog=/l\nlog=/m\n";
    struct config config;
    write_config(&config, text, sizeof text - 1);
    char line[160];
    snprintf(line, sizeof line, "drop=/c,%s,allow=**", config.option);
    fail_every_allocation(parse_and_close, line);
    unlink(config.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_means_the_defaults),
        cmocka_unit_test(every_key_is_taken),
        cmocka_unit_test(of_a_key_that_is_no_list_the_last_value_counts),
        cmocka_unit_test(a_store_and_a_way_back_are_taken),
        cmocka_unit_test(what_wss_needs_is_taken),
        cmocka_unit_test(what_is_wrong_is_named_with_what_would_be_right),
        cmocka_unit_test(options_that_contradict_each_other_are_refused),
        cmocka_unit_test(a_config_file_reads_the_same_keys),
        cmocka_unit_test(a_wrong_line_of_a_config_file_is_named),
        cmocka_unit_test(a_config_file_counts_only_where_nobody_else_can_write_it),
        cmocka_unit_test(a_config_file_that_is_no_file_is_refused_without_waiting),
        cmocka_unit_test(addresses_are_taken_apart),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_unix_path_must_fit_the_kernels_address),
        cmocka_unit_test(loopback_is_told_from_the_network),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
