/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/drop_place.h"
#include "core/alloc.h"
#include "core/buffer.h"
#include "core/text.h"
#include "core/write_all.h"
#include "watcher/beneath.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REPORT_NAME      "report.json"
#define REPORT_TEMPORARY ".report.json.tmp"
#define NEXT_NAME        ".next"
#define PATH_SHOWN       300
#define MAX_ATTEMPTS     10000
#define STAMP_SIZE       24

/* "20260131T123456Z" */
static void stamp(char out[STAMP_SIZE])
{
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) == NULL || strftime(out, STAMP_SIZE, "%Y%m%dT%H%M%SZ", &utc) == 0)
        out[0] = '\0';
}

/* ---- taking files ---- */

void hd_claim_rest(struct hd_claim *claim)
{
    if (claim->directory >= 0)
        close(claim->directory);
    claim->directory = -1;
}

int hd_claim_resume(const struct hd_drop_place *place, struct hd_claim *claim, struct hd_error *err)
{
    if (claim->directory >= 0)
        return 0;
    claim->directory =
        openat(place->claimed, claim->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (claim->directory < 0)
        return hd_error_set_errno(err, errno, "%s/.claimed/%s", place->path, claim->name);
    return 0;
}

void hd_drop_place_prepare(struct hd_drop_place *place)
{
    if (!place->prepared)
        place->prepared = mkdirat(place->claimed, NEXT_NAME, 0700) == 0;
}

static int make_or_take_prepared(struct hd_drop_place *place, const char *name)
{
    bool was_there = place->prepared;
    place->prepared = false; /* taken now, or somebody else did something to it */
    if (was_there && renameat(place->claimed, NEXT_NAME, place->claimed, name) == 0)
        return 0;
    return mkdirat(place->claimed, name, 0700);
}

static int make_claim_directory(struct hd_drop_place *place, struct hd_claim *claim,
                                struct hd_error *err)
{
    char utc[STAMP_SIZE];
    stamp(utc);
    int made = -1;
    for (int attempt = 0; attempt < MAX_ATTEMPTS && made != 0; attempt++) {
        snprintf(claim->name, sizeof claim->name, "%s-%lu", utc, ++place->last_number);
        made = make_or_take_prepared(place, claim->name);
        if (made != 0 && errno != EEXIST)
            break;
    }
    if (made != 0)
        return hd_error_set_errno(err, errno, "%s/.claimed/%s", place->path, claim->name);
    if (hd_claim_resume(place, claim, err) == 0)
        return 0;
    (void)unlinkat(place->claimed, claim->name, AT_REMOVEDIR); /* else it looks interrupted */
    return -1;
}

/* claim->directory is ours alone, so that plain paths below it are safe. */
static int open_target(const struct hd_claim *claim, const char *path)
{
    const char *name = NULL;
    int target = hd_open_parent_beneath(claim->directory, path, &name);
    if (target >= 0 || errno != ENOENT)
        return target;
    char prefix[PATH_MAX];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(prefix, sizeof prefix, "%.*s", (int)(slash - path), path);
        if (mkdirat(claim->directory, prefix, 0700) != 0 && errno != EEXIST)
            return -1;
    }
    return hd_open_parent_beneath(claim->directory, path, &name);
}

/* 1: moved; 0: it was gone; -1 with errno. */
static int move_file(const struct hd_drop_place *place, const struct hd_claim *claim,
                     const char *path)
{
    const char *name = NULL;
    int source = hd_open_parent_beneath(place->directory, path, &name);
    if (source < 0)
        return errno == ENOENT ? 0 : -1;
    int target = open_target(claim, path);
    int result = target >= 0 ? renameat(source, name, target, name) : -1;
    int saved = errno;
    if (target >= 0)
        close(target);
    close(source);
    errno = saved;
    if (result != 0)
        return target >= 0 && saved == ENOENT ? 0 : -1;
    return 1;
}

/* For the sweep; what cannot be noted for want of memory stays behind as an empty directory. */
static void note_left(struct hd_drop_place *place, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return;
    size_t length = (size_t)(slash - path);
    const char *last = place->left_count > 0 ? place->left[place->left_count - 1] : "";
    if (strlen(last) == length && strncmp(last, path, length) == 0)
        return;
    if (place->left_count == place->left_capacity) {
        size_t capacity = place->left_capacity == 0 ? 16 : 2 * place->left_capacity;
        char **left = hd_realloc_array(place->left, capacity, sizeof *left);
        if (left == NULL)
            return;
        place->left = left;
        place->left_capacity = capacity;
    }
    char *copy = hd_strndup(path, length);
    if (copy != NULL)
        place->left[place->left_count++] = copy;
}

