/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/answer.h"
#include "core/alloc.h"
#include "core/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A path may be of any bytes. */
static void words_that_are_no_utf8_are_said_all_the_same(void **state)
{
    (void)state;
    struct hd_job job = { .kind = HD_JOB_KEEP };
    job.kept.reason = HD_REASON_STORE_UNAVAILABLE;
    hd_error_set(&job.kept.why, HD_E_SYSTEM, "store /tmp/\xFF: full");
    json_t *answer = hd_answer_keep(&job, 7);
    assert_non_null(answer);
    const json_t *error = json_object_get(answer, "error");
    assert_string_equal(json_string_value(json_object_get(error, "reason")), "store-unavailable");
    assert_string_equal(json_string_value(json_object_get(error, "message")),
                        "store /tmp/\\xFF: full");
    json_decref(answer);
}

int main(void)
{
    hd_json_use_hd_alloc();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_that_are_no_utf8_are_said_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
