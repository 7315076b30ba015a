/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access.h"
#include "agent/loop_lws.h"
#include "agent/peer.h"
#include "agent/tree_compile.h"
#include "agent/tree_state.h"
#include "core/alloc.h"
#include "core/log.h"
#include "core/refusals.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* How long a class waits for the rest of its compile. */
#define WAIT_SECONDS 2
/* Refused classes named in the log, of one deployment. */
#define MAX_ROWS_LOGGED 5

/* ---- jobs ---- */

static void consider(struct hd_tree *tree, bool wait);

static void set_wait(struct hd_tree *tree, bool on)
{
    const struct itimerspec when = { .it_value = { .tv_sec = on ? WAIT_SECONDS : 0 } };
    if (tree->waiting != on && timerfd_settime(tree->wait_timer, 0, &when, NULL) == 0)
        tree->waiting = on;
}

static bool is_in_effect(enum hd_outcome outcome)
{
    return outcome == HD_OUTCOME_REDEFINED || outcome == HD_OUTCOME_DEFINED ||
           outcome == HD_OUTCOME_PENDING || outcome == HD_OUTCOME_UNCHANGED;
}

/* Maps each class of the rows to 1 when all its rows are in effect, else to 0. */
static int map_rows(const struct hd_deployment *deployment, struct hd_map *map,
                    struct hd_error *err)
{
    for (size_t i = 0; i < deployment->row_count; i++) {
        const struct hd_row *row = &deployment->rows[i];
        size_t before = 1;
        (void)hd_map_find(map, hd_map_key(row->class_name), &before);
        if (hd_map_put(map, hd_map_key(row->class_name), is_in_effect(row->outcome) ? before : 0,
                       err) != 0)
            return -1;
    }
    return 0;
}

static bool is_in_map(const struct hd_map *map, const char *internal_name)
{
    char *class_name = hd_text_class_name(hd_map_key(internal_name));
    size_t in_effect = 0;
    if (class_name != NULL)
        (void)hd_map_find(map, hd_map_key(class_name), &in_effect);
    hd_free(class_name);
    return in_effect != 0;
}

/* What is not known to be live is pushed again with the next compile: the engine then says
 * unchanged where it is live. */
static void note_what_is_live(struct hd_tree *tree, const struct hd_deployment *deployment)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_map rows = HD_MAP_INIT;
    bool good = deployment != NULL && hd_deployment_is_good(deployment);
    bool mapped = deployment != NULL && !good && map_rows(deployment, &rows, &err) == 0;
    for (size_t i = 0; i < tree->index.count; i++) {
        struct hd_tree_file *file = tree->index.files[i];
        if (file->is_under_way)
            hd_tree_file_finish(file, good || (mapped && is_in_map(&rows, file->name)));
    }
    hd_map_close(&rows);
}

static void log_refusals(const struct hd_tree *tree, const struct hd_deployment *deployment)
{
    size_t logged = 0;
    if (deployment->error_message != NULL)
        hd_log(HD_LOG_WARN, "watch=%s: deployment %llu refused: %s", tree->path,
               (unsigned long long)deployment->number, deployment->error_message);
    for (size_t i = 0; i < deployment->row_count && logged < MAX_ROWS_LOGGED; i++) {
        const struct hd_row *row = &deployment->rows[i];
        if (row->outcome != HD_OUTCOME_REFUSED)
            continue;
        hd_log(HD_LOG_WARN, "watch=%s: %s refused (%s): %s %s", tree->path, row->class_name,
               hd_reason_word(row->reason), row->message != NULL ? row->message : "",
               row->remedy != NULL ? row->remedy : hd_reason_remedy(row->reason));
        logged++;
    }
}

static void finished(struct hd_job *job, void *owner)
{
    struct hd_tree *tree = owner;
    if (tree == NULL)
        return;
    tree->job = NULL;
    note_what_is_live(tree, job->deployment);
    if (job->deployment != NULL) {
        log_refusals(tree, job->deployment);
        tree->held_up |= job->deployment->error_reason == HD_REASON_TRIAL_OPEN;
    }
    if (tree->again) {
        tree->again = false;
        consider(tree, true);
    }
}

