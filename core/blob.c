/* SPDX-License-Identifier: Apache-2.0 */
#include "core/blob.h"

#include "core/alloc.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum { FIRST_BUCKETS = 256 };

struct entry {
    struct hd_blob blob; /* first: a blob is its entry */
    size_t references;
    struct entry *next;
    uint8_t contents[];
};

static struct {
    pthread_mutex_t lock;
    struct entry **buckets; /* at least as many as there are entries; NULL while there are none */
    size_t bucket_count;
    size_t count;
    uint64_t size;
    struct hd_digester *digester; /* setting one up takes longer than a class file; NULL: none */
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct entry **bucket_of(const struct hd_digest *digest)
{
    size_t index = 0;
    memcpy(&index, digest->bytes, sizeof index);
    return &table.buckets[index % table.bucket_count];
}

static struct entry *find(const struct hd_digest *digest)
{
    struct entry *entry = table.bucket_count > 0 ? *bucket_of(digest) : NULL;
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

static void move_into(struct entry **buckets, size_t bucket_count)
{
    struct entry **before = table.buckets;
    size_t count_before = table.bucket_count;
    table.buckets = buckets;
    table.bucket_count = bucket_count;
    for (size_t i = 0; i < count_before; i++) {
        for (struct entry *entry = before[i], *next; entry != NULL; entry = next) {
            struct entry **bucket = bucket_of(&entry->blob.digest);
            next = entry->next;
            entry->next = *bucket;
            *bucket = entry;
        }
    }
    hd_free(before);
}

/* Entries lie all over the memory: walking a chain of them costs more than a digest. */
static bool make_room(void)
{
    if (table.count < table.bucket_count)
        return true;
    size_t bucket_count = table.bucket_count > 0 ? 2 * table.bucket_count : FIRST_BUCKETS;
    struct entry **buckets = hd_alloc_zeroed(bucket_count, sizeof(struct entry *));
    if (buckets == NULL)
        return false;
    move_into(buckets, bucket_count);
    return true;
}

static struct entry *add(struct hd_bytes bytes, const struct hd_digest *digest)
{
    if (!make_room())
        return NULL;
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
    hd_free(table.buckets);
    table.buckets = NULL;
    table.bucket_count = 0;
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
