/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/states.h"

#include "core/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/every_allocation.h"

/* All classes here are of the boot loader, so no JNI function is called. */
static JNIEnv *const no_jni = NULL;

static int add_for(struct hd_states *states, const char *name, bool any_loader, const char *text,
                   struct hd_error *err)
{
    struct hd_bytes file = { (const uint8_t *)text, strlen(text) };
    struct hd_blob *held;
    if (hd_blob_of(file, &held, err) != 0)
        return -1;
    int status = hd_states_add_held(states, no_jni, name, NULL, any_loader, held, err);
    hd_blob_release(held);
    return status;
}

static int add(struct hd_states *states, const char *name, const char *text, struct hd_error *err)
{
    return add_for(states, name, false, text, err);
}

static void deploy(struct hd_states *states, uint64_t number, const char *name, const char *text)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_states_begin(states, no_jni, number, &err), 0);
    assert_int_equal(add(states, name, text, &err), 0);
    hd_states_commit(states, no_jni);
}

static void roll_back(struct hd_states *states, uint64_t number, uint64_t to)
{
    struct hd_error err = HD_ERROR_INIT;
    uint64_t state = 99;
    assert_int_equal(hd_states_find(states, to, &state, &err), 0);
    assert_int_equal(hd_states_begin(states, no_jni, number, &err), 0);
    hd_states_return(states, no_jni, state);
}

static void expect_content(const struct hd_states *states, uint64_t state, const char *name,
                           const char *text)
{
    const struct hd_states_place place = { .internal_name = name };
    const struct hd_blob *content = hd_states_find_content(states, no_jni, state, &place);
    struct hd_bytes found = content != NULL ? content->bytes : (struct hd_bytes){ NULL, 0 };
    assert_int_equal(found.length, strlen(text));
    assert_memory_equal(found.data, text, found.length);
}

static void a_class_is_what_the_nearest_state_made_it(void **state)
{
    (void)state;
    struct hd_states *states = hd_states_new();
    deploy(states, 1, "Foo", "foo 1");
    deploy(states, 2, "Bar", "bar 2");
    deploy(states, 3, "Foo", "foo 3");
    expect_content(states, 3, "Foo", "foo 3");
    expect_content(states, 3, "Bar", "bar 2");
    expect_content(states, 2, "Foo", "foo 1");
    expect_content(states, 1, "Bar", "");
    expect_content(states, 0, "Foo", "");
    hd_states_free(states, no_jni);
}

static void a_rollback_is_another_name_of_an_older_state(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_states *states = hd_states_new();
    uint64_t found = 99;
    deploy(states, 1, "Foo", "foo 1");
    deploy(states, 2, "Foo", "foo 2");
    roll_back(states, 3, 1);
    assert_int_equal(hd_states_current(states), 1);
    assert_int_equal(hd_states_find(states, 3, &found, &err), 0);
    assert_int_equal(found, 1);
    deploy(states, 4, "Bar", "bar 4");
    assert_int_equal(hd_states_parent(states, 4), 1);
    expect_content(states, 4, "Foo", "foo 1");
    assert_true(hd_states_is_ancestor(states, 1, 4));
    assert_false(hd_states_is_ancestor(states, 2, 4));
    hd_states_free(states, no_jni);
}

static void undoing_the_last_ends_at_the_start(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_states *states = hd_states_new();
    uint64_t before = 99;
    deploy(states, 1, "Foo", "foo 1");
    assert_int_equal(hd_states_before_current(states, &before, &err), 0);
    assert_int_equal(before, 0);
    roll_back(states, 2, 0);
    assert_int_equal(hd_states_before_current(states, &before, &err), -1);
    assert_int_equal(err.code, HD_E_NOT_FOUND);
    hd_states_free(states, no_jni);
}

