/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/verdict.h"

#include "classfile/describe.h"

#include "core/alloc.h"

#define PREVIEW_MINOR      0xFFFF
#define MAJOR_OF_RELEASE_0 44
#define CLAUSES_SHOWN      8

static enum hd_reason reason_of(enum hd_difference_kind kind)
{
    switch (kind) {
    case HD_DIFFERENCE_NAME:
        return HD_REASON_NAME_MISMATCH;
    case HD_DIFFERENCE_SUPERCLASS:
        return HD_REASON_SUPERCLASS_CHANGED;
    case HD_DIFFERENCE_INTERFACES:
        return HD_REASON_INTERFACES_CHANGED;
    case HD_DIFFERENCE_CLASS_MODIFIERS:
        return HD_REASON_CLASS_MODIFIERS_CHANGED;
    case HD_DIFFERENCE_FIELD_ADDED:
        return HD_REASON_FIELD_ADDED;
    case HD_DIFFERENCE_FIELD_REMOVED:
        return HD_REASON_FIELD_REMOVED;
    case HD_DIFFERENCE_FIELD_TYPE:
    case HD_DIFFERENCE_FIELD_MODIFIERS:
    case HD_DIFFERENCE_FIELD_ORDER:
        return HD_REASON_FIELD_CHANGED;
    case HD_DIFFERENCE_ENUM_CONSTANT_ADDED:
        return HD_REASON_ENUM_CONSTANT_ADDED;
    case HD_DIFFERENCE_METHOD_ADDED:
        return HD_REASON_METHOD_ADDED;
    case HD_DIFFERENCE_METHOD_REMOVED:
        return HD_REASON_METHOD_REMOVED;
    case HD_DIFFERENCE_METHOD_MODIFIERS:
        return HD_REASON_METHOD_MODIFIERS_CHANGED;
    case HD_DIFFERENCE_NEST_HOST:
    case HD_DIFFERENCE_NEST_MEMBERS:
        return HD_REASON_NEST_CHANGED;
    case HD_DIFFERENCE_RECORD:
        return HD_REASON_RECORD_CHANGED;
    case HD_DIFFERENCE_PERMITTED:
        return HD_REASON_PERMITTED_CHANGED;
    default:
        return HD_REASON_NONE;
    }
}

static unsigned warning_of(enum hd_difference_kind kind)
{
    switch (kind) {
    case HD_DIFFERENCE_CONSTANT:
        return HD_WARNING_CONSTANT_CHANGED;
    case HD_DIFFERENCE_INITIALIZER:
        return HD_WARNING_INITIALIZER_CHANGED;
    case HD_DIFFERENCE_ANNOTATIONS:
        return HD_WARNING_ANNOTATIONS_CHANGED;
    case HD_DIFFERENCE_SYNTHETIC_RENUMBERED:
        return HD_WARNING_SYNTHETIC_RENUMBERED;
    default:
        return 0;
    }
}

static bool may_be_added(const struct hd_difference *difference, const struct hd_jvm_rules *rules)
{
    return rules->adds_private_methods && (difference->access & HD_ACC_PRIVATE) != 0 &&
           (difference->access & (HD_ACC_STATIC | HD_ACC_FINAL)) != 0;
}

static bool is_refused(const struct hd_difference *difference, const struct hd_jvm_rules *rules)
{
    if (difference->kind == HD_DIFFERENCE_METHOD_ADDED && may_be_added(difference, rules))
        return false;
    return reason_of(difference->kind) != HD_REASON_NONE;
}

static bool is_renumbered(const struct hd_comparison *comparison)
{
    for (size_t i = 0; i < comparison->count; i++) {
        if (comparison->differences[i].kind == HD_DIFFERENCE_SYNTHETIC_RENUMBERED)
            return true;
    }
    return false;
}

/* Where the numbers alone are new, nobody added or removed a lambda: then the plain names say it
 * best. */
