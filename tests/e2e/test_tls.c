/* SPDX-License-Identifier: Apache-2.0 */
/* wss://, end to end: who gets in, who does not, and certificates that change. */
#include "tests/e2e/secure.h"

#include "tests/certificates.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef0123456789abcdef"

static void expect(const struct e2e_answer *answer, int status, const char *reason)
{
    if (answer->status != status || strcmp(secure_reason(answer), reason) != 0)
        fail_msg("status %d, reason '%s': %s", answer->status, secure_reason(answer),
                 answer->output);
}

static const char *after(const struct e2e *e2e)
{
    return e2e_path(e2e, "after");
}

/* ---- who gets in ----------------------------------------------------------------------------- */

static void a_push_with_a_certificate_is_live(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    secure_authorise(e2e, "deployer cert:alice\n");
    secure_start(e2e, secure_file("agent"), "");
    SECURE_CLIENT(e2e, &answer, "push", after(e2e), AS("alice"));
    expect(&answer, 0, "");
    e2e_expect_row(answer.json, "demo.Greeter", "redefined", NULL);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    SECURE_CLIENT(e2e, &answer, "history", AS("alice"));
    const json_t *line = json_array_get(json_object_get(answer.json, "deployments"), 0);
    assert_string_equal(json_string_value(json_object_get(line, "who")), "cert:alice");
    assert_string_equal(json_string_value(json_object_get(line, "way")), "websocket");
    e2e_answer_close(&answer);
}

static void a_push_with_a_token_is_live(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    secure_write(e2e, "token", TOKEN "\n");
    secure_authorise(e2e, "deployer token:%s\n", e2e_path(e2e, "token"));
    secure_start(e2e, secure_file("agent"), "");
    SECURE_CLIENT(e2e, &answer, "push", after(e2e), "--token", e2e_path(e2e, "token"));
    expect(&answer, 0, "");
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    e2e_answer_close(&answer);
}

static void any_name_in_the_certificate_will_do(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    secure_authorise(e2e, "viewer cert:alice@example.org\n");
    secure_start(e2e, secure_file("agent"), "");
    SECURE_CLIENT(e2e, &answer, "status", AS("alice"));
    expect(&answer, 0, "");
    e2e_answer_close(&answer);
}

static void the_targets_file_knows_all_the_files(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char line[1024];
    secure_authorise(e2e, "viewer cert:alice\n");
    secure_start(e2e, secure_file("agent"), "");
    snprintf(line, sizeof line, "shop %s ca=%s cert=%s key=%s\n", secure_address,
             secure_file("ca.pem"), secure_file("alice.pem"), secure_file("alice.key"));
    e2e_write(e2e, "config/hotdrop/targets", line);
    assert_int_equal(setenv("XDG_CONFIG_HOME", e2e_path(e2e, "config"), 1), 0);
    e2e_client(e2e, &answer, "status", "--json", "--to", "shop", NULL);
    unsetenv("XDG_CONFIG_HOME");
    expect(&answer, 0, "");
    e2e_answer_close(&answer);
}

/* More than fits into any buffer on the way, in both directions. */
static void a_large_bundle_and_a_large_report_arrive_whole(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    secure_authorise(e2e, "deployer cert:alice\n");
    secure_start(e2e, secure_file("agent"), "");
    run_in(e2e->directory,
           "mkdir many && for i in $(seq 800); do echo \"package m; public class "
           "C$i { static String s = \\\"$i\\\"; }\" >many/C$i.java; done && head -c 6000000 "
           "/dev/urandom >after/noise.bin");
    e2e_compile(e2e, "many", "after", "");
    e2e_jar(e2e, "after", "many.jar");
    SECURE_CLIENT(e2e, &answer, "push", e2e_path(e2e, "many.jar"), AS("alice"));
    expect(&answer, 0, "");
    assert_int_equal(json_array_size(json_object_get(answer.json, "classes")), 801);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    e2e_answer_close(&answer);
}

