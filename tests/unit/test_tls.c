/* SPDX-License-Identifier: Apache-2.0 */
/* Two ends of TLS in one process, and the agent's certificates while they change. */
#include "agent/certificates.h"
#include "core/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "tests/certificates.h"

static char directory[] = "/tmp/hd-tls-XXXXXX";

/* Valid until the eighth next call. */
static const char *at(const char *name)
{
    static char paths[8][96];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static int make_certificates(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    make_authority(directory, "ca");
    make_authority(directory, "stranger");
    make_certificate(directory, "ca", "agent", "/CN=unbelieved.example",
                     "DNS:agent.example,IP:127.0.0.1", 30);
    make_certificate(directory, "ca", "alice", "/CN=alice/O=x/CN=a.second",
                     "DNS:alice.example,email:alice@example.org,URI:spiffe://x/alice,IP:10.0.0.1",
                     30);
    make_certificate(directory, "ca", "over", "/CN=over", "DNS:agent.example", -1);
    make_certificate(directory, "stranger", "eve", "/CN=alice", "DNS:agent.example", 30);
    run_in(directory, "openssl pkey -in alice.key -aes256 -passout pass:secret -out locked.key");
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    char line[128];
    snprintf(line, sizeof line, "rm -r '%s'", directory);
    return system(line);
}

/* ---- two ends -------------------------------------------------------------------------------- */

struct pair {
    struct hd_tls_context *server_context, *client_context;
    struct hd_tls_stream *server, *client;
    struct hd_buffer at_server, at_client; /* plain text that arrived */
    struct hd_error server_error, client_error;
};

static void open_pair(struct pair *pair, const char *server_name, const char *client_name,
                      const char *host)
{
    char cert[4][96] = { "", "", "", "" };
    struct hd_error err = HD_ERROR_INIT;
    bool ignored;
    *pair = (struct pair){ .server = NULL };
    snprintf(cert[0], sizeof cert[0], "%s/%s.pem", directory, server_name);
    snprintf(cert[1], sizeof cert[1], "%s/%s.key", directory, server_name);
    if (client_name != NULL) {
        snprintf(cert[2], sizeof cert[2], "%s/%s.pem", directory, client_name);
        snprintf(cert[3], sizeof cert[3], "%s/%s.key", directory, client_name);
    }
    const struct hd_tls_files server = { cert[0], cert[1], at("ca.pem") };
    const struct hd_tls_files client = { client_name != NULL ? cert[2] : NULL,
                                         client_name != NULL ? cert[3] : NULL, at("ca.pem") };
    if (hd_tls_server_new(&server, &pair->server_context, &ignored, &err) != 0 ||
        hd_tls_client_new(&client, &pair->client_context, &err) != 0 ||
        hd_tls_accept(pair->server_context, &pair->server, &err) != 0 ||
        hd_tls_connect(pair->client_context, host, &pair->client, &err) != 0)
        fail_msg("%s", err.text);
}

static void close_pair(struct pair *pair)
{
    hd_tls_stream_free(pair->server);
    hd_tls_stream_free(pair->client);
    hd_tls_context_free(pair->server_context);
    hd_tls_context_free(pair->client_context);
    hd_buffer_close(&pair->at_server);
    hd_buffer_close(&pair->at_client);
}

/* In pieces of so many bytes; true when anything moved. */
static bool carry(struct hd_tls_stream *from, struct hd_tls_stream *to, struct hd_buffer *plain,
                  struct hd_error *why, size_t piece)
{
    struct hd_buffer wire = HD_BUFFER_INIT;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_tls_take(from, &wire, &err), 0);
    for (size_t done = 0; done < wire.length && !hd_error_is_set(why); done += piece) {
        size_t length = wire.length - done < piece ? wire.length - done : piece;
        (void)!hd_tls_receive(to, wire.data + done, length, plain, why);
    }
    bool moved = wire.length > 0;
    hd_buffer_close(&wire);
    return moved;
}

static void talk(struct pair *pair, size_t piece)
{
    bool moved = true;
    while (moved) {
        moved = carry(pair->client, pair->server, &pair->at_server, &pair->server_error, piece);
        moved = carry(pair->server, pair->client, &pair->at_client, &pair->client_error, piece) ||
                moved;
    }
}

/* ---- what holds ------------------------------------------------------------------------------ */

static void bytes_arrive_in_whatever_pieces_the_wire_carries_them(void **state)
{
    (void)state;
    static const size_t pieces[] = { 1, 7, 1000, 1000000 };
    static uint8_t much[100000];
    memset(much, 'x', sizeof much);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct pair pair;
        struct hd_error err = HD_ERROR_INIT;
        open_pair(&pair, "agent", "alice", "agent.example");
        talk(&pair, pieces[i]);
        assert_true(hd_tls_is_secured(pair.server) && hd_tls_is_secured(pair.client));
        assert_int_equal(hd_tls_send(pair.client, much, sizeof much, &err), 0);
        assert_int_equal(hd_tls_send(pair.server, much, 3, &err), 0);
        talk(&pair, pieces[i]);
        assert_int_equal(pair.at_server.length, sizeof much);
        assert_memory_equal(pair.at_server.data, much, sizeof much);
        assert_int_equal(pair.at_client.length, 3);
        hd_tls_end(pair.server);
        talk(&pair, pieces[i]);
        assert_true(hd_tls_has_ended(pair.client));
        close_pair(&pair);
    }
}

