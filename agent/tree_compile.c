/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/tree_compile.h"

#include "core/alloc.h"
#include "core/text.h"

/* ---- gathering ---- */

static int judge_parsed(struct hd_tree_look *look, struct hd_tree_candidate *candidate,
                        const struct hd_class *class_file, struct hd_error *err)
{
    struct hd_tree_lack lack = { NULL, NULL };
    if (hd_tree_look_for(look, class_file, &lack, err) != 0)
        return -1;
    if (lack.words != NULL)
        candidate->reason = HD_REASON_MISSING_MEMBER;
    candidate->words = lack.words;
    candidate->missing_class = lack.class_name;
    return 0;
}

/* A file that cannot be read may be half written; one that is too new for this parser is left to
 * the engine's words. */
static int judge(struct hd_tree_look *look, struct hd_tree_candidate *candidate,
                 struct hd_error *err)
{
    struct hd_error why = HD_ERROR_INIT;
    struct hd_class *class_file = NULL;
    const struct hd_buffer *fresh = &candidate->file->fresh;
    if (hd_class_parse(fresh->data, fresh->length, &class_file, &why) == 0) {
        int result = judge_parsed(look, candidate, class_file, err);
        hd_class_free(class_file);
        return result;
    }
    if (why.code == HD_E_MEMORY)
        return hd_error_set_memory(err);
    if (why.code == HD_E_VERSION)
        return 0;
    candidate->reason = HD_REASON_MALFORMED_CLASS;
    candidate->words = hd_strdup(why.text);
    return candidate->words != NULL ? 0 : hd_error_set_memory(err);
}

static size_t count_fresh(const struct hd_tree_index *index)
{
    size_t count = 0;
    for (size_t i = 0; i < index->count; i++)
        count += index->files[i]->is_fresh;
    return count;
}

static int judge_all(struct hd_tree_look *look, struct hd_tree_compile *compile,
                     struct hd_error *err)
{
    for (size_t i = 0; i < look->index->count; i++) {
        if (!look->index->files[i]->is_fresh)
            continue;
        struct hd_tree_candidate *candidate = &compile->candidates[compile->count++];
        candidate->file = look->index->files[i];
        if (judge(look, candidate, err) != 0)
            return -1;
        compile->incomplete += candidate->reason != HD_REASON_NONE;
    }
    return 0;
}

int hd_tree_compile_gather(const struct hd_tree_index *index, const struct hd_tree_known *known,
                           int directory, struct hd_tree_compile *out, struct hd_error *err)
{
    struct hd_tree_compile compile = { .candidates = hd_alloc_zeroed(
                                           count_fresh(index), sizeof(struct hd_tree_candidate)) };
    if (compile.candidates == NULL)
        return hd_error_set_memory(err);
    struct hd_tree_look look = { .index = index, .known = known, .directory = directory };
    int result = judge_all(&look, &compile, err);
    hd_tree_look_close(&look);
    if (result != 0) {
        hd_tree_compile_close(&compile);
        return -1;
    }
    *out = compile;
    return 0;
}

void hd_tree_compile_close(struct hd_tree_compile *compile)
{
    for (size_t i = 0; i < compile->count; i++) {
        hd_free(compile->candidates[i].words);
        hd_free(compile->candidates[i].missing_class);
    }
    hd_free(compile->candidates);
    *compile = (struct hd_tree_compile){ 0 };
}

/* ---- packing ---- */

static char *name_of(const struct hd_tree_compile *compile)
{
    char shown[300];
    hd_text_escape(compile->candidates[0].file->path, shown, sizeof shown);
    if (compile->count == 1)
        return hd_strdup(shown);
    return hd_asprintf("%s and %zu more", shown, compile->count - 1);
}

