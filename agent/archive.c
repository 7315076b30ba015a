/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/archive.h"

#include "core/alloc.h"
#include "core/json.h"
#include "core/log.h"
#include "core/map.h"
#include "core/text.h"

#include <string.h>

/* As it was when it ended: the loop goes on with its trial. */
struct unwritten {
    uint64_t number;
    bool applied;
    json_t *document;
};

struct hd_archive {
    struct hd_store *store; /* NULL: it could not be opened */
    struct hd_error why;    /* then */
    struct hd_past *past;
    struct hd_sequences *sequences;
    /* deployments whose end is not in the journal yet, the oldest first */
    struct unwritten unwritten[HD_ARCHIVE_UNWRITTEN_MAX];
    size_t unwritten_count;
    json_t *kept; /* what is kept, for people; NULL: nothing */
};

static int visit(const json_t *entry, void *context, struct hd_error *err)
{
    struct hd_archive *archive = context;
    return hd_past_visit(entry, archive->past, err) != 0
               ? -1
               : hd_sequences_hear(archive->sequences, entry, err);
}

static void open_store(struct hd_archive *archive, const char *directory)
{
    struct hd_error err = HD_ERROR_INIT;
    if (hd_store_open(directory, visit, archive, &archive->store, &archive->why) != 0) {
        hd_log(HD_LOG_ERROR,
               "store-unavailable: %s; nothing is deployed in this JVM, and nothing that was kept "
               "is live; put it right and restart the JVM",
               archive->why.text);
        return;
    }
    hd_log(HD_LOG_INFO, "store %s: %llu deployments so far; the journal's head is %s", directory,
           (unsigned long long)hd_store_last_number(archive->store), hd_store_head(archive->store));
    if (hd_store_settle(archive->store, &err) != 0)
        hd_log(HD_LOG_ERROR, "store-unavailable: %s; nothing is deployed until it can be written",
               err.text);
}

int hd_archive_open(const char *directory, struct hd_archive **out, struct hd_error *err)
{
    struct hd_archive *archive = hd_alloc_zeroed(1, sizeof *archive);
    if (archive == NULL)
        return hd_error_set_memory(err);
    archive->past = hd_past_new();
    archive->sequences = hd_sequences_new();
    if (archive->past == NULL || archive->sequences == NULL) {
        hd_archive_close(archive);
        return hd_error_set_memory(err);
    }
    open_store(archive, directory);
    *out = archive;
    return 0;
}

void hd_archive_close(struct hd_archive *archive)
{
    if (archive == NULL)
        return;
    for (size_t i = 0; i < archive->unwritten_count; i++)
        json_decref(archive->unwritten[i].document);
    hd_past_free(archive->past);
    hd_sequences_free(archive->sequences);
    json_decref(archive->kept);
    hd_store_close(archive->store);
    hd_free(archive);
}

uint64_t hd_archive_last_number(const struct hd_archive *archive)
{
    return archive != NULL && archive->store != NULL ? hd_store_last_number(archive->store) : 0;
}

struct hd_past *hd_archive_steal_past(struct hd_archive *archive)
{
    if (archive == NULL)
        return NULL;
    struct hd_past *past = archive->past;
    archive->past = NULL;
    return past;
}

const struct hd_sequences *hd_archive_sequences(const struct hd_archive *archive)
{
    return archive != NULL && archive->store != NULL ? archive->sequences : NULL;
}

/* ---- what could not be written --------------------------------------------------------------- */

static void forget_unwritten(struct hd_archive *archive, size_t at)
{
    json_decref(archive->unwritten[at].document);
    archive->unwritten_count--;
    memmove(archive->unwritten + at, archive->unwritten + at + 1,
            (archive->unwritten_count - at) * sizeof archive->unwritten[0]);
}

/* The oldest refused one goes when there are too many: what went live must be told. */
static void hold_take(struct hd_archive *archive, const struct hd_deployment *deployment,
                      json_t *document)
{
    if (archive->unwritten_count == HD_ARCHIVE_UNWRITTEN_MAX)
        forget_unwritten(archive, archive->unwritten[0].applied ? 1 : 0);
    archive->unwritten[archive->unwritten_count++] =
        (struct unwritten){ deployment->number, deployment->applied, document };
}

