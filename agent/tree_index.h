/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of each class file of a watched tree: what is live of it, what lies on disk, what
 * is under way. One thread at a time.
 */
#ifndef HD_AGENT_TREE_INDEX_H
#define HD_AGENT_TREE_INDEX_H

#include "core/buffer.h"
#include "core/digest.h"
#include "core/map.h"

struct hd_tree_file {
    char *path; /* relative to the tree */
    /* the class inside, internal form; for a file that names none, its path without ".class" */
    char *name;
    bool is_live_known;
    struct hd_digest live; /* of the file whose code is live, or will load */
    uint32_t owner;        /* of the file, when it was last read */
    bool is_fresh;         /* as last read, it is not what is live */
    struct hd_buffer fresh;
    struct hd_digest fresh_digest;
    bool is_under_way; /* a job carries it */
    struct hd_digest under_way;
};

struct hd_tree_index {
    /* each at a place of its own, so that names may be borrowed until the close */
    struct hd_tree_file **files;
    size_t count;
    size_t capacity;
    struct hd_map by_path;
    struct hd_map by_name;
    struct hd_map packages; /* internal form, "com/example" */
};

/* Finds or adds. A path that holds another class than before gets a new entry, and the old one is
 * left without fresh. NULL when memory is out. */
struct hd_tree_file *hd_tree_index_put(struct hd_tree_index *index, const char *path,
                                       const char *name, struct hd_error *err);
/* NULL where the tree has no such class. */
struct hd_tree_file *hd_tree_index_find(const struct hd_tree_index *index, struct hd_bytes name);
struct hd_tree_file *hd_tree_index_at_path(const struct hd_tree_index *index, const char *path);
/* True when the tree has a class in the package of this one. */
bool hd_tree_index_has_package_of(const struct hd_tree_index *index, struct hd_bytes name);
void hd_tree_index_close(struct hd_tree_index *index);

/* The file was read: its contents (copied) are fresh from now on, unless they are what is live. */
HD_CHECKED int hd_tree_file_read(struct hd_tree_file *file, struct hd_bytes contents,
                                 struct hd_error *err);
/* What was read is taken to be live. */
void hd_tree_file_accept(struct hd_tree_file *file);
/* What is fresh goes into a job; it stays fresh until the job is finished. */
void hd_tree_file_submit(struct hd_tree_file *file);
/* The job is finished, and what it carried is live now, or is not. */
void hd_tree_file_finish(struct hd_tree_file *file, bool became_live);
/* There is nothing to deploy of it (its file is gone). */
void hd_tree_file_forget_fresh(struct hd_tree_file *file);

#endif
