/* SPDX-License-Identifier: Apache-2.0 */
/* samples/tomcat: two web applications that hold the same class names, once alike and once
 * different, and one that is deployed anew. */
#include "tests/e2e/application.h"
#include "tests/e2e/http.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SOURCES    HD_E2E_BINARY "/tomcat/sources"
#define BASE       HD_E2E_BINARY "/tomcat/base"
#define HOME       "/usr/share/tomcat10"
#define CLASS_PATH HOME "/bin/bootstrap.jar:" HOME "/bin/tomcat-juli.jar"
#define SERVLET    "com.example.shop.ShopServlet"
#define PRICES     "com.example.shop.PriceList"
#define DISCOUNT   "com.example.shop.Discount"
#define PACKAGE    "com/example/shop"
#define SHOP_A     "ParallelWebappClassLoader[shop-a]"
#define SHOP_B     "ParallelWebappClassLoader[shop-b]"

/* The flows outlive a test that fails. */
static struct e2e_flow flow_a, flow_b;

/* A class of both shops that is not loaded until somebody asks for the discount. */
static void write_discount(const struct e2e *e2e, const char *path, const char *text)
{
    char source[256];
    snprintf(source, sizeof source,
             "package com.example.shop; final class Discount { static String text() { return "
             "\"%s\"; } }",
             text);
    e2e_write(e2e, path, source);
}

static void build_once(const struct e2e *e2e)
{
    static bool built;
    char home[PATH_MAX];
    if (built)
        return;
    snprintf(home, sizeof home, "JAVA_HOME=%s", e2e->jdk->home);
    const char *const environment[] = { home, "CATALINA_HOME=" HOME, NULL };
    const char *const remove[] = { "rm", "-rf", HD_E2E_BINARY "/tomcat", NULL };
    const char *const make[] = { "mkdir", HD_E2E_BINARY "/tomcat", NULL };
    const char *const copy[] = { "cp", "-r", HD_SAMPLES "/tomcat", SOURCES, NULL };
    const char *const build[] = { HD_SAMPLES "/tomcat/build", BASE, SOURCES, NULL };
    const char *const servlet = SOURCES "/src/" PACKAGE "/ShopServlet.java";
    e2e_claim(HD_E2E_BINARY "/tomcat");
    e2e_tool(NULL, remove);
    e2e_tool(NULL, make);
    e2e_tool(NULL, copy);
    write_discount(e2e, SOURCES "/src/" PACKAGE "/Discount.java", "no discount");
    e2e_edit(
        e2e, servlet, servlet, "response.getWriter().println(label(item)",
        "response.getWriter().println(\"discount\".equals(item) ? Discount.text() : label(item)");
    e2e_tool(environment, build);
    built = true;
}

/* Returns the port. */
static unsigned start(struct e2e *e2e)
{
    char home[PATH_MAX], base[PATH_MAX];
    build_once(e2e);
    snprintf(home, sizeof home, "-Dcatalina.home=%s", HOME);
    snprintf(base, sizeof base, "-Dcatalina.base=%s", e2e_path(e2e, "base"));
    const char *const built = BASE, *const class_path = CLASS_PATH;
    const char *const copy[] = { "cp", "-r", built, e2e_path(e2e, "base"), NULL };
    const char *const server = "base/conf/server.xml";
    const char *const arguments[] = {
        "-Dshop.port=0", "-XX:SoftRefLRUPolicyMSPerMB=0",         home,    base, "-cp",
        class_path,      "org.apache.catalina.startup.Bootstrap", "start", NULL
    };
    e2e_tool(NULL, copy);
    e2e_edit(e2e, server, server, "autoDeploy=\"false\"", "autoDeploy=\"true\"");
    e2e_edit(e2e, server, server, "<Engine ", "<Engine backgroundProcessorDelay=\"1\" ");
    e2e_application_start(e2e, "", arguments);
    unsigned port =
        e2e_application_hear_number(e2e, "Starting ProtocolHandler [\"http-nio-127.0.0.1-auto-1-");
    e2e_application_hear(e2e, "Server startup in");
    /* Tomcat has said it of servers whose applications were not all there yet. */
    e2e_http_await(port, "/shop-a/price?item=tea");
    e2e_http_await(port, "/shop-b/price?item=tea");
    return port;
}

/* Compiles one changed source of a shop, named like the directory it is put into, against the
 * shop's classes. */
static void compile(const struct e2e *e2e, const char *sources, const char *classes)
{
    e2e_compile(e2e, sources, classes,
                "--release 17 -cp " HOME "/lib/servlet-api.jar:" BASE
                "/classes/shop-a/WEB-INF/classes");
}

