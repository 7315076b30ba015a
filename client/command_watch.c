/* SPDX-License-Identifier: Apache-2.0 */
/* watch: push what a compiler leaves in a tree, one deployment per compile, until Ctrl-C. */
#include "classfile/class.h"
#include "client/command.h"
#include "client/deploy.h"
#include "client/print.h"
#include "client/query.h"
#include "core/alloc.h"
#include "core/digest.h"
#include "core/reason.h"
#include "watcher/watcher.h"

#include <fts.h>
#include <poll.h>
#include <search.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define MAX_DIRECTORIES   16
#define TRIAL_PATIENCE_MS 1000

/* A class file of a tree: a rescan by content finds what changed. */
struct seen {
    char *path;
    struct hd_digest digest;
    bool is_fresh; /* it changed, and is not known to be live */
    struct seen *next;
};

struct tree {
    const char *directory;
    struct hd_watcher *watcher;
    void *seen; /* tsearch root of struct seen */
    struct seen *first;
    /* The last push was refused because a deployment is on trial: it comes again after that. */
    bool held_up;
};

static int compare_paths(const void *left, const void *right)
{
    return strcmp(((const struct seen *)left)->path, ((const struct seen *)right)->path);
}

static void free_seen(void *node)
{
    struct seen *seen = node;
    hd_free(seen->path);
    hd_free(seen);
}

static struct seen *add_seen(struct tree *tree, const char *path)
{
    struct seen *seen = hd_alloc_zeroed(1, sizeof *seen);
    if (seen == NULL)
        return NULL;
    seen->path = hd_strdup(path);
    if (seen->path == NULL || tsearch(seen, &tree->seen, compare_paths) == NULL) {
        free_seen(seen);
        return NULL;
    }
    seen->next = tree->first;
    tree->first = seen;
    return seen;
}

/* Finds or adds; NULL when memory is out. */
static struct seen *see(struct tree *tree, const char *path)
{
    const struct seen key = { .path = (char *)(uintptr_t)path };
    struct seen *const *found = tfind(&key, &tree->seen, compare_paths);
    return found != NULL ? *found : add_seen(tree, path);
}

static void complain(const struct tree *tree, const char *path, const struct hd_error *err)
{
    fprintf(stderr, "hotdrop: %s/%s: %s\n", tree->directory, path, err->text);
}

static int add_content(struct hd_bundle_builder *builder, const char *path, struct hd_bytes file,
                       struct hd_error *err)
{
    struct hd_bytes name;
    uint16_t major;
    if (hd_class_peek(file.data, file.length, &name, &major, err) != 0)
        return -1;
    char *internal_name = hd_strndup((const char *)name.data, name.length);
    if (internal_name == NULL)
        return hd_error_set_memory(err);
    int result = strcmp(internal_name, "module-info") != 0
                     ? hd_bundle_builder_add(builder, internal_name, file, path, err)
                     : 0;
    hd_free(internal_name);
    return result;
}

/* -1 with HD_E_NOT_FOUND where it went away meanwhile. */
static int read_item(const struct tree *tree, const char *path, uint8_t **data, size_t *length,
                     struct hd_digest *digest, struct hd_error *err)
{
    uint32_t owner;
    if (hd_watcher_read_file(hd_watcher_directory(tree->watcher), path, HD_BUNDLE_MAX_CLASS_BYTES,
                             data, length, &owner, err) != 0)
        return -1;
    if (hd_digest_of(*data, *length, digest, err) == 0)
        return 0;
    hd_free(*data);
    return -1;
}

/* True for news: what is there is not what was there before. */
static bool look_at(struct tree *tree, const char *path)
{
    struct hd_error err = HD_ERROR_INIT;
    uint8_t *data = NULL;
    size_t length = 0;
    struct hd_digest digest;
    struct seen *seen = NULL;
    if (strstr(path, ".class") == NULL)
        return false;
    if (read_item(tree, path, &data, &length, &digest, &err) == 0) {
        hd_free(data);
        seen = see(tree, path);
        if (seen == NULL)
            hd_error_set_memory(&err);
    }
    if (err.code != HD_OK && err.code != HD_E_NOT_FOUND)
        complain(tree, path, &err);
    bool news = seen != NULL && !hd_digest_equal(&seen->digest, &digest);
    if (news)
        seen->is_fresh = true;
    return news;
}

/* Of a file that went away there is nothing to push, and one that is not whole yet is no news: its
 * next event brings it back. */
