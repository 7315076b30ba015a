/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of one class that the JVM shows to the hook. */
#include "agent/hook_internal.h"

#include "core/alloc.h"

#include <string.h>

/* What this thread is defining itself. */
static _Thread_local const char *let_pass;
/* What this thread has given RedefineClasses; the JVM shows it in that order. */
static _Thread_local struct {
    const jvmtiClassDefinition *definitions; /* NULL: it redefines nothing of ours */
    size_t count;
    size_t next;
} own_redefinition;

/*
 * Redefinitions that the main environment was asked about and the second one not yet: HotSpot asks
 * one right after the other on the same thread, but the agents between them may redefine other
 * classes meanwhile. What is not noted here is a retransformation.
 */
enum { MOST_NOTES = 8 };
static _Thread_local struct {
    struct note {
        uint64_t name;
        bool to_patch;         /* it is redefined with the patch */
        struct hd_bytes given; /* our own redefinition, shown as we gave it; else empty */
    } items[MOST_NOTES];
    size_t count;
} notes;

/* A class as it is shown. */
struct arrival {
    JNIEnv *jni;
    jobject loader; /* NULL: boot */
    const char *name;
    struct hd_bytes file;
};

struct answer {
    jint *length;
    unsigned char **file;
};

void hd_hook_let_pass(const char *internal_name)
{
    let_pass = internal_name;
}

void hd_hook_own_redefinition(const jvmtiClassDefinition *definitions, size_t count)
{
    own_redefinition.definitions = definitions;
    own_redefinition.count = count;
    own_redefinition.next = 0;
    notes.count = 0; /* they point into what was given before */
}

static bool is_same_memory(struct hd_bytes a, struct hd_bytes b)
{
    return a.data == b.data && a.length == b.length;
}

/* HotSpot shows the very memory that it was given, until an agent edits it. */
static bool is_as_we_gave_it(struct hd_bytes file)
{
    for (size_t i = own_redefinition.next; i < own_redefinition.count; i++) {
        const jvmtiClassDefinition *given = &own_redefinition.definitions[i];
        const struct hd_bytes ours = { given->class_bytes, (size_t)given->class_byte_count };
        if (!is_same_memory(file, ours))
            continue;
        own_redefinition.next = i + 1;
        return true;
    }
    return false;
}

/* FNV-1a. */
static uint64_t hash_of(struct hd_bytes bytes)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < bytes.length; i++)
        hash = (hash ^ bytes.data[i]) * 0x100000001B3u;
    return hash;
}

static uint64_t hash_of_name(const char *name)
{
    return hash_of((struct hd_bytes){ (const unsigned char *)name, strlen(name) });
}

static void note_redefinition(const char *name, bool to_patch, struct hd_bytes given)
{
    if (notes.count == MOST_NOTES) /* the oldest were never asked for */
        memmove(notes.items, notes.items + 1, --notes.count * sizeof notes.items[0]);
    notes.items[notes.count++] = (struct note){ hash_of_name(name), to_patch, given };
}

/* False for a retransformation. Whatever was noted after the one found was never asked for. */
static bool take_note(const char *name, struct note *out)
{
    uint64_t hash = hash_of_name(name);
    for (size_t i = notes.count; i-- > 0;) {
        if (notes.items[i].name != hash)
            continue;
        *out = notes.items[i];
        notes.count = i;
        return true;
    }
    return false;
}

static void tell(const struct hd_visit *visit, const struct arrival *arrival,
                 struct hd_patch *patch, enum hd_hook_event_kind kind)
{
    JNIEnv *jni = arrival->jni;
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_hook_event *event = hd_alloc_zeroed(1, sizeof *event);
    if (event == NULL)
        return;
    event->kind = kind;
    event->patch = hd_patch_keep(patch);
    if (arrival->loader != NULL)
        event->loader = (*jni)->NewWeakGlobalRef(jni, arrival->loader);
    bool whole = arrival->loader == NULL || event->loader != NULL;
    if (whole && kind != HD_HOOK_EDITED)
        whole = hd_blob_of(arrival->file, &event->file, &ignored) == 0;
    if (whole)
        visit->hook->report(event, visit->hook->context);
    else
        hd_hook_event_free(event, jni);
}

