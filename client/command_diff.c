/* SPDX-License-Identifier: Apache-2.0 */
/* diff: which classes of two jars or directories differ, how, and whether NEW can be swapped onto
 * OLD. Needs no JVM; made for a release pipeline. */
#include "classfile/verdict.h"
#include "client/command.h"
#include "client/load.h"
#include "client/print.h"
#include "core/alloc.h"
#include "core/map.h"
#include "core/text.h"

#include <string.h>

enum change { CHANGE_SAME, CHANGE_BODY, CHANGE_ADDED, CHANGE_REMOVED, CHANGE_REFUSED };

static const char *const change_words[] = {
    [CHANGE_SAME] = "same",       [CHANGE_BODY] = "swappable",  [CHANGE_ADDED] = "added",
    [CHANGE_REMOVED] = "removed", [CHANGE_REFUSED] = "refused",
};

struct finding {
    char *class_name;
    enum change change;
    struct hd_verdict verdict;
};

struct findings {
    struct finding *items;
    size_t count;
    size_t by_change[sizeof change_words / sizeof *change_words];
};

static struct finding *add_finding(struct findings *findings, const char *internal_name,
                                   enum change change, struct hd_error *err)
{
    struct finding *grown =
        hd_realloc_array(findings->items, findings->count + 1, sizeof *findings->items);
    if (grown == NULL) {
        hd_error_set_memory(err);
        return NULL;
    }
    findings->items = grown;
    struct finding *finding = &findings->items[findings->count];
    *finding = (struct finding){ hd_text_class_name(hd_map_key(internal_name)),
                                 change,
                                 { .reason = HD_REASON_NONE } };
    if (finding->class_name == NULL) {
        hd_error_set_memory(err);
        return NULL;
    }
    findings->count++;
    findings->by_change[change]++;
    return finding;
}

static void close_findings(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        hd_free(findings->items[i].class_name);
        hd_verdict_close(&findings->items[i].verdict);
    }
    hd_free(findings->items);
}

static int parse(const struct hd_bundle_class *from, struct hd_class **out, struct hd_error *err)
{
    if (hd_class_parse(from->file.data, from->file.length, out, err) != 0)
        return hd_error_prefix(err, "%s", from->entry);
    return 0;
}

static int judge(const struct hd_class *before, const struct hd_class *after,
                 const struct hd_jvm_rules *rules, struct hd_verdict *out, struct hd_error *err)
{
    struct hd_comparison comparison;
    out->reason = hd_verdict_version(after, rules, &out->message);
    if (out->reason != HD_REASON_NONE)
        return 0;
    if (hd_compare_classes(before, after, &comparison, err) != 0)
        return -1;
    int result = hd_verdict_reach(&comparison, rules, out, err);
    hd_comparison_close(&comparison);
    return result;
}

static enum change change_of(const struct hd_verdict *verdict)
{
    if (verdict->reason != HD_REASON_NONE)
        return CHANGE_REFUSED;
    return verdict->changes_anything ? CHANGE_BODY : CHANGE_SAME;
}

static int compare_pair(struct findings *findings, const struct hd_bundle_class *before,
                        const struct hd_bundle_class *after, const struct hd_jvm_rules *rules,
                        struct hd_error *err)
{
    struct hd_class *old_class = NULL, *new_class = NULL;
    struct hd_verdict verdict = { .reason = HD_REASON_NONE };
    int result = parse(before, &old_class, err);
    if (result == 0)
        result = parse(after, &new_class, err);
    if (result == 0)
        result = judge(old_class, new_class, rules, &verdict, err);
    struct finding *finding = NULL;
    if (result == 0)
        finding = add_finding(findings, after->name, change_of(&verdict), err);
    if (finding != NULL)
        finding->verdict = verdict;
    else
        hd_verdict_close(&verdict);
    hd_class_free(old_class);
    hd_class_free(new_class);
    return finding != NULL ? 0 : -1;
}

static int index_classes(const struct hd_bundle *bundle, struct hd_map *index, struct hd_error *err)
{
    for (size_t i = 0; i < hd_bundle_class_count(bundle); i++)
        if (hd_map_put(index, hd_map_key(hd_bundle_class_at(bundle, i)->name), i, err) != 0)
            return -1;
    return 0;
}

static int compare_new_classes(struct findings *findings, const struct hd_bundle *before,
                               const struct hd_bundle *after, const struct hd_jvm_rules *rules,
                               struct hd_error *err)
{
    struct hd_map index = HD_MAP_INIT;
    int result = index_classes(before, &index, err);
    for (size_t i = 0; result == 0 && i < hd_bundle_class_count(after); i++) {
        const struct hd_bundle_class *now = hd_bundle_class_at(after, i);
        size_t at;
        if (hd_map_find(&index, hd_map_key(now->name), &at))
            result = compare_pair(findings, hd_bundle_class_at(before, at), now, rules, err);
        else
            result = add_finding(findings, now->name, CHANGE_ADDED, err) != NULL ? 0 : -1;
    }
    hd_map_close(&index);
    return result;
}

static int list_removed_classes(struct findings *findings, const struct hd_bundle *before,
                                const struct hd_bundle *after, struct hd_error *err)
{
    struct hd_map index = HD_MAP_INIT;
    size_t at;
    int result = index_classes(after, &index, err);
    for (size_t i = 0; result == 0 && i < hd_bundle_class_count(before); i++) {
        const char *name = hd_bundle_class_at(before, i)->name;
        if (!hd_map_find(&index, hd_map_key(name), &at) &&
            add_finding(findings, name, CHANGE_REMOVED, err) == NULL)
            result = -1;
    }
    hd_map_close(&index);
    return result;
}

