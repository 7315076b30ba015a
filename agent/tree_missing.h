/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the rest of the compile there? Looks for what a class of a watched tree refers to, in the
 * newest class files of the tree.
 *
 * The tree can answer only for itself. So a member counts as there when the search for it leaves
 * the tree (a superclass from a jar), and so does a class of a package that the tree has no class
 * in, or one that is known to come from elsewhere. Loop thread.
 */
#ifndef HD_AGENT_TREE_MISSING_H
#define HD_AGENT_TREE_MISSING_H

#include "agent/tree_index.h"
#include "classfile/class.h"

/* Classes in packages of the tree that come from elsewhere (a jar, another module): classes that
 * were there when the JVM started refer to them. */
struct hd_tree_known {
    char **names;
    size_t count;
    size_t capacity;
    struct hd_map by_name;
};

HD_CHECKED int hd_tree_known_add(struct hd_tree_known *known, struct hd_bytes name,
                                 struct hd_error *err);
/* Adds what class_file refers to in the tree's packages and the tree does not have. */
HD_CHECKED int hd_tree_known_learn(struct hd_tree_known *known, const struct hd_tree_index *index,
                                   const struct hd_class *class_file, struct hd_error *err);
void hd_tree_known_close(struct hd_tree_known *known);

/* One round of looking: class files are read and parsed once. */
struct hd_tree_look {
    const struct hd_tree_index *index; /* borrowed, unchanged during the round */
    const struct hd_tree_known *known;
    int directory;               /* the tree's */
    struct hd_tree_shelf *shelf; /* classes parsed so far */
};

struct hd_tree_lack {
    /* NULL: nothing is missing; else "com.example.B has no method foo(int): void" */
    char *words;
    char *class_name; /* internal form, where a whole class is missing; else NULL */
};

/* The first thing that class_file refers to and that is not there. The caller frees what *out
 * holds. Fails for want of memory. */
HD_CHECKED int hd_tree_look_for(struct hd_tree_look *look, const struct hd_class *class_file,
                                struct hd_tree_lack *out, struct hd_error *err);
void hd_tree_look_close(struct hd_tree_look *look);

#endif
