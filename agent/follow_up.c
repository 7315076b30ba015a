/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/follow_up.h"

#include "agent/redefine.h"
#include "agent/resolve.h"
#include "agent/view.h"
#include "core/alloc.h"
#include "core/log.h"

#include <stdlib.h>
#include <string.h>

/* ---- what there is to do --------------------------------------------------------------------- */

/* NULL when memory is out. */
static struct hd_follow_up_item *item_of(struct hd_follow_up *after, struct hd_live *live)
{
    for (size_t i = after->count; i-- > 0;) {
        if (after->items[i].live == live)
            return &after->items[i];
    }
    if (after->count == after->capacity) {
        size_t capacity = after->capacity > 0 ? after->capacity * 2 : 16;
        struct hd_follow_up_item *grown = hd_realloc_array(after->items, capacity, sizeof *grown);
        if (grown == NULL) {
            hd_log(HD_LOG_ERROR, "%s in %s is not looked after: memory is out", live->internal_name,
                   live->label);
            return NULL;
        }
        after->items = grown;
        after->capacity = capacity;
    }
    struct hd_follow_up_item *item = &after->items[after->count++];
    *item = (struct hd_follow_up_item){ .live = live };
    return item;
}

/* What the current state says of it, or else its own file; NULL where that is not known. */
static struct hd_blob *content_of(const struct hd_follow_up *after, const struct hd_live *live)
{
    struct hd_blob *content = NULL;
    if (!hd_road_content_in(after->road, after->jni, hd_states_current(after->road->states), live,
                            &content))
        return NULL;
    return content != NULL ? content : live->base;
}

void hd_follow_up_check(struct hd_follow_up *after, struct hd_live *live)
{
    const struct hd_blob *content = content_of(after, live);
    if (content != NULL && content != live->file)
        (void)item_of(after, live);
}

void hd_follow_up_put_back(struct hd_follow_up *after, struct hd_live *live)
{
    struct hd_follow_up_item *item = NULL;
    if (live->reapplied < HD_FOLLOW_UP_MOST_REAPPLIED)
        item = item_of(after, live);
    else if (live->reapplied++ == HD_FOLLOW_UP_MOST_REAPPLIED)
        hd_log(HD_LOG_ERROR,
               "%s in %s: another agent has brought the code before deployment %llu back %d times; "
               "it is not put back any more until it is pushed again",
               live->internal_name, live->label, (unsigned long long)live->deployment,
               HD_FOLLOW_UP_MOST_REAPPLIED);
    if (item != NULL)
        item->lost = true;
}

void hd_follow_up_look_at(struct hd_follow_up *after, struct hd_live *live, struct hd_blob *foreign)
{
    struct hd_follow_up_item *item = item_of(after, live);
    if (item == NULL)
        return;
    hd_blob_release(item->foreign);
    item->foreign = hd_blob_keep(foreign);
}

void hd_follow_up_close(struct hd_follow_up *after)
{
    for (size_t i = 0; i < after->count; i++)
        hd_blob_release(after->items[i].foreign);
    hd_free(after->items);
    after->items = NULL;
    after->count = after->capacity = 0;
}

/* ---- doing it -------------------------------------------------------------------------------- */

/* The items, in the order of their names, and what is loaded of them. */
struct work {
    struct hd_follow_up *after;
    const char **names;
    struct hd_redefinition *redefinitions; /* beside each item; class NULL: not loaded (yet) */
    struct hd_blob **files;                /* beside each item: what it is to become; borrowed */
    struct hd_resolution resolution;
};

static int by_name(const void *a, const void *b)
{
    const struct hd_follow_up_item *left = a, *right = b;
    return strcmp(left->live->internal_name, right->live->internal_name);
}

/* Of a name that is wanted more than once the last has the answer. */
static const struct hd_resolved_name *resolved(const struct work *work, size_t i)
{
    while (i + 1 < work->after->count && strcmp(work->names[i], work->names[i + 1]) == 0)
        i++;
    return &work->resolution.names[i];
}

static jclass find_class(const struct work *work, size_t i)
{
    const struct hd_resolved_name *name = resolved(work, i);
    const struct hd_live *live = work->after->items[i].live;
    JNIEnv *jni = work->after->jni;
    for (size_t k = 0; k < name->class_count; k++) {
        jobject loader = name->classes[k].loader;
        if ((loader == NULL) == (live->loader == NULL) &&
            (loader == NULL || (*jni)->IsSameObject(jni, loader, live->loader)))
            return name->classes[k].class;
    }
    return NULL;
}

