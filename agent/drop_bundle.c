/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/drop_bundle.h"

#include "agent/peer.h"
#include "classfile/class.h"
#include "core/alloc.h"
#include "core/map.h"
#include "core/text.h"
#include "watcher/list.h"
#include "watcher/names.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_SHOWN 300

struct reading {
    const struct hd_claim *claim;
    const struct hd_owner_rule *owners;
    struct hd_bundle_limits limits;
    unsigned feature_release;
    struct hd_bundle_builder *builder;
    struct hd_deployment *rows; /* becomes the answer when something cannot be taken */
    const struct hd_origin *origin;
    struct hd_engine *engine; /* may be NULL */
    struct hd_ahead *ahead;   /* of a lone archive; may be NULL */
    uint64_t total;           /* bytes read so far */
    size_t files;
    size_t bad;
};

static enum hd_reason reason_of(const struct hd_error *why, bool is_archive)
{
    switch (why->code) {
    case HD_E_LIMIT:
        return HD_REASON_TOO_LARGE;
    case HD_E_DENIED:
        return HD_REASON_NOT_AUTHORISED;
    case HD_E_FORMAT:
    case HD_E_VERSION:
        return is_archive ? HD_REASON_MALFORMED_BUNDLE : HD_REASON_MALFORMED_CLASS;
    default:
        return HD_REASON_JVM_ERROR;
    }
}

/* The remedies of the table speak of sockets; here it is a file. */
static char *remedy_of(enum hd_reason reason)
{
    if (reason != HD_REASON_NOT_AUTHORISED)
        return NULL;
    return hd_strdup(
        "Copy the file itself into the directory (cp, not ln), as the JVM's user or root, or as "
        "somebody whom the agent's authorized= makes a deployer.");
}

static int add_row(struct reading *reading, const char *class_name, enum hd_outcome outcome,
                   struct hd_error *err)
{
    struct hd_row *row = hd_deployment_add_row(reading->rows, class_name, "");
    if (row == NULL)
        return hd_error_set_memory(err);
    row->outcome = outcome;
    return 0;
}

/* Out of memory is the caller's error; everything else is an answer to whoever dropped the file. */
static int note_bad(struct reading *reading, const char *path, const struct hd_error *why,
                    struct hd_error *err)
{
    if (why->code == HD_E_MEMORY)
        return hd_error_set_memory(err);
    char shown[NAME_SHOWN];
    hd_text_escape(path, shown, sizeof shown);
    struct hd_row *row = hd_deployment_add_row(reading->rows, shown, "");
    if (row == NULL)
        return hd_error_set_memory(err);
    enum hd_reason reason = reason_of(why, hd_name_is_archive(path));
    hd_row_refuse(row, reason, "%s", why->text);
    row->remedy = remedy_of(reason);
    hd_deployment_fail(reading->rows, reason, "%s", why->text);
    if (reading->rows->error_remedy == NULL)
        reading->rows->error_remedy = remedy_of(reading->rows->error_reason);
    reading->bad++;
    return 0;
}

static int read_claimed(struct reading *reading, const char *path, uint64_t max_bytes,
                        uint8_t **data, size_t *length, struct hd_error *why)
{
    uint32_t owner = 0;
    uint64_t left = reading->limits.max_bytes - reading->total;
    if (hd_watcher_read_file_of(reading->owners, reading->claim->directory, path,
                                max_bytes < left ? max_bytes : left, data, length, &owner,
                                why) != 0)
        return -1;
    reading->total += *length;
    return 0;
}

static int add_to_builder(struct reading *reading, const char *internal_name, struct hd_bytes file,
                          const char *path, struct hd_error *err)
{
    struct hd_error why = HD_ERROR_INIT;
    if (hd_bundle_builder_add(reading->builder, internal_name, file, path, &why) != 0)
        return note_bad(reading, path, &why, err);
    char *class_name = hd_text_class_name(hd_map_key(internal_name));
    if (class_name == NULL)
        return hd_error_set_memory(err);
    int result = add_row(reading, class_name, HD_OUTCOME_WITHHELD, err);
    hd_free(class_name);
    return result;
}

