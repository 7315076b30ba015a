/* SPDX-License-Identifier: Apache-2.0 */
/* What people read names every word that scripts may meet, and every option there is. */
#include "client/invocation.h"
#include "core/options.h"
#include "core/reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The page without roff's escaped hyphens. */
static char *read_page(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/man/%s", HD_DOCS, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    char *text = calloc(1, 1 << 17);
    assert_non_null(text);
    size_t length = 0;
    for (int c; (c = fgetc(file)) != EOF && length < (1 << 17) - 1;)
        if (c != '\\')
            text[length++] = (char)c;
    fclose(file);
    return text;
}

static void expect_word(const char *page, const char *word)
{
    if (strstr(page, word) == NULL)
        fail_msg("hotdrop.1 does not name '%s'", word);
}

static void the_man_page_names_every_outcome_reason_and_warning(void **state)
{
    (void)state;
    char *page = read_page("hotdrop.1");
    for (int outcome = 0; outcome < HD_OUTCOME_COUNT; outcome++)
        expect_word(page, hd_outcome_word((enum hd_outcome)outcome));
    for (int reason = HD_REASON_NONE + 1; reason < HD_REASON_COUNT; reason++)
        expect_word(page, hd_reason_word((enum hd_reason)reason));
    for (int bit = 0; bit < HD_WARNING_BIT_COUNT; bit++)
        expect_word(page, hd_warning_word((enum hd_warning)(1u << bit)));
    free(page);
}

/* Is there an entry (.TP) whose first line has the word, and nothing of a longer one? */
static bool has_entry(const char *page, const char *word)
{
    size_t length = strlen(word);
    for (const char *tag = page; (tag = strstr(tag, "\n.TP\n")) != NULL;) {
        tag += strlen("\n.TP\n");
        const char *end = tag + strcspn(tag, "\n");
        for (const char *at = tag; (at = strstr(at, word)) != NULL && at < end; at += length)
            if (strchr(" \",\n", at[length]) != NULL)
                return true;
    }
    return false;
}

static void the_man_page_explains_every_option_of_the_client(void **state)
{
    (void)state;
    char *page = read_page("hotdrop.1");
    char *help = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&help, &length);
    assert_non_null(stream);
    hd_invocation_print_options(stream, ~0u);
    assert_int_equal(fclose(stream), 0);
    unsigned count = 0;
    for (char *line = help, *rest; (line = strtok_r(line, "\n", &rest)) != NULL; line = NULL) {
        char *option = line + strspn(line, " ");
        option[strcspn(option, " ")] = '\0';
        count++;
        if (!has_entry(page, option))
            fail_msg("hotdrop.1 does not explain %s", option);
    }
    assert_true(count > 30);
    free(help);
    free(page);
}

/* The complaint about a key that is unknown lists those that are known. */
static void the_man_page_explains_every_option_of_the_agent(void **state)
{
    (void)state;
    char *page = read_page("hotdrop-agent.7");
    struct hd_options options;
    struct hd_error err = HD_ERROR_INIT;
    unsigned count = 0;
    assert_int_equal(hd_options_parse("bogus=1", &options, &err), -1);
    char *keys = strstr(err.text, "the keys are ");
    assert_non_null(keys);
    keys += strlen("the keys are ");
    for (char *key = keys, *rest; (key = strtok_r(key, ", ", &rest)) != NULL; key = NULL) {
        char entry[64];
        snprintf(entry, sizeof entry, "%s=", key);
        count++;
        if (!has_entry(page, entry))
            fail_msg("hotdrop-agent.7 does not explain %s", entry);
    }
    assert_true(count > 20);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_man_page_names_every_outcome_reason_and_warning),
        cmocka_unit_test(the_man_page_explains_every_option_of_the_client),
        cmocka_unit_test(the_man_page_explains_every_option_of_the_agent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