static void close_work(struct work *work)
{
    for (size_t i = 0; work->redefinitions != NULL && i < work->after->count; i++)
        hd_free(work->redefinitions[i].message);
    hd_resolution_close(&work->resolution, work->after->jni);
    hd_free(work->redefinitions);
    hd_free(work->names);
    hd_free(work->files);
}

static int open_work(struct work *work, struct hd_follow_up *after, struct hd_error *err)
{
    *work = (struct work){ .after = after,
                           .names = hd_alloc_zeroed(after->count, sizeof(char *)),
                           .redefinitions =
                               hd_alloc_zeroed(after->count, sizeof(struct hd_redefinition)),
                           .files = hd_alloc_zeroed(after->count, sizeof(struct hd_blob *)) };
    if (work->names == NULL || work->redefinitions == NULL || work->files == NULL)
        return hd_error_set_memory(err);
    qsort(after->items, after->count, sizeof *after->items, by_name);
    for (size_t i = 0; i < after->count; i++)
        work->names[i] = after->items[i].live->internal_name;
    if (hd_resolve(after->road->jvm, after->jni, after->road->loaded, work->names, after->count,
                   &work->resolution, err) != 0)
        return -1;
    for (size_t i = 0; i < after->count; i++) {
        struct hd_live *live = after->items[i].live;
        work->redefinitions[i] = (struct hd_redefinition){ .class = find_class(work, i),
                                                           .loader = live->loader,
                                                           .internal_name = live->internal_name,
                                                           .file = live->file->bytes };
    }
    return 0;
}

/* ---- a foreign redefinition ------------------------------------------------------------------ */

/* A file that our check does not understand matches nothing. */
static enum hd_view_match match(const struct hd_vm_view *view, const struct hd_blob *file)
{
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_class *class_file = NULL;
    enum hd_view_match match = HD_VIEW_OTHER;
    if (hd_class_parse(file->bytes.data, file->bytes.length, &class_file, &ignored) == 0 &&
        hd_view_match_file(view, class_file, &match, &ignored) != 0)
        match = HD_VIEW_OTHER;
    hd_class_free(class_file);
    return match;
}

/* The JVM may have refused it. Where a third agent edits the class, both may be recognisable only
 * in part: then the attempt counts. */
static bool went_through(const struct work *work, size_t i)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_held_view *held = NULL;
    const struct hd_follow_up_item *item = &work->after->items[i];
    if (hd_held_view_capture(work->after->road->jvm, work->after->jni, work->redefinitions[i].class,
                             work->names[i], &held, &err) != 0)
        return true;
    const struct hd_vm_view *view = hd_held_view_of(held);
    enum hd_view_match theirs = view != NULL ? match(view, item->foreign) : HD_VIEW_SAME;
    enum hd_view_match ours = view != NULL ? match(view, item->live->file) : HD_VIEW_OTHER;
    hd_held_view_free(held);
    if (theirs == HD_VIEW_SAME)
        return true;
    return ours != HD_VIEW_SAME && (theirs != HD_VIEW_OTHER || ours == HD_VIEW_OTHER);
}

static void give_up(struct hd_follow_up *after, struct hd_follow_up_item *item)
{
    struct hd_live *live = item->live;
    hd_log(HD_LOG_WARN,
           "%s in %s was redefined by another agent or a debugger (foreign-changed): the %s "
           "deployment %llu is no longer live there; push it again, or roll back",
           live->internal_name, live->label,
           hd_live_differs_from_base(live) ? "code of" : "original brought back by",
           (unsigned long long)live->deployment);
    hd_archive_note_class(after->road->archive, "foreign-changed", live->internal_name, live->label,
                          live->deployment);
    live->was_defined = live->state == HD_LIVE_DEFINED;
    live->state = HD_LIVE_FOREIGN;
    hd_live_set_file_take(live, after->jni, hd_blob_keep(item->foreign));
    item->lost = false;
    after->stale = true;
}

/* They are under way when the hook is told. A class is redefined by one thread at a time (since
 * JDK 12), so a rehearsal waits until they are done. */