static void what_was_not_done_is_no_part_of_the_state(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_states *states = hd_states_new();
    assert_int_equal(hd_states_begin(states, no_jni, 1, &err), 0);
    assert_int_equal(add(states, "Foo", "foo", &err), 0);
    assert_int_equal(add(states, "Bar", "bar", &err), 0);
    hd_states_take_out(states, no_jni, 0);
    hd_states_commit(states, no_jni);
    expect_content(states, 1, "Foo", "");
    expect_content(states, 1, "Bar", "bar");
    hd_states_free(states, no_jni);
}

static void a_deployment_that_did_nothing_names_the_state_it_left(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_states *states = hd_states_new();
    uint64_t found = 99;
    deploy(states, 1, "Foo", "foo");
    assert_int_equal(hd_states_begin(states, no_jni, 2, &err), 0);
    hd_states_commit(states, no_jni);
    assert_int_equal(hd_states_find(states, 2, &found, &err), 0);
    assert_int_equal(found, 1);
    hd_states_free(states, no_jni);
}

/* The oldest go, what is live stays what it is, and memory is bounded. */
static void past_the_bound_the_oldest_is_folded_into_the_next(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_states *states = hd_states_new();
    uint64_t found;
    deploy(states, 1, "First", "first");
    for (uint64_t number = 2; number <= HD_STATES_MAX + 50; number++)
        deploy(states, number, "Foo", "foo");
    expect_content(states, HD_STATES_MAX + 50, "First", "first");
    assert_int_equal(hd_states_find(states, 1, &found, &err), -1);
    hd_error_clear(&err);
    assert_int_equal(hd_states_find(states, 100, &found, &err), 0);
    expect_content(states, 100, "First", "first");
    hd_states_free(states, no_jni);
}

static void rounds_of_push_and_rollback_keep_memory_flat(void **state)
{
    (void)state;
    long before = hd_alloc_outstanding();
    struct hd_states *states = hd_states_new();
    long at_bound = 0;
    for (uint64_t round = 0; round < UINT64_C(4) * HD_STATES_MAX; round++) {
        deploy(states, 2 * round + 1, "Foo", "foo");
        roll_back(states, 2 * round + 2, 0);
        if (round == UINT64_C(2) * HD_STATES_MAX)
            at_bound = hd_alloc_outstanding();
    }
    assert_int_equal(hd_alloc_outstanding(), at_bound);
    assert_int_equal(hd_states_current(states), 0);
    hd_states_free(states, no_jni);
    assert_int_equal(hd_alloc_outstanding(), before);
}

/* ---- what loaders that come get -------------------------------------------------------------- */

static struct hd_blob *blob_of(const char *text)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_blob *blob = NULL;
    assert_int_equal(
        hd_blob_of((struct hd_bytes){ (const uint8_t *)text, strlen(text) }, &blob, &err), 0);
    return blob;
}

static void begin_offering(struct hd_states *states, uint64_t number, const char *name,
                           const char *base, const char *text, const char *loader_text)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_blob *blob = base != NULL ? blob_of(base) : NULL;
    assert_int_equal(hd_states_begin(states, no_jni, number, &err), 0);
    assert_int_equal(add(states, name, text, &err), 0);
    assert_int_equal(hd_states_offer_last(states, blob, loader_text, false, &err), 0);
    hd_blob_release(blob);
}

static void deploy_offering(struct hd_states *states, uint64_t number, const char *name,
                            const char *base, const char *text, const char *loader_text)
{
    begin_offering(states, number, name, base, text, loader_text);
    hd_states_commit(states, no_jni);
}

static const struct hd_offers *offers_of(struct hd_states *states, bool ahead)
{
    struct hd_error err = HD_ERROR_INIT;
    const struct hd_offers *offers = NULL;
    assert_int_equal(hd_states_offers(states, no_jni, ahead, &offers, &err), 0);
    return offers;
}

