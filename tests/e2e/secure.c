/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/secure.h"

#include "tests/certificates.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

char secure_place[64] = "/tmp/hotdrop-secure-XXXXXX";
char secure_address[64];
char secure_local[256];
unsigned secure_port;

static char secure_options[2048];

void secure_make(void)
{
    static const char here[] = "DNS:localhost,IP:127.0.0.1";
    if (mkdtemp(secure_place) == NULL)
        fail_msg("no directory");
    make_authority(secure_place, "ca");
    make_authority(secure_place, "ca2");
    make_certificate(secure_place, "ca", "agent", "/CN=agent", here, 30);
    make_certificate(secure_place, "ca2", "agent2", "/CN=agent", here, 30);
    make_certificate(secure_place, "ca", "elsewhere", "/CN=127.0.0.1", "DNS:elsewhere.example", 30);
    make_certificate(secure_place, "ca", "alice", "/CN=alice", "email:alice@example.org", 30);
    make_certificate(secure_place, "ca", "over", "/CN=alice", "", -1);
    make_certificate(secure_place, "ca2", "eve", "/CN=alice", "", 30);
}

void secure_remove(void)
{
    char line[128];
    snprintf(line, sizeof line, "rm -r '%s'", secure_place);
    if (system(line) != 0)
        fprintf(stderr, "%s stays\n", secure_place);
}

const char *secure_file(const char *name)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", secure_place, name);
    return path;
}

void secure_write(const struct e2e *e2e, const char *name, const char *text)
{
    char draft[256], path[256];
    snprintf(path, sizeof path, "%s", e2e_path(e2e, "%s", name));
    snprintf(draft, sizeof draft, "%s.new", path);
    e2e_write(e2e, draft, text);
    assert_int_equal(chmod(draft, 0600), 0);
    assert_int_equal(rename(draft, path), 0);
}

void secure_authorise(const struct e2e *e2e, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    secure_write(e2e, "authorized", text);
}

unsigned secure_free_port(void)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof name;
    int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(made, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(getsockname(made, (struct sockaddr *)&name, &length), 0);
    close(made);
    return ntohs(name.sin_port);
}

void secure_start(struct e2e *e2e, const char *certificate, const char *more)
{
    secure_start_with(e2e, certificate, more, NULL);
}

void secure_start_with(struct e2e *e2e, const char *certificate, const char *more,
                       const char *const *jvm_options)
{
    char own[256];
    snprintf(own, sizeof own, "%s", certificate); /* e2e_path forgets */
    e2e_compile_class(e2e, "Greeter",
                      "package demo; public class Greeter { public static String greet() { return "
                      "\"one\"; } }",
                      e2e->classes);
    e2e_compile_class(e2e, "Greeter",
                      "package demo; public class Greeter { public static String greet() { return "
                      "\"two\"; } }",
                      "after");
    secure_port = secure_free_port();
    snprintf(secure_address, sizeof secure_address, "wss://127.0.0.1:%u", secure_port);
    snprintf(secure_local, sizeof secure_local, "unix:%s/door", e2e->directory);
    snprintf(secure_options, sizeof secure_options,
             "listen=%s,listen=%s,tls-cert=%s.pem,tls-key=%s.key,tls-client-ca=%s,authorized=%s/"
             "authorized%s%s",
             secure_local, secure_address, own, own, secure_file("ca.pem"), e2e->directory,
             more[0] != '\0' ? "," : "", more);
    e2e_start(e2e, secure_options, jvm_options);
    e2e_expect(e2e, "call demo.Greeter greet", "one");
}

void secure_stop(struct e2e *e2e)
{
    int status;
    e2e_process_tell(&e2e->jvm, "exit 0");
    free(e2e_process_finish(&e2e->jvm, 90, &status));
    assert_int_equal(status, 0);
}

void secure_start_again(struct e2e *e2e)
{
    e2e_start(e2e, secure_options, NULL);
}

const char *secure_reason(const struct e2e_answer *answer)
{
    const char *reason =
        json_string_value(json_object_get(json_object_get(answer->json, "error"), "reason"));
    return reason != NULL ? reason : "";
}
