/* SPDX-License-Identifier: Apache-2.0 */
/* Other TLS in the same process: Netty's, over its own BoringSSL, and another agent's, over the
 * system's libwebsockets and OpenSSL. wss:// is in use, and neither side notices the other. */
#include "tests/e2e/secure.h"

#include "tests/certificates.h"

#define NETTY HD_E2E_BINARY "/netty"

static void push_over_tls(struct e2e *e2e)
{
    struct e2e_answer answer;
    SECURE_CLIENT(e2e, &answer, "push", e2e_path(e2e, "after"), AS("alice"));
    assert_int_equal(answer.status, 0);
    e2e_expect_row(answer.json, "demo.Greeter", "redefined", NULL);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "two");
}

static void roll_back_over_tls(struct e2e *e2e)
{
    struct e2e_answer answer;
    SECURE_CLIENT(e2e, &answer, "rollback", AS("alice"));
    assert_int_equal(answer.status, 0);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

/* The JVM ends by itself, with all threads and libraries that are in it. */
static void end_well(struct e2e *e2e)
{
    int status;
    free(e2e_process_finish(&e2e->jvm, 90, &status));
    assert_int_equal(status, 0);
}

/* ---- Netty ----------------------------------------------------------------------------------- */

static void start_with_netty(struct e2e *e2e)
{
    char line[512], certificates[128];
    snprintf(line, sizeof line, HD_E2E_SOURCE "/fetch-netty " NETTY);
    if (system(line) != 0)
        fail_msg("see above what fetch-netty said");
    snprintf(line, sizeof line, "cp -r " NETTY "/classes/. '%s'", e2e->classes);
    run_in(e2e->directory, line);
    e2e_compile(e2e, HD_E2E_SOURCE "/java-netty", "classes", "-cp " NETTY "/classes");
    snprintf(certificates, sizeof certificates, "-Dother.certificates=%s", secure_place);
    const char *options[] = { certificates, NULL };
    secure_authorise(e2e, "operator cert:alice\n");
    secure_start_with(e2e, secure_file("agent"), "", options);
}

static void nettys_boringssl_speaks_beside_us(void **state)
{
    struct e2e *e2e = *state;
    start_with_netty(e2e);
    push_over_tls(e2e); /* we first */
    e2e_expect(e2e, "call OtherTls library", "BoringSSL");
    e2e_expect(e2e, "call OtherTls connect", "TLSv1.3 word");
    roll_back_over_tls(e2e);
    e2e_expect(e2e, "call OtherTls say", "word");
    end_well(e2e);
}

static void we_speak_beside_nettys_boringssl(void **state)
{
    struct e2e *e2e = *state;
    start_with_netty(e2e);
    e2e_expect(e2e, "call OtherTls connect", "TLSv1.3 word"); /* Netty first */
    push_over_tls(e2e);
    e2e_expect(e2e, "call OtherTls say", "word");
    e2e_expect(e2e, "call OtherTls connect", "TLSv1.3 word");
    roll_back_over_tls(e2e);
    end_well(e2e);
}

/* ---- another agent with libwebsockets and OpenSSL -------------------------------------------- */

static void expect_the_others_server(const struct e2e *e2e, unsigned port)
{
    char line[512];
    snprintf(line, sizeof line,
             "openssl s_client -connect 127.0.0.1:%u -CAfile %s -verify_return_error </dev/null "
             ">other.log 2>&1 && grep -q 'Verify return code: 0' other.log",
             port, secure_file("ca.pem"));
    run_in(e2e->directory, line);
}

static void another_agents_libwebsockets_serves_beside_ours(void **state)
{
    struct e2e *e2e = *state;
    char other[512];
    unsigned port = secure_free_port();
    snprintf(other, sizeof other, "-agentpath:" HD_E2E_OTHER_AGENT "=%u,%s", port,
             secure_file("agent"));
    const char *options[] = { other, NULL };
    secure_authorise(e2e, "operator cert:alice\n");
    secure_start_with(e2e, secure_file("agent"), "", options);
    expect_the_others_server(e2e, port);
    push_over_tls(e2e);
    expect_the_others_server(e2e, port);
    roll_back_over_tls(e2e);
    expect_the_others_server(e2e, port);
    end_well(e2e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_CASE(nettys_boringssl_speaks_beside_us),
        E2E_CASE(we_speak_beside_nettys_boringssl),
        E2E_CASE(another_agents_libwebsockets_serves_beside_ours),
    };
    secure_make();
    int failed = E2E_RUN(tests);
    secure_remove();
    return failed;
}
