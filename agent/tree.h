/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compiler's output tree: what a compile changes is deployed, and files stay where they are.
 *
 * The tree is remembered when the JVM starts, so that the first compile is compared with what was
 * there before. After each burst of writes the class files are read again; those with other content
 * than what is live make one deployment, once everything they refer to in this tree is there. Loop
 * thread, except hd_tree_remember.
 */
#ifndef HD_AGENT_TREE_H
#define HD_AGENT_TREE_H

#include "agent/loop.h"

struct hd_tree;

/* At most this much of a tree is remembered; a larger one is watched all the same, and its other
 * classes are deployed when they are first written. */
#define HD_TREE_MAX_FILES 20000
#define HD_TREE_MAX_BYTES (UINT64_C(256) << 20)

/* Reads the tree as it is now (it may be absent) and calls visit for each class file. Before the
 * threads start. On success *out is freed with hd_tree_close. */
HD_CHECKED int hd_tree_remember(const char *directory,
                                void (*visit)(void *context, const char *internal_name,
                                              struct hd_bytes file),
                                void *context, struct hd_tree **out, struct hd_error *err);
/* Starts watching. What changed since hd_tree_remember is deployed. An absent directory is waited
 * for. loop is borrowed for the tree's life. */
HD_CHECKED int hd_tree_open(struct hd_tree *tree, struct hd_loop *loop, struct hd_error *err);
/* What was refused because another deployment was on trial is deployed now. */
void hd_tree_try_again(struct hd_tree *tree);
/* A job under way goes on without an owner. Accepts NULL. */
void hd_tree_close(struct hd_tree *tree);

#endif