static struct hd_job *make_job(struct hd_tree *tree, const struct hd_tree_compile *compile,
                               struct hd_error *err)
{
    struct hd_origin origin = { .way = HD_WAY_WATCH };
    hd_text_escape(tree->path, origin.from, sizeof origin.from);
    hd_peer_describe_user(tree->owner, origin.who, sizeof origin.who);
    struct hd_job *job = hd_job_new(HD_JOB_DEPLOY, &origin);
    if (job == NULL) {
        (void)hd_error_set_memory(err);
        return NULL;
    }
    if (hd_tree_compile_pack(compile, &origin, hd_loop_options(tree->loop)->max_bundle,
                             &job->bundle, &job->deployment, err) != 0) {
        hd_job_free(job);
        return NULL;
    }
    job->finished = finished;
    job->owner = tree;
    return job;
}

static int submit(struct hd_tree *tree, const struct hd_tree_compile *compile, struct hd_error *err)
{
    struct hd_job *job = make_job(tree, compile, err);
    if (job == NULL)
        return -1;
    bool carries = job->bundle != NULL;
    if (hd_loop_submit(tree->loop, job, err) != 0) {
        hd_job_free(job);
        return -1;
    }
    tree->job = job;
    for (size_t i = 0; carries && i < compile->count; i++)
        hd_tree_file_submit(compile->candidates[i].file);
    return 0;
}

/* Whoever compiles again without it says that the class comes from elsewhere. */
static int expect_elsewhere(struct hd_tree *tree, const struct hd_tree_compile *compile,
                            struct hd_error *err)
{
    for (size_t i = 0; i < compile->count; i++) {
        const char *missing = compile->candidates[i].missing_class;
        if (missing != NULL && hd_tree_known_add(&tree->known, hd_map_key(missing), err) != 0)
            return -1;
    }
    return 0;
}

/* ---- whose files ---- */

/* To write into a watched tree is to push. */
static const struct hd_request push = { .type = HD_REQUEST_PUSH };

/* The first of the compile's files whose owner may not push, and the role that is too low; NULL:
 * there is none. */
static const struct hd_tree_file *find_denied(struct hd_tree *tree,
                                              const struct hd_tree_compile *compile,
                                              enum hd_role *role)
{
    for (size_t i = 0; i < compile->count; i++) {
        const struct hd_tree_file *file = compile->candidates[i].file;
        if (i > 0 && file->owner == compile->candidates[i - 1].file->owner)
            continue;
        *role = hd_access_of_uid(hd_loop_access(tree->loop), file->owner);
        if (*role < hd_role_needed(&push))
            return file;
    }
    return NULL;
}

/* It gets no number: whoever may not push must not fill the history. */
static void refuse_owner(struct hd_tree *tree, const struct hd_tree_file *file, enum hd_role role)
{
    char key[32], shown[200], words[400];
    struct hd_origin origin = { .way = HD_WAY_WATCH };
    const struct hd_refusal refusal = { .origin = &origin,
                                        .peer = key,
                                        .what = hd_role_request_word(&push),
                                        .why = words,
                                        .role = role,
                                        .needed = hd_role_needed(&push) };
    hd_text_escape(file->path, shown, sizeof shown);
    snprintf(words, sizeof words, "%s belongs to uid %u, whose role here is %s; a push needs %s",
             shown, file->owner, hd_role_word(role), hd_role_word(refusal.needed));
    snprintf(key, sizeof key, "uid:%u", file->owner);
    hd_peer_describe_user(file->owner, origin.who, sizeof origin.who);
    hd_text_escape(tree->path, origin.from, sizeof origin.from);
    hd_log(HD_LOG_WARN, "watch=%s: nothing of this compile is deployed: %s", tree->path, words);
    hd_loop_refused(tree->loop, &refusal);
}

/* ---- compiles ---- */

static int consider_compile(struct hd_tree *tree, const struct hd_tree_compile *compile, bool wait,
                            struct hd_error *err)
{
    if (compile->incomplete > 0 && wait) {
        set_wait(tree, true);
        return 0;
    }
    set_wait(tree, false);
    if (compile->count == 0)
        return 0;
    enum hd_role role = HD_ROLE_NONE;
    const struct hd_tree_file *denied = find_denied(tree, compile, &role);
    if (denied != NULL) {
        refuse_owner(tree, denied, role);
        return 0;
    }
    if (submit(tree, compile, err) != 0)
        return -1;
    return expect_elsewhere(tree, compile, err);
}

/* A refused class whose file was deleted since is not pushed again. */
static void forget_deleted(struct hd_tree *tree, int directory)
{
    for (size_t i = 0; i < tree->index.count; i++) {
        struct hd_tree_file *file = tree->index.files[i];
        struct stat status;
        if (file->is_fresh && fstatat(directory, file->path, &status, AT_SYMLINK_NOFOLLOW) != 0 &&
            errno == ENOENT)
            hd_tree_file_forget_fresh(file);
    }
}