static void a_client_certificate_says_who_it_is(void **state)
{
    (void)state;
    static const char *const expected[] = { "alice", "a.second", "alice.example",
                                            "alice@example.org", "spiffe://x/alice" };
    struct pair pair;
    struct hd_tls_names names;
    struct hd_error err = HD_ERROR_INIT;
    open_pair(&pair, "agent", "alice", "127.0.0.1");
    assert_int_equal(hd_tls_peer_names(pair.server, &names, &err), 0);
    assert_int_equal(names.count, 0); /* nothing is believed before the handshake is done */
    talk(&pair, 1000);
    assert_int_equal(hd_tls_peer_names(pair.server, &names, &err), 0);
    assert_int_equal(names.count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < names.count; i++)
        assert_string_equal(names.items[i], expected[i]);
    hd_tls_names_close(&names);
    close_pair(&pair);
}

static void who_has_no_certificate_has_no_name(void **state)
{
    (void)state;
    struct pair pair;
    struct hd_tls_names names;
    struct hd_error err = HD_ERROR_INIT;
    open_pair(&pair, "agent", NULL, "agent.example");
    talk(&pair, 1000);
    assert_true(hd_tls_is_secured(pair.server));
    assert_int_equal(hd_tls_peer_names(pair.server, &names, &err), 0);
    assert_int_equal(names.count, 0);
    close_pair(&pair);
}

static void expect_disbelief(const char *server, const char *client, const char *host,
                             bool of_client, const char *words)
{
    struct pair pair;
    open_pair(&pair, server, client, host);
    talk(&pair, 1000);
    const struct hd_error *why = of_client ? &pair.client_error : &pair.server_error;
    assert_int_equal(why->code, HD_E_DENIED);
    if (strstr(why->text, words) == NULL)
        fail_msg("'%s' does not say '%s'", why->text, words);
    assert_false(hd_tls_is_secured(of_client ? pair.client : pair.server));
    close_pair(&pair);
}

static void a_client_believes_only_the_host_it_meant(void **state)
{
    (void)state;
    expect_disbelief("agent", NULL, "other.example", true, "ostname mismatch");
    expect_disbelief("agent", NULL, "unbelieved.example", true, "ostname mismatch");
    expect_disbelief("agent", NULL, "127.0.0.2", true, "IP address mismatch");
    expect_disbelief("eve", NULL, "agent.example", true, "unable to get local issuer");
    expect_disbelief("over", NULL, "agent.example", true, "expired");
}

static void a_server_believes_only_its_own_issuers_clients(void **state)
{
    (void)state;
    expect_disbelief("agent", "eve", "agent.example", false, "unable to get local issuer");
    expect_disbelief("agent", "over", "agent.example", false, "expired");
}

static void what_is_no_tls_is_refused(void **state)
{
    (void)state;
    static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    struct pair pair;
    open_pair(&pair, "agent", NULL, "agent.example");
    assert_int_equal(hd_tls_receive(pair.server, (const uint8_t *)request, sizeof request - 1,
                                    &pair.at_server, &pair.server_error),
                     -1);
    assert_int_equal(pair.server_error.code, HD_E_CONNECTION);
    assert_int_equal(pair.at_server.length, 0);
    close_pair(&pair);
}

static void a_changed_byte_ends_the_stream(void **state)
{
    (void)state;
    struct pair pair;
    struct hd_buffer wire = HD_BUFFER_INIT;
    struct hd_error err = HD_ERROR_INIT;
    open_pair(&pair, "agent", NULL, "agent.example");
    talk(&pair, 1000);
    assert_int_equal(hd_tls_send(pair.client, (const uint8_t *)"word", 4, &err), 0);
    assert_int_equal(hd_tls_take(pair.client, &wire, &err), 0);
    wire.data[wire.length - 1] ^= 1;
    assert_int_equal(hd_tls_receive(pair.server, wire.data, wire.length, &pair.at_server, &err),
                     -1);
    assert_int_equal(pair.at_server.length, 0);
    hd_buffer_close(&wire);
    close_pair(&pair);
}

static void expect_bad_files(const char *cert, const char *key, const char *ca, const char *words)
{
    struct hd_tls_context *context = NULL;
    struct hd_error err = HD_ERROR_INIT;
    bool ignored;
    const struct hd_tls_files files = { at(cert), at(key), ca != NULL ? at(ca) : NULL };
    assert_int_equal(hd_tls_server_new(&files, &context, &ignored, &err), -1);
    assert_null(context);
    if (strstr(err.text, words) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, words);
}

