/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/tree_state.h"
#include "core/alloc.h"
#include "core/bundle.h"
#include "core/log.h"
#include "watcher/list.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool is_class_path(const char *path)
{
    size_t length = strlen(path);
    bool class = length > 6 && strcmp(path + length - 6, ".class") == 0;
    return class && strncmp(path, "META-INF/", 9) != 0;
}

/* A half written file may not say its name yet; a compiler puts it where the name says. */
static char *name_in(const char *path, struct hd_bytes contents)
{
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_bytes name;
    uint16_t major;
    if (hd_class_peek(contents.data, contents.length, &name, &major, &ignored) == 0)
        return hd_strndup((const char *)name.data, name.length);
    return hd_strndup(path, strlen(path) - strlen(".class"));
}

/* Whose files may be deployed is asked when they are (tree.c): roles change. */
static int anybody(void *context, uint32_t owner_uid, const char *shown, struct hd_error *err)
{
    (void)context;
    (void)owner_uid;
    (void)shown;
    (void)err;
    return 0;
}

/* What is remembered is believed to be what is live, so it must be root's, the JVM's user's or the
 * tree's owner's. NULL with err clear: a file that is gone, of no interest, or not to be read (which
 * is logged). */
static struct hd_tree_file *read_one(struct hd_tree *tree, int directory, const char *path,
                                     uint8_t **data, size_t *length, struct hd_error *err)
{
    struct hd_error why = HD_ERROR_INIT;
    const struct hd_owner_rule all = { .may = anybody };
    const struct hd_owner_rule *owners = tree->loop != NULL ? &all : NULL;
    if (hd_watcher_read_file_of(owners, directory, path, HD_BUNDLE_MAX_CLASS_BYTES, data, length,
                                &tree->owner, &why) != 0) {
        if (why.code == HD_E_MEMORY)
            (void)hd_error_set_memory(err);
        else if (why.code != HD_E_NOT_FOUND)
            hd_log(HD_LOG_WARN, "watch=%s: not deployed: %s", tree->path, why.text);
        return NULL;
    }
    char *name = name_in(path, (struct hd_bytes){ *data, *length });
    if (name == NULL) {
        (void)hd_error_set_memory(err);
        return NULL;
    }
    struct hd_tree_file *file = NULL;
    if (strcmp(name, "module-info") != 0)
        file = hd_tree_index_put(&tree->index, path, name, err);
    if (file != NULL)
        file->owner = tree->owner;
    hd_free(name);
    return file;
}

/* ---- before the threads start ---- */

struct remembering {
    struct hd_tree *tree;
    int directory;
    void (*visit)(void *context, const char *internal_name, struct hd_bytes file);
    void *context;
    size_t files;
    uint64_t bytes;
};

static int remember_contents(struct remembering *remembering, struct hd_tree_file *file,
                             struct hd_bytes contents, struct hd_error *err)
{
    if (hd_tree_file_read(file, contents, err) != 0)
        return -1;
    hd_tree_file_accept(file);
    remembering->files++;
    remembering->bytes += contents.length;
    remembering->visit(remembering->context, file->name, contents);
    return 0;
}

static int remember_one(void *context, const char *path, const char *name, unsigned char type,
                        struct hd_error *err)
{
    (void)name;
    (void)type;
    struct remembering *remembering = context;
    struct hd_tree *tree = remembering->tree;
    if (!is_class_path(path))
        return 0;
    if (remembering->files >= HD_TREE_MAX_FILES || remembering->bytes >= HD_TREE_MAX_BYTES) {
        tree->truncated = true;
        return 0;
    }
    uint8_t *data = NULL;
    size_t length = 0;
    struct hd_tree_file *file = read_one(tree, remembering->directory, path, &data, &length, err);
    int result = hd_error_is_set(err) ? -1 : 0;
    if (file != NULL)
        result = remember_contents(remembering, file, (struct hd_bytes){ data, length }, err);
    hd_free(data);
    return result;
}

static int remember_all(struct remembering *remembering, struct hd_error *err)
{
    struct hd_tree *tree = remembering->tree;
    remembering->directory = open(tree->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (remembering->directory < 0 && errno == ENOTDIR)
        return hd_error_set(err, HD_E_NOT_FOUND, "%s is not a directory", tree->path);
    if (remembering->directory < 0)
        return errno == ENOENT ? 0 : hd_error_set_errno(err, errno, "%s", tree->path);
    const struct hd_listing listing = { .file = remember_one, .context = remembering };
    int result = hd_list_files(remembering->directory, "", &listing, err);
    close(remembering->directory);
    if (tree->truncated)
        hd_log(HD_LOG_WARN,
               "watch=%s holds more than %d classes or %llu MB: the rest is taken to be what is "
               "live when it is first seen",
               tree->path, HD_TREE_MAX_FILES, (unsigned long long)(HD_TREE_MAX_BYTES >> 20));
    return result;
}

int hd_tree_remember(const char *directory,
                     void (*visit)(void *context, const char *internal_name, struct hd_bytes file),
                     void *context, struct hd_tree **out, struct hd_error *err)
{
    struct hd_tree *tree = hd_alloc_zeroed(1, sizeof *tree);
    if (tree == NULL)
        return hd_error_set_memory(err);
    tree->wait_timer = -1;
    tree->path = hd_strdup(directory);
    struct remembering remembering = { .tree = tree, .visit = visit, .context = context };
    int result = tree->path != NULL ? remember_all(&remembering, err) : hd_error_set_memory(err);
    if (result != 0) {
        hd_tree_close(tree);
        return -1;
    }
    *out = tree;
    return 0;
}

/* ---- while it is watched ---- */

static int learn(struct hd_tree *tree, struct hd_bytes contents, struct hd_error *err)
{
    struct hd_error why = HD_ERROR_INIT;
    struct hd_class *class_file = NULL;
    if (hd_class_parse(contents.data, contents.length, &class_file, &why) != 0)
        return why.code == HD_E_MEMORY ? hd_error_set_memory(err) : 0;
    int result = hd_tree_known_learn(&tree->known, &tree->index, class_file, err);
    hd_class_free(class_file);
    return result;
}

static int absorb_contents(struct hd_tree *tree, struct hd_tree_file *file,
                           struct hd_bytes contents, struct hd_error *err)
{
    if (hd_tree_file_read(file, contents, err) != 0)
        return -1;
    if (tree->caught_up)
        return 0;
    if (tree->truncated && !file->is_live_known)
        hd_tree_file_accept(file);
    return file->is_fresh ? 0 : learn(tree, contents, err);
}

int hd_tree_absorb(struct hd_tree *tree, int directory, const char *path, struct hd_error *err)
{
    if (!is_class_path(path))
        return 0;
    uint8_t *data = NULL;
    size_t length = 0;
    struct hd_tree_file *file = read_one(tree, directory, path, &data, &length, err);
    int result = hd_error_is_set(err) ? -1 : 0;
    if (file != NULL)
        result = absorb_contents(tree, file, (struct hd_bytes){ data, length }, err);
    hd_free(data);
    return result;
}