static int write_unwritten(struct hd_archive *archive, struct hd_error *err)
{
    while (archive->unwritten_count > 0) {
        const struct unwritten *first = &archive->unwritten[0];
        if (hd_store_end_document(archive->store, first->number, first->document, err) != 0)
            return -1;
        hd_log(HD_LOG_WARN, "the end of deployment %llu is in the journal now",
               (unsigned long long)first->number);
        forget_unwritten(archive, 0);
    }
    return 0;
}

int hd_archive_check(struct hd_archive *archive, struct hd_error *err)
{
    if (archive == NULL)
        return 0;
    if (archive->store == NULL)
        return hd_error_set(err, archive->why.code, "%s", archive->why.text);
    return write_unwritten(archive, err);
}

/* ---- deployments ----------------------------------------------------------------------------- */

int hd_archive_begin(struct hd_archive *archive, const struct hd_deployment *deployment,
                     struct hd_bundle *bundle, struct hd_error *err)
{
    struct hd_bytes jar = { NULL, 0 };
    if (archive == NULL)
        return 0;
    if (hd_archive_check(archive, err) != 0)
        return -1;
    if (bundle != NULL && hd_bundle_jar(bundle, &jar, err) != 0)
        return -1;
    if (hd_sequences_begin(archive->sequences, deployment->number, deployment->sealed, err) != 0)
        return -1;
    return hd_store_begin(archive->store, deployment, jar, err);
}

/* Takes document. */
static int write_end_take(struct hd_archive *archive, const struct hd_deployment *deployment,
                          json_t *document, struct hd_error *err)
{
    if (hd_archive_check(archive, err) == 0 &&
        hd_store_end_document(archive->store, deployment->number, document, err) == 0) {
        json_decref(document);
        return 0;
    }
    if (archive->store != NULL)
        hold_take(archive, deployment, document);
    else
        json_decref(document);
    return -1;
}

int hd_archive_end(struct hd_archive *archive, const struct hd_deployment *deployment,
                   struct hd_error *err)
{
    unsigned long long number = deployment->number;
    if (archive == NULL)
        return 0;
    json_t *document = hd_sequences_end(archive->sequences, deployment->number, deployment->sealed,
                                        deployment->applied, err) == 0
                           ? hd_deployment_full_to_json(deployment)
                           : NULL;
    int result = document != NULL ? write_end_take(archive, deployment, document, err)
                                  : hd_error_set_memory(err);
    if (result == 0)
        hd_log(HD_LOG_INFO, "deployment %llu is in the journal; its head is %s", number,
               hd_store_head(archive->store));
    else
        hd_log(HD_LOG_ERROR,
               "deployment %llu, %s, is not in the journal: %s; nothing more is deployed until it "
               "can be written",
               number, deployment->applied ? "which is live" : "which was refused", err->text);
    return result;
}

void hd_archive_note_take(struct hd_archive *archive, const char *event, json_t *fields)
{
    struct hd_error err = HD_ERROR_INIT;
    if (archive == NULL || archive->store == NULL) {
        json_decref(fields);
        return;
    }
    if (hd_store_note_take(archive->store, event, fields, &err) != 0)
        hd_log(HD_LOG_ERROR, "the journal misses a line (%s): %s", event, err.text);
}

void hd_archive_note_refusals(struct hd_archive *archive, const json_t *refusals)
{
    for (size_t i = 0; i < json_array_size(refusals); i++)
        hd_archive_note_take(archive, "refused", json_incref(json_array_get(refusals, i)));
}

void hd_archive_note_class(struct hd_archive *archive, const char *event, const char *internal_name,
                           const char *label, uint64_t deployment)
{
    if (archive == NULL)
        return;
    char *name = hd_text_class_name(hd_map_key(internal_name));
    hd_archive_note_take(archive, event,
                         json_pack("{s:o, s:o, s:I}", "class", hd_json_text(name), "loader",
                                   hd_json_text(label), "patch_of", (json_int_t)deployment));
    hd_free(name);
}