static void bad_files_are_told_by_name(void **state)
{
    (void)state;
    run_in(directory, "echo nonsense >nonsense; cp agent.key open.key; chmod 602 open.key; mkfifo "
                      "fifo; { cat agent.pem; echo -----BEGIN CERTIFICATE-----; echo x; echo "
                      "-----END CERTIFICATE-----; } >half.pem");
    expect_bad_files("missing.pem", "agent.key", NULL, "missing.pem: cannot be opened");
    expect_bad_files("nonsense", "agent.key", NULL, "nonsense: there is no certificate in it");
    expect_bad_files("half.pem", "agent.key", NULL, "half.pem");
    expect_bad_files("agent.pem", "missing.key", NULL, "missing.key: cannot be opened");
    expect_bad_files("agent.pem", "alice.key", NULL, "alice.key: this is not the key of");
    expect_bad_files("alice.pem", "locked.key", NULL, "locked.key: there is no private key");
    expect_bad_files("agent.pem", "open.key", NULL, "open.key: others than its owner can write");
    expect_bad_files("agent.pem", "fifo", NULL, "fifo: not a regular file");
    expect_bad_files("agent.pem", "agent.key", "nonsense", "nonsense: there is no certificate");
}

static void every_allocation_of_ours_may_fail(void **state)
{
    (void)state;
    for (unsigned long nth = 1; nth < 100; nth++) {
        const struct hd_tls_files files = { at("agent.pem"), at("agent.key"), at("ca.pem") };
        struct hd_tls_context *context = NULL;
        struct hd_tls_stream *stream = NULL;
        struct hd_error err = HD_ERROR_INIT;
        bool ignored;
        long before = hd_alloc_outstanding();
        hd_alloc_fail_at(nth);
        int result = hd_tls_server_new(&files, &context, &ignored, &err);
        if (result == 0)
            result = hd_tls_accept(context, &stream, &err);
        hd_alloc_fail_at(0);
        hd_tls_stream_free(stream);
        hd_tls_context_free(context);
        assert_int_equal(hd_alloc_outstanding(), before);
        if (result == 0) {
            assert_true(nth > 4);
            return;
        }
        assert_int_equal(err.code, HD_E_MEMORY);
    }
    fail_msg("still failing");
}

/* The host that a client has to expect of whoever has this context now. */
static void expect_holder(struct hd_tls_context *context, const char *host)
{
    struct pair pair;
    struct hd_error err = HD_ERROR_INIT;
    open_pair(&pair, "agent", NULL, host);
    hd_tls_stream_free(pair.server);
    assert_int_equal(hd_tls_accept(context, &pair.server, &err), 0);
    talk(&pair, 1000);
    if (!hd_tls_is_secured(pair.client))
        fail_msg("%s: %s", host, pair.client_error.text);
    close_pair(&pair);
}

/* ---- certificates that change ---------------------------------------------------------------- */

static void changed_certificates_are_read_again_and_broken_ones_change_nothing(void **state)
{
    (void)state;
    char cert[96], key[96];
    struct hd_error err = HD_ERROR_INIT;
    struct hd_certificates certificates = { .context = NULL };
    run_in(directory, "cp agent.pem now.pem; cp agent.key now.key");
    snprintf(cert, sizeof cert, "%s/now.pem", directory);
    snprintf(key, sizeof key, "%s/now.key", directory);
    const struct hd_options options = { .tls_cert = cert, .tls_key = key };
    assert_int_equal(hd_certificates_open(&certificates, &options, &err), 0);
    struct hd_tls_context *first = hd_certificates_now(&certificates);
    assert_non_null(first);
    assert_ptr_equal(hd_certificates_now(&certificates), first);

    expect_holder(first, "agent.example");
    run_in(directory, "cp alice.pem now.new && mv now.new now.pem"); /* its key comes later */
    expect_holder(hd_certificates_now(&certificates), "agent.example");
    run_in(directory, "cp alice.key now.new && mv now.new now.key");
    struct hd_tls_stream *stream = NULL;
    struct hd_tls_context *second = hd_certificates_now(&certificates);
    assert_int_equal(hd_tls_accept(second, &stream, &err), 0);
    expect_holder(second, "alice.example");
    assert_int_equal(unlink(key), 0);
    expect_holder(hd_certificates_now(&certificates), "alice.example");
    hd_certificates_close(&certificates);
    hd_tls_stream_free(stream); /* outlives its context */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_in_whatever_pieces_the_wire_carries_them),
        cmocka_unit_test(a_client_certificate_says_who_it_is),
        cmocka_unit_test(who_has_no_certificate_has_no_name),
        cmocka_unit_test(a_client_believes_only_the_host_it_meant),
        cmocka_unit_test(a_server_believes_only_its_own_issuers_clients),
        cmocka_unit_test(what_is_no_tls_is_refused),
        cmocka_unit_test(a_changed_byte_ends_the_stream),
        cmocka_unit_test(bad_files_are_told_by_name),
        cmocka_unit_test(every_allocation_of_ours_may_fail),
        cmocka_unit_test(changed_certificates_are_read_again_and_broken_ones_change_nothing),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
