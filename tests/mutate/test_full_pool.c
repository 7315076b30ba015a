/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JVM keeps the constants of every version of a class in one pool, and JDK 17 dies when it is
 * full. A class of many constants, all of them new in every version, is pushed until that would be
 * so.
 */
#include "tests/e2e/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONSTANTS                      1000 /* two slots each: the String and its text */
#define VERSIONS                       36
#define FIRST_RELEASE_THAT_STARTS_ANEW 25

/* Its strings begin with the version, of fixed width, so that the next one is made by patching
 * the class file. */
static void write_source(const struct e2e *e2e)
{
    size_t room = CONSTANTS * 64, used;
    char *source = malloc(room);
    used = (size_t)snprintf(
        source, room,
        "package demo; public class Growing { public static String last() { String s = \"\";");
    for (unsigned i = 0; i < CONSTANTS; i++)
        used += (size_t)snprintf(source + used, room - used, "s = \"@000-%04u\";", i);
    snprintf(source + used, room - used, "return s; } }");
    e2e_write(e2e, "source/demo/Growing.java", source);
    free(source);
}

static void write_version(const struct e2e *e2e, unsigned version)
{
    static char bytes[1 << 20];
    char digits[8];
    snprintf(digits, sizeof digits, "@%03u", version);
    FILE *in = fopen(e2e_path(e2e, "classes/demo/Growing.class"), "re");
    size_t length = in != NULL ? fread(bytes, 1, sizeof bytes, in) : 0;
    assert_true(length > 0 && fclose(in) == 0);
    for (size_t at = 0; at + 4 < length; at++)
        if (memcmp(bytes + at, "@000", 4) == 0)
            memcpy(bytes + at, digits, 4);
    e2e_write(e2e, "next/demo/Growing.class", "");
    FILE *out = fopen(e2e_path(e2e, "next/demo/Growing.class"), "we");
    assert_true(out != NULL && fwrite(bytes, 1, length, out) == length && fclose(out) == 0);
}

/* The number of the version that was refused; 0: none was. */
static unsigned push_until_refused(struct e2e *e2e)
{
    for (unsigned version = 1; version <= VERSIONS; version++) {
        struct e2e_answer answer;
        write_version(e2e, version);
        e2e_deploy(e2e, &answer, "push", "next");
        int status = answer.status;
        if (status != 0)
            e2e_expect_row(answer.json, "demo.Growing", "refused", "jvm-error");
        else
            e2e_expect_row(answer.json, "demo.Growing", "redefined", NULL);
        e2e_answer_close(&answer);
        if (status != 0)
            return version;
    }
    return 0;
}

static void a_push_that_would_overflow_the_pool_is_refused(void **state)
{
    struct e2e *e2e = *state;
    const char *const quiet[] = { "-Xlog:disable", NULL };
    char last[16];
    write_source(e2e);
    e2e_compile(e2e, "source", e2e->classes, "");
    e2e_start(e2e, "max-rate=1000/min", quiet);
    e2e_expect(e2e, "call demo.Growing last", "@000-0999");
    unsigned refused = push_until_refused(e2e);
    if (e2e->jdk->feature < FIRST_RELEASE_THAT_STARTS_ANEW)
        assert_in_range(refused, 30, 34);
    else
        assert_int_equal(refused, 0);
    snprintf(last, sizeof last, "@%03u-0999", refused > 0 ? refused - 1 : VERSIONS);
    e2e_expect(e2e, "call demo.Growing last", last);
}

int main(void)
{
    const struct CMUnitTest tests[] = { E2E_CASE(a_push_that_would_overflow_the_pool_is_refused) };
    return E2E_RUN(tests);
}
