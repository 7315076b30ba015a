/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/foresee.h"

#include "classfile/poolgrowth.h"

static bool is_ours_alone(const struct hd_live *live)
{
    return !live->any_loader &&
           (live->state == HD_LIVE_REDEFINED || live->state == HD_LIVE_DEFINED);
}

static int compare(const struct hd_class *live, const struct hd_class *file,
                   const struct hd_jvm_rules *rules, struct hd_verdict *out)
{
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_comparison comparison = { NULL, 0 };
    int status = hd_compare_for_verdict(live, file, &comparison, &ignored);
    if (status == 0)
        status = hd_verdict_reach(&comparison, rules, out, &ignored);
    hd_comparison_close(&comparison);
    return status;
}

void hd_foresee(const struct hd_registry *registry, const struct hd_jvm_rules *rules,
                const char *internal_name, const struct hd_class *file, struct hd_foreseen *out)
{
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_class *class_file = NULL;
    const struct hd_live *live = hd_registry_find_only(registry, internal_name);
    *out = (struct hd_foreseen){ .live = NULL };
    if (live == NULL || !is_ours_alone(live) ||
        hd_class_parse_again(live->file->bytes.data, live->file->bytes.length, &class_file,
                             &ignored) != 0)
        return;
    if (compare(class_file, file, rules, &out->verdict) == 0) {
        out->live = hd_blob_keep(live->file);
        out->live_slots = hd_pool_slots(class_file);
    }
    hd_class_free(class_file);
}

void hd_foreseen_close(struct hd_foreseen *foreseen)
{
    if (foreseen->live == NULL)
        return;
    hd_verdict_close(&foreseen->verdict);
    hd_blob_release(foreseen->live);
    foreseen->live = NULL;
}