static void compile_servlet(const struct e2e *e2e, const char *words, const char *classes)
{
    char sources[64], source[128], label[64];
    snprintf(sources, sizeof sources, "sources-of-%s", classes);
    snprintf(source, sizeof source, "%s/ShopServlet.java", sources);
    snprintf(label, sizeof label, "item + \"%s\"", words);
    e2e_edit(e2e, SOURCES "/src/" PACKAGE "/ShopServlet.java", source, "item + \": \"", label);
    compile(e2e, sources, classes);
}

static void push(const struct e2e *e2e, struct e2e_answer *answer, const char *classes,
                 const char *option, const char *value)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, answer, "push", "--json", "--pid", pid, e2e_path(e2e, "%s", classes), option,
               value, NULL);
    assert_non_null(answer->json);
}

static void expect_outcome(const json_t *document, const char *class_name, const char *loader,
                           const char *outcome)
{
    const json_t *row = e2e_row(document, class_name, loader);
    assert_string_equal(json_string_value(json_object_get(row, "outcome")), outcome);
}

static void expect_row_count(const struct e2e_answer *answer, size_t count)
{
    if (json_array_size(json_object_get(answer->json, "classes")) != count)
        fail_msg("not %zu rows: %s", count, answer->output);
}

static void a_class_that_is_alike_in_two_web_applications_is_swapped_in_both(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    unsigned port = start(e2e);
    compile_servlet(e2e, " costs ", "costs");
    e2e_flow_start(&flow_a, port, "/shop-a/price?item=tea", "tea");
    e2e_flow_start(&flow_b, port, "/shop-b/price?item=tea", "tea");
    e2e_http_expect(port, "/shop-a/price?item=tea", "tea: 100 cents");

    push(e2e, &answer, "costs", NULL, NULL);
    assert_int_equal(answer.status, 0);
    expect_row_count(&answer, 2);
    expect_outcome(answer.json, SERVLET, SHOP_A, "redefined");
    expect_outcome(answer.json, SERVLET, SHOP_B, "redefined");
    e2e_answer_close(&answer);
    e2e_http_expect(port, "/shop-a/price?item=tea", "tea costs 100 cents");
    e2e_http_expect(port, "/shop-b/price?item=tea", "tea costs 53 cents");
    assert_true(e2e_flow_end(&flow_a) > 1);
    assert_true(e2e_flow_end(&flow_b) > 1);
}

static void a_class_that_differs_between_two_web_applications_waits_for_a_word_which_one_is_meant(
    void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    unsigned port = start(e2e);
    e2e_edit(e2e, SOURCES "/shop-a/" PACKAGE "/PriceList.java", "cheap/PriceList.java", "100",
             "80");
    compile(e2e, "cheap", "prices");
    e2e_flow_start(&flow_a, port, "/shop-a/price?item=tea", "tea: ");
    e2e_flow_start(&flow_b, port, "/shop-b/price?item=tea", "tea: 53 cents");

    push(e2e, &answer, "prices", NULL, NULL);
    assert_int_equal(answer.status, 1);
    expect_row_count(&answer, 2);
    e2e_expect_row(answer.json, PRICES, "refused", "ambiguous-loader");
    assert_non_null(strstr(answer.output, "shop-a"));
    assert_non_null(strstr(answer.output, "shop-b"));
    e2e_answer_close(&answer);
    e2e_http_expect(port, "/shop-a/price?item=tea", "tea: 100 cents");

    push(e2e, &answer, "prices", "--loader", "shop-a");
    assert_int_equal(answer.status, 0);
    expect_row_count(&answer, 1);
    expect_outcome(answer.json, PRICES, SHOP_A, "redefined");
    e2e_answer_close(&answer);
    e2e_http_expect(port, "/shop-a/price?item=tea", "tea: 80 cents");
    assert_true(e2e_flow_end(&flow_a) > 1);
    assert_true(e2e_flow_end(&flow_b) > 1);
}