/* What is deployed next, if anything; wait: an incomplete compile may still be completed. */
static void consider(struct hd_tree *tree, bool wait)
{
    if (tree->job != NULL) {
        tree->again = true;
        return;
    }
    struct hd_error err = HD_ERROR_INIT;
    struct hd_tree_compile compile = { 0 };
    int directory = open(tree->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0)
        forget_deleted(tree, directory);
    int result = hd_tree_compile_gather(&tree->index, &tree->known, directory, &compile, &err);
    if (result == 0)
        result = consider_compile(tree, &compile, wait, &err);
    if (result != 0)
        hd_log(HD_LOG_ERROR, "watch=%s: %s; what changed is tried again with the next compile",
               tree->path, err.text);
    hd_tree_compile_close(&compile);
    if (directory >= 0)
        close(directory);
}

void hd_tree_try_again(struct hd_tree *tree)
{
    bool held_up = tree->held_up;
    tree->held_up = false;
    if (held_up)
        consider(tree, true);
}

/* ---- events ---- */

static void take_batch(struct hd_tree *tree, const struct hd_watch_batch *batch)
{
    struct hd_error err = HD_ERROR_INIT;
    int directory = hd_watcher_directory(tree->watcher);
    int result = 0;
    for (size_t i = 0; i < batch->count && result == 0; i++)
        result = hd_tree_absorb(tree, directory, batch->items[i].path, &err);
    if (result != 0) {
        hd_log(HD_LOG_ERROR, "watch=%s: %s; the tree is read again with the next compile",
               tree->path, err.text);
        tree->lost = true;
        return;
    }
    tree->caught_up = true;
    consider(tree, true);
}

static void read_again_if_lost(struct hd_tree *tree)
{
    struct hd_error err = HD_ERROR_INIT;
    if (tree->lost && hd_watcher_rescan(tree->watcher, &err) == 0)
        tree->lost = false;
}

static void readable(void *context)
{
    struct hd_tree *tree = context;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_watch_batch batch;
    if (hd_watcher_dispatch(tree->watcher, &batch, &err) != 0)
        hd_log(HD_LOG_WARN, "watch=%s: %s", tree->path, err.text);
    if (batch.count == 0)
        return;
    read_again_if_lost(tree);
    take_batch(tree, &batch);
    hd_watch_batch_close(&batch);
}

static void wait_is_over(void *context)
{
    struct hd_tree *tree = context;
    uint64_t expirations;
    if (read(tree->wait_timer, &expirations, sizeof expirations) <= 0)
        return;
    tree->waiting = false;
    consider(tree, false);
}

/* ---- open and close ---- */

static int start_watching(struct hd_tree *tree, struct hd_error *err)
{
    const struct hd_watcher_options options = { .settle_ms = hd_loop_options(tree->loop)->settle_ms,
                                                .report_existing = true,
                                                .learn_pauses = true,
                                                .await_directory = true };
    char *warning = NULL;
    if (hd_watcher_new(tree->path, &options, &tree->watcher, &warning, err) != 0)
        return -1;
    if (warning != NULL)
        hd_log(HD_LOG_WARN, "watch=%s", warning);
    hd_free(warning);
    return hd_loop_watch(tree->loop, hd_watcher_descriptor(tree->watcher), readable, tree,
                         &tree->watch, err);
}

int hd_tree_open(struct hd_tree *tree, struct hd_loop *loop, struct hd_error *err)
{
    tree->loop = loop;
    tree->wait_timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (tree->wait_timer < 0)
        return hd_error_set_errno(err, errno, "timerfd_create");
    if (hd_loop_watch(loop, tree->wait_timer, wait_is_over, tree, &tree->wait_watch, err) != 0)
        return -1;
    return start_watching(tree, err);
}

void hd_tree_close(struct hd_tree *tree)
{
    if (tree == NULL)
        return;
    if (tree->job != NULL)
        tree->job->owner = NULL;
    if (tree->watch != NULL)
        hd_loop_unwatch(tree->watch);
    if (tree->wait_watch != NULL)
        hd_loop_unwatch(tree->wait_watch);
    hd_watcher_free(tree->watcher);
    if (tree->wait_timer >= 0)
        close(tree->wait_timer);
    hd_tree_index_close(&tree->index);
    hd_tree_known_close(&tree->known);
    hd_free(tree->path);
    hd_free(tree);
}