/* Named by what is inside: whoever drops Greeter.class need not make com/example. */
static int add_class(struct reading *reading, const char *path, struct hd_bytes file,
                     struct hd_error *err)
{
    struct hd_error why = HD_ERROR_INIT;
    struct hd_bytes name;
    uint16_t major;
    if (hd_class_peek(file.data, file.length, &name, &major, &why) != 0) {
        char shown[NAME_SHOWN];
        hd_text_escape(path, shown, sizeof shown);
        (void)hd_error_prefix(&why, "%s", shown);
        return note_bad(reading, path, &why, err);
    }
    char *internal_name = hd_strndup((const char *)name.data, name.length);
    if (internal_name == NULL)
        return hd_error_set_memory(err);
    int result = 0;
    if (strcmp(internal_name, "module-info") != 0)
        result = add_to_builder(reading, internal_name, file, path, err);
    hd_free(internal_name);
    return result;
}

static int read_class(struct reading *reading, const char *path, struct hd_error *err)
{
    struct hd_error why = HD_ERROR_INIT;
    uint8_t *data = NULL;
    size_t length = 0;
    if (read_claimed(reading, path, reading->limits.max_class_bytes, &data, &length, &why) != 0)
        return note_bad(reading, path, &why, err);
    int result = add_class(reading, path, (struct hd_bytes){ data, length }, err);
    hd_free(data);
    return result;
}

/* NULL with a row that says why, or with *err. engine: NULL where the bundle is not the one that will
 * be deployed. */
static int open_archive(struct reading *reading, const char *path, struct hd_engine *engine,
                        struct hd_bundle **out, struct hd_error *err)
{
    struct hd_error why = HD_ERROR_INIT;
    uint8_t *data = NULL;
    size_t length = 0;
    const char *slash = strrchr(path, '/');
    if (read_claimed(reading, path, reading->limits.max_bytes, &data, &length, &why) != 0 ||
        hd_ahead_open_bundle_take(engine, data, length, slash != NULL ? slash + 1 : path,
                                  &reading->limits, reading->feature_release, out, &reading->ahead,
                                  &why) != 0)
        return note_bad(reading, path, &why, err);
    return 0;
}

static int read_archive(struct reading *reading, const char *path, struct hd_error *err)
{
    struct hd_bundle *bundle = NULL;
    int result = open_archive(reading, path, NULL, &bundle, err);
    for (size_t i = 0; bundle != NULL && result == 0 && i < hd_bundle_class_count(bundle); i++) {
        const struct hd_bundle_class *class = hd_bundle_class_at(bundle, i);
        result = add_to_builder(reading, class->name, class->file, path, err);
    }
    hd_bundle_free(bundle);
    return result;
}

static int read_one(struct reading *reading, const char *path, struct hd_error *err)
{
    reading->files++;
    return hd_name_is_archive(path) ? read_archive(reading, path, err)
                                    : read_class(reading, path, err);
}

/* A link of any name is a mistake worth an answer; other files that are neither class nor jar just
 * travel along. */
static int read_listed(void *context, const char *path, const char *name, unsigned char type,
                       struct hd_error *err)
{
    if (!hd_name_is_wanted(name) && type != DT_LNK)
        return 0;
    return read_one(context, path, err);
}

static int read_all(struct reading *reading, struct hd_error *err)
{
    if (reading->claim->whole_directory) {
        const struct hd_listing listing = { .file = read_listed, .context = reading };
        return hd_list_files(reading->claim->directory, "", &listing, err);
    }
    for (size_t i = 0; i < reading->claim->count; i++)
        if (read_one(reading, reading->claim->paths[i], err) != 0)
            return -1;
    return 0;
}

