/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/news.h"

#include "core/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* They are told apart, and not looked into. */
static char patches[2], files[3];
#define PATCH(i)   ((struct hd_patch *)&patches[i])
#define FILE_OF(i) ((struct hd_blob *)&files[i])

static struct hd_hook_event event_of(enum hd_hook_event_kind kind, int patch, int file)
{
    return (struct hd_hook_event){ .kind = kind, .patch = PATCH(patch), .file = FILE_OF(file) };
}

static void a_class_that_is_edited_again_and_again_is_told_of_once(void **state)
{
    (void)state;
    struct hd_news news;
    struct hd_hook_event one = event_of(HD_HOOK_EDITED, 0, 0), again = one,
                         other = event_of(HD_HOOK_EDITED, 1, 0);
    hd_news_open(&news);
    assert_null(hd_news_add_take(&news, &one));
    assert_null(hd_news_add_take(&news, &other));
    for (int i = 0; i < 1000; i++)
        assert_ptr_equal(hd_news_add_take(&news, &again), &again);
    assert_ptr_equal(hd_news_take_all(&news), &one);
    assert_ptr_equal(one.next, &other);
    assert_null(other.next);
    assert_null(hd_news_take_all(&news));
    assert_null(hd_news_add_take(&news, &again)); /* heard before: it is news again */
    assert_ptr_equal(hd_news_take_all(&news), &again);
    assert_int_equal(hd_alloc_outstanding(), 0);
}

static void of_several_redefinitions_the_last_file_counts(void **state)
{
    (void)state;
    struct hd_news news;
    struct hd_hook_event one = event_of(HD_HOOK_FOREIGN, 0, 0),
                         two = event_of(HD_HOOK_FOREIGN, 0, 1),
                         edited = event_of(HD_HOOK_EDITED, 0, 2);
    hd_news_open(&news);
    assert_null(hd_news_add_take(&news, &one));
    assert_null(hd_news_add_take(&news, &edited));
    assert_ptr_equal(hd_news_add_take(&news, &two), &two);
    assert_ptr_equal(one.file, FILE_OF(1));
    assert_ptr_equal(two.file, FILE_OF(0)); /* goes with what came back */
    assert_ptr_equal(hd_news_take_all(&news), &one);
    assert_ptr_equal(one.next, &edited);
    assert_int_equal(hd_alloc_outstanding(), 0);
}

static void beyond_the_bound_nothing_is_taken(void **state)
{
    (void)state;
    struct hd_news news;
    struct hd_hook_event *events = hd_alloc_zeroed(HD_NEWS_MAX + 1, sizeof *events);
    assert_non_null(events);
    hd_news_open(&news);
    for (size_t i = 0; i <= HD_NEWS_MAX; i++) {
        events[i] = event_of(HD_HOOK_APPLIED, 0, 0);
        assert_ptr_equal(hd_news_add_take(&news, &events[i]), i < HD_NEWS_MAX ? NULL : &events[i]);
    }
    assert_int_equal(news.lost, 1);
    assert_ptr_equal(hd_news_take_all(&news), &events[0]);
    assert_null(hd_news_add_take(&news, &events[HD_NEWS_MAX]));
    assert_int_equal(news.lost, 0);
    hd_free(events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_that_is_edited_again_and_again_is_told_of_once),
        cmocka_unit_test(of_several_redefinitions_the_last_file_counts),
        cmocka_unit_test(beyond_the_bound_nothing_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
