/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store.h"

#include "core/alloc.h"
#include "core/message.h"
#include "core/store_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT_FILE "kept.json"
#define LOCK_FILE "lock"
#define BUNDLES   "bundles"

struct hd_store {
    int directory;
    int bundles;
    int lock;
    struct hd_journal *journal;
    uint64_t last_number;
    uint64_t open_number; /* begun and not ended; 0: none */
    /* of bundles, at most: a directory is not listed for each push */
    struct hd_store_files_size size;
    bool size_known;
    /* digests of kept.json, "" for none: what it is, and what it was about to become */
    char kept[HD_DIGEST_HEX_SIZE];
    char keep[HD_DIGEST_HEX_SIZE];
};

/* The reading of the journal that opens a store. */
struct opening {
    struct hd_store *store;
    int (*visit)(const json_t *entry, void *context, struct hd_error *err);
    void *context;
};

/* ---- opening --------------------------------------------------------------------------------- */

static int check_owner(int descriptor, const char *path, struct hd_error *err)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return hd_error_set_errno(err, errno, "%s", path);
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return hd_error_set(err, HD_E_DENIED, "%s belongs to uid %u, not to this JVM's user", path,
                            (unsigned)status.st_uid);
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return hd_error_set(err, HD_E_DENIED, "%s is writable by others; chmod go-w it", path);
    return 0;
}

static int open_directory(int parent, const char *path, struct hd_error *err)
{
    if (mkdirat(parent, path, 0700) != 0 && errno != EEXIST)
        return hd_error_set_errno(err, errno, "%s cannot be made", path);
    int descriptor = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return hd_error_set_errno(err, errno, "%s cannot be opened", path);
    if (check_owner(descriptor, path, err) == 0)
        return descriptor;
    close(descriptor);
    return -1;
}

static int refuse_held(int lock, struct hd_error *err)
{
    char holder[16] = "";
    ssize_t length = pread(lock, holder, sizeof holder - 1, 0);
    holder[length > 0 ? length : 0] = '\0';
    holder[strspn(holder, "0123456789")] = '\0';
    return hd_error_set(err, HD_E_DENIED,
                        "another JVM (pid %s) uses this store; each JVM needs one "
                        "of its own",
                        holder[0] != '\0' ? holder : "unknown");
}