/* ---- who does not ---------------------------------------------------------------------------- */

static void who_is_not_known_is_refused(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    secure_write(e2e, "token", TOKEN "\n");
    secure_write(e2e, "wrong", TOKEN "0\n");
    secure_authorise(e2e, "operator cert:somebody\noperator token:%s\n", e2e_path(e2e, "token"));
    secure_start(e2e, secure_file("agent"), "");

    SECURE_CLIENT(e2e, &answer, "push", after(e2e), AS("eve")); /* another CA */
    expect(&answer, 4, "not-authorised");
    e2e_answer_close(&answer);
    e2e_await_log(e2e, "unable to get local issuer certificate");
    SECURE_CLIENT(e2e, &answer, "push", after(e2e), AS("over"));
    expect(&answer, 4, "not-authorised");
    e2e_answer_close(&answer);
    e2e_await_log(e2e, "certificate has expired");
    SECURE_CLIENT(e2e, &answer, "push", after(e2e)); /* no certificate, no token */
    expect(&answer, 4, "not-authorised");
    e2e_answer_close(&answer);
    SECURE_CLIENT(e2e, &answer, "push", after(e2e), AS("alice")); /* but no role */
    expect(&answer, 4, "not-authorised");
    e2e_answer_close(&answer);
    e2e_await_log(e2e, "cert:alice has no role here");
    SECURE_CLIENT(e2e, &answer, "push", after(e2e), "--token", e2e_path(e2e, "wrong"));
    expect(&answer, 4, "not-authorised");
    e2e_answer_close(&answer);
    SECURE_CLIENT(e2e, &answer, "push", after(e2e), AS("eve"), "--token", e2e_path(e2e, "token"));
    expect(&answer, 4, "not-authorised");
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

static void a_client_does_not_speak_to_somebody_else(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    secure_authorise(e2e, "operator cert:alice\n");
    secure_start(e2e, secure_file("elsewhere"), "");
    SECURE_CLIENT(e2e, &answer, "push", after(e2e), AS("alice"));
    expect(&answer, 4, "not-authorised");
    assert_non_null(strstr(answer.output, "mismatch"));
    e2e_answer_close(&answer);
    e2e_client(e2e, &answer, "push", after(e2e), "--json", "--to", secure_address, "--ca",
               secure_file("ca2.pem"), AS("alice"), NULL);
    expect(&answer, 4, "not-authorised");
    e2e_answer_close(&answer);
    e2e_client(e2e, &answer, "push", after(e2e), "--json", "--to", secure_address, AS("alice"),
               NULL); /* whom this system believes */
    expect(&answer, 4, "not-authorised");
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

static int openssl_client(const struct e2e *e2e, const char *options)
{
    char line[512];
    snprintf(line, sizeof line,
             "openssl s_client -connect 127.0.0.1:%u %s </dev/null >'%s/s_client.log' 2>&1",
             secure_port, options, e2e->directory);
    return system(line);
}

static void only_tls_1_3_is_spoken_and_nothing_is_resumed(void **state)
{
    struct e2e *e2e = *state;
    secure_authorise(e2e, "viewer cert:alice\n");
    secure_start(e2e, secure_file("agent"), "");
    assert_int_equal(openssl_client(e2e, "-tls1_3"), 0);
    run_in(e2e->directory, "grep -q 'TLSv1.3, Cipher' s_client.log && ! grep -q 'New Session "
                           "Ticket arrived' s_client.log");
    assert_int_not_equal(openssl_client(e2e, "-tls1_2"), 0);
    assert_int_not_equal(openssl_client(e2e, "-tls1_1 -cipher ALL:@SECLEVEL=0"), 0);
    e2e_await_log(e2e, "unsupported protocol");
}

static int connect_from(unsigned address)
{
    struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)secure_port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(made, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(made, (struct sockaddr *)&to, sizeof to), 0);
    return made;
}

static void plain_text_gets_no_answer(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char heard[512];
    size_t length = 0;
    ssize_t got;
    secure_write(e2e, "token", TOKEN "\n");
    secure_authorise(e2e, "operator token:%s\n", e2e_path(e2e, "token"));
    secure_start(e2e, secure_file("agent"), "");
    int plain = connect_from(INADDR_LOOPBACK);
    assert_int_equal(send(plain, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
    while ((got = recv(plain, heard + length, sizeof heard - length, 0)) > 0)
        length += (size_t)got;
    close(plain);
    assert_true(length <= 7); /* a TLS alert at most */
    char address[64];
    snprintf(address, sizeof address, "ws://127.0.0.1:%u", secure_port);
    e2e_client(e2e, &answer, "push", after(e2e), "--json", "--to", address, "--token",
               e2e_path(e2e, "token"), NULL);
    expect(&answer, 3, "no-agent");
    e2e_answer_close(&answer);
}

static void a_client_that_finds_no_tls_says_so(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char options[256];
    secure_write(e2e, "token", TOKEN "\n");
    secure_authorise(e2e, "operator token:%s\n", e2e_path(e2e, "token"));
    secure_start(e2e, secure_file("agent"), "");
    snprintf(options, sizeof options, "wss://127.0.0.1:%u", secure_port == 1 ? 2 : 1);
    e2e_client(e2e, &answer, "status", "--json", "--to", options, NULL);
    expect(&answer, 3, "no-agent");
    e2e_answer_close(&answer);
}

/* ---- crowds ---------------------------------------------------------------------------------- */

enum { CROWD = 1000 };

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void make_room_for_descriptors(void)
{
    struct rlimit room;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &room), 0);
    if (room.rlim_cur < CROWD + 256)
        room.rlim_cur = CROWD + 256;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &room), 0);
}

