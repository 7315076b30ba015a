/* SPDX-License-Identifier: Apache-2.0 */
/* See faults.h. Nothing here allocates, and the JVM's own calls only pass. */
#include "tests/e2e/faults/faults.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define PASSES __attribute__((visibility("default")))

static struct hd_faults *faults;

/* The C library's own heap, for what is asked before the first lookup is possible. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static bool is_of_agent(const void *caller)
{
    static const char *const files[] = { "/libhotdrop.so", "/libwebsockets.so", "/libjansson.so" };
    Dl_info info;
    if (dladdr(caller, &info) == 0 || info.dli_fname == NULL)
        return false;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (strstr(info.dli_fname, files[i]) != NULL)
            return true;
    }
    return false;
}

static bool fails(enum hd_fault_function function, const void *caller)
{
    if (faults == NULL)
        return false;
    bool counts = atomic_load(&faults->counts) != 0;
    bool meant = atomic_load(&faults->function) == (unsigned)function;
    if ((!counts && !meant) || !is_of_agent(caller))
        return false;
    if (counts)
        atomic_fetch_add(&faults->calls[function], 1);
    if (!meant)
        return false;
    unsigned left = atomic_load(&faults->countdown);
    if (left > 1) {
        atomic_store(&faults->countdown, left - 1);
        return false;
    }
    if (left == 0 && atomic_load(&faults->lasting) == 0)
        return false;
    atomic_store(&faults->countdown, 0);
    atomic_fetch_add(&faults->hits, 1);
    errno = atomic_load(&faults->error);
    return true;
}

__attribute__((constructor)) static void open_faults(void)
{
    const char *path = getenv(HD_FAULTS_VARIABLE);
    int file = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *memory = mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory != MAP_FAILED)
        faults = memory;
}

/* The next definition of a function, looked up once; racing threads find the same. */
static void *next(const char *name, void **known)
{
    void *found = __atomic_load_n(known, __ATOMIC_ACQUIRE);
    if (found == NULL) {
        found = dlsym(RTLD_NEXT, name);
        __atomic_store_n(known, found, __ATOMIC_RELEASE);
    }
    return found;
}

#define FAILS(name) fails(HD_FAULT_##name, __builtin_return_address(0))
#define NEXT(type, name, ...)                                                                      \
    static void *known;                                                                            \
    type (*real)(__VA_ARGS__) = (type(*)(__VA_ARGS__))next(#name, &known)

/* ---- heap ------------------------------------------------------------------------------------ */

PASSES void *malloc(size_t size)
{
    return FAILS(malloc) ? NULL : __libc_malloc(size);
}

PASSES void *calloc(size_t count, size_t size)
{
    return FAILS(calloc) ? NULL : __libc_calloc(count, size);
}

PASSES void *realloc(void *memory, size_t size)
{
    return FAILS(realloc) ? NULL : __libc_realloc(memory, size);
}

PASSES char *strdup(const char *text)
{
    NEXT(char *, strdup, const char *);
    return FAILS(strdup) ? NULL : real(text);
}

PASSES void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
    NEXT(void *, mmap, void *, size_t, int, int, int, off_t);
    return FAILS(mmap) ? MAP_FAILED : real(address, length, protection, flags, file, offset);
}

/* ---- files ----------------------------------------------------------------------------------- */

#define MODE_AFTER(last)                                                                           \
    mode_t mode = 0;                                                                               \
    va_list rest;                                                                                  \
    va_start(rest, last);                                                                          \
    if ((flags & (O_CREAT | O_TMPFILE)) != 0)                                                      \
        mode = va_arg(rest, mode_t);                                                               \
    va_end(rest)

PASSES int open(const char *path, int flags, ...)
{
    NEXT(int, open, const char *, int, ...);
    MODE_AFTER(flags);
    return FAILS(open) ? -1 : real(path, flags, mode);
}

PASSES int __open_2(const char *path, int flags);
PASSES int __open_2(const char *path, int flags)
{
    NEXT(int, open, const char *, int, ...);
    return FAILS(open) ? -1 : real(path, flags);
}

PASSES int openat(int directory, const char *path, int flags, ...)
{
    NEXT(int, openat, int, const char *, int, ...);
    MODE_AFTER(flags);
    return FAILS(openat) ? -1 : real(directory, path, flags, mode);
}

PASSES int __openat_2(int directory, const char *path, int flags);
PASSES int __openat_2(int directory, const char *path, int flags)
{
    NEXT(int, openat, int, const char *, int, ...);
    return FAILS(openat) ? -1 : real(directory, path, flags);
}

PASSES ssize_t read(int file, void *out, size_t size)
{
    NEXT(ssize_t, read, int, void *, size_t);
    return FAILS(read) ? -1 : real(file, out, size);
}

PASSES ssize_t pread(int file, void *out, size_t size, off_t offset)
{
    NEXT(ssize_t, pread, int, void *, size_t, off_t);
    return FAILS(pread) ? -1 : real(file, out, size, offset);
}

PASSES ssize_t write(int file, const void *data, size_t size)
{
    NEXT(ssize_t, write, int, const void *, size_t);
    return FAILS(write) ? -1 : real(file, data, size);
}

PASSES ssize_t pwrite(int file, const void *data, size_t size, off_t offset)
{
    NEXT(ssize_t, pwrite, int, const void *, size_t, off_t);
    return FAILS(pwrite) ? -1 : real(file, data, size, offset);
}

PASSES int renameat(int from, const char *old, int to, const char *new)
{
    NEXT(int, renameat, int, const char *, int, const char *);
    return FAILS(renameat) ? -1 : real(from, old, to, new);
}

