/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening below a directory, and nowhere else: no symbolic link is followed in any component, "..",
 * absolute and empty components are refused. One openat(2) a component rather than openat2(2),
 * which kernels before 5.6 and the seccomp profiles of older container runtimes do not have. Any
 * thread.
 */
#ifndef HD_WATCHER_BENEATH_H
#define HD_WATCHER_BENEATH_H

/* Opens the directory that path ("" for the top itself) names, with O_CLOEXEC added to flags. -1
 * with errno: ENOTDIR or ELOOP where a component is a link or no directory, EINVAL for a path that
 * is not a plain one. */
int hd_open_directory_beneath(int directory, const char *path, int flags);

/* Opens (O_PATH) the directory that holds the last component and points *name at that component
 * inside path. -1 with errno as above. */
int hd_open_parent_beneath(int directory, const char *path, const char **name);

#endif
