/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/endpoint.h"
#include "agent/peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/hd-endpoint-XXXXXX";
static struct hd_address address;

static int make_directory(void **state)
{
    (void)state;
    memcpy(directory + strlen(directory) - 6, "XXXXXX", 6);
    if (mkdtemp(directory) == NULL)
        return -1;
    address = (struct hd_address){ .kind = HD_ADDRESS_UNIX };
    snprintf(address.path, sizeof address.path, "%s/socket", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(address.path);
    return rmdir(directory);
}

static struct hd_endpoint open_good(void)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_endpoint endpoint = HD_ENDPOINT_INIT;
    int result = hd_endpoint_open(&address, 0600, &endpoint, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(result, 0);
    return endpoint;
}

static void assert_refused(enum hd_error_code code, const char *words)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_endpoint endpoint = HD_ENDPOINT_INIT;
    assert_int_equal(hd_endpoint_open(&address, 0600, &endpoint, &err), -1);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.text, words));
    assert_int_equal(endpoint.descriptor, -1);
}

static int connect_to_socket(void)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    snprintf(name.sun_path, sizeof name.sun_path, "%s", address.path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&name, sizeof name), 0);
    return descriptor;
}

static void a_socket_has_mode_0600_whatever_the_umask_and_is_removed_at_the_end(void **state)
{
    (void)state;
    mode_t before = umask(0);
    struct hd_endpoint endpoint = open_good();
    umask(before);
    struct stat status;
    assert_int_equal(lstat(address.path, &status), 0);
    assert_true(S_ISSOCK(status.st_mode));
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(fcntl(endpoint.descriptor, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    hd_endpoint_close(&endpoint);
    assert_int_equal(lstat(address.path, &status), -1);
}

static void a_socket_that_a_dead_process_left_is_replaced(void **state)
{
    (void)state;
    struct hd_endpoint dead = open_good();
    close(dead.descriptor); /* as a killed process does: the name stays */
    struct hd_endpoint endpoint = open_good();
    close(connect_to_socket());
    close(dead.directory);
    hd_endpoint_close(&endpoint);
}

static void a_socket_that_somebody_listens_on_is_left_alone(void **state)
{
    (void)state;
    struct hd_endpoint endpoint = open_good();
    assert_refused(HD_E_DENIED, "another process listens");
    close(connect_to_socket());
    hd_endpoint_close(&endpoint);
}

static void a_file_of_another_kind_is_left_alone(void **state)
{
    (void)state;
    FILE *file = fopen(address.path, "w");
    assert_non_null(file);
    fclose(file);
    assert_refused(HD_E_DENIED, "not a socket");
    assert_int_equal(unlink(address.path), 0);
    assert_int_equal(symlink("/tmp/elsewhere", address.path), 0);
    assert_refused(HD_E_DENIED, "not a socket");
}

static void a_socket_that_another_process_put_there_meanwhile_is_not_removed(void **state)
{
    (void)state;
    struct hd_endpoint first = open_good();
    assert_int_equal(unlink(address.path), 0);
    struct hd_endpoint second = open_good();
    hd_endpoint_close(&first);
    close(connect_to_socket());
    hd_endpoint_close(&second);
}

static void a_missing_directory_is_named(void **state)
{
    (void)state;
    struct hd_endpoint endpoint = HD_ENDPOINT_INIT;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_address missing = { .kind = HD_ADDRESS_UNIX, .path = "/nowhere/at/all" };
    assert_int_equal(hd_endpoint_open(&missing, 0600, &endpoint, &err), -1);
    assert_non_null(strstr(err.text, "/nowhere/at"));
}

static void a_local_peer_is_known_by_user_and_process(void **state)
{
    (void)state;
    struct hd_endpoint endpoint = open_good();
    int client = connect_to_socket();
    int server = accept(endpoint.descriptor, NULL, NULL);
    struct hd_peer peer;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_peer_of(server, &peer, &err), 0);
    assert_true(peer.local);
    assert_int_equal(peer.uid, getuid());
    assert_int_equal(peer.origin.way, HD_WAY_LOCAL_SOCKET);
    char expected[64];
    snprintf(expected, sizeof expected, "uid:%u", getuid());
    assert_string_equal(peer.key, expected);
    assert_memory_equal(peer.origin.who, expected, strlen(expected));
    snprintf(expected, sizeof expected, "pid %d (test_endpoint)", getpid());
    assert_string_equal(peer.origin.from, expected);
    close(server);
    close(client);
    hd_endpoint_close(&endpoint);
}

static void a_remote_peer_is_known_by_its_address(void **state)
{
    (void)state;
    address = (struct hd_address){ .kind = HD_ADDRESS_WS, .host = "localhost" };
    struct hd_endpoint endpoint = open_good();
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    assert_int_equal(getsockname(endpoint.descriptor, (struct sockaddr *)&name, &length), 0);
    assert_int_equal(name.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(endpoint.address.port, ntohs(name.sin_port));
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&name, length), 0);
    int server = accept(endpoint.descriptor, NULL, NULL);
    struct hd_peer peer;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_peer_of(server, &peer, &err), 0);
    assert_false(peer.local);
    assert_string_equal(peer.key, "127.0.0.1");
    assert_memory_equal(peer.origin.from, "127.0.0.1:", 10);
    assert_int_equal(peer.origin.way, HD_WAY_WEBSOCKET);
    close(server);
    close(client);
    hd_endpoint_close(&endpoint);
}

static void names_need_a_lookup_and_addresses_do_not(void **state)
{
    (void)state;
    struct hd_address where = { .kind = HD_ADDRESS_WS, .host = "build.example", .port = 1 };
    char text[300];
    assert_true(hd_endpoint_needs_lookup(&where));
    snprintf(where.host, sizeof where.host, "localhost");
    assert_false(hd_endpoint_needs_lookup(&where));
    snprintf(where.host, sizeof where.host, "::1");
    assert_false(hd_endpoint_needs_lookup(&where));
    hd_endpoint_describe(&where, text, sizeof text);
    assert_string_equal(text, "ws://[::1]:1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_socket_has_mode_0600_whatever_the_umask_and_is_removed_at_the_end),
        TEST(a_socket_that_a_dead_process_left_is_replaced),
        TEST(a_socket_that_somebody_listens_on_is_left_alone),
        TEST(a_file_of_another_kind_is_left_alone),
        TEST(a_socket_that_another_process_put_there_meanwhile_is_not_removed),
        TEST(a_missing_directory_is_named),
        TEST(a_local_peer_is_known_by_user_and_process),
        TEST(a_remote_peer_is_known_by_its_address),
        cmocka_unit_test(names_need_a_lookup_and_addresses_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
