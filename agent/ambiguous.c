/* SPDX-License-Identifier: Apache-2.0 */
/* The road's step that refuses to guess which of several different classes of one name is meant. */
#include "agent/plan.h"

#include "classfile/fingerprint.h"
#include "core/alloc.h"

#include <string.h>

/* What two loaders hold, as far as it is known: a class file, or the JVM's view. Both NULL:
 * nothing. */
struct holding {
    const struct hd_class *file;
    const struct hd_vm_view *view;
};

static int holding_of(struct hd_target *target, struct holding *out, struct hd_error *err)
{
    if (hd_target_live_class(target, &out->file, err) != 0)
        return -1;
    out->view = hd_held_view_of(target->base.held);
    return 0;
}

static int same_files(const struct hd_class *a, const struct hd_class *b, bool *same,
                      struct hd_error *err)
{
    struct hd_digest left, right;
    *same =
        a->file.length == b->file.length && memcmp(a->file.data, b->file.data, a->file.length) == 0;
    if (*same)
        return 0;
    if (hd_class_fingerprint(a, &left, err) != 0 || hd_class_fingerprint(b, &right, err) != 0)
        return -1;
    *same = hd_digest_equal(&left, &right);
    return 0;
}

static int same_view_and_file(const struct hd_vm_view *view, const struct hd_class *file,
                              bool *same, struct hd_error *err)
{
    enum hd_view_match match;
    if (hd_view_match_file(view, file, &match, err) != 0)
        return -1;
    *same = match == HD_VIEW_SAME;
    return 0;
}

static bool same_members(const struct hd_vm_member *a, const struct hd_vm_member *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(a[i].name, b[i].name) != 0 || strcmp(a[i].descriptor, b[i].descriptor) != 0 ||
            a[i].access != b[i].access || !hd_bytes_equal(a[i].bytecode, b[i].bytecode))
            return false;
    }
    return true;
}

/* Two classes made from one file look alike to the byte, in the constant pool too. */
static bool same_views(const struct hd_vm_view *a, const struct hd_vm_view *b)
{
    return a->access == b->access && a->field_count == b->field_count &&
           a->method_count == b->method_count && hd_bytes_equal(a->pool_bytes, b->pool_bytes) &&
           same_members(a->fields, b->fields, a->field_count) &&
           same_members(a->methods, b->methods, a->method_count);
}

/* Of which nothing is known is like nothing else. */
static int same_holdings(const struct holding *a, const struct holding *b, bool *same,
                         struct hd_error *err)
{
    *same = false;
    if (a->file != NULL && b->file != NULL)
        return same_files(a->file, b->file, same, err);
    if (a->view != NULL && b->file != NULL)
        return same_view_and_file(a->view, b->file, same, err);
    if (a->file != NULL && b->view != NULL)
        return same_view_and_file(b->view, a->file, same, err);
    if (a->view != NULL && b->view != NULL)
        *same = same_views(a->view, b->view);
    return 0;
}

/* New classes (no file, no view) are alike in every loader: there is nothing in any. */
static bool holds_nothing(const struct hd_target *target)
{
    return target->action == HD_ACTION_DEFINE;
}

static int all_hold_the_same(struct hd_plan *plan, size_t first, size_t end, bool *same,
                             struct hd_error *err)
{
    struct holding reference, other;
    *same = true;
    if (holds_nothing(&plan->targets[first]))
        return 0;
    if (holding_of(&plan->targets[first], &reference, err) != 0)
        return -1;
    for (size_t i = first + 1; *same && i < end; i++) {
        if (holding_of(&plan->targets[i], &other, err) != 0 ||
            same_holdings(&reference, &other, same, err) != 0)
            return -1;
    }
    return 0;
}

static void refuse_all(struct hd_plan *plan, size_t first, size_t end)
{
    char *loaders = hd_plan_list_loaders(plan, first, end - first);
    for (size_t i = first; i < end; i++)
        hd_plan_refuse(plan, &plan->targets[i], HD_REASON_AMBIGUOUS_LOADER,
                       "%zu class loaders hold %s with different code: %s", end - first,
                       plan->targets[i].class->java_name, loaders != NULL ? loaders : "");
    hd_free(loaders);
}

int hd_plan_refuse_ambiguous(struct hd_plan *plan, struct hd_error *err)
{
    if (plan->job->loader != NULL || plan->job->all_loaders)
        return 0;
    for (size_t first = 0, end; first < plan->target_count; first = end) {
        bool same = true;
        end = hd_plan_class_end(plan, first);
        if (end - first < 2)
            continue;
        if (all_hold_the_same(plan, first, end, &same, err) != 0)
            return -1;
        if (!same)
            refuse_all(plan, first, end);
    }
    return 0;
}