static char *name_of(const struct hd_claim *claim)
{
    char shown[NAME_SHOWN];
    hd_text_escape(claim->paths[0], shown, sizeof shown);
    if (claim->count == 1)
        return hd_strdup(shown);
    return hd_asprintf("%s and %zu more", shown, claim->count - 1);
}

bool hd_drop_is_lone_archive(const struct hd_claim *claim)
{
    return claim->count == 1 && !claim->whole_directory && hd_name_is_archive(claim->paths[0]);
}

static int make_bundle(struct reading *reading, struct hd_bundle **out, struct hd_error *err)
{
    if (hd_drop_is_lone_archive(reading->claim)) {
        reading->files = 1;
        return open_archive(reading, reading->claim->paths[0], reading->engine, out, err);
    }
    if (read_all(reading, err) != 0)
        return -1;
    if (reading->bad > 0)
        return 0;
    if (hd_bundle_builder_count(reading->builder) == 0) {
        hd_deployment_fail(reading->rows, HD_REASON_MALFORMED_BUNDLE,
                           "there is no class in what was dropped");
        return 0;
    }
    char *name = name_of(reading->claim);
    if (name == NULL)
        return hd_error_set_memory(err);
    struct hd_bundle_builder *builder = reading->builder;
    reading->builder = NULL;
    int result = hd_bundle_build_take(builder, name, out, err);
    hd_free(name);
    return result;
}

/* Of the first file as it lies there, a link's own. */
static void tell_owner(const struct hd_claim *claim, struct hd_origin *origin)
{
    struct stat status;
    if (fstatat(claim->directory, claim->paths[0], &status, AT_SYMLINK_NOFOLLOW) == 0)
        hd_peer_describe_user(status.st_uid, origin->who, sizeof origin->who);
}

static int start_rows(struct reading *reading, struct hd_error *err)
{
    reading->builder = hd_bundle_builder_new();
    reading->rows = hd_deployment_new(HD_DEPLOYMENT_PUSH, reading->origin);
    if (reading->builder == NULL || reading->rows == NULL)
        return hd_error_set_memory(err);
    reading->rows->started_at = hd_text_now();
    reading->rows->bundle_name = name_of(reading->claim);
    if (reading->rows->bundle_name == NULL)
        return hd_error_set_memory(err);
    if (reading->claim->incomplete != NULL)
        hd_deployment_fail(reading->rows, HD_REASON_JVM_ERROR,
                           "some files could not be taken, so none was deployed: %s",
                           reading->claim->incomplete);
    return 0;
}

int hd_drop_bundle_read(const struct hd_claim *claim, const char *from,
                        const struct hd_owner_rule *owners, uint64_t max_bytes,
                        unsigned feature_release, struct hd_engine *engine,
                        struct hd_drop_reading *out, struct hd_error *err)
{
    struct hd_origin origin = { .way = HD_WAY_DROP };
    hd_text_escape(from, origin.from, sizeof origin.from);
    tell_owner(claim, &origin);
    struct reading reading = { .claim = claim,
                               .owners = owners,
                               .limits = { max_bytes, HD_BUNDLE_MAX_CLASS_BYTES,
                                           HD_BUNDLE_MAX_ENTRIES },
                               .feature_release = feature_release,
                               .origin = &origin,
                               .engine = engine };
    struct hd_bundle *bundle = NULL;
    int result = start_rows(&reading, err);
    if (result == 0)
        result = make_bundle(&reading, &bundle, err);
    bool refused = result == 0 && reading.rows->error_reason != HD_REASON_NONE;
    hd_bundle_builder_free(reading.builder);
    if (refused) {
        hd_ahead_free(reading.ahead);
        reading.ahead = NULL;
        hd_bundle_free(bundle);
        bundle = NULL;
    } else {
        hd_deployment_release(reading.rows);
        reading.rows = NULL;
    }
    if (result == 0)
        *out = (struct hd_drop_reading){
            .bundle = bundle, .ahead = reading.ahead, .refused = reading.rows, .origin = origin
        };
    return result;
}