/* The text that is offered for that class and base; NULL: none. */
static const char *offer_of(struct hd_states *states, bool ahead, const char *name,
                            const char *base, const char *loader_text)
{
    static char text[64];
    const struct hd_offers *offers = offers_of(states, ahead);
    for (size_t i = 0; i < offers->count; i++) {
        const struct hd_patch *offer = offers->items[i];
        bool same_loaders = (loader_text == NULL) == (offer->loader_text == NULL) &&
                            (loader_text == NULL || strcmp(loader_text, offer->loader_text) == 0);
        if (strcmp(offer->class_name, name) != 0 || !same_loaders ||
            offer->base->bytes.length != strlen(base) ||
            memcmp(offer->base->bytes.data, base, strlen(base)) != 0)
            continue;
        assert_true(offer->file->bytes.length < sizeof text);
        memcpy(text, offer->file->bytes.data, offer->file->bytes.length);
        text[offer->file->bytes.length] = '\0';
        return text;
    }
    return NULL;
}

static void loaders_that_come_get_the_latest_for_their_base(void **state)
{
    (void)state;
    struct hd_states *states = hd_states_new();
    deploy_offering(states, 1, "Foo", "base", "foo 1", NULL);
    deploy_offering(states, 2, "Foo", "another", "foo 2", NULL);
    deploy_offering(states, 3, "Bar", "base", "bar 3", NULL);
    deploy_offering(states, 4, "Foo", "base", "foo 4", NULL);
    assert_string_equal(offer_of(states, false, "Foo", "base", NULL), "foo 4");
    assert_string_equal(offer_of(states, false, "Foo", "another", NULL), "foo 2");
    assert_string_equal(offer_of(states, false, "Bar", "base", NULL), "bar 3");
    assert_int_equal(offers_of(states, false)->count, 3);
    hd_states_free(states, no_jni);
    assert_int_equal(hd_alloc_outstanding(), 0);
}

static void after_a_rollback_they_get_what_that_state_said(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_states *states = hd_states_new();
    deploy_offering(states, 1, "Foo", "base", "foo 1", NULL);
    deploy_offering(states, 2, "Foo", "base", "foo 2", NULL);
    assert_string_equal(offer_of(states, false, "Foo", "base", NULL), "foo 2");
    roll_back(states, 3, 1);
    assert_string_equal(offer_of(states, false, "Foo", "base", NULL), "foo 1");
    assert_int_equal(hd_states_begin(states, no_jni, 4, &err), 0);
    hd_states_aim(states, no_jni, 2); /* and got no further */
    assert_string_equal(offer_of(states, true, "Foo", "base", NULL), "foo 2");
    hd_states_aim(states, no_jni, 0);
    assert_null(offer_of(states, true, "Foo", "base", NULL));
    assert_string_equal(offer_of(states, false, "Foo", "base", NULL), "foo 1");
    hd_states_return(states, no_jni, 0);
    assert_int_equal(offers_of(states, false)->count, 0);
    hd_states_free(states, no_jni);
}

static void what_is_being_made_is_offered_ahead_and_not_where_it_fails(void **state)
{
    (void)state;
    struct hd_states *states = hd_states_new();
    deploy_offering(states, 1, "Foo", "base", "foo 1", NULL);
    begin_offering(states, 2, "Foo", "base", "foo 2", NULL);
    assert_string_equal(offer_of(states, true, "Foo", "base", NULL), "foo 2");
    assert_string_equal(offer_of(states, false, "Foo", "base", NULL), "foo 1");
    hd_states_take_out(states, no_jni, 0);
    hd_states_commit(states, no_jni);
    assert_string_equal(offer_of(states, false, "Foo", "base", NULL), "foo 1");
    begin_offering(states, 3, "Foo", "base", "foo 3", NULL);
    assert_string_equal(offer_of(states, true, "Foo", "base", NULL), "foo 3");
    hd_states_free(states, no_jni);
}

