/* SPDX-License-Identifier: Apache-2.0 */
/* What people read names every word that scripts may meet. */
#include "core/reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_man_page_names_every_outcome_reason_and_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
