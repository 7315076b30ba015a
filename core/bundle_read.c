/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bundle_internal.h"

#include "core/alloc.h"
#include "core/bundle_entry.h"
#include "core/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zip.h>

#define CLASS_SUFFIX       ".class"
#define VERSIONS_PREFIX    "META-INF/versions/"
#define MANIFEST           "META-INF/MANIFEST.MF"
#define FIRST_VERSION      9 /* JEP 238: below that there are no versioned entries */
#define MAX_MANIFEST_BYTES 65536
#define SHOWN_TEXT_SIZE    160

/* A class entry that may become a class of the bundle. */
struct candidate {
    zip_uint64_t index;
    const char *entry;  /* borrowed from the archive */
    const char *name;   /* within entry, behind "BOOT-INF/classes/" and the like */
    size_t name_length; /* without ".class" */
    unsigned version;   /* N of META-INF/versions/N; 0: a plain entry */
    uint64_t size;
};

struct reading {
    zip_t *archive;
    struct hd_entry_reader reader;
    const struct hd_bundle_limits *limits;
    unsigned feature_release;
    const struct hd_bundle_watcher *watcher; /* may be NULL */
    bool stays_packed;
    struct candidate *items;
    size_t count;
    size_t capacity;
    struct hd_bundle_notes notes;
};

struct shown {
    char text[SHOWN_TEXT_SIZE];
};

static struct shown shown(const char *text)
{
    struct shown out;
    hd_text_escape(text, out.text, sizeof out.text);
    return out;
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    return length >= strlen(suffix) && strcmp(text + length - strlen(suffix), suffix) == 0;
}

/* Entries */

static bool is_dot_segment(const char *segment, size_t length)
{
    return (length == 1 && segment[0] == '.') ||
           (length == 2 && segment[0] == '.' && segment[1] == '.');
}

/* True for an absolute path, and for one with "." or ".." in it: no jar tool writes such entries.
 */
static bool escapes(const char *entry)
{
    if (*entry == '/')
        return true;
    for (const char *segment = entry; *segment != '\0';) {
        size_t length = strcspn(segment, "/");
        if (is_dot_segment(segment, length))
            return true;
        segment += length;
        segment += *segment == '/';
    }
    return false;
}

static const char *without_prefix(const char *text, const char *prefix)
{
    return hd_text_starts_with(text, prefix) ? text + strlen(prefix) : text;
}

/* "versions/17/com/…": moves *name behind the number; 0 when this is no versioned entry that a JVM
 * would look at. */
static unsigned take_version(const char **name)
{
    const char *digits = *name + strlen(VERSIONS_PREFIX);
    size_t digit_count = strspn(digits, "0123456789");
    if (digit_count == 0 || digit_count > 4 || digits[digit_count] != '/')
        return 0;
    unsigned version = (unsigned)strtoul(digits, NULL, 10);
    if (version < FIRST_VERSION)
        return 0;
    *name = digits + digit_count + 1;
    return version;
}

/* False for class files that are no classes of the application: module-info, and what lies
 * elsewhere in META-INF or BOOT-INF. */
static bool find_name(const char *entry, struct candidate *out)
{
    const char *name =
        without_prefix(without_prefix(entry, "BOOT-INF/classes/"), "WEB-INF/classes/");
    unsigned version = 0;
    if (hd_text_starts_with(name, VERSIONS_PREFIX)) {
        version = take_version(&name);
        if (version == 0)
            return false;
    }
    if (hd_text_starts_with(name, "META-INF/") || hd_text_starts_with(name, "BOOT-INF/") ||
        hd_text_starts_with(name, "WEB-INF/"))
        return false;
    if (strcmp(name, "module-info" CLASS_SUFFIX) == 0 ||
        ends_with(name, "/module-info" CLASS_SUFFIX))
        return false;
    out->entry = entry;
    out->name = name;
    out->name_length = strlen(name) - strlen(CLASS_SUFFIX);
    out->version = version;
    return true;
}

static int check_class_entry(const char *entry, const struct candidate *candidate,
                             struct hd_error *err)
{
    size_t length = candidate->name_length;
    if (!hd_text_is_utf8(entry, strlen(entry)))
        return hd_error_set(err, HD_E_FORMAT, "entry %s: the name is not UTF-8", shown(entry).text);
    if (strcspn(candidate->name, ".;[") !=
        length) /* JVMS §4.2.2; the next '.' is that of ".class" */
        return hd_error_set(
            err, HD_E_FORMAT,
            "entry %s: no class can have this path, for '.', ';' and '[' are not allowed in names",
            shown(entry).text);
    if (length == 0 || candidate->name[0] == '/' || candidate->name[length - 1] == '/' ||
        strstr(candidate->name, "//") != NULL)
        return hd_error_set(err, HD_E_FORMAT, "entry %s: part of the class name is missing",
                            shown(entry).text);
    return 0;
}

