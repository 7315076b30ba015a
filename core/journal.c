/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal.h"

#include "core/alloc.h"
#include "core/buffer.h"
#include "core/message.h"
#include "core/text.h"
#include "core/write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

struct hd_journal {
    int file;
    off_t length; /* of what is whole */
    bool broken;  /* a failed append could not be taken back */
    struct hd_journal_state state;
};

/* A reading under way. */
struct reading {
    struct hd_journal_state state;
    off_t length; /* of the whole lines read so far */
    off_t whole;  /* of the file when the reading began */
    struct hd_journal_reader reader;
    bool parses; /* every line, whether it is for the reader or not */
    struct hd_digester *digester;
};

static int refuse_line(const struct reading *reading, struct hd_error *err, const char *what)
{
    return hd_error_set(err, HD_E_FORMAT, "line %llu of the journal %s",
                        (unsigned long long)reading->state.lines + 1, what);
}

static int check_chain(const struct reading *reading, const json_t *entry, struct hd_error *err)
{
    const char *previous = json_string_value(json_object_get(entry, "prev"));
    json_int_t number = json_integer_value(json_object_get(entry, "n"));
    if (number != (json_int_t)reading->state.lines + 1)
        return refuse_line(reading, err, "has another number: a line was taken out or put in");
    if (previous == NULL || strcmp(previous, reading->state.head) != 0)
        return refuse_line(reading, err,
                           "does not continue the line before: one of the two was changed");
    return 0;
}

static int parse_line(const struct reading *reading, const char *line, size_t length,
                      struct hd_error *err)
{
    json_t *entry = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(entry)) {
        json_decref(entry);
        return refuse_line(reading, err, "is not a JSON object");
    }
    int result = check_chain(reading, entry, err);
    if (result == 0 && reading->reader.visit != NULL)
        result = reading->reader.visit(entry, reading->reader.context, err);
    json_decref(entry);
    return result;
}

/* Written as we write it, number and digest stand at the beginning of a line. */
static bool is_plainly_in_chain(const struct reading *reading, const char *line, size_t length)
{
    char beginning[HD_DIGEST_HEX_SIZE + 48];
    int wanted = snprintf(beginning, sizeof beginning, "{\"n\":%llu,\"prev\":\"%s\",",
                          (unsigned long long)reading->state.lines + 1, reading->state.head);
    return length > (size_t)wanted && memcmp(line, beginning, (size_t)wanted) == 0 &&
           line[length - 1] == '}';
}

static bool is_wanted(const struct reading *reading, const char *line, size_t length)
{
    const struct hd_journal_reader *reader = &reading->reader;
    off_t following = reading->whole - reading->length - (off_t)length;
    struct hd_bytes bytes = { (const uint8_t *)line, length };
    if (reading->parses || !is_plainly_in_chain(reading, line, length))
        return true;
    return reader->visit != NULL &&
           (reader->wants == NULL ||
            reader->wants(bytes, following > 0 ? (uint64_t)following : 0, reader->context));
}

static int read_line(struct reading *reading, const char *line, size_t length, struct hd_error *err)
{
    struct hd_digest digest;
    if (is_wanted(reading, line, length) && parse_line(reading, line, length, err) != 0)
        return -1;
    hd_digester_add(reading->digester, line, length);
    if (hd_digester_finish(reading->digester, &digest, err) != 0)
        return -1;
    hd_digest_to_hex(&digest, reading->state.head);
    reading->state.lines++;
    reading->length += (off_t)length + 1;
    return 0;
}

/* Hands the whole lines of the buffer on and keeps the rest. */
static int read_whole_lines(struct reading *reading, struct hd_buffer *pending,
                            struct hd_error *err)
{
    size_t start = 0;
    const uint8_t *end;
    while ((end = memchr(pending->data + start, '\n', pending->length - start)) != NULL) {
        size_t length = (size_t)(end - pending->data) - start;
        if (read_line(reading, (const char *)pending->data + start, length, err) != 0)
            return -1;
        start += length + 1;
    }
    hd_buffer_drop(pending, start);
    if (pending->length > HD_JOURNAL_MAX_LINE)
        return refuse_line(reading, err, "is too long");
    return 0;
}