/* A third says nothing, a third begins to, and a third says what a handshake begins with. */
static void be_silent(int silent[CROWD])
{
    static const uint8_t beginning[] = { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00 };
    make_room_for_descriptors();
    for (unsigned i = 0; i < CROWD; i++) {
        silent[i] = connect_from(INADDR_LOOPBACK + 1 + i % 100);
        size_t length = i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : sizeof beginning;
        (void)!send(silent[i], beginning, length, MSG_NOSIGNAL);
    }
}

static double seconds_of_a_push(const struct e2e *e2e)
{
    struct e2e_answer answer;
    double began = seconds_now();
    SECURE_CLIENT(e2e, &answer, "push", after(e2e), AS("alice"));
    double took = seconds_now() - began;
    expect(&answer, 0, "");
    e2e_answer_close(&answer);
    return took;
}

/* The best of three: a push may meet a machine that is busy with something else. */
static void silent_peers_do_not_hold_up_a_proper_push(void **state)
{
    struct e2e *e2e = *state;
    int silent[CROWD];
    secure_authorise(e2e, "deployer cert:alice\n");
    secure_start(e2e, secure_file("agent"), "");
    be_silent(silent);
    double took = seconds_of_a_push(e2e);
    for (int again = 0; again < 2 && took >= 1.0; again++)
        took = seconds_of_a_push(e2e);
    if (took >= 1.0)
        fail_msg("the push took %.2f s", took);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    for (unsigned i = 0; i < CROWD; i++)
        close(silent[i]);
}

/* ---- what changes ---------------------------------------------------------------------------- */

