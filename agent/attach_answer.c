/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/attach_answer.h"

#include "core/alloc.h"
#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY "answer="
enum { LINE_SIZE = 2048, MAX_BYTES = 64 * 1024 };

static void hear(enum hd_log_level level, const char *text, void *context)
{
    struct hd_attach_answer *answer = context;
    struct hd_error ignored = HD_ERROR_INIT;
    char line[LINE_SIZE];
    if (level > HD_LOG_WARN || answer->lines.length > MAX_BYTES)
        return;
    hd_text_escape(text, line, sizeof line);
    if (hd_buffer_append(&answer->lines, line, strlen(line), &ignored) == 0)
        (void)!hd_buffer_append(&answer->lines, "\n", 1, &ignored);
}

/* Where an item "answer=…" begins; NULL: there is none. */
static char *find_item(char *options)
{
    for (char *at = strstr(options, KEY); at != NULL; at = strstr(at + 1, KEY)) {
        if (at == options || at[-1] == ',')
            return at;
    }
    return NULL;
}

static int take_item(struct hd_attach_answer *answer, struct hd_error *err)
{
    char *item = find_item(answer->options);
    if (item == NULL)
        return 0;
    size_t length = strcspn(item, ",");
    answer->path = hd_strndup(item + strlen(KEY), length - strlen(KEY));
    if (answer->path == NULL)
        return hd_error_set_memory(err);
    char *rest = item[length] == ',' ? item + length + 1 : item + length;
    memmove(item, rest, strlen(rest) + 1);
    return 0;
}

static void close_answer(struct hd_attach_answer *answer)
{
    hd_free(answer->options);
    hd_free(answer->path);
    hd_buffer_close(&answer->lines);
    *answer = (struct hd_attach_answer){ 0 };
}

int hd_attach_answer_begin(const char *options, struct hd_attach_answer *out, struct hd_error *err)
{
    *out = (struct hd_attach_answer){ .lines = HD_BUFFER_INIT };
    out->options = hd_strdup(options != NULL ? options : "");
    if (out->options == NULL)
        return hd_error_set_memory(err);
    if (take_item(out, err) != 0) {
        close_answer(out);
        return -1;
    }
    if (out->path != NULL)
        hd_log_listen(hear, out);
    return 0;
}

/* Whoever attaches made the file for us; a JVM must not be made to overwrite another one. */
static int open_file(const char *path, struct hd_error *err)
{
    struct stat status;
    int descriptor = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0)
        return hd_error_set_errno(err, errno, "cannot be opened");
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0 &&
        status.st_nlink == 1 && (status.st_uid == geteuid() || status.st_uid == 0))
        return descriptor;
    close(descriptor);
    return hd_error_set(err, HD_E_DENIED, "not an empty file of this user");
}

static int write_answer(const struct hd_attach_answer *answer, const char *verdict,
                        struct hd_error *err)
{
    int descriptor = open_file(answer->path, err);
    if (descriptor < 0)
        return -1;
    int length = dprintf(descriptor, "%s\n%.*s", verdict, (int)answer->lines.length,
                         (const char *)answer->lines.data);
    bool written = length == (int)(strlen(verdict) + 1 + answer->lines.length);
    close(descriptor);
    return written ? 0 : hd_error_set(err, HD_E_SYSTEM, "cannot be written");
}

void hd_attach_answer_end(struct hd_attach_answer *answer, const char *verdict)
{
    struct hd_error err = HD_ERROR_INIT;
    if (answer->path != NULL) {
        hd_log_listen(NULL, NULL);
        if (write_answer(answer, verdict, &err) != 0)
            hd_log(HD_LOG_WARN, "answer=%s: %s", answer->path, err.text);
    }
    close_answer(answer);
}
