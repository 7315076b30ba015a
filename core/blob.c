/* SPDX-License-Identifier: Apache-2.0 */
#include "core/blob.h"

#include "core/alloc.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum { BUCKETS = 4096 };

struct entry {
    struct hd_blob blob; /* first: a blob is its entry */
    size_t references;
    struct entry *next;
    uint8_t contents[];
};

static struct {
    pthread_mutex_t lock;
    struct entry *buckets[BUCKETS];
    size_t count;
    uint64_t size;
    struct hd_digester *digester; /* setting one up takes longer than a class file; NULL: none */
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct entry **bucket_of(const struct hd_digest *digest)
{
    size_t index = 0;
    memcpy(&index, digest->bytes, sizeof index);
    return &table.buckets[index % BUCKETS];
}

static struct entry *find(const struct hd_digest *digest)
{
    struct entry *entry = *bucket_of(digest);
    while (entry != NULL && !hd_digest_equal(&entry->blob.digest, digest))
        entry = entry->next;
    return entry;
}

static int digest_contents(struct hd_bytes bytes, struct hd_digest *out, struct hd_error *err)
{
    if (table.digester == NULL)
        table.digester = hd_digester_new();
    if (table.digester == NULL)
        return hd_error_set_memory(err);
    hd_digester_add(table.digester, bytes.data, bytes.length);
    return hd_digester_finish(table.digester, out, err);
}

static struct entry *add(struct hd_bytes bytes, const struct hd_digest *digest)
{
    struct entry *entry =
        bytes.length < SIZE_MAX - sizeof *entry ? hd_alloc(sizeof *entry + bytes.length) : NULL;
    if (entry == NULL)
        return NULL;
    struct entry **bucket = bucket_of(digest);
    *entry =
        (struct entry){ .blob = { { entry->contents, bytes.length }, *digest }, .next = *bucket };
    if (bytes.length > 0)
        memcpy(entry->contents, bytes.data, bytes.length);
    *bucket = entry;
    table.count++;
    table.size += bytes.length;
    return entry;
}

/* With nothing held nothing is kept. */
static void rest(void)
{
    if (table.count > 0)
        return;
    hd_digester_free(table.digester);
    table.digester = NULL;
}

static int find_or_add(struct hd_bytes bytes, struct entry **out, struct hd_error *err)
{
    struct hd_digest digest;
    if (digest_contents(bytes, &digest, err) != 0)
        return -1;
    *out = find(&digest);
    if (*out == NULL)
        *out = add(bytes, &digest);
    if (*out == NULL)
        return hd_error_set_memory(err);
    (*out)->references++;
    return 0;
}

int hd_blob_of(struct hd_bytes bytes, struct hd_blob **out, struct hd_error *err)
{
    struct entry *entry = NULL;
    pthread_mutex_lock(&table.lock);
    int status = find_or_add(bytes, &entry, err);
    rest();
    pthread_mutex_unlock(&table.lock);
    if (status == 0)
        *out = &entry->blob;
    return status;
}

struct hd_blob *hd_blob_keep(struct hd_blob *blob)
{
    if (blob == NULL)
        return NULL;
    pthread_mutex_lock(&table.lock);
    ((struct entry *)blob)->references++;
    pthread_mutex_unlock(&table.lock);
    return blob;
}

static void take_out(struct entry *gone)
{
    struct entry **at = bucket_of(&gone->blob.digest);
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    table.count--;
    table.size -= gone->blob.bytes.length;
    hd_free(gone);
}

void hd_blob_release(struct hd_blob *blob)
{
    if (blob == NULL)
        return;
    struct entry *entry = (struct entry *)blob;
    pthread_mutex_lock(&table.lock);
    if (--entry->references == 0)
        take_out(entry);
    rest();
    pthread_mutex_unlock(&table.lock);
}

uint64_t hd_blobs_size(void)
{
    pthread_mutex_lock(&table.lock);
    uint64_t size = table.size;
    pthread_mutex_unlock(&table.lock);
    return size;
}
