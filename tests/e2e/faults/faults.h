/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults inside a JVM: what the test and the library that it preloads there agree on.
 *
 * Calls of the C library that come from the agent's own file (or from libwebsockets and jansson, where
 * they are shared ones) pass through the library. It counts them, and makes one of them fail, or all
 * from one on. Calls of the JVM itself never fail: it would die of them.
 *
 * The struct lies in a file that both map; HD_FAULTS_FILE names it. Never shipped.
 */
#ifndef HD_E2E_FAULTS_H
#define HD_E2E_FAULTS_H

#include <stdatomic.h>

#define HD_FAULTS_VARIABLE "HD_FAULTS_FILE"

#define HD_FAULT_FUNCTIONS(X)                                                                      \
    X(malloc)                                                                                      \
    X(calloc)                                                                                      \
    X(realloc)                                                                                     \
    X(strdup)                                                                                      \
    X(open)                                                                                        \
    X(openat)                                                                                      \
    X(read)                                                                                        \
    X(pread)                                                                                       \
    X(write)                                                                                       \
    X(pwrite)                                                                                      \
    X(renameat)                                                                                    \
    X(fsync)                                                                                       \
    X(fdatasync)                                                                                   \
    X(ftruncate)                                                                                   \
    X(mkdirat)                                                                                     \
    X(unlinkat)                                                                                    \
    X(unlink)                                                                                      \
    X(fchmod)                                                                                      \
    X(utimensat)                                                                                   \
    X(fstat)                                                                                       \
    X(fstatat)                                                                                     \
    X(fdopendir)                                                                                   \
    X(readdir)                                                                                     \
    X(accept4)                                                                                     \
    X(getsockopt)                                                                                  \
    X(socketpair)                                                                                  \
    X(fcntl)                                                                                       \
    X(recv)                                                                                        \
    X(send)                                                                                        \
    X(poll)                                                                                        \
    X(epoll_ctl)                                                                                   \
    X(timerfd_settime)                                                                             \
    X(inotify_add_watch)                                                                           \
    X(mmap)

enum hd_fault_function {
    HD_FAULT_NONE,
#define HD_FAULT_NAME(name) HD_FAULT_##name,
    HD_FAULT_FUNCTIONS(HD_FAULT_NAME)
#undef HD_FAULT_NAME
        HD_FAULT_COUNT
};

struct hd_faults {
    atomic_uint counts;    /* calls are counted */
    atomic_uint function;  /* that fails; HD_FAULT_NONE: none */
    atomic_uint countdown; /* 1: the next call */
    atomic_uint lasting;   /* also every call after it */
    atomic_int error;      /* errno */
    atomic_uint hits;      /* how many calls failed */
    atomic_uint calls[HD_FAULT_COUNT];
};

#endif
