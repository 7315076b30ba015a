/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes jars in memory for tests, good and damaged ones. Needs cmocka's header before this one.
 */
#ifndef HD_TESTS_JAR_MAKER_H
#define HD_TESTS_JAR_MAKER_H

#include "core/alloc.h"

#include <stdint.h>
#include <string.h>
#include <zip.h>

struct jar_entry {
    const char *name; /* NULL ends a list; a directory ends in '/' */
    const char *contents;
    zip_int32_t method; /* ZIP_CM_STORE, which is 0, or ZIP_CM_DEFLATE */
};

struct jar {
    uint8_t *data; /* hd_alloc memory */
    size_t length;
};

static inline struct jar make_jar(const struct jar_entry *entries)
{
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, NULL);
    zip_t *archive = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    assert_non_null(archive);
    zip_source_keep(source);
    for (const struct jar_entry *entry = entries; entry->name != NULL; entry++) {
        zip_source_t *contents =
            zip_source_buffer(archive, entry->contents, strlen(entry->contents), 0);
        zip_int64_t index = zip_file_add(archive, entry->name, contents, ZIP_FL_ENC_UTF_8);
        assert_true(index >= 0);
        assert_int_equal(zip_set_file_compression(archive, (zip_uint64_t)index, entry->method, 0),
                         0);
    }
    assert_int_equal(zip_close(archive), 0);
    zip_stat_t status;
    assert_int_equal(zip_source_stat(source, &status), 0);
    struct jar jar = { hd_alloc((size_t)status.size), (size_t)status.size };
    assert_int_equal(zip_source_open(source), 0);
    assert_int_equal(zip_source_read(source, jar.data, status.size), status.size);
    zip_source_close(source);
    zip_source_free(source);
    return jar;
}

static inline struct jar copy_jar(struct jar jar)
{
    struct jar copy = { hd_alloc(jar.length), jar.length };
    memcpy(copy.data, jar.data, jar.length);
    return copy;
}

/* Everywhere in the jar; both texts have the same length. Gets past libzip's own refusal to write
 * such a jar. */
static inline void replace_in_jar(struct jar jar, const void *old_bytes, const void *new_bytes,
                                  size_t length)
{
    int replaced = 0;
    for (size_t at = 0; at + length <= jar.length; at++) {
        if (memcmp(jar.data + at, old_bytes, length) == 0) {
            memcpy(jar.data + at, new_bytes, length);
            replaced++;
        }
    }
    assert_true(replaced > 0);
}

/* The nth (from 0) central header of the jar (APPNOTE.TXT §4.3.12). */
static inline uint8_t *central_header(struct jar jar, unsigned nth)
{
    for (size_t at = 0; at + 46 <= jar.length; at++) {
        if (memcmp(jar.data + at, "PK\1\2", 4) == 0 && nth-- == 0)
            return jar.data + at;
    }
    fail_msg("no such central header");
    return NULL;
}

#define LOCAL_NAME_LENGTH       26 /* §4.3.7 */
#define LOCAL_EXTRA_LENGTH      28
#define CENTRAL_FLAGS           8
#define CENTRAL_METHOD          10
#define CENTRAL_CRC             16
#define CENTRAL_COMPRESSED_SIZE 20
#define CENTRAL_SIZE            24
#define CENTRAL_OFFSET          42

static inline void put_u32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static inline uint16_t get_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t get_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

#endif