static int examine(struct reading *reading, zip_uint64_t index, const char *entry,
                   zip_stat_t *status, struct hd_error *err)
{
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if (zip_stat_index(reading->archive, index, 0, status) != 0 ||
        (status->valid & needed) != needed)
        return hd_error_set(err, HD_E_FORMAT, "entry %s: its header is damaged", shown(entry).text);
    if (status->encryption_method != ZIP_EM_NONE)
        return hd_error_set(err, HD_E_FORMAT,
                            "entry %s is encrypted; a JVM could not read this jar either",
                            shown(entry).text);
    return 0;
}

static int keep(struct reading *reading, const struct candidate *candidate, struct hd_error *err)
{
    if (reading->count == reading->capacity) {
        size_t capacity = reading->capacity > 0 ? reading->capacity * 2 : 64;
        struct candidate *grown = hd_realloc_array(reading->items, capacity, sizeof *grown);
        if (grown == NULL)
            return hd_error_set_memory(err);
        reading->items = grown;
        reading->capacity = capacity;
    }
    reading->items[reading->count++] = *candidate;
    return 0;
}

static int collect_entry(struct reading *reading, zip_uint64_t index, struct hd_error *err)
{
    const char *entry = zip_get_name(reading->archive, index, ZIP_FL_ENC_RAW);
    if (entry == NULL)
        return hd_error_set(err, HD_E_FORMAT, "entry %llu has no name", (unsigned long long)index);
    if (escapes(entry))
        return hd_error_set(err, HD_E_FORMAT, "entry %s: the path leads out of the jar",
                            shown(entry).text);
    zip_stat_t status;
    if (examine(reading, index, entry, &status, err) != 0)
        return -1;

    struct candidate candidate = { .index = index, .size = status.size };
    if (!ends_with(entry, CLASS_SUFFIX) || !find_name(entry, &candidate))
        return 0;
    if (status.comp_method != ZIP_CM_STORE && status.comp_method != ZIP_CM_DEFLATE)
        return hd_error_set(
            err, HD_E_FORMAT,
            "entry %s: compression method %u is not one of a jar's (stored, deflated)",
            shown(entry).text, status.comp_method);
    if (check_class_entry(entry, &candidate, err) != 0)
        return -1;
    return keep(reading, &candidate, err);
}

static int collect(struct reading *reading, struct hd_error *err)
{
    zip_int64_t count = zip_get_num_entries(reading->archive, 0);
    if (count > 0 && (uint64_t)count > reading->limits->max_entries)
        return hd_error_set(err, HD_E_LIMIT, "%lld entries; the limit is %llu", (long long)count,
                            (unsigned long long)reading->limits->max_entries);
    for (zip_int64_t i = 0; i < count; i++) {
        if (collect_entry(reading, (zip_uint64_t)i, err) != 0)
            return -1;
    }
    return 0;
}

/* Versions */

/* The main section of a manifest ends with the first empty line. */
static bool says_multi_release(char *manifest)
{
    for (char *line = strsep(&manifest, "\n"); line != NULL; line = strsep(&manifest, "\n")) {
        size_t length = strcspn(line, "\r");
        line[length] = '\0';
        if (length == 0)
            return false;
        if (strcasecmp(line, "Multi-Release: true") == 0)
            return true;
    }
    return false;
}

/* The JVM looks into META-INF/versions only where the manifest says Multi-Release (JEP 238): a jar
 * that shaded others often holds their versions without saying so. A jar with no manifest at all
 * was put together by hand, and means what it holds. */
static bool versions_count(const struct reading *reading)
{
    zip_int64_t index = zip_name_locate(reading->archive, MANIFEST, ZIP_FL_ENC_RAW);
    if (index < 0)
        return true;
    zip_file_t *file = zip_fopen_index(reading->archive, (zip_uint64_t)index, 0);
    char *manifest = hd_alloc(MAX_MANIFEST_BYTES + 1);
    zip_int64_t length =
        file != NULL && manifest != NULL ? zip_fread(file, manifest, MAX_MANIFEST_BYTES) : -1;
    bool count = false;
    if (length >= 0) {
        manifest[length] = '\0';
        count = says_multi_release(manifest);
    }
    hd_free(manifest);
    if (file != NULL)
        zip_fclose(file);
    return count;
}

