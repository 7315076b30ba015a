/* SPDX-License-Identifier: Apache-2.0 */
#include "core/blob.h"

#include "core/alloc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum { FIRST_BUCKETS = 256 };

struct entry {
    struct hd_blob blob;      /* first: a blob is its entry */
    atomic_size_t references; /* from 1 to 0 only under the table's lock */
    uint64_t hash;
    struct entry *next;
    struct hd_digest digest;
    bool digested;
    uint8_t contents[];
};

static struct {
    pthread_mutex_t lock;   /* also guards every entry but its references */
    struct entry **buckets; /* at least as many as there are entries; NULL while there are none */
    size_t bucket_count;
    size_t count;
    uint64_t size;
    struct hd_digester *digester; /* setting one up takes longer than a class file; NULL: none */
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint64_t rotated(uint64_t word)
{
    return word << 29 | word >> 35;
}

/* Four words at a time, which a processor multiplies at once. It only says where to look, so whoever
 * finds two files with the same one has won nothing: a digest for that would take ten times as long.
 */
static uint64_t hash_of(struct hd_bytes bytes)
{
    enum { LANES = 4 };
    const uint64_t odd = 0x9E3779B97F4A7C15u; /* of the golden ratio */
    uint64_t lanes[LANES] = { bytes.length, 1, 2, 3 };
    uint64_t words[LANES];
    for (size_t at = 0; at < bytes.length; at += sizeof words) {
        size_t left = bytes.length - at;
        if (left < sizeof words)
            memset(words, 0, sizeof words);
        memcpy(words, bytes.data + at, left < sizeof words ? left : sizeof words);
        for (size_t i = 0; i < LANES; i++)
            lanes[i] = rotated(lanes[i] ^ words[i]) * odd;
    }
    uint64_t hash = 0;
    for (size_t i = 0; i < LANES; i++)
        hash = rotated(hash ^ lanes[i]) * odd;
    return hash ^ hash >> 32;
}

static struct entry **bucket_of(uint64_t hash)
{
    return &table.buckets[hash % table.bucket_count];
}

static bool holds(const struct entry *entry, struct hd_bytes bytes, uint64_t hash)
{
    return entry->hash == hash && hd_bytes_equal(entry->blob.bytes, bytes);
}

static struct entry *find(struct hd_bytes bytes, uint64_t hash)
{
    struct entry *entry = table.bucket_count > 0 ? *bucket_of(hash) : NULL;
    while (entry != NULL && !holds(entry, bytes, hash))
        entry = entry->next;
    return entry;
}

static void move_into(struct entry **buckets, size_t bucket_count)
{
    struct entry **before = table.buckets;
    size_t count_before = table.bucket_count;
    table.buckets = buckets;
    table.bucket_count = bucket_count;
    for (size_t i = 0; i < count_before; i++) {
        for (struct entry *entry = before[i], *next; entry != NULL; entry = next) {
            struct entry **bucket = bucket_of(entry->hash);
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

static struct entry *add(struct hd_bytes bytes, uint64_t hash)
{
    if (!make_room())
        return NULL;
    struct entry *entry =
        bytes.length < SIZE_MAX - sizeof *entry ? hd_alloc(sizeof *entry + bytes.length) : NULL;
    if (entry == NULL)
        return NULL;
    struct entry **bucket = bucket_of(hash);
    entry->blob.bytes = (struct hd_bytes){ entry->contents, bytes.length };
    atomic_init(&entry->references, 0);
    entry->hash = hash;
    entry->next = *bucket;
    entry->digested = false;
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

static struct entry *find_or_add(struct hd_bytes bytes)
{
    uint64_t hash = hash_of(bytes);
    pthread_mutex_lock(&table.lock);
    struct entry *entry = find(bytes, hash);
    if (entry == NULL)
        entry = add(bytes, hash);
    if (entry != NULL)
        atomic_fetch_add(&entry->references, 1);
    rest();
    pthread_mutex_unlock(&table.lock);
    return entry;
}

int hd_blob_of(struct hd_bytes bytes, struct hd_blob **out, struct hd_error *err)
{
    struct entry *entry = find_or_add(bytes);
    if (entry == NULL)
        return hd_error_set_memory(err);
    *out = &entry->blob;
    return 0;
}

static int digest_contents(struct entry *entry, struct hd_error *err)
{
    if (entry->digested)
        return 0;
    if (table.digester == NULL)
        table.digester = hd_digester_new();
    if (table.digester == NULL)
        return hd_error_set_memory(err);
    hd_digester_add(table.digester, entry->contents, entry->blob.bytes.length);
    if (hd_digester_finish(table.digester, &entry->digest, err) != 0)
        return -1;
    entry->digested = true;
    return 0;
}

int hd_blob_digest(struct hd_blob *blob, struct hd_digest *out, struct hd_error *err)
{
    struct entry *entry = (struct entry *)blob;
    pthread_mutex_lock(&table.lock);
    int status = digest_contents(entry, err);
    if (status == 0)
        *out = entry->digest;
    pthread_mutex_unlock(&table.lock);
    return status;
}

struct hd_blob *hd_blob_keep(struct hd_blob *blob)
{
    if (blob != NULL)
        atomic_fetch_add(&((struct entry *)blob)->references, 1);
    return blob;
}

static void take_out(struct entry *gone)
{
    struct entry **at = bucket_of(gone->hash);
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    table.count--;
    table.size -= gone->blob.bytes.length;
    hd_free(gone);
}

/* False: it may be the last. */
static bool give_one_of_several_back(struct entry *entry)
{
    size_t references = atomic_load(&entry->references);
    while (references > 1) {
        if (atomic_compare_exchange_weak(&entry->references, &references, references - 1))
            return true;
    }
    return false;
}

void hd_blob_release(struct hd_blob *blob)
{
    struct entry *entry = (struct entry *)blob;
    if (blob == NULL || give_one_of_several_back(entry))
        return;
    pthread_mutex_lock(&table.lock);
    if (atomic_fetch_sub(&entry->references, 1) == 1)
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