static json_t *warnings_to_json(unsigned warnings)
{
    json_t *array = json_array();
    for (int bit = 0; bit < HD_WARNING_BIT_COUNT; bit++)
        if ((warnings & (1u << bit)) != 0)
            json_array_append_new(array,
                                  json_string(hd_warning_word((enum hd_warning)(1u << bit))));
    return array;
}

static json_t *finding_to_json(const struct finding *finding)
{
    return json_pack("{s:s,s:s,s:s?,s:s?,s:o}", "class", finding->class_name, "change",
                     change_words[finding->change], "reason",
                     hd_reason_word(finding->verdict.reason), "message", finding->verdict.message,
                     "warnings", warnings_to_json(finding->verdict.warnings));
}

static void print_json(const struct findings *findings)
{
    json_t *classes = json_array();
    for (size_t i = 0; i < findings->count; i++)
        json_array_append_new(classes, finding_to_json(&findings->items[i]));
    json_t *document =
        json_pack("{s:b,s:o}", "swappable", findings->by_change[CHANGE_REFUSED] == 0 ? 1 : 0,
                  "classes", classes);
    hd_print_json(document);
    json_decref(document);
}

/* The words of a verdict with its warnings behind; the caller frees. */
static char *explain(const struct hd_verdict *verdict)
{
    char warnings[256] = "";
    for (int bit = 0; bit < HD_WARNING_BIT_COUNT; bit++) {
        size_t used = strlen(warnings);
        if ((verdict->warnings & (1u << bit)) != 0)
            snprintf(warnings + used, sizeof warnings - used, "%s%s", used > 0 ? ", " : "warning ",
                     hd_warning_word((enum hd_warning)(1u << bit)));
    }
    bool both = verdict->message != NULL && warnings[0] != '\0';
    return hd_asprintf("%s%s%s", verdict->message != NULL ? verdict->message : "", both ? "; " : "",
                       warnings);
}

static const char *colour_of(enum change change)
{
    return change == CHANGE_REFUSED ? "red" : change == CHANGE_BODY ? "green" : "yellow";
}

static void print_table(const struct findings *findings)
{
    static const char *const headers[] = { "CLASS", "CHANGE", "HOW" };
    const char **cells = hd_alloc_zeroed(findings->count * 3, sizeof *cells);
    const char **colours = hd_alloc_zeroed(findings->count, sizeof *colours);
    size_t rows = 0;
    for (size_t i = 0; i < findings->count && cells != NULL && colours != NULL; i++) {
        const struct finding *finding = &findings->items[i];
        if (finding->change == CHANGE_SAME)
            continue;
        cells[rows * 3] = finding->class_name;
        cells[rows * 3 + 1] = change_words[finding->change];
        cells[rows * 3 + 2] = explain(&finding->verdict);
        colours[rows++] = colour_of(finding->change);
    }
    if (rows > 0)
        hd_print_table(headers, 3, cells, rows, colours);
    for (size_t i = 0; i < rows; i++)
        hd_free((void *)(uintptr_t)cells[i * 3 + 2]);
    hd_free(cells);
    hd_free(colours);
    const size_t *counts = findings->by_change;
    printf("%zu %s: %zu the same, %zu swappable, %zu added, %zu removed, %zu refused. NEW %s be "
           "swapped onto OLD.\n",
           findings->count, findings->count == 1 ? "class" : "classes", counts[CHANGE_SAME],
           counts[CHANGE_BODY], counts[CHANGE_ADDED], counts[CHANGE_REMOVED],
           counts[CHANGE_REFUSED], counts[CHANGE_REFUSED] == 0 ? "can" : "cannot");
}

static int find_differences(const struct hd_invocation *invocation, struct findings *findings,
                            struct hd_error *err)
{
    const struct hd_jvm_rules rules = {
        .feature_release = (unsigned)invocation->jdk,
        .max_major = (uint16_t)(invocation->jdk + 44),
        .adds_private_methods = invocation->jdk <= 12,
    };
    struct hd_bundle *before = NULL, *after = NULL;
    if (invocation->argument_count != 2)
        return hd_error_set(err, HD_E_USAGE,
                            "which two? give jars or directories: hotdrop diff OLD NEW");
    int result = hd_load_paths(invocation->arguments, 1, &before, err);
    if (result == 0)
        result = hd_load_paths(invocation->arguments + 1, 1, &after, err);
    if (result == 0)
        result = compare_new_classes(findings, before, after, &rules, err);
    if (result == 0)
        result = list_removed_classes(findings, before, after, err);
    hd_bundle_free(before);
    hd_bundle_free(after);
    return result;
}

int hd_command_diff(const struct hd_invocation *invocation)
{
    struct hd_error err = HD_ERROR_INIT;
    struct findings findings = { 0 };
    int status;
    if (find_differences(invocation, &findings, &err) != 0) {
        status = hd_print_failure(invocation->json, HD_EXIT_USAGE, &err);
    } else {
        if (invocation->json)
            print_json(&findings);
        else
            print_table(&findings);
        status = findings.by_change[CHANGE_REFUSED] == 0 ? HD_EXIT_GOOD : HD_EXIT_REFUSED;
    }
    close_findings(&findings);
    return status;
}