static void a_new_certificate_counts_for_the_next_connection(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char copy[512];
    secure_authorise(e2e, "viewer cert:alice\n");
    snprintf(copy, sizeof copy, "cp %s now.pem && cp %s now.key", secure_file("agent.pem"),
             secure_file("agent.key"));
    run_in(e2e->directory, copy);
    secure_start(e2e, e2e_path(e2e, "now"), "");
    SECURE_CLIENT(e2e, &answer, "status", AS("alice"));
    expect(&answer, 0, "");
    e2e_answer_close(&answer);

    snprintf(copy, sizeof copy, "cp %s new && mv new now.pem", secure_file("agent2.pem"));
    run_in(e2e->directory, copy); /* its key is not there yet */
    SECURE_CLIENT(e2e, &answer, "status", AS("alice"));
    expect(&answer, 0, "");
    e2e_answer_close(&answer);
    e2e_await_log(e2e, "those before stay in use");

    snprintf(copy, sizeof copy, "cp %s new && mv new now.key", secure_file("agent2.key"));
    run_in(e2e->directory, copy);
    SECURE_CLIENT(e2e, &answer, "status", AS("alice")); /* believes ca, not ca2 */
    expect(&answer, 4, "not-authorised");
    e2e_answer_close(&answer);
    e2e_client(e2e, &answer, "status", "--json", "--to", secure_address, "--ca",
               secure_file("ca2.pem"), AS("alice"), NULL);
    expect(&answer, 0, "");
    e2e_answer_close(&answer);
}

static void another_authority_of_the_clients_counts_for_the_next_connection(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char copy[512], more[512];
    secure_authorise(e2e, "viewer cert:alice\nviewer cert:eve\n");
    snprintf(copy, sizeof copy, "cp %s clients.pem", secure_file("ca.pem"));
    run_in(e2e->directory, copy);
    snprintf(more, sizeof more, "tls-client-ca=%s", e2e_path(e2e, "clients.pem"));
    secure_start(e2e, secure_file("agent"), more);
    SECURE_CLIENT(e2e, &answer, "status", AS("eve"));
    expect(&answer, 4, "not-authorised");
    e2e_answer_close(&answer);

    snprintf(copy, sizeof copy, "cp %s new && mv new clients.pem", secure_file("ca2.pem"));
    run_in(e2e->directory, copy);
    SECURE_CLIENT(e2e, &answer, "status", AS("alice"));
    expect(&answer, 4, "not-authorised");
    e2e_answer_close(&answer);
    SECURE_CLIENT(e2e, &answer, "status", AS("eve"));
    expect(&answer, 0, "");
    e2e_answer_close(&answer);
}

static void a_bad_pair_at_the_start_is_one_line_and_the_jvm_goes_on(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    char copy[512];
    secure_authorise(e2e, "operator uid:%u\n", geteuid());
    snprintf(copy, sizeof copy, "cp %s bad.pem && cp %s bad.key", secure_file("agent.pem"),
             secure_file("alice.key"));
    run_in(e2e->directory, copy);
    secure_start(e2e, e2e_path(e2e, "bad"), "");
    e2e_await_log(e2e, "this is not the key of");
    e2e_client(e2e, &answer, "push", after(e2e), "--json", "--to", secure_local, NULL);
    expect(&answer, 0, "");
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
    SECURE_CLIENT(e2e, &answer, "status", AS("alice"));
    expect(&answer, 3, "no-agent");
    e2e_answer_close(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(a_push_with_a_certificate_is_live),
        E2E_CASE(a_push_with_a_token_is_live),
        E2E_CASE(any_name_in_the_certificate_will_do),
        E2E_CASE(the_targets_file_knows_all_the_files),
        E2E_CASE(a_large_bundle_and_a_large_report_arrive_whole),
        E2E_CASE(who_is_not_known_is_refused),
        E2E_CASE(a_client_does_not_speak_to_somebody_else),
        E2E_CASE(only_tls_1_3_is_spoken_and_nothing_is_resumed),
        E2E_CASE(plain_text_gets_no_answer),
        E2E_CASE(a_client_that_finds_no_tls_says_so),
        E2E_CASE(silent_peers_do_not_hold_up_a_proper_push),
        E2E_CASE(a_new_certificate_counts_for_the_next_connection),
        E2E_CASE(another_authority_of_the_clients_counts_for_the_next_connection),
        E2E_CASE(a_bad_pair_at_the_start_is_one_line_and_the_jvm_goes_on),
    };
    secure_make();
    int failed = E2E_RUN(tests);
    secure_remove();
    return failed;
}