/* False where the JVM has no memory. */
static bool give(jvmtiEnv *jvmti, const struct hd_patch *patch, const struct answer *answer)
{
    struct hd_bytes file = patch->file->bytes;
    unsigned char *copy = NULL;
    if (file.length > INT32_MAX ||
        (*jvmti)->Allocate(jvmti, (jlong)file.length, &copy) != JVMTI_ERROR_NONE)
        return false;
    memcpy(copy, file.data, file.length);
    *answer->file = copy;
    *answer->length = (jint)file.length;
    return true;
}

static void take_back(jvmtiEnv *jvmti, const struct answer *answer)
{
    (*jvmti)->Deallocate(jvmti, *answer->file);
    *answer->file = NULL;
    *answer->length = 0;
}

static bool is_patch_itself(const struct hd_patch *patch, struct hd_bytes file)
{
    return patch->file->bytes.length == file.length &&
           memcmp(patch->file->bytes.data, file.data, file.length) == 0;
}

/* ---- a class that loads ---------------------------------------------------------------------- */

static void apply(const struct hd_visit *visit, const struct arrival *arrival,
                  struct hd_patch *patch, const struct answer *answer)
{
    jvmtiEnv *jvmti = visit->hook->jvmti;
    bool itself = is_patch_itself(patch, arrival->file);
    if (!itself && !give(jvmti, patch, answer))
        return;
    if (hd_patch_claim(patch, arrival->file) == HD_FITS)
        tell(visit, arrival, patch, HD_HOOK_APPLIED);
    else if (!itself)
        take_back(jvmti, answer);
}

/* A loader that has a patch of its own. One whose class is loaded defines it once more, and the JVM
 * will refuse that; or it did not get it defined before, with the patch that it was given, and then
 * that is what it must get again. */
static void load_in_known_loader(const struct hd_visit *visit, const struct arrival *arrival,
                                 const struct answer *answer)
{
    struct hd_patch *patch = visit->own;
    enum hd_fit fit = hd_patch_fits_loader(patch, arrival->file);
    if (patch->place == HD_PATCH_LOADED) {
        if (fit == HD_FITS && patch->base != NULL)
            (void)give(visit->hook->jvmti, patch, answer);
        return;
    }
    if (fit == HD_FITS)
        apply(visit, arrival, patch, answer);
    else if (fit == HD_FITS_NOT)
        tell(visit, arrival, patch, HD_HOOK_WRONG_BASE);
}

/* Runs the loader's getName. */
static bool is_for(const struct hd_visit *visit, const struct arrival *arrival,
                   const struct hd_patch *patch)
{
    const struct hd_labels *labels = visit->hook->labels;
    if (patch->loader_text == NULL)
        return true;
    return labels != NULL && hd_labels_match(labels, arrival->jni, arrival->loader,
                                             patch->loader_text, patch->loader_is_whole);
}

/* The latest patch that is for it and was made for its file. Where there are only patches for other
 * files, the latest is what it did not get. */
static void load_in_new_loader(const struct hd_visit *visit, const struct arrival *arrival,
                               const struct answer *answer)
{
    struct hd_patch *missed = NULL, *watch = NULL;
    for (size_t i = 0; i < visit->offer_count; i++) {
        struct hd_patch *patch = visit->offers[i];
        if (patch->place == HD_PATCH_WATCH) {
            watch = patch;
            continue;
        }
        if (!is_for(visit, arrival, patch))
            continue;
        enum hd_fit fit = hd_patch_fits_loader(patch, arrival->file);
        if (fit == HD_FITS) {
            apply(visit, arrival, patch, answer);
            return;
        }
        if (fit == HD_FITS_NOT && missed == NULL)
            missed = patch;
    }
    if (missed != NULL)
        tell(visit, arrival, missed, HD_HOOK_WRONG_BASE);
    if (watch != NULL)
        tell(visit, arrival, watch, HD_HOOK_SEEN);
}

static void load(const struct hd_visit *visit, const struct arrival *arrival,
                 const struct answer *answer)
{
    if (visit->own != NULL)
        load_in_known_loader(visit, arrival, answer);
    else
        load_in_new_loader(visit, arrival, answer);
}

/* ---- a class that is changed ----------------------------------------------------------------- */

