/* SPDX-License-Identifier: Apache-2.0 */
#include "watcher/list.h"

#include "core/alloc.h"
#include "watcher/beneath.h"
#include "watcher/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Directories found and not yet visited. */
struct stack {
    char **paths;
    size_t count;
    size_t capacity;
};

static int push_take(struct stack *stack, char *path, struct hd_error *err)
{
    if (path == NULL)
        return hd_error_set_memory(err);
    if (stack->count == stack->capacity) {
        size_t capacity = stack->capacity == 0 ? 32 : 2 * stack->capacity;
        char **paths = hd_realloc_array(stack->paths, capacity, sizeof *paths);
        if (paths == NULL) {
            hd_free(path);
            return hd_error_set_memory(err);
        }
        stack->paths = paths;
        stack->capacity = capacity;
    }
    stack->paths[stack->count++] = path;
    return 0;
}

static void close_stack(struct stack *stack)
{
    while (stack->count > 0)
        hd_free(stack->paths[--stack->count]);
    hd_free(stack->paths);
}

static char *join(const char *directory, const char *name)
{
    return directory[0] == '\0' ? hd_strdup(name) : hd_asprintf("%s/%s", directory, name);
}

static unsigned char type_of(int directory, const struct dirent *entry)
{
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type;
    struct stat status;
    if (fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return DT_UNKNOWN;
    return (unsigned char)IFTODT(status.st_mode);
}

static int visit(const struct hd_listing *listing, struct stack *stack, const char *path,
                 const char *name, unsigned char type, struct hd_error *err)
{
    if (hd_name_is_ignored(name))
        return 0;
    char *full = join(path, name);
    if (type == DT_DIR)
        return push_take(stack, full, err);
    if (full == NULL)
        return hd_error_set_memory(err);
    int result = listing->file(listing->context, full, name, type, err);
    hd_free(full);
    return result;
}

/* For want of descriptors or memory files would be missed; any other directory that cannot be
 * opened is gone, or closed to us. */
static bool is_shortage(int errno_value)
{
    return errno_value == EMFILE || errno_value == ENFILE || errno_value == ENOMEM;
}

static int list_one(int directory, const char *path, const struct hd_listing *listing,
                    struct stack *stack, struct hd_error *err)
{
    if (listing->enter != NULL && listing->enter(listing->context, path, err) != 0)
        return -1;
    int descriptor = hd_open_directory_beneath(directory, path, O_RDONLY);
    if (descriptor < 0 && is_shortage(errno))
        return hd_error_set_errno(err, errno, "listing a directory");
    if (descriptor < 0)
        return 0;
    DIR *entries = fdopendir(descriptor);
    if (entries == NULL) {
        close(descriptor);
        return hd_error_set_memory(err);
    }
    int result = 0;
    for (struct dirent *entry = readdir(entries); entry != NULL && result == 0;
         entry = readdir(entries))
        result = visit(listing, stack, path, entry->d_name, type_of(descriptor, entry), err);
    closedir(entries);
    return result;
}

int hd_list_files(int directory, const char *top, const struct hd_listing *listing,
                  struct hd_error *err)
{
    struct stack stack = { 0 };
    int result = push_take(&stack, hd_strdup(top), err);
    while (result == 0 && stack.count > 0) {
        char *path = stack.paths[--stack.count];
        result = list_one(directory, path, listing, &stack, err);
        hd_free(path);
    }
    close_stack(&stack);
    return result;
}