static void what_was_not_done_after_all_is_not_offered(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_blob *base = blob_of("base");
    struct hd_states *states = hd_states_new();
    begin_offering(states, 1, "Foo", "base", "foo", NULL);
    assert_int_equal(add(states, "Bar", "bar", &err), 0);
    assert_int_equal(hd_states_offer_last(states, base, NULL, false, &err), 0);
    assert_int_equal(offers_of(states, true)->count, 2);
    hd_states_take_out(states, no_jni, 0);
    hd_states_commit(states, no_jni);
    assert_null(offer_of(states, false, "Foo", "base", NULL));
    assert_string_equal(offer_of(states, false, "Bar", "base", NULL), "bar");
    hd_blob_release(base);
    hd_states_free(states, no_jni);
}

static void what_is_for_all_takes_the_place_of_what_was_for_some(void **state)
{
    (void)state;
    struct hd_states *states = hd_states_new();
    deploy_offering(states, 1, "Foo", "base", "foo 1", NULL);
    deploy_offering(states, 2, "Foo", "base", "foo 2", "shop");
    assert_string_equal(offer_of(states, false, "Foo", "base", NULL), "foo 1");
    assert_string_equal(offer_of(states, false, "Foo", "base", "shop"), "foo 2");
    deploy_offering(states, 3, "Foo", "base", "foo 3", NULL);
    assert_string_equal(offer_of(states, false, "Foo", "base", NULL), "foo 3");
    assert_int_equal(offers_of(states, false)->count, 1);
    hd_states_free(states, no_jni);
}

static void what_was_for_any_loader_is_for_the_file_of_the_first(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_states *states = hd_states_new();
    struct hd_blob *own = blob_of("own");
    assert_int_equal(hd_states_begin(states, no_jni, 1, &err), 0);
    assert_int_equal(add_for(states, "Foo", true, "foo", &err), 0);
    hd_states_commit(states, no_jni);
    assert_int_equal(offers_of(states, false)->count, 0);
    hd_states_learn_base(states, no_jni, 1, "Foo", own);
    assert_string_equal(offer_of(states, false, "Foo", "own", NULL), "foo");
    hd_blob_release(own);
    hd_states_free(states, no_jni);
}

/* The content of a loader that came later goes by its base, and by what the push was meant for. */
static void the_content_of_a_newcomer_goes_by_its_base(void **state)
{
    (void)state;
    struct hd_states *states = hd_states_new();
    struct hd_blob *base = blob_of("base"), *own = blob_of("own");
    struct hd_states_place place = {
        .internal_name = "Foo", .loader = (jobject)&place, .label = "shop", .base = base
    };
    deploy_offering(states, 1, "Foo", "base", "foo 1", NULL);
    deploy_offering(states, 2, "Foo", "base", "foo 2", "other");
    assert_int_equal(hd_states_find_content(states, no_jni, 2, &place)->bytes.length, 5);
    assert_memory_equal(hd_states_find_content(states, no_jni, 2, &place)->bytes.data, "foo 1", 5);
    place.base = own;
    assert_null(hd_states_find_content(states, no_jni, 2, &place));
    place.family = base;
    assert_memory_equal(hd_states_find_content(states, no_jni, 2, &place)->bytes.data, "foo 1", 5);
    place.label = "the other one";
    assert_memory_equal(hd_states_find_content(states, no_jni, 2, &place)->bytes.data, "foo 2", 5);
    hd_blob_release(base);
    hd_blob_release(own);
    hd_states_free(states, no_jni);
}

static int offer_some(void *context, struct hd_error *err)
{
    (void)context;
    const struct hd_offers *offers;
    struct hd_states *states = hd_states_new();
    struct hd_blob *base = NULL;
    int status = states != NULL ? 0 : hd_error_set_memory(err);
    for (uint64_t number = 1; status == 0 && number <= 2; number++) {
        status = hd_states_begin(states, no_jni, number, err);
        if (status == 0)
            status = add(states, "Foo", number == 1 ? "foo 1" : "foo 2", err);
        if (status == 0 && base == NULL)
            status = hd_blob_of((struct hd_bytes){ (const uint8_t *)"base", 4 }, &base, err);
        if (status == 0)
            status = hd_states_offer_last(states, base, "shop", false, err);
        if (status == 0)
            status = hd_states_offers(states, no_jni, true, &offers, err);
        if (status == 0)
            hd_states_commit(states, no_jni);
    }
    hd_blob_release(base);
    hd_states_free(states, no_jni);
    return status;
}