static void gather(struct tree *tree, struct hd_bundle_builder *builder, struct seen *seen)
{
    struct hd_error err = HD_ERROR_INIT;
    uint8_t *data = NULL;
    size_t length = 0;
    int result = read_item(tree, seen->path, &data, &length, &seen->digest, &err);
    if (result == 0)
        result = add_content(builder, seen->path, (struct hd_bytes){ data, length }, &err);
    hd_free(data);
    if (result == 0)
        return;
    seen->is_fresh = false;
    if (err.code != HD_E_NOT_FOUND)
        complain(tree, seen->path, &err);
}

static void settle(struct tree *tree)
{
    for (struct seen *seen = tree->first; seen != NULL; seen = seen->next)
        seen->is_fresh = false;
}

/* The target is looked for anew each time: the JVM may have been restarted since the last
 * compile. */
static void push_batch(const struct hd_invocation *invocation, struct hd_bundle_builder *builder,
                       struct tree *tree)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_bundle *bundle = NULL;
    struct hd_target target;
    json_t *report = NULL;
    int status = HD_EXIT_NO_AGENT;
    int result = hd_bundle_build_take(builder, tree->directory, &bundle, &err);
    if (result == 0)
        result = hd_target_find(invocation, &target, &err);
    if (result == 0)
        status = hd_deploy_bundle(invocation, &target, NULL, HD_REQUEST_PUSH, bundle, &report);
    else
        hd_print_failure(invocation->json, hd_exit_for_error(&err), &err);
    const char *reason = hd_answer_text(json_object_get(report, "error"), "reason");
    tree->held_up |= strcmp(reason, hd_reason_word(HD_REASON_TRIAL_OPEN)) == 0;
    /* Else it comes again with the next compile: withheld classes have to follow the refused one. */
    if (status == HD_EXIT_GOOD || json_is_true(json_object_get(report, "applied")))
        settle(tree);
    json_decref(report);
    hd_bundle_free(bundle);
}

static int push_fresh(const struct hd_invocation *invocation, struct tree *tree,
                      struct hd_error *err)
{
    struct hd_bundle_builder *builder = hd_bundle_builder_new();
    if (builder == NULL)
        return hd_error_set_memory(err);
    for (struct seen *seen = tree->first; seen != NULL; seen = seen->next)
        if (seen->is_fresh)
            gather(tree, builder, seen);
    if (hd_bundle_builder_count(builder) > 0)
        push_batch(invocation, builder, tree);
    else
        hd_bundle_builder_free(builder);
    return 0;
}

/* -1 when the tree can be watched no longer. */
static int take_batch(const struct hd_invocation *invocation, struct tree *tree,
                      struct hd_error *err)
{
    struct hd_watch_batch batch;
    if (hd_watcher_dispatch(tree->watcher, &batch, err) != 0) {
        if (err->code != HD_E_LIMIT)
            return -1;
        fprintf(stderr, "hotdrop: %s: %s\n", tree->directory, err->text);
        hd_error_clear(err);
        return 0;
    }
    bool news = false;
    for (size_t i = 0; i < batch.count; i++)
        news |= look_at(tree, batch.items[i].path);
    hd_watch_batch_close(&batch);
    return news ? push_fresh(invocation, tree, err) : 0;
}

/* -1: nobody can say now. */
static int is_trial_over(const struct hd_invocation *invocation)
{
    const struct hd_request request = { .type = HD_REQUEST_STATUS, .id = 1 };
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_target target;
    json_t *answer = NULL;
    if (hd_target_find(invocation, &target, &ignored) != 0 ||
        hd_query_ask(&target, &request, &answer, &ignored) != 0)
        return -1;
    const json_t *trial = json_object_get(answer, "trial");
    bool open = json_is_object(trial) && json_is_null(json_object_get(trial, "ended"));
    json_decref(answer);
    return !open;
}

/* What was refused for a trial is pushed once that is over. */
static int try_again(const struct hd_invocation *invocation, struct tree *trees, size_t count,
                     struct hd_error *err)
{
    if (is_trial_over(invocation) != 1)
        return 0;
    for (size_t i = 0; i < count; i++) {
        bool held_up = trees[i].held_up;
        trees[i].held_up = false;
        if (held_up && push_fresh(invocation, &trees[i], err) != 0)
            return -1;
    }
    return 0;
}

static bool is_held_up(const struct tree *trees, size_t count)
{
    bool held_up = false;
    for (size_t i = 0; i < count; i++)
        held_up |= trees[i].held_up;
    return held_up;
}