static int take_lock(struct hd_store *store, struct hd_error *err)
{
    char pid[16]; /* of one length always: where the disk is full, it can still be written over */
    store->lock =
        openat(store->directory, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (store->lock < 0)
        return hd_error_set_errno(err, errno, "the lock file cannot be opened");
    if (flock(store->lock, LOCK_EX | LOCK_NB) != 0)
        return refuse_held(store->lock, err);
    int length = snprintf(pid, sizeof pid, "%-10d\n", (int)getpid());
    if (pwrite(store->lock, pid, (size_t)length, 0) != length)
        return hd_error_set_errno(err, errno, "the lock file cannot be written");
    return 0;
}

static void copy_digest(const json_t *entry, char out[HD_DIGEST_HEX_SIZE])
{
    const char *digest = json_string_value(json_object_get(entry, "digest"));
    snprintf(out, HD_DIGEST_HEX_SIZE, "%s", digest != NULL ? digest : "");
}

static void follow_keeping(struct hd_store *store, const char *event, const json_t *entry)
{
    if (strcmp(event, "keep") == 0)
        copy_digest(entry, store->keep);
    if (strcmp(event, "kept") == 0)
        copy_digest(entry, store->kept);
    if (strcmp(event, "kept") == 0 || strcmp(event, "keep-interrupted") == 0)
        store->keep[0] = '\0';
}

/* Which numbers were given, and is one still open? */
static void follow_deployments(struct hd_store *store, const char *event, uint64_t number)
{
    if (number > store->last_number)
        store->last_number = number;
    if (strcmp(event, "begin") == 0)
        store->open_number = number;
    else if (strcmp(event, "end") == 0 || strcmp(event, "interrupted") == 0)
        store->open_number = 0;
}

/* Follows the journal as it is read. */
static int follow(const json_t *entry, void *context, struct hd_error *err)
{
    struct opening *opening = context;
    const char *event = json_string_value(json_object_get(entry, "event"));
    json_int_t number = json_integer_value(json_object_get(entry, "deployment"));
    if (event != NULL)
        follow_keeping(opening->store, event, entry);
    if (event != NULL && number > 0)
        follow_deployments(opening->store, event, (uint64_t)number);
    return opening->visit != NULL ? opening->visit(entry, opening->context, err) : 0;
}

static bool contains(struct hd_bytes line, const char *text)
{
    return memmem(line.data, line.length, text, strlen(text)) != NULL;
}

static void note_number(struct hd_store *store, struct hd_bytes line)
{
    static const char key[] = "\"deployment\":";
    const uint8_t *at = memmem(line.data, line.length, key, strlen(key));
    const uint8_t *end = line.data + line.length;
    uint64_t number = 0;
    for (at = at != NULL ? at + strlen(key) : end; at < end && *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    if (number > store->last_number)
        store->last_number = number;
}

/* A deployment of long ago that was not signed has only its number to tell, a refusal nothing: a JVM
 * must not wait for years of them to be parsed. */
static bool wants(struct hd_bytes line, uint64_t following, void *context)
{
    bool is_deployment =
        contains(line, "\"event\":\"begin\"") || contains(line, "\"event\":\"end\"");
    bool is_old = following > HD_STORE_READ_BYTES && !contains(line, "\"sealed\":");
    if (!(is_deployment && is_old) && !contains(line, "\"event\":\"refused\""))
        return true;
    note_number(((struct opening *)context)->store, line);
    return false;
}

static int open_inside(struct opening *opening, struct hd_error *err)
{
    struct hd_store *store = opening->store;
    if (take_lock(store, err) != 0)
        return -1;
    store->bundles = open_directory(store->directory, BUNDLES, err);
    if (store->bundles < 0)
        return -1;
    const struct hd_journal_reader reader = { follow, wants, opening };
    return hd_journal_open(store->directory, true, &reader, &store->journal, err);
}

int hd_store_open(const char *directory,
                  int (*visit)(const json_t *entry, void *context, struct hd_error *err),
                  void *context, struct hd_store **out, struct hd_error *err)
{
    struct hd_store *store = hd_alloc_zeroed(1, sizeof *store);
    if (store == NULL)
        return hd_error_set_memory(err);
    store->lock = -1;
    store->bundles = -1;
    struct opening opening = { store, visit, context };
    store->directory = open_directory(AT_FDCWD, directory, err);
    if (store->directory < 0 || open_inside(&opening, err) != 0) {
        hd_store_close(store);
        return hd_error_prefix(err, "store %s", directory);
    }
    *out = store;
    return 0;
}

static void close_if_open(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
}

void hd_store_close(struct hd_store *store)
{
    if (store == NULL)
        return;
    hd_journal_close(store->journal);
    close_if_open(store->bundles);
    close_if_open(store->directory);
    close_if_open(store->lock);
    hd_free(store);
}

uint64_t hd_store_last_number(const struct hd_store *store)
{
    return store->last_number;
}

const char *hd_store_head(const struct hd_store *store)
{
    return hd_journal_head(store->journal);
}

/* ---- deployments ----------------------------------------------------------------------------- */

int hd_store_note_take(struct hd_store *store, const char *event, json_t *fields,
                       struct hd_error *err)
{
    json_t *entry = json_pack("{s:s}", "event", event);
    if (entry != NULL && fields != NULL && json_object_update(entry, fields) != 0) {
        json_decref(entry);
        entry = NULL;
    }
    json_decref(fields);
    return hd_journal_append_take(store->journal, entry, err);
}

/* A crash between begin and end: what was live then is gone with that JVM. */
static int end_interrupted(struct hd_store *store, struct hd_error *err)
{
    if (store->open_number == 0)
        return 0;
    json_t *fields = json_pack("{s:I}", "deployment", (json_int_t)store->open_number);
    if (hd_store_note_take(store, "interrupted", fields, err) != 0)
        return -1;
    store->open_number = 0;
    return 0;
}

/* Digest of kept.json as it is; "" where there is none. */
static int digest_kept(const struct hd_store *store, char out[HD_DIGEST_HEX_SIZE],
                       struct hd_error *err)
{
    struct hd_buffer text = HD_BUFFER_INIT;
    struct hd_digest digest;
    struct hd_error own = HD_ERROR_INIT;
    out[0] = '\0';
    int result = hd_store_files_read(store->directory, KEPT_FILE, &text, &own);
    if (result == 0)
        result = hd_digest_of(text.data, text.length, &digest, &own);
    if (result == 0)
        hd_digest_to_hex(&digest, out);
    hd_buffer_close(&text);
    if (result == 0 || own.code == HD_E_NOT_FOUND)
        return 0;
    return hd_error_set(err, own.code, "%s", own.text);
}

static int note_kept(struct hd_store *store, struct hd_error *err)
{
    json_t *fields = json_pack("{s:s}", "digest", store->keep);
    if (hd_store_note_take(store, "kept", fields, err) != 0)
        return -1;
    memcpy(store->kept, store->keep, sizeof store->kept);
    store->keep[0] = '\0';
    return 0;
}

static int end_keeping(struct hd_store *store, struct hd_error *err)
{
    char now[HD_DIGEST_HEX_SIZE];
    if (store->keep[0] == '\0')
        return 0;
    if (digest_kept(store, now, err) != 0)
        return -1;
    if (strcmp(now, store->keep) == 0)
        return note_kept(store, err);
    json_t *fields = json_pack("{s:s}", "digest", store->keep);
    if (hd_store_note_take(store, "keep-interrupted", fields, err) != 0)
        return -1;
    store->keep[0] = '\0';
    return 0;
}

int hd_store_settle(struct hd_store *store, struct hd_error *err)
{
    return end_interrupted(store, err) != 0 ? -1 : end_keeping(store, err);
}

static const struct hd_store_files_size maximum = { HD_STORE_MAX_BYTES, HD_STORE_MAX_FILES };

static bool has_room(const struct hd_store *store, uint64_t length)
{
    return store->size_known && store->size.count < maximum.count && length <= maximum.bytes &&
           store->size.bytes <= maximum.bytes - length;
}

/* For one file more of that length. */
static int make_room(struct hd_store *store, uint64_t length, struct hd_error *err)
{
    char removed[HD_STORE_NAME_SIZE];
    while (!has_room(store, length)) {
        int found = hd_store_files_shrink(store->directory, store->bundles, KEPT_FILE, &maximum,
                                          length, &store->size, removed, err);
        store->size_known = found == 0;
        if (found < 0)
            return -1;
        if (found == 0)
            break; /* it fits, or all that is there must stay */
        json_t *fields = json_pack("{s:s}", "bundle", removed);
        if (hd_store_note_take(store, "bundle-dropped", fields, err) != 0)
            return -1;
    }
    store->size.bytes += length;
    store->size.count++;
    return 0;
}

static int keep_bundle(struct hd_store *store, const char *digest, struct hd_bytes jar,
                       struct hd_error *err)
{
    char name[HD_STORE_NAME_SIZE];
    if (jar.length == 0)
        return 0;
    if (make_room(store, jar.length, err) != 0)
        return -1;
    snprintf(name, sizeof name, "%s.jar", digest);
    return hd_store_files_put(store->bundles, name, jar, err);
}

int hd_store_begin(struct hd_store *store, const struct hd_deployment *deployment,
                   struct hd_bytes jar, struct hd_error *err)
{
    if (hd_store_settle(store, err) != 0 ||
        keep_bundle(store, deployment->bundle_digest, jar, err) != 0)
        return -1;
    json_t *fields = hd_deployment_summary_to_json(deployment);
    if (fields == NULL)
        return hd_error_set_memory(err);
    if (hd_store_note_take(store, "begin", fields, err) != 0)
        return -1;
    store->open_number = deployment->number;
    if (deployment->number > store->last_number)
        store->last_number = deployment->number;
    return 0;
}

int hd_store_end_document(struct hd_store *store, uint64_t number, json_t *document,
                          struct hd_error *err)
{
    if (hd_store_note_take(store, "end", json_incref(document), err) != 0)
        return -1;
    store->open_number = 0;
    if (number > store->last_number)
        store->last_number = number;
    return 0;
}

/* ---- what is kept ---------------------------------------------------------------------------- */

int hd_store_put_kept_files(struct hd_store *store, struct hd_bytes contents,
                            char digest[HD_DIGEST_HEX_SIZE], struct hd_error *err)
{
    char name[HD_STORE_NAME_SIZE];
    struct hd_digest sum;
    if (hd_digest_of(contents.data, contents.length, &sum, err) != 0 ||
        make_room(store, contents.length, err) != 0)
        return -1;
    hd_digest_to_hex(&sum, digest);
    snprintf(name, sizeof name, "%s.kept", digest);
    return hd_store_files_put(store->bundles, name, contents, err);
}

static int read_by_digest(const struct hd_store *store, const char *digest, const char *suffix,
                          struct hd_buffer *out, struct hd_error *err)
{
    char name[HD_STORE_NAME_SIZE], found[HD_DIGEST_HEX_SIZE];
    struct hd_digest sum;
    size_t before = out->length;
    if (strlen(digest) != HD_DIGEST_HEX_SIZE - 1 ||
        strspn(digest, "0123456789abcdef") != HD_DIGEST_HEX_SIZE - 1)
        return hd_error_set(err, HD_E_FORMAT, "what should be a digest is none");
    snprintf(name, sizeof name, "%s.%s", digest, suffix);
    if (hd_store_files_read(store->bundles, name, out, err) != 0 ||
        hd_digest_of(out->data + before, out->length - before, &sum, err) != 0)
        return -1;
    hd_digest_to_hex(&sum, found);
    if (strcmp(found, digest) != 0)
        return hd_error_set(err, HD_E_FORMAT, BUNDLES "/%s is damaged", name);
    return 0;
}

int hd_store_read_kept_files(const struct hd_store *store, const char *digest,
                             struct hd_buffer *out, struct hd_error *err)
{
    return read_by_digest(store, digest, "kept", out, err);
}

int hd_store_read_bundle(const struct hd_store *store, const char *digest, struct hd_buffer *out,
                         struct hd_error *err)
{
    return read_by_digest(store, digest, "jar", out, err);
}

/* The journal first: whatever a crash leaves, it is known what was wanted. */
static int replace_kept_take(struct hd_store *store, struct hd_bytes contents, json_t *fields,
                             struct hd_error *err)
{
    struct hd_digest digest = { { 0 } };
    char hex[HD_DIGEST_HEX_SIZE];
    int result = hd_digest_of(contents.data, contents.length, &digest, err);
    hd_digest_to_hex(&digest, hex);
    json_t *line = result == 0 ? json_pack("{s:s}", "digest", hex) : NULL;
    if (line != NULL && fields != NULL && json_object_update(line, fields) != 0) {
        json_decref(line);
        line = NULL;
    }
    json_decref(fields);
    if (line == NULL)
        return hd_error_set_memory(err);
    if (hd_store_note_take(store, "keep", line, err) != 0)
        return -1;
    memcpy(store->keep, hex, sizeof hex);
    if (hd_store_files_replace(store->directory, KEPT_FILE, contents, err) != 0)
        return -1;
    return note_kept(store, err);
}

int hd_store_set_kept(struct hd_store *store, const json_t *kept, json_t *fields,
                      struct hd_error *err)
{
    char *text = NULL;
    size_t length = 0;
    if (hd_store_settle(store, err) != 0 || hd_message_write(kept, &text, &length, err) != 0) {
        json_decref(fields);
        return -1;
    }
    struct hd_bytes contents = { (const uint8_t *)text, length };
    int result = replace_kept_take(store, contents, fields, err);
    hd_free(text);
    return result;
}

static int check_kept(const struct hd_store *store, struct hd_error *err)
{
    char now[HD_DIGEST_HEX_SIZE];
    if (digest_kept(store, now, err) != 0)
        return -1;
    if (strcmp(now, store->kept) == 0 || (store->keep[0] != '\0' && strcmp(now, store->keep) == 0))
        return 0;
    if (now[0] == '\0')
        return hd_error_set(err, HD_E_FORMAT, KEPT_FILE " is missing; the journal names it");
    return hd_error_set(err, HD_E_FORMAT,
                        KEPT_FILE " is not what the journal says was kept: somebody changed it");
}

int hd_store_kept(const struct hd_store *store, json_t **out, struct hd_error *err)
{
    struct hd_buffer text = HD_BUFFER_INIT;
    json_error_t reason;
    struct hd_error own = HD_ERROR_INIT;
    if (check_kept(store, err) != 0)
        return -1;
    if (hd_store_files_read(store->directory, KEPT_FILE, &text, &own) != 0) {
        hd_buffer_close(&text);
        if (own.code != HD_E_NOT_FOUND)
            return hd_error_set(err, own.code, "%s", own.text);
        *out = NULL;
        return 0;
    }
    json_t *kept =
        json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, &reason);
    hd_buffer_close(&text);
    if (kept == NULL)
        return hd_error_set(err, HD_E_FORMAT, KEPT_FILE " is damaged: line %d: %s", reason.line,
                            reason.text);
    *out = kept;
    return 0;
}