static void note_not_taken(struct hd_claim *claim, const char *path, int errno_value,
                           struct hd_error *first)
{
    char shown[PATH_SHOWN];
    hd_text_escape(path, shown, sizeof shown);
    (void)hd_error_set_errno(first, errno_value, "%s could not be moved to .claimed/%s", shown,
                             claim->name);
}

/* Room for every path is there before the first file is moved, so that a moved file is never lost
 * sight of. */
static int take_files(struct hd_drop_place *place, const struct hd_watch_batch *batch,
                      struct hd_claim *claim, struct hd_error *first)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct hd_watch_item *item = &batch->items[i];
        char *copy = hd_strdup(item->path);
        if (copy == NULL)
            return hd_error_set_memory(first);
        int moved = move_file(place, claim, item->path);
        if (moved < 0)
            note_not_taken(claim, item->path, errno, first);
        if (moved <= 0) {
            hd_free(copy);
            continue;
        }
        claim->whole_directory = item->kind == HD_WATCH_DIRECTORY;
        claim->paths[claim->count++] = copy;
        if (!claim->whole_directory)
            note_left(place, item->path);
    }
    return hd_error_is_set(first) ? -1 : 0;
}

static struct hd_claim *new_claim(size_t room)
{
    struct hd_claim *claim = hd_alloc_zeroed(1, sizeof *claim);
    if (claim == NULL)
        return NULL;
    claim->directory = -1;
    claim->paths = hd_alloc_zeroed(room, sizeof *claim->paths);
    if (claim->paths == NULL) {
        hd_free(claim);
        return NULL;
    }
    return claim;
}

int hd_drop_place_claim(struct hd_drop_place *place, const struct hd_watch_batch *batch,
                        struct hd_claim **out, struct hd_error *err)
{
    struct hd_claim *claim = new_claim(batch->count);
    if (claim == NULL)
        return hd_error_set_memory(err);
    if (make_claim_directory(place, claim, err) != 0) {
        hd_claim_free(claim);
        return -1;
    }
    struct hd_error first = HD_ERROR_INIT;
    int result = take_files(place, batch, claim, &first);
    if (claim->count == 0) {
        (void)unlinkat(place->claimed, claim->name, AT_REMOVEDIR);
        hd_claim_free(claim);
        if (result != 0)
            return hd_error_set(err, first.code, "%s: %s", place->path, first.text);
        *out = NULL;
        return 0;
    }
    if (result != 0)
        claim->incomplete = hd_strdup(first.text);
    *out = claim;
    return 0;
}

void hd_claim_free(struct hd_claim *claim)
{
    if (claim == NULL)
        return;
    for (size_t i = 0; i < claim->count; i++)
        hd_free(claim->paths[i]);
    hd_free(claim->paths);
    hd_free(claim->incomplete);
    hd_claim_rest(claim);
    hd_free(claim);
}

/* ---- letting go of them ---- */

static int append_text(const char *text, size_t length, void *buffer)
{
    struct hd_error cause = HD_ERROR_INIT;
    return hd_buffer_append(buffer, text, length, &cause);
}

/* In one piece: json_dumpfd makes a system call of every bracket. */
static int write_text(int file, const json_t *json)
{
    struct hd_buffer text = HD_BUFFER_INIT;
    int result = -1;
    if (json_dump_callback(json, append_text, &text, JSON_INDENT(2)) != 0 ||
        append_text("\n", 1, &text) != 0)
        errno = ENOMEM;
    else
        result = hd_write_all(file, hd_buffer_view(&text));
    hd_buffer_close(&text);
    return result;
}