static void memory_that_is_out_is_told_and_nothing_leaks(void **state)
{
    (void)state;
    fail_every_allocation(offer_some, NULL);
}

/* It is the oldest that could go: the one before it has two children. */
static void the_state_to_which_undo_leads_is_kept_whatever_its_age(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_states *states = hd_states_new();
    uint64_t number = 4, before = 0;
    deploy(states, 1, "Foo", "foo 1");
    deploy(states, 2, "Foo", "foo 2");
    roll_back(states, 3, 1);
    for (; number < HD_STATES_MAX + 2; number++)
        deploy(states, number, "Bar", "bar");
    roll_back(states, number++, 2);
    for (int i = 0; i < 3; i++) {
        deploy(states, number, "Foo", "foo again");
        assert_int_equal(hd_states_before_current(states, &before, &err), 0);
        expect_content(states, before, "Foo", i == 0 ? "foo 2" : "foo again");
        if (i == 0)
            assert_int_equal(before, 2);
        number++;
    }
    hd_states_free(states, no_jni);
}

static void of_very_many_rollbacks_the_oldest_numbers_are_forgotten(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_states *states = hd_states_new();
    uint64_t found;
    deploy(states, 1, "Foo", "foo 1");
    deploy(states, 2, "Foo", "foo 2");
    for (uint64_t number = 3; number < 3 + HD_STATES_MAX_ALIASES; number++)
        roll_back(states, number, 1 + number % 2);
    assert_int_equal(hd_states_find(states, 3, &found, &err), 0);
    assert_int_equal(found, 2);
    roll_back(states, 3 + HD_STATES_MAX_ALIASES, 1);
    assert_int_equal(hd_states_find(states, 3, &found, &err), -1);
    assert_int_equal(hd_states_find(states, 4, &found, NULL), 0);
    assert_int_equal(found, 1);
    assert_int_equal(hd_states_find(states, 3 + HD_STATES_MAX_ALIASES, &found, NULL), 0);
    assert_int_equal(found, 1);
    hd_states_free(states, no_jni);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_is_what_the_nearest_state_made_it),
        cmocka_unit_test(a_rollback_is_another_name_of_an_older_state),
        cmocka_unit_test(undoing_the_last_ends_at_the_start),
        cmocka_unit_test(the_state_to_which_undo_leads_is_kept_whatever_its_age),
        cmocka_unit_test(what_was_not_done_is_no_part_of_the_state),
        cmocka_unit_test(a_deployment_that_did_nothing_names_the_state_it_left),
        cmocka_unit_test(past_the_bound_the_oldest_is_folded_into_the_next),
        cmocka_unit_test(rounds_of_push_and_rollback_keep_memory_flat),
        cmocka_unit_test(loaders_that_come_get_the_latest_for_their_base),
        cmocka_unit_test(after_a_rollback_they_get_what_that_state_said),
        cmocka_unit_test(what_is_being_made_is_offered_ahead_and_not_where_it_fails),
        cmocka_unit_test(what_was_not_done_after_all_is_not_offered),
        cmocka_unit_test(what_is_for_all_takes_the_place_of_what_was_for_some),
        cmocka_unit_test(what_was_for_any_loader_is_for_the_file_of_the_first),
        cmocka_unit_test(the_content_of_a_newcomer_goes_by_its_base),
        cmocka_unit_test(memory_that_is_out_is_told_and_nothing_leaks),
        cmocka_unit_test(of_very_many_rollbacks_the_oldest_numbers_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