static void remember_file(struct tree *tree, const FTSENT *entry)
{
    struct hd_error unreadable = HD_ERROR_INIT;
    uint8_t *data = NULL;
    size_t length = 0;
    struct hd_digest digest;
    const char *path = entry->fts_path + strlen(tree->directory) + 1;
    if (read_item(tree, path, &data, &length, &digest, &unreadable) != 0)
        return;
    struct seen *seen = see(tree, path);
    if (seen != NULL)
        seen->digest = digest;
    hd_free(data);
}

/* What is there at the start is no change: only what differs from it later is pushed. */
static void remember_tree(struct tree *tree)
{
    char *roots[] = { (char *)(uintptr_t)tree->directory, NULL };
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, NULL);
    if (walk == NULL)
        return;
    FTSENT *entry;
    while ((entry = fts_read(walk)) != NULL)
        if (entry->fts_info == FTS_F && strstr(entry->fts_name, ".class") != NULL)
            remember_file(tree, entry);
    fts_close(walk);
}

static int open_tree(const struct hd_invocation *invocation, struct tree *tree,
                     struct hd_error *err)
{
    const struct hd_watcher_options options = { .settle_ms = invocation->settle_ms,
                                                .learn_pauses = true };
    char *warning = NULL;
    if (hd_watcher_new(tree->directory, &options, &tree->watcher, &warning, err) != 0)
        return -1;
    if (warning != NULL)
        fprintf(stderr, "hotdrop: %s\n", warning);
    hd_free(warning);
    remember_tree(tree);
    return 0;
}

static int stop_signals(struct hd_error *err)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    int descriptor = signalfd(-1, &stop, SFD_CLOEXEC);
    return descriptor >= 0 ? descriptor
                           : hd_error_set(err, HD_E_SYSTEM, "signalfd is not available");
}

static int serve(const struct hd_invocation *invocation, struct tree *trees, size_t count,
                 struct hd_error *err)
{
    struct pollfd descriptors[MAX_DIRECTORIES + 1];
    for (size_t i = 0; i < count; i++)
        descriptors[i] =
            (struct pollfd){ .fd = hd_watcher_descriptor(trees[i].watcher), .events = POLLIN };
    int stop = stop_signals(err);
    if (stop < 0)
        return -1;
    descriptors[count] = (struct pollfd){ .fd = stop, .events = POLLIN };

    int result = 0;
    while (result == 0 && descriptors[count].revents == 0) {
        int ready = poll(descriptors, count + 1, is_held_up(trees, count) ? TRIAL_PATIENCE_MS : -1);
        if (ready == 0)
            result = try_again(invocation, trees, count, err);
        if (ready <= 0)
            continue;
        for (size_t i = 0; i < count && result == 0; i++)
            if (descriptors[i].revents != 0)
                result = take_batch(invocation, &trees[i], err);
    }
    close(stop);
    return result;
}

static const char *without_trailing_slashes(char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    return path;
}

static int open_trees(const struct hd_invocation *invocation, struct tree *trees, size_t *count,
                      struct hd_error *err)
{
    if (invocation->argument_count == 0)
        return hd_error_set(
            err, HD_E_USAGE,
            "which directory? the compiler's output, such as target/classes: hotdrop watch DIR…");
    if (invocation->argument_count > MAX_DIRECTORIES)
        return hd_error_set(err, HD_E_USAGE, "more than %d directories", MAX_DIRECTORIES);
    for (; *count < invocation->argument_count; (*count)++) {
        trees[*count].directory = without_trailing_slashes(invocation->arguments[*count]);
        if (open_tree(invocation, &trees[*count], err) != 0)
            return -1;
    }
    return 0;
}

int hd_command_watch(const struct hd_invocation *invocation)
{
    struct hd_error err = HD_ERROR_INIT;
    struct tree trees[MAX_DIRECTORIES] = { 0 };
    size_t count = 0;
    int result = open_trees(invocation, trees, &count, &err);
    if (result == 0) {
        fprintf(stderr, "Watching. Ctrl-C ends.\n");
        result = serve(invocation, trees, count, &err);
    }
    for (size_t i = 0; i < count; i++) {
        hd_watcher_free(trees[i].watcher);
        tdestroy(trees[i].seen, free_seen);
    }
    return result == 0 ? HD_EXIT_GOOD
                       : hd_print_failure(invocation->json, hd_exit_for_error(&err), &err);
}