static int write_temporary(int directory, const json_t *json)
{
    (void)unlinkat(directory, REPORT_TEMPORARY, 0);
    int file = openat(directory, REPORT_TEMPORARY,
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return -1;
    int result = write_text(file, json);
    int saved = errno;
    close(file);
    if (result != 0)
        (void)unlinkat(directory, REPORT_TEMPORARY, 0);
    errno = saved;
    return result;
}

static int write_report(int directory, const struct hd_deployment *deployment, struct hd_error *err)
{
    json_t *json = hd_deployment_full_to_json(deployment);
    if (json == NULL)
        return hd_error_set_memory(err);
    int result = write_temporary(directory, json);
    if (result == 0)
        result = renameat(directory, REPORT_TEMPORARY, directory, REPORT_NAME);
    if (result != 0)
        (void)hd_error_set_errno(err, errno, REPORT_NAME);
    json_decref(json);
    return result;
}

/* rename(2) does not replace a directory that is not empty, so that a name already taken is never
 * lost. */
static int move_claim(const struct hd_drop_place *place, const char *from, int target,
                      const char *wanted, char *name, size_t capacity)
{
    snprintf(name, capacity, "%s", wanted);
    for (int attempt = 2; attempt < MAX_ATTEMPTS; attempt++) {
        if (renameat(place->claimed, from, target, name) == 0)
            return 0;
        if (errno != ENOTEMPTY && errno != EEXIST)
            return -1;
        snprintf(name, capacity, "%s.%d", wanted, attempt);
    }
    return -1;
}

int hd_drop_place_settle(struct hd_drop_place *place, const struct hd_claim *claim,
                         const struct hd_deployment *deployment, char *where, size_t capacity,
                         struct hd_error *err)
{
    int result = write_report(claim->directory, deployment, err);
    bool good = hd_deployment_is_good(deployment);
    char utc[STAMP_SIZE];
    stamp(utc);
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%s-%llu", utc, (unsigned long long)deployment->number);
    char name[96];
    if (move_claim(place, claim->name, good ? place->done : place->refused, wanted, name,
                   sizeof name) == 0) {
        snprintf(where, capacity, "%s/%s", good ? ".done" : ".refused", name);
        return result;
    }
    snprintf(where, capacity, ".claimed/%s", claim->name);
    return hd_error_set_errno(err, errno, "moving .claimed/%s to %s", claim->name,
                              good ? ".done" : ".refused");
}

/* ---- what an earlier JVM left ---- */

static int recover_one(struct hd_drop_place *place, const char *name, struct hd_error *err)
{
    struct hd_origin origin = { .way = HD_WAY_DROP };
    hd_text_escape(place->path, origin.from, sizeof origin.from);
    struct hd_deployment *deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &origin);
    if (deployment == NULL)
        return hd_error_set_memory(err);
    deployment->started_at = hd_text_now();
    hd_deployment_fail(deployment, HD_REASON_JVM_ERROR,
                       "The JVM ended while this was being applied: whether it was live for a "
                       "moment is not known, and now it is not. Drop the files again.");
    int result = -1;
    int directory = openat(place->claimed, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0) {
        (void)hd_error_set_errno(err, errno, "%s/.claimed/%s", place->path, name);
        goto out;
    }
    result = write_report(directory, deployment, err);
    char moved[NAME_MAX + 16];
    if (move_claim(place, name, place->refused, name, moved, sizeof moved) != 0)
        result = hd_error_set_errno(err, errno, "moving .claimed/%s to .refused", name);
    close(directory);
out:
    hd_deployment_release(deployment);
    return result;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* The empty directory that nothing was claimed into any more. */
static bool was_prepared(const struct hd_drop_place *place, const char *name)
{
    return strcmp(name, NEXT_NAME) == 0 && unlinkat(place->claimed, name, AT_REMOVEDIR) == 0;
}

int hd_drop_place_recover(struct hd_drop_place *place, size_t *count, struct hd_error *err)
{
    int descriptor = openat(place->claimed, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = descriptor >= 0 ? fdopendir(descriptor) : NULL;
    if (entries == NULL) {
        if (descriptor >= 0)
            close(descriptor);
        return hd_error_set_errno(err, errno, "%s/.claimed", place->path);
    }
    int result = 0;
    *count = 0;
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (is_dots(entry->d_name) || was_prepared(place, entry->d_name))
            continue;
        if (recover_one(place, entry->d_name, err) != 0)
            result = -1;
        else
            ++*count;
    }
    closedir(entries);
    return result;
}

/* ---- directories that became empty ---- */

static int deepest_first(const void *a, const void *b)
{
    return strcmp(*(char *const *)b, *(char *const *)a);
}

static bool remove_empty(int directory, const char *path)
{
    const char *name = NULL;
    int parent = hd_open_parent_beneath(directory, path, &name);
    if (parent < 0)
        return errno == ENOENT;
    bool gone = unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
    close(parent);
    return gone;
}

static void remove_empty_upwards(int directory, char *path)
{
    while (remove_empty(directory, path)) {
        char *slash = strrchr(path, '/');
        if (slash == NULL)
            return;
        *slash = '\0';
    }
}

void hd_drop_place_sweep(struct hd_drop_place *place)
{
    if (place->left_count > 0)
        qsort(place->left, place->left_count, sizeof *place->left, deepest_first);
    for (size_t i = 0; i < place->left_count; i++) {
        remove_empty_upwards(place->directory, place->left[i]);
        hd_free(place->left[i]);
    }
    hd_free(place->left);
    place->left = NULL;
    place->left_count = place->left_capacity = 0;
}