PASSES int fsync(int file)
{
    NEXT(int, fsync, int);
    return FAILS(fsync) ? -1 : real(file);
}

PASSES int fdatasync(int file)
{
    NEXT(int, fdatasync, int);
    return FAILS(fdatasync) ? -1 : real(file);
}

PASSES int ftruncate(int file, off_t length)
{
    NEXT(int, ftruncate, int, off_t);
    return FAILS(ftruncate) ? -1 : real(file, length);
}

PASSES int mkdirat(int directory, const char *path, mode_t mode)
{
    NEXT(int, mkdirat, int, const char *, mode_t);
    return FAILS(mkdirat) ? -1 : real(directory, path, mode);
}

PASSES int unlinkat(int directory, const char *path, int flags)
{
    NEXT(int, unlinkat, int, const char *, int);
    return FAILS(unlinkat) ? -1 : real(directory, path, flags);
}

PASSES int unlink(const char *path)
{
    NEXT(int, unlink, const char *);
    return FAILS(unlink) ? -1 : real(path);
}

PASSES int fchmod(int file, mode_t mode)
{
    NEXT(int, fchmod, int, mode_t);
    return FAILS(fchmod) ? -1 : real(file, mode);
}

PASSES int utimensat(int directory, const char *path, const struct timespec times[2], int flags)
{
    NEXT(int, utimensat, int, const char *, const struct timespec *, int);
    return FAILS(utimensat) ? -1 : real(directory, path, times, flags);
}

PASSES int fstat(int file, struct stat *out)
{
    NEXT(int, fstat, int, struct stat *);
    return FAILS(fstat) ? -1 : real(file, out);
}

PASSES int fstatat(int directory, const char *path, struct stat *out, int flags)
{
    NEXT(int, fstatat, int, const char *, struct stat *, int);
    return FAILS(fstatat) ? -1 : real(directory, path, out, flags);
}

/* What these two are in a program that was linked against a glibc before 2.33, as packages are. */
PASSES int __fxstat(int version, int file, struct stat *out);
PASSES int __fxstat(int version, int file, struct stat *out)
{
    NEXT(int, __fxstat, int, int, struct stat *);
    return FAILS(fstat) ? -1 : real(version, file, out);
}

PASSES int __fxstatat(int version, int directory, const char *path, struct stat *out, int flags);
PASSES int __fxstatat(int version, int directory, const char *path, struct stat *out, int flags)
{
    NEXT(int, __fxstatat, int, int, const char *, struct stat *, int);
    return FAILS(fstatat) ? -1 : real(version, directory, path, out, flags);
}

PASSES DIR *fdopendir(int directory)
{
    NEXT(DIR *, fdopendir, int);
    return FAILS(fdopendir) ? NULL : real(directory);
}

PASSES struct dirent *readdir(DIR *entries)
{
    NEXT(struct dirent *, readdir, DIR *);
    return FAILS(readdir) ? NULL : real(entries);
}

PASSES int inotify_add_watch(int inotify, const char *path, uint32_t mask)
{
    NEXT(int, inotify_add_watch, int, const char *, uint32_t);
    return FAILS(inotify_add_watch) ? -1 : real(inotify, path, mask);
}

/* ---- connections and waiting ----------------------------------------------------------------- */

PASSES int accept4(int listener, __SOCKADDR_ARG address, socklen_t *length, int flags)
{
    NEXT(int, accept4, int, __SOCKADDR_ARG, socklen_t *, int);
    return FAILS(accept4) ? -1 : real(listener, address, length, flags);
}

PASSES int getsockopt(int socket, int level, int option, void *out, socklen_t *length)
{
    NEXT(int, getsockopt, int, int, int, void *, socklen_t *);
    return FAILS(getsockopt) ? -1 : real(socket, level, option, out, length);
}

PASSES int socketpair(int domain, int type, int protocol, int pair[2])
{
    NEXT(int, socketpair, int, int, int, int *);
    return FAILS(socketpair) ? -1 : real(domain, type, protocol, pair);
}

PASSES int fcntl(int file, int command, ...)
{
    NEXT(int, fcntl, int, int, ...);
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return FAILS(fcntl) ? -1 : real(file, command, argument);
}

PASSES ssize_t recv(int socket, void *out, size_t size, int flags)
{
    NEXT(ssize_t, recv, int, void *, size_t, int);
    return FAILS(recv) ? -1 : real(socket, out, size, flags);
}

PASSES ssize_t send(int socket, const void *data, size_t size, int flags)
{
    NEXT(ssize_t, send, int, const void *, size_t, int);
    return FAILS(send) ? -1 : real(socket, data, size, flags);
}

PASSES int poll(struct pollfd *descriptors, nfds_t count, int timeout)
{
    NEXT(int, poll, struct pollfd *, nfds_t, int);
    return FAILS(poll) ? -1 : real(descriptors, count, timeout);
}

PASSES int epoll_ctl(int epoll, int operation, int file, struct epoll_event *event)
{
    NEXT(int, epoll_ctl, int, int, int, struct epoll_event *);
    return FAILS(epoll_ctl) ? -1 : real(epoll, operation, file, event);
}

PASSES int timerfd_settime(int timer, int flags, const struct itimerspec *when,
                           struct itimerspec *before)
{
    NEXT(int, timerfd_settime, int, int, const struct itimerspec *, struct itimerspec *);
    return FAILS(timerfd_settime) ? -1 : real(timer, flags, when, before);
}