static int add_row(struct hd_deployment *deployment, const struct hd_tree_candidate *candidate,
                   struct hd_error *err)
{
    char *class_name = hd_text_class_name(hd_map_key(candidate->file->name));
    struct hd_row *row =
        class_name != NULL ? hd_deployment_add_row(deployment, class_name, "") : NULL;
    hd_free(class_name);
    if (row == NULL)
        return hd_error_set_memory(err);
    row->outcome = HD_OUTCOME_WITHHELD;
    if (candidate->reason == HD_REASON_MISSING_MEMBER)
        hd_row_refuse(row, candidate->reason,
                      "it uses what this compile has not brought within two seconds: %s",
                      candidate->words);
    else if (candidate->reason != HD_REASON_NONE)
        hd_row_refuse(row, candidate->reason, "%s", candidate->words);
    if (candidate->missing_class != NULL)
        row->remedy = hd_strdup("Finish the compile. If that class comes from a jar or another "
                                "module, just compile again: then it is taken to be there.");
    return 0;
}

static struct hd_deployment *refuse(const struct hd_tree_compile *compile,
                                    const struct hd_origin *origin, struct hd_error *err)
{
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, origin);
    if (deployment == NULL) {
        (void)hd_error_set_memory(err);
        return NULL;
    }
    deployment->started_at = hd_text_now();
    deployment->bundle_name = name_of(compile);
    int result = deployment->bundle_name != NULL ? 0 : hd_error_set_memory(err);
    for (size_t i = 0; i < compile->count && result == 0; i++)
        result = add_row(deployment, &compile->candidates[i], err);
    if (result == 0)
        return deployment;
    hd_deployment_release(deployment);
    return NULL;
}

static int refuse_whole(const struct hd_tree_compile *compile, const struct hd_origin *origin,
                        enum hd_reason reason, const char *words, struct hd_deployment **out,
                        struct hd_error *err)
{
    struct hd_deployment *deployment = refuse(compile, origin, err);
    if (deployment == NULL)
        return -1;
    hd_deployment_fail(deployment, reason, "%s", words);
    *out = deployment;
    return 0;
}

static int build(const struct hd_tree_compile *compile, struct hd_bundle **out,
                 struct hd_error *err)
{
    struct hd_bundle_builder *builder = hd_bundle_builder_new();
    char *name = name_of(compile);
    int result = builder != NULL && name != NULL ? 0 : hd_error_set_memory(err);
    for (size_t i = 0; i < compile->count && result == 0; i++) {
        const struct hd_tree_file *file = compile->candidates[i].file;
        result = hd_bundle_builder_add(builder, file->name, hd_buffer_view(&file->fresh),
                                       file->path, err);
    }
    if (result == 0)
        result = hd_bundle_build_take(builder, name, out, err);
    else
        hd_bundle_builder_free(builder);
    hd_free(name);
    return result;
}

static uint64_t size_of(const struct hd_tree_compile *compile)
{
    uint64_t total = 0;
    for (size_t i = 0; i < compile->count; i++)
        total += compile->candidates[i].file->fresh.length;
    return total;
}

int hd_tree_compile_pack(const struct hd_tree_compile *compile, const struct hd_origin *origin,
                         uint64_t max_bytes, struct hd_bundle **bundle,
                         struct hd_deployment **refused, struct hd_error *err)
{
    if (compile->incomplete > 0) {
        *refused = refuse(compile, origin, err);
        return *refused != NULL ? 0 : -1;
    }
    struct hd_error why = HD_ERROR_INIT;
    uint64_t size = size_of(compile);
    if (size > max_bytes) {
        (void)hd_error_set(&why, HD_E_LIMIT,
                           "%zu classes of together %llu bytes, more than the %llu allowed",
                           compile->count, (unsigned long long)size, (unsigned long long)max_bytes);
        return refuse_whole(compile, origin, HD_REASON_TOO_LARGE, why.text, refused, err);
    }
    if (build(compile, bundle, &why) == 0)
        return 0;
    if (why.code == HD_E_MEMORY)
        return hd_error_set_memory(err);
    return refuse_whole(compile, origin, HD_REASON_MALFORMED_BUNDLE, why.text, refused, err);
}