/* The web applications' loaders are asked for its file, in archives that are not unpacked. */
static void a_class_that_no_web_application_has_loaded_is_compared_with_their_files(void **state)
{
    struct e2e *e2e = *state;
    struct e2e_answer answer;
    unsigned port = start(e2e);
    write_discount(e2e, "same/Discount.java", "no discount");
    write_discount(e2e, "other/Discount.java", "half price");
    compile(e2e, "same", "unchanged");
    compile(e2e, "other", "discount");
    e2e_flow_start(&flow_a, port, "/shop-a/price?item=tea", "tea: 100 cents");
    e2e_flow_start(&flow_b, port, "/shop-b/price?item=tea", "tea: 53 cents");

    push(e2e, &answer, "unchanged", NULL, NULL);
    assert_int_equal(answer.status, 0);
    expect_row_count(&answer, 2);
    expect_outcome(answer.json, DISCOUNT, SHOP_A, "unchanged");
    expect_outcome(answer.json, DISCOUNT, SHOP_B, "unchanged");
    e2e_answer_close(&answer);

    push(e2e, &answer, "discount", NULL, NULL);
    assert_int_equal(answer.status, 0);
    expect_row_count(&answer, 2);
    expect_outcome(answer.json, DISCOUNT, SHOP_A, "pending");
    expect_outcome(answer.json, DISCOUNT, SHOP_B, "pending");
    e2e_answer_close(&answer);
    e2e_http_expect(port, "/shop-a/price?item=discount", "half price");
    e2e_http_expect(port, "/shop-b/price?item=discount", "half price");
    assert_true(e2e_flow_end(&flow_a) > 1);
    assert_true(e2e_flow_end(&flow_b) > 1);
}

/* As its owner does it: a new archive in place of the old one, which Tomcat notices. */
static void deploy_anew(struct e2e *e2e, unsigned port)
{
    const char *const copy[] = { "cp", BASE "/webapps/shop-a.war", e2e_path(e2e, "shop-a.new"),
                                 NULL };
    const char *const move[] = { "mv", e2e_path(e2e, "shop-a.new"),
                                 e2e_path(e2e, "base/webapps/shop-a.war"), NULL };
    e2e_tool(NULL, copy);
    e2e_tool(NULL, move);
    e2e_application_hear(e2e, "shop-a.war] has finished");
    e2e_http_await(port, "/shop-a/price?item=tea");
}

static void collect_garbage(const struct e2e *e2e)
{
    char jcmd[PATH_MAX], pid[16];
    snprintf(jcmd, sizeof jcmd, "%s/bin/jcmd", e2e->jdk->home);
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    const char *const collect[] = { jcmd, pid, "GC.run", NULL };
    e2e_tool(NULL, collect);
}

static void push_to_shop_a(const struct e2e *e2e, const char *classes)
{
    struct e2e_answer answer;
    push(e2e, &answer, classes, "--loader", SHOP_A);
    assert_int_equal(answer.status, 0);
    expect_row_count(&answer, 1);
    expect_outcome(answer.json, SERVLET, SHOP_A, "redefined");
    e2e_answer_close(&answer);
}

/* The old one's patch went with it. */
static void expect_one_patch(const struct e2e *e2e)
{
    struct e2e_answer answer;
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)e2e->jvm.pid);
    e2e_client(e2e, &answer, "status", "--json", "--pid", pid, NULL);
    assert_int_equal(answer.status, 0);
    expect_row_count(&answer, 1);
    assert_int_equal(
        json_integer_value(json_object_get(e2e_row(answer.json, SERVLET, SHOP_A), "deployment")),
        2);
    e2e_answer_close(&answer);
}

/* The old one is still there until the garbage collector has come by, with the same name. */
static void a_web_application_deployed_anew_is_reached_and_the_dead_one_is_not(void **state)
{
    struct e2e *e2e = *state;
    unsigned port = start(e2e);
    compile_servlet(e2e, " costs ", "costs");
    compile_servlet(e2e, " is ", "is");
    compile_servlet(e2e, " was ", "was");
    e2e_flow_start(&flow_b, port, "/shop-b/price?item=tea", "tea: 53 cents");
    e2e_http_expect(port, "/shop-a/price?item=tea", "tea: 100 cents");
    push_to_shop_a(e2e, "costs");
    e2e_http_expect(port, "/shop-a/price?item=tea", "tea costs 100 cents");

    deploy_anew(e2e, port);
    /* Of the same archive: what was patched in the old one is patched in the new one. */
    e2e_http_expect(port, "/shop-a/price?item=tea", "tea costs 100 cents");
    push_to_shop_a(e2e, "is");
    e2e_http_expect(port, "/shop-a/price?item=tea", "tea is 100 cents");
    expect_one_patch(e2e);
    collect_garbage(e2e);
    push_to_shop_a(e2e, "was");
    e2e_http_expect(port, "/shop-a/price?item=tea", "tea was 100 cents");
    assert_true(e2e_flow_end(&flow_b) > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        E2E_APPLICATION_CASE(a_class_that_is_alike_in_two_web_applications_is_swapped_in_both),
        E2E_APPLICATION_CASE(
            a_class_that_differs_between_two_web_applications_waits_for_a_word_which_one_is_meant),
        E2E_APPLICATION_CASE(
            a_class_that_no_web_application_has_loaded_is_compared_with_their_files),
        E2E_APPLICATION_CASE(a_web_application_deployed_anew_is_reached_and_the_dead_one_is_not),
    };
    return E2E_RUN(tests);
}