static void add_clause(struct hd_words *words, const struct hd_difference *difference,
                       bool renumbered)
{
    if (words->text.length > 0)
        hd_words_add(words, "; ");
    bool is_compilers = (difference->access & HD_ACC_SYNTHETIC) != 0;
    if (!renumbered || !is_compilers ||
        (difference->kind != HD_DIFFERENCE_METHOD_ADDED &&
         difference->kind != HD_DIFFERENCE_METHOD_REMOVED)) {
        hd_describe_difference(words, difference);
        return;
    }
    hd_words_add(words, difference->kind == HD_DIFFERENCE_METHOD_ADDED ? "method added: "
                                                                       : "method removed: ");
    hd_words_add(words, difference->member);
}

static void explain_renumbering(struct hd_words *words)
{
    hd_words_add(words, "; the compiler only numbered its own methods anew (another javac, or "
                        "other options): compile as the "
                        "running version was compiled");
}

/* Clauses in the order of the kinds, as the reason is chosen. Returns the first refused kind's
 * reason. */
static enum hd_reason weigh(const struct hd_comparison *comparison,
                            const struct hd_jvm_rules *rules, struct hd_words *words)
{
    bool renumbered = is_renumbered(comparison);
    enum hd_reason reason = HD_REASON_NONE;
    size_t refused = 0;
    for (int kind = HD_DIFFERENCE_NAME; kind < HD_DIFFERENCE_METHOD_BODY; kind++) {
        for (size_t i = 0; i < comparison->count; i++) {
            const struct hd_difference *difference = &comparison->differences[i];
            if ((int)difference->kind != kind || !is_refused(difference, rules))
                continue;
            if (refused == 0)
                reason = reason_of(difference->kind);
            if (refused++ < CLAUSES_SHOWN)
                add_clause(words, difference, renumbered);
        }
    }
    if (refused > CLAUSES_SHOWN)
        hd_words_add_format(words, "; and %zu more", refused - CLAUSES_SHOWN);
    if (renumbered && (reason == HD_REASON_METHOD_ADDED || reason == HD_REASON_METHOD_REMOVED))
        explain_renumbering(words);
    return reason;
}

int hd_verdict_reach(const struct hd_comparison *comparison, const struct hd_jvm_rules *rules,
                     struct hd_verdict *out, struct hd_error *err)
{
    struct hd_verdict verdict = { .reason = HD_REASON_NONE,
                                  .changes_anything = comparison->count > 0 };
    for (size_t i = 0; i < comparison->count; i++)
        verdict.warnings |= warning_of(comparison->differences[i].kind);
    struct hd_words words = hd_words_begin(err);
    verdict.reason = weigh(comparison, rules, &words);
    if (verdict.reason == HD_REASON_NONE) {
        hd_buffer_close(&words.text);
    } else {
        verdict.message = hd_words_take(&words);
        if (verdict.message == NULL)
            return -1;
    }
    *out = verdict;
    return 0;
}

void hd_verdict_close(struct hd_verdict *verdict)
{
    hd_free(verdict->message);
    *verdict = (struct hd_verdict){ .reason = HD_REASON_NONE };
}

enum hd_reason hd_verdict_version(const struct hd_class *class_file,
                                  const struct hd_jvm_rules *rules, char **message)
{
    int release = class_file->major - MAJOR_OF_RELEASE_0;
    *message = NULL;
    if (class_file->major > rules->max_major) {
        *message =
            hd_asprintf("class file version %u (JDK %d) is newer than this JVM, JDK %u, takes; "
                        "compile with --release %u",
                        class_file->major, release, rules->feature_release, rules->feature_release);
        return HD_REASON_VERSION_UNSUPPORTED;
    }
    if (class_file->minor == PREVIEW_MINOR && class_file->major >= 56 &&
        class_file->major != rules->max_major) {
        *message = hd_asprintf(
            "it was compiled with the preview features of JDK %d, which JDK %u does not take",
            release, rules->feature_release);
        return HD_REASON_VERSION_UNSUPPORTED;
    }
    return HD_REASON_NONE;
}