/* Passes, whosever it is: agents and debuggers have their reasons. */
static void redefine(const struct hd_visit *visit, const struct arrival *arrival)
{
    struct hd_patch *own = visit->own;
    bool to_patch = own != NULL && is_patch_itself(own, arrival->file);
    if (visit->hook->retransforming != NULL)
        note_redefinition(arrival->name, to_patch, (struct hd_bytes){ NULL, 0 });
    if (own != NULL && own_redefinition.definitions == NULL && !to_patch)
        tell(visit, arrival, own, HD_HOOK_FOREIGN);
}

static bool may_be_edited_patch(const struct note *note, struct hd_bytes file)
{
    return note->to_patch || (note->given.data != NULL && !is_same_memory(note->given, file));
}

/* What agents before us make of the patch: a retransformation that begins so has not lost it. Mostly
 * nothing, and the hash of a file takes thirty times as long as seeing that. */
static void hear_edit(struct hd_patch *own, const struct note *note, struct hd_bytes file)
{
    if (note->to_patch || is_patch_itself(own, note->given))
        atomic_store(&own->edited, is_patch_itself(own, file) ? 0 : hash_of(file));
}

/* A class file begins with this (JVMS §4.1). What does not is memory that the JVM has freed. */
static bool is_class_file(struct hd_bytes file)
{
    static const unsigned char magic[] = { 0xCA, 0xFE, 0xBA, 0xBE };
    return file.length >= sizeof magic && memcmp(file.data, magic, sizeof magic) == 0;
}

/* Answers only where it must: a JVM that gets an answer caches what it has shown, and from JDK 20 on
 * frees it under the next retransformation that waits for a redefinition. */
static void retransform(const struct hd_visit *visit, const struct arrival *arrival,
                        const struct answer *answer)
{
    struct hd_patch *own = visit->own;
    enum hd_shown shown = hd_patch_shown(own, arrival->file);
    bool lacks = shown == HD_SHOWN_REBUILT && !visit->hook->rebuilds_well;
    if (shown == HD_SHOWN_KNOWN || lacks)
        (void)give(visit->hook->retransforming, own, answer);
    else if (shown == HD_SHOWN_EDITED && is_class_file(arrival->file) &&
             hash_of(arrival->file) != atomic_load(&own->edited))
        tell(visit, arrival, own, HD_HOOK_EDITED);
}

/* ---- from the JVM ---------------------------------------------------------------------------- */

void JNICALL hd_hook_class_file_load(jvmtiEnv *jvmti, JNIEnv *jni, jclass class_being_redefined,
                                     jobject loader, const char *name, jobject protection_domain,
                                     jint length, const unsigned char *file, jint *new_length,
                                     unsigned char **new_file)
{
    (void)protection_domain;
    /* A class without a name is hidden or generated: nobody can have pushed it. */
    if (name == NULL || jni == NULL || length <= 0)
        return;
    const struct arrival arrival = { jni, loader, name, { file, (size_t)length } };
    bool loads = class_being_redefined == NULL;
    if (loads && let_pass != NULL && strcmp(let_pass, name) == 0)
        return;
    if (!loads && is_as_we_gave_it(arrival.file)) {
        note_redefinition(name, false, arrival.file);
        return;
    }
    struct hd_visit visit;
    if (!hd_hook_enter(jvmti, jni, name, loader, &visit))
        return;
    const struct answer answer = { new_length, new_file };
    if (loads)
        load(&visit, &arrival, &answer);
    else
        redefine(&visit, &arrival);
    hd_hook_leave(&visit, jni);
}

void JNICALL hd_hook_class_file_retransform(jvmtiEnv *jvmti, JNIEnv *jni,
                                            jclass class_being_redefined, jobject loader,
                                            const char *name, jobject protection_domain,
                                            jint length, const unsigned char *file,
                                            jint *new_length, unsigned char **new_file)
{
    (void)protection_domain;
    if (class_being_redefined == NULL || name == NULL || jni == NULL || length <= 0)
        return;
    const struct arrival arrival = { jni, loader, name, { file, (size_t)length } };
    struct note note = { 0 };
    bool redefines = take_note(name, &note);
    struct hd_visit visit;
    if ((redefines && !may_be_edited_patch(&note, arrival.file)) ||
        !hd_hook_enter(jvmti, jni, name, loader, &visit))
        return;
    const struct answer answer = { new_length, new_file };
    if (visit.own != NULL && redefines)
        hear_edit(visit.own, &note, arrival.file);
    else if (visit.own != NULL)
        retransform(&visit, &arrival, &answer);
    hd_hook_leave(&visit, jni);
}