static int look_at_foreign_changes(struct work *work, struct hd_error *err)
{
    struct hd_follow_up *after = work->after;
    for (size_t i = 0; i < after->count; i++) {
        struct hd_follow_up_item *item = &after->items[i];
        if (item->foreign == NULL || work->redefinitions[i].class == NULL)
            continue;
        if (hd_redefine_rehearse(after->road->jvm, after->jni, &work->redefinitions[i], 1, err) !=
            0)
            return -1;
        if (went_through(work, i))
            give_up(after, item);
    }
    return 0;
}

/* ---- redefining ------------------------------------------------------------------------------ */

static void tell(const struct hd_follow_up_item *item)
{
    const struct hd_live *live = item->live;
    if (item->lost)
        hd_log(live->reapplied > 1 ? HD_LOG_DEBUG : HD_LOG_INFO,
               "%s in %s: another agent's retransformation began with its own edit of the code "
               "before; deployment %llu was applied again, and that agent's edit to it (reapplied)",
               live->internal_name, live->label, (unsigned long long)live->deployment);
    else
        hd_log(HD_LOG_INFO, "%s in %s came while the state changed; it is what the state says now",
               live->internal_name, live->label);
}

static void mark_done(struct work *work, size_t i)
{
    struct hd_follow_up_item *item = &work->after->items[i];
    struct hd_live *live = item->live;
    /* Once a deployment: a monitor may retransform a thousand times. */
    if (item->lost && live->reapplied++ == 0)
        hd_archive_note_class(work->after->road->archive, "reapplied", live->internal_name,
                              live->label, live->deployment);
    if (work->files[i] != live->file) {
        hd_live_set_file_take(live, work->after->jni, hd_blob_keep(work->files[i]));
        work->after->stale = true;
    }
    tell(item);
}

static void redefine_one(struct work *work, size_t i)
{
    struct hd_error err = HD_ERROR_INIT;
    const struct hd_follow_up *after = work->after;
    struct hd_redefinition *item = &work->redefinitions[i];
    const struct hd_live *live = after->items[i].live;
    if (hd_redefine_all(after->road->jvm, after->jni, item, 1, &err) == 0)
        mark_done(work, i);
    else
        hd_log(HD_LOG_ERROR, "%s in %s could not be redefined again: %s", live->internal_name,
               live->label, item->message != NULL ? item->message : err.text);
}

/* Those that are to be, in one call; where the JVM refuses that, one by one. */
static void redefine(struct work *work)
{
    struct hd_error refusal = HD_ERROR_INIT;
    const struct hd_follow_up *after = work->after;
    struct hd_redefinition *call = hd_alloc_zeroed(after->count, sizeof *call);
    size_t count = 0;
    for (size_t i = 0; i < after->count; i++) {
        if (work->files[i] != NULL && call != NULL)
            call[count++] = work->redefinitions[i];
    }
    bool done =
        count > 0 && hd_redefine_all(after->road->jvm, after->jni, call, count, &refusal) == 0;
    for (size_t i = 0; i < count; i++)
        hd_free(call[i].message);
    hd_free(call);
    for (size_t i = 0; i < after->count; i++) {
        if (work->files[i] != NULL && done)
            mark_done(work, i);
        else if (work->files[i] != NULL)
            redefine_one(work, i);
    }
}

static void choose_files(struct work *work)
{
    for (size_t i = 0; i < work->after->count; i++) {
        const struct hd_follow_up_item *item = &work->after->items[i];
        struct hd_redefinition *redefinition = &work->redefinitions[i];
        struct hd_blob *content = content_of(work->after, item->live);
        bool differs = content != NULL && content != item->live->file;
        if (item->live->state == HD_LIVE_FOREIGN || redefinition->class == NULL)
            continue;
        if (item->lost) {
            work->files[i] = item->live->file;
            hd_patch_forget_edit(item->live->patch);
        } else if (differs) {
            work->files[i] = content;
        }
        if (work->files[i] != NULL)
            redefinition->file = work->files[i]->bytes;
    }
}

void hd_follow_up_run(struct hd_follow_up *after)
{
    struct hd_error err = HD_ERROR_INIT;
    struct work work;
    if (after->count == 0 || hd_road_check_open(after->road, &err) != 0)
        return;
    int status = open_work(&work, after, &err);
    if (status == 0)
        status = look_at_foreign_changes(&work, &err);
    if (status == 0) {
        choose_files(&work);
        redefine(&work);
    } else {
        hd_log(HD_LOG_ERROR, "what other agents did to %zu classes could not be looked at: %s",
               after->count, err.text);
    }
    close_work(&work);
}
