/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sequences.h"

#include "core/alloc.h"
#include "core/text.h"

#include <string.h>

/* The bundles of one name. */
struct line {
    char *name;
    uint64_t highest;
    bool ended; /* the highest one ended as it should */
};

struct hd_sequences {
    struct line *lines;
    size_t count;
    /* the deployment that has begun and not ended; 0: none */
    uint64_t open_deployment;
    size_t open_line;
    uint64_t open_sequence;
    bool initialised;
};

struct hd_sequences *hd_sequences_new(void)
{
    return hd_alloc_zeroed(1, sizeof(struct hd_sequences));
}

void hd_sequences_free(struct hd_sequences *sequences)
{
    if (sequences == NULL)
        return;
    for (size_t i = 0; i < sequences->count; i++)
        hd_free(sequences->lines[i].name);
    hd_free(sequences->lines);
    hd_free(sequences);
}

static size_t find_line(const struct hd_sequences *sequences, const char *name)
{
    size_t i = 0;
    while (i < sequences->count && strcmp(sequences->lines[i].name, name) != 0)
        i++;
    return i;
}

static int make_line(struct hd_sequences *sequences, const char *name, size_t *out,
                     struct hd_error *err)
{
    *out = find_line(sequences, name);
    if (*out < sequences->count)
        return 0;
    struct line *grown =
        hd_realloc_array(sequences->lines, sequences->count + 1, sizeof *sequences->lines);
    if (grown == NULL)
        return hd_error_set_memory(err);
    sequences->lines = grown;
    char *copy = hd_strdup(name);
    if (copy == NULL)
        return hd_error_set_memory(err);
    grown[sequences->count++] = (struct line){ copy, 0, false };
    return 0;
}

static void count(struct hd_sequences *sequences, size_t at, uint64_t sequence, bool ended)
{
    struct line *line = &sequences->lines[at];
    if (sequence < line->highest)
        return;
    line->ended = ended || (sequence == line->highest && line->ended);
    line->highest = sequence;
}

/* It may have been live when the JVM ended. */
static void close_open(struct hd_sequences *sequences)
{
    if (sequences->open_deployment != 0)
        count(sequences, sequences->open_line, sequences->open_sequence, false);
    sequences->open_deployment = 0;
}

static uint64_t sequence_of(const json_t *sealed)
{
    return (uint64_t)json_integer_value(json_object_get(sealed, "sequence"));
}

static const char *name_of(const json_t *sealed)
{
    const char *name = json_string_value(json_object_get(sealed, "name"));
    return name != NULL ? name : "";
}

int hd_sequences_begin(struct hd_sequences *sequences, uint64_t deployment, const json_t *sealed,
                       struct hd_error *err)
{
    size_t line;
    close_open(sequences);
    if (sealed == NULL)
        return 0;
    if (make_line(sequences, name_of(sealed), &line, err) != 0)
        return -1;
    sequences->open_line = line;
    sequences->open_sequence = sequence_of(sealed);
    sequences->open_deployment = deployment;
    return 0;
}

/* What was refused may come again. */
int hd_sequences_end(struct hd_sequences *sequences, uint64_t deployment, const json_t *sealed,
                     bool applied, struct hd_error *err)
{
    size_t line;
    if (sealed != NULL && applied) {
        if (make_line(sequences, name_of(sealed), &line, err) != 0)
            return -1;
        count(sequences, line, sequence_of(sealed), true);
    }
    if (deployment == sequences->open_deployment)
        sequences->open_deployment = 0;
    return 0;
}

int hd_sequences_hear(struct hd_sequences *sequences, const json_t *entry, struct hd_error *err)
{
    const char *event = json_string_value(json_object_get(entry, "event"));
    const json_t *sealed = json_object_get(entry, "sealed");
    uint64_t number = (uint64_t)json_integer_value(json_object_get(entry, "deployment"));
    if (event == NULL)
        return 0;
    if (strcmp(event, HD_SEQUENCES_INIT_EVENT) == 0)
        sequences->initialised = true;
    if (strcmp(event, "begin") == 0)
        return hd_sequences_begin(sequences, number, sealed, err);
    if (strcmp(event, "end") == 0)
        return hd_sequences_end(sequences, number, sealed,
                                json_is_true(json_object_get(entry, "applied")), err);
    if (strcmp(event, "interrupted") == 0)
        close_open(sequences);
    return 0;
}

bool hd_sequences_are_initialised(const struct hd_sequences *sequences)
{
    return sequences->initialised;
}

/* An open one counts: it may have been live. */
static struct line state_of(const struct hd_sequences *sequences, size_t at)
{
    struct line line = sequences->lines[at];
    bool open = sequences->open_deployment != 0 && sequences->open_line == at;
    if (open && sequences->open_sequence > line.highest) {
        line.highest = sequences->open_sequence;
        line.ended = false;
    }
    return line;
}

int hd_sequences_check(const struct hd_sequences *sequences, const char *name, uint64_t sequence,
                       struct hd_error *err)
{
    size_t at = find_line(sequences, name != NULL ? name : "");
    if (at == sequences->count)
        return 0;
    struct line line = state_of(sequences, at);
    if (sequence > line.highest || (sequence == line.highest && !line.ended))
        return 0;
    if (line.name[0] == '\0')
        return hd_error_set(
            err, HD_E_DENIED,
            "its sequence number is %llu, and a bundle with %llu has been live here",
            (unsigned long long)sequence, (unsigned long long)line.highest);
    char shown[120];
    hd_text_escape(line.name, shown, sizeof shown);
    return hd_error_set(err, HD_E_DENIED,
                        "its sequence number is %llu, and %llu of %s has been live here",
                        (unsigned long long)sequence, (unsigned long long)line.highest, shown);
}