static int read_all(int file, struct reading *reading, struct hd_error *err)
{
    enum { CHUNK = 1 << 16 };
    struct hd_buffer pending = HD_BUFFER_INIT;
    int result = 0;
    for (;;) {
        result = hd_buffer_reserve(&pending, CHUNK, err);
        if (result != 0)
            break;
        ssize_t got = read(file, pending.data + pending.length, CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            result = hd_error_set_errno(err, errno, "the journal cannot be read");
        if (got <= 0)
            break;
        pending.length += (size_t)got;
        result = read_whole_lines(reading, &pending, err);
        if (result != 0)
            break;
    }
    reading->state.torn = pending.length > 0;
    hd_buffer_close(&pending);
    return result;
}

static int open_file(int directory, int flags, struct hd_error *err)
{
    int file = openat(directory, HD_JOURNAL_FILE, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file >= 0)
        return file;
    if (errno == ENOENT)
        return hd_error_set(err, HD_E_NOT_FOUND, "there is no journal");
    return hd_error_set_errno(err, errno, "the journal cannot be opened");
}

static int read_file(int file, struct reading *reading, const struct hd_journal_reader *reader,
                     bool parses, struct hd_error *err)
{
    struct stat status;
    *reading = (struct reading){ .parses = parses, .digester = hd_digester_new() };
    memcpy(reading->state.head, zeros, sizeof zeros);
    if (reader != NULL)
        reading->reader = *reader;
    if (reading->digester == NULL)
        return hd_error_set_memory(err);
    int result = fstat(file, &status) == 0
                     ? 0
                     : hd_error_set_errno(err, errno, "the journal cannot be examined");
    reading->whole = result == 0 ? status.st_size : 0;
    if (result == 0)
        result = read_all(file, reading, err);
    hd_digester_free(reading->digester);
    reading->digester = NULL;
    return result;
}

int hd_journal_read(int directory,
                    int (*visit)(const json_t *entry, void *context, struct hd_error *err),
                    void *context, struct hd_journal_state *out, struct hd_error *err)
{
    struct reading reading;
    const struct hd_journal_reader reader = { .visit = visit, .context = context };
    int file = open_file(directory, O_RDONLY, err);
    if (file < 0)
        return -1;
    int result = read_file(file, &reading, &reader, true, err);
    close(file);
    if (result == 0)
        *out = reading.state;
    return result;
}

/* A torn end was never acknowledged to anybody. */
static int cut_torn_end(int file, const struct reading *reading, struct hd_error *err)
{
    if (!reading->state.torn)
        return 0;
    if (ftruncate(file, reading->length) != 0 || fdatasync(file) != 0)
        return hd_error_set_errno(err, errno, "the torn end of the journal cannot be cut off");
    return 0;
}

/* A new name is on disk when its directory is. */
static int sync_name(int directory, struct hd_error *err)
{
    int opened = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = opened >= 0 && fsync(opened) == 0
                     ? 0
                     : hd_error_set_errno(err, errno, "the store's directory cannot be synced");
    if (opened >= 0)
        close(opened);
    return result;
}

int hd_journal_open(int directory, bool create, const struct hd_journal_reader *reader,
                    struct hd_journal **out, struct hd_error *err)
{
    struct reading reading;
    struct hd_journal *journal = hd_alloc_zeroed(1, sizeof *journal);
    if (journal == NULL)
        return hd_error_set_memory(err);
    journal->file = open_file(directory, O_RDWR | O_APPEND | (create ? O_CREAT : 0), err);
    if (journal->file < 0 || read_file(journal->file, &reading, reader, false, err) != 0 ||
        cut_torn_end(journal->file, &reading, err) != 0 ||
        (create && sync_name(directory, err) != 0)) {
        hd_journal_close(journal);
        return -1;
    }
    journal->length = reading.length;
    journal->state = reading.state;
    *out = journal;
    return 0;
}

void hd_journal_close(struct hd_journal *journal)
{
    if (journal == NULL)
        return;
    if (journal->file >= 0)
        close(journal->file);
    hd_free(journal);
}

const char *hd_journal_head(const struct hd_journal *journal)
{
    return journal->state.head;
}

/* {"n","prev","at"} first, then the entry's own keys: people read lines from the left. */
static json_t *make_line_take(const struct hd_journal *journal, json_t *entry)
{
    char now[HD_TEXT_TIME_SIZE];
    hd_text_utc(hd_text_now(), now);
    json_t *line = json_pack("{s:I,s:s,s:s}", "n", (json_int_t)journal->state.lines + 1, "prev",
                             journal->state.head, "at", now);
    if (line != NULL && json_object_update(line, entry) != 0) {
        json_decref(line);
        line = NULL;
    }
    json_decref(entry);
    return line;
}

static int write_to_disk(int file, struct hd_bytes line, struct hd_error *err)
{
    if (hd_write_all(file, line) != 0)
        return hd_error_set_errno(err, errno, "the journal cannot be written");
    if (fdatasync(file) != 0)
        return hd_error_set_errno(err, errno, "the journal cannot be brought to disk");
    return 0;
}

/* What fsync could not bring to disk may be lost or not: only a file cut back to what was there
 * before is known. */
static bool cut_back(const struct hd_journal *journal)
{
    return ftruncate(journal->file, journal->length) == 0 && fdatasync(journal->file) == 0;
}

/* What is written into a file that has no name any more is gone with this JVM, and with it what
 * would tell a replay. */
static int check_name(const struct hd_journal *journal, struct hd_error *err)
{
    struct stat status;
    if (fstat(journal->file, &status) != 0)
        return hd_error_set_errno(err, errno, "the journal cannot be examined");
    if (status.st_nlink == 0)
        return hd_error_set(err, HD_E_SYSTEM,
                            "the journal was deleted or replaced while this JVM uses it; restart "
                            "the JVM");
    return 0;
}

static int append_text(struct hd_journal *journal, char *text, size_t length, struct hd_error *err)
{
    struct hd_digest digest;
    if (check_name(journal, err) != 0 || hd_digest_of(text, length, &digest, err) != 0)
        return -1;
    text[length] = '\n'; /* in place of its NUL byte */
    struct hd_bytes line = { (const uint8_t *)text, length + 1 };
    if (write_to_disk(journal->file, line, err) != 0) {
        journal->broken = !cut_back(journal);
        return -1;
    }
    journal->length += (off_t)length + 1;
    journal->state.lines++;
    hd_digest_to_hex(&digest, journal->state.head);
    return 0;
}

/* A line that no reading would take makes all that was written before it unreadable, too. */
static int refuse_long_line(size_t length, struct hd_error *err)
{
    return hd_error_set(err, HD_E_LIMIT, "a line of %zu bytes is too long for the journal", length);
}

int hd_journal_append_take(struct hd_journal *journal, json_t *entry, struct hd_error *err)
{
    if (journal->broken && !cut_back(journal)) {
        json_decref(entry);
        return hd_error_set(err, HD_E_SYSTEM,
                            "the journal failed before and cannot be repaired; check the disk");
    }
    journal->broken = false;
    json_t *line = entry != NULL ? make_line_take(journal, entry) : NULL;
    if (line == NULL)
        return hd_error_set_memory(err);
    char *text = NULL;
    size_t length = 0;
    int result = hd_message_write(line, &text, &length, err);
    json_decref(line);
    if (result == 0)
        result = length > HD_JOURNAL_MAX_LINE ? refuse_long_line(length, err)
                                              : append_text(journal, text, length, err);
    hd_free(text);
    return result;
}