static int compare_names(const struct candidate *a, const struct candidate *b)
{
    size_t shorter = a->name_length < b->name_length ? a->name_length : b->name_length;
    int order = memcmp(a->name, b->name, shorter);
    if (order != 0)
        return order;
    return (a->name_length > b->name_length) - (a->name_length < b->name_length);
}

static int compare_candidates(const void *left, const void *right)
{
    const struct candidate *a = left;
    const struct candidate *b = right;
    int order = compare_names(a, b);
    if (order != 0)
        return order;
    if (a->version != b->version)
        return a->version < b->version ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static int check_twice(const struct reading *reading, struct hd_error *err)
{
    for (size_t i = 1; i < reading->count; i++) {
        const struct candidate *a = &reading->items[i - 1];
        const struct candidate *b = &reading->items[i];
        if (a->version == b->version && compare_names(a, b) == 0)
            return hd_error_set(err, HD_E_FORMAT, "the same class twice, as %s and as %s; keep one",
                                shown(a->entry).text, shown(b->entry).text);
    }
    return 0;
}

/* Of the sorted entries of one class, keeps the last whose version the JVM would take. */
static void choose_versions(struct reading *reading, unsigned newest)
{
    size_t kept = 0;
    for (size_t i = 0; i < reading->count; i++) {
        const struct candidate *candidate = &reading->items[i];
        if (candidate->version > newest)
            continue;
        bool replaces = kept > 0 && compare_names(&reading->items[kept - 1], candidate) == 0;
        reading->items[replaces ? kept - 1 : kept++] = *candidate;
    }
    reading->count = kept;
}

static bool has_versions(const struct reading *reading)
{
    for (size_t i = 0; i < reading->count; i++) {
        if (reading->items[i].version != 0)
            return true;
    }
    return false;
}

static int choose(struct reading *reading, struct hd_error *err)
{
    if (reading->count > 0)
        qsort(reading->items, reading->count, sizeof *reading->items, compare_candidates);
    if (check_twice(reading, err) != 0)
        return -1;
    if (has_versions(reading))
        choose_versions(reading, versions_count(reading) ? reading->feature_release : 0);
    if (reading->count == 0)
        return hd_error_set(err, HD_E_FORMAT, "no class in it");
    return 0;
}

/* Contents */

static int add_up(const struct reading *reading, size_t *text_bytes, size_t *file_bytes,
                  struct hd_error *err)
{
    const struct hd_bundle_limits *limits = reading->limits;
    uint64_t total = 0;
    size_t texts = 0;
    for (size_t i = 0; i < reading->count; i++) {
        const struct candidate *candidate = &reading->items[i];
        if (candidate->size > limits->max_class_bytes)
            return hd_error_set(err, HD_E_LIMIT,
                                "entry %s: %llu bytes; the limit for one class is %llu",
                                shown(candidate->entry).text, (unsigned long long)candidate->size,
                                (unsigned long long)limits->max_class_bytes);
        if (candidate->size > limits->max_bytes - total)
            return hd_error_set(
                err, HD_E_LIMIT,
                "its classes unpacked together have more than the limit of %llu bytes",
                (unsigned long long)limits->max_bytes);
        total += candidate->size;
        texts += hd_bundle_text_size((size_t)(candidate->name - candidate->entry),
                                     candidate->name_length);
    }
    *text_bytes = texts;
    *file_bytes = (size_t)total;
    return 0;
}

static int unpack(struct hd_entry_reader *reader, const struct candidate *candidate,
                  struct hd_bundle *bundle, struct hd_error *err)
{
    struct hd_bytes prefix = { (const uint8_t *)candidate->entry,
                               (size_t)(candidate->name - candidate->entry) };
    struct hd_bytes name = { (const uint8_t *)candidate->name, candidate->name_length };
    uint8_t *out = hd_bundle_append_class(bundle, prefix, name, (size_t)candidate->size);
    struct hd_error why = HD_ERROR_INIT;
    if (hd_entry_read(reader, candidate->index, out, candidate->size, &why) == 0)
        return 0;
    if (why.code == HD_E_MEMORY)
        return hd_error_set_memory(err);
    return hd_error_set(err, why.code, "entry %s is damaged: %s", shown(candidate->entry).text,
                        why.text);
}

static int unpack_each(struct reading *reading, struct hd_bundle *bundle, struct hd_error *err)
{
    const struct hd_bundle_watcher *watcher = reading->watcher;
    for (size_t i = 0; i < reading->count; i++) {
        if (unpack(&reading->reader, &reading->items[i], bundle, err) != 0) {
            if (watcher != NULL)
                watcher->gone(watcher->context);
            return -1;
        }
        if (watcher != NULL)
            watcher->unpacked(watcher->context, bundle, i + 1, reading->count);
    }
    return 0;
}

static int unpack_all(struct reading *reading, const char *name, struct hd_bundle **out,
                      struct hd_error *err)
{
    size_t text_bytes = 0;
    size_t file_bytes = 0;
    if (add_up(reading, &text_bytes, &file_bytes, err) != 0)
        return -1;
    if (reading->stays_packed)
        reading->count = text_bytes = file_bytes = 0;
    struct hd_bundle *bundle = hd_bundle_new(name, reading->count, text_bytes, file_bytes);
    if (bundle == NULL)
        return hd_error_set_memory(err);
    if (unpack_each(reading, bundle, err) != 0) {
        hd_bundle_free(bundle);
        return -1;
    }
    *out = bundle;
    return 0;
}

/* The jar */

/* Out of memory libzip may say that this is no jar; the heap has said it by errno. */
static int set_zip_error(zip_error_t *cause, int errno_value, struct hd_error *err)
{
    if (errno_value == ENOMEM || zip_error_code_zip(cause) == ZIP_ER_MEMORY)
        hd_error_set_memory(err);
    else
        hd_error_set(err, HD_E_FORMAT, "not a jar, or damaged: %s", zip_error_strerror(cause));
    return -1;
}

static int open_archive(const uint8_t *jar, size_t length, zip_t **out, struct hd_error *err)
{
    zip_error_t cause;
    zip_error_init(&cause);
    errno = 0;
    zip_source_t *source = zip_source_buffer_create(jar, length, 0, &cause);
    zip_t *archive = source != NULL ? zip_open_from_source(source, ZIP_RDONLY, &cause) : NULL;
    if (archive == NULL) {
        int saved = errno;
        zip_source_free(source);
        set_zip_error(&cause, saved, err);
    }
    zip_error_fini(&cause);
    *out = archive;
    return archive != NULL ? 0 : -1;
}

static int note_paths(struct reading *reading, struct hd_error *err)
{
    if (hd_bundle_read_notes(&reading->reader, &reading->notes, err) != 0)
        return -1;
    for (size_t i = 0; reading->notes.manifest.length > 0 && i < reading->count; i++) {
        const char *entry = reading->items[i].entry;
        if (hd_buffer_append(&reading->notes.paths, entry, strlen(entry) + 1, err) != 0)
            return -1;
    }
    return 0;
}

static int read_jar(const uint8_t *jar, size_t length, const char *name, struct reading *reading,
                    struct hd_bundle **out, struct hd_error *err)
{
    if (length > reading->limits->max_bytes)
        return hd_error_set(err, HD_E_LIMIT, "%zu bytes; the limit is %llu", length,
                            (unsigned long long)reading->limits->max_bytes);
    if (length == 0)
        return hd_error_set(err, HD_E_FORMAT, "not a jar: it is empty");
    if (open_archive(jar, length, &reading->archive, err) != 0)
        return -1;
    int result = -1;
    if (hd_entry_reader_open(&reading->reader, reading->archive, length, err) == 0 &&
        collect(reading, err) == 0 && note_paths(reading, err) == 0 && choose(reading, err) == 0)
        result = unpack_all(reading, name, out, err);
    hd_entry_reader_close(&reading->reader);
    zip_discard(reading->archive);
    hd_free(reading->items);
    return result;
}

int hd_bundle_read_take(uint8_t *jar, size_t length, const char *name,
                        const struct hd_bundle_manner *manner, struct hd_bundle **out,
                        struct hd_error *err)
{
    struct reading reading = { .limits = manner->limits,
                               .feature_release = manner->feature_release,
                               .watcher = manner->watcher,
                               .stays_packed = manner->stays_packed };
    struct hd_bundle *bundle = NULL;
    if (read_jar(jar, length, name, &reading, &bundle, err) != 0 || bundle == NULL) {
        hd_bundle_notes_close(&reading.notes);
        hd_free(jar);
        return hd_error_prefix(err, "%s", shown(name).text);
    }
    bundle->notes = reading.notes;
    bundle->jar = jar;
    bundle->jar_length = length;
    *out = bundle;
    return 0;
}
