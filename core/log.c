/* SPDX-License-Identifier: Apache-2.0 */
#include "core/log.h"

#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line of at most PIPE_BUF bytes either fits into a pipe that poll calls writable, or is refused
 * whole (pipe(7)). */
#define LINE_SIZE   4096
#define HEADER_SIZE 96

/* Guards what follows but the threshold; nothing is called with it held that can wait. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int descriptor = STDERR_FILENO;
static bool owned;
static unsigned long lost;
static void (*heard)(enum hd_log_level level, const char *text, void *context);
static void *heard_context;
static atomic_int threshold = HD_LOG_INFO;

static const char *level_word(enum hd_log_level level)
{
    static const char *const words[] = {
        [HD_LOG_ERROR] = "ERROR",
        [HD_LOG_WARN] = "WARN",
        [HD_LOG_INFO] = "INFO",
        [HD_LOG_DEBUG] = "DEBUG",
    };
    return words[level];
}

/* O_NONBLOCK belongs to the open file, which stderr shares with the application and often with the
 * shell: setting it there would break their writes. A pipe or a terminal can be opened once more,
 * for us alone; for what else stderr may be, poll must do. */
static int open_stderr_again(void)
{
    struct stat status;
    if (fstat(STDERR_FILENO, &status) != 0 ||
        !(S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)))
        return -1;
    return open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static void replace_descriptor(int fresh, bool is_ours)
{
    pthread_mutex_lock(&lock);
    int old = owned ? descriptor : -1;
    descriptor = fresh;
    owned = is_ours;
    pthread_mutex_unlock(&lock);
    if (old >= 0)
        close(old);
}

int hd_log_open(const char *path, enum hd_log_level level, struct hd_error *err)
{
    int fresh =
        path == NULL
            ? open_stderr_again()
            : open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    if (fresh < 0 && path != NULL)
        return hd_error_set_errno(err, errno, "%s: cannot be opened for the log", path);
    if (fresh >= 0)
        replace_descriptor(fresh, true);
    else
        replace_descriptor(STDERR_FILENO, false);
    atomic_store(&threshold, level);
    return 0;
}

void hd_log_close(void)
{
    replace_descriptor(STDERR_FILENO, false);
    atomic_store(&threshold, HD_LOG_INFO);
    pthread_mutex_lock(&lock);
    lost = 0;
    pthread_mutex_unlock(&lock);
}

bool hd_log_enabled(enum hd_log_level level)
{
    return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

/* POLLERR is a pipe without a reader: writing would raise SIGPIPE. */
static bool can_take_a_line(void)
{
    struct pollfd ready = { .fd = descriptor, .events = POLLOUT };
    return poll(&ready, 1, 0) == 1 && ready.revents == POLLOUT;
}

static bool write_line(enum hd_log_level level, const char *text)
{
    char time[HD_TEXT_TIME_SIZE];
    hd_text_utc(hd_text_now(), time);
    char line[LINE_SIZE];
    int header =
        snprintf(line, HEADER_SIZE, "%s hotdrop[%ld] %s ", time, (long)getpid(), level_word(level));
    hd_text_escape(text, line + header, sizeof line - (size_t)header - 1);
    size_t length = strlen(line);
    line[length++] = '\n';
    return can_take_a_line() && write(descriptor, line, length) == (ssize_t)length;
}

static bool tell_what_was_lost(void)
{
    char text[80];
    snprintf(text, sizeof text, "%lu earlier lines were lost: the log could not take them", lost);
    return write_line(HD_LOG_WARN, text);
}

void hd_log_listen(void (*listener)(enum hd_log_level level, const char *text, void *context),
                   void *context)
{
    pthread_mutex_lock(&lock);
    heard = listener;
    heard_context = context;
    pthread_mutex_unlock(&lock);
}

void hd_log(enum hd_log_level level, const char *format, ...)
{
    if (!hd_log_enabled(level))
        return;
    int errno_before = errno;
    char text[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0)
        text[0] = '\0';

    pthread_mutex_lock(&lock);
    if (lost > 0 && tell_what_was_lost())
        lost = 0;
    if (lost > 0 || !write_line(level, text))
        lost++;
    if (heard != NULL)
        heard(level, text, heard_context);
    pthread_mutex_unlock(&lock);
    errno = errno_before;
}