int hd_archive_read_bundle(const struct hd_archive *archive, const char *digest,
                           struct hd_buffer *out, struct hd_error *err)
{
    if (archive == NULL || archive->store == NULL)
        return hd_error_set(err, HD_E_NOT_FOUND, "there is no store");
    return hd_store_read_bundle(archive->store, digest, out, err);
}

/* ---- what is kept ---------------------------------------------------------------------------- */

static bool append_aside(json_t *array, const struct hd_kept_class *class)
{
    char *name = hd_text_class_name(hd_map_key(class->name));
    json_t *json = json_object();
    bool complete = hd_json_put(json, "class", hd_json_text(name)) &&
                    hd_json_put(json, "loader", hd_json_text(class->loader)) &&
                    hd_json_put(json, "deployment", hd_json_number(class->deployment)) &&
                    hd_json_put(json, "why", hd_json_text(class->aside));
    hd_free(name);
    return json_array_append_new(array, hd_json_finish(json, complete)) == 0;
}

static json_t *describe(const struct hd_kept *kept)
{
    json_t *aside = json_array();
    bool complete = aside != NULL;
    for (size_t i = 0; complete && i < kept->count; i++) {
        if (kept->classes[i].aside != NULL)
            complete = append_aside(aside, &kept->classes[i]);
    }
    aside = hd_json_finish(aside, complete);
    json_t *json = json_object();
    complete = hd_json_put(json, "state", hd_json_number(kept->state)) &&
               hd_json_put(json, "who", hd_json_text(kept->who)) &&
               hd_json_put(json, "classes", hd_json_number(hd_kept_live_count(kept))) &&
               hd_json_put(json, "set_aside", aside);
    return hd_json_finish(json, complete);
}

void hd_archive_note_kept(struct hd_archive *archive, const struct hd_kept *kept)
{
    json_decref(archive->kept);
    archive->kept = kept->count > 0 ? describe(kept) : NULL;
}

int hd_archive_read_kept(struct hd_archive *archive, struct hd_kept *out, struct hd_error *err)
{
    if (archive == NULL)
        return hd_error_set(err, HD_E_NOT_FOUND, "this JVM runs without a store (store=DIR)");
    if (archive->store == NULL)
        return hd_error_set(err, archive->why.code, "%s", archive->why.text);
    return hd_kept_read(archive->store, out, err);
}

/* NULL where it was not set aside. */
static const char *noted_why(const struct hd_archive *archive, const struct hd_kept_class *class)
{
    const json_t *entry;
    size_t index;
    char *name = hd_text_class_name(hd_map_key(class->name));
    const char *why = NULL;
    json_array_foreach(json_object_get(archive->kept, "set_aside"), index, entry)
    {
        const char *other = json_string_value(json_object_get(entry, "class"));
        const char *loader = json_string_value(json_object_get(entry, "loader"));
        json_int_t deployment = json_integer_value(json_object_get(entry, "deployment"));
        if (name != NULL && other != NULL && loader != NULL && strcmp(other, name) == 0 &&
            strcmp(loader, class->loader) == 0 && (uint64_t)deployment == class->deployment)
            why = json_string_value(json_object_get(entry, "why"));
    }
    hd_free(name);
    return why;
}

int hd_archive_set_aside_as_noted(const struct hd_archive *archive, struct hd_kept *kept,
                                  struct hd_error *err)
{
    for (size_t i = 0; i < kept->count; i++) {
        struct hd_kept_class *class = &kept->classes[i];
        const char *why = class->aside == NULL ? noted_why(archive, class) : NULL;
        if (why == NULL)
            continue;
        class->aside = hd_strdup(why);
        class->aside_for_now = true;
        if (class->aside == NULL)
            return hd_error_set_memory(err);
    }
    return 0;
}

int hd_archive_write_kept(struct hd_archive *archive, const struct hd_kept *kept, json_t *fields,
                          struct hd_error *err)
{
    if (hd_archive_check(archive, err) != 0) {
        json_decref(fields);
        return -1;
    }
    if (hd_kept_write(archive->store, kept, fields, err) != 0)
        return -1;
    hd_archive_note_kept(archive, kept);
    return 0;
}

const json_t *hd_archive_kept(const struct hd_archive *archive)
{
    return archive != NULL ? archive->kept : NULL;
}
