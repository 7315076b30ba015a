/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal.h"

#include "core/alloc.h"
#include "tests/unit/sandbox.h"

struct place {
    struct sandbox sandbox;
    int directory;
};

static void open_place(struct place *place)
{
    sandbox_make(&place->sandbox);
    place->directory = open(place->sandbox.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(place->directory >= 0);
}

static void close_place(struct place *place)
{
    close(place->directory);
    sandbox_delete(place->sandbox.path);
}

static void append(struct hd_journal *journal, const char *event)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_journal_append_take(journal, json_pack("{s:s}", "event", event), &err), 0);
}

static void write_three_lines(const struct place *place)
{
    struct hd_journal *journal = NULL;
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_journal_open(place->directory, true, NULL, &journal, &err), 0);
    append(journal, "one");
    append(journal, "two");
    append(journal, "three");
    hd_journal_close(journal);
}

static int read_journal(const struct place *place, struct hd_journal_state *state,
                        struct hd_error *err)
{
    return hd_journal_read(place->directory, NULL, NULL, state, err);
}

static char *get_text(const struct place *place, size_t *length)
{
    static char text[8192];
    FILE *file = fopen(at(&place->sandbox, HD_JOURNAL_FILE), "re");
    assert_non_null(file);
    *length = fread(text, 1, sizeof text - 1, file);
    text[*length] = '\0';
    fclose(file);
    return text;
}

static void put_text(const struct place *place, const char *text, size_t length)
{
    FILE *file = fopen(at(&place->sandbox, HD_JOURNAL_FILE), "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    fclose(file);
}

static void what_was_appended_is_read_and_the_head_goes_on(void **state)
{
    (void)state;
    struct place place;
    struct hd_journal *journal = NULL;
    struct hd_journal_state found;
    struct hd_error err = HD_ERROR_INIT;
    char head[HD_DIGEST_HEX_SIZE];
    open_place(&place);
    write_three_lines(&place);
    assert_int_equal(read_journal(&place, &found, &err), 0);
    assert_int_equal(found.lines, 3);
    assert_false(found.torn);

    assert_int_equal(hd_journal_open(place.directory, false, NULL, &journal, &err), 0);
    assert_string_equal(hd_journal_head(journal), found.head);
    append(journal, "four");
    memcpy(head, hd_journal_head(journal), sizeof head);
    hd_journal_close(journal);
    assert_int_equal(read_journal(&place, &found, &err), 0);
    assert_int_equal(found.lines, 4);
    assert_string_equal(found.head, head);
    close_place(&place);
}

/* Every byte of the journal but the last line's (nothing follows that would tell) is guarded. */
static void any_changed_byte_before_the_last_line_is_found(void **state)
{
    (void)state;
    struct place place;
    struct hd_journal_state found;
    size_t length;
    open_place(&place);
    write_three_lines(&place);
    char *text = get_text(&place, &length);
    size_t last_line = length - 1;
    while (text[last_line - 1] != '\n')
        last_line--;
    for (size_t i = 0; i < last_line; i++) {
        struct hd_error err = HD_ERROR_INIT;
        text[i] ^= 1;
        put_text(&place, text, length);
        text[i] ^= 1;
        if (read_journal(&place, &found, &err) == 0)
            fail_msg("byte %zu may be changed without notice", i);
        assert_int_equal(err.code, HD_E_FORMAT);
    }
    close_place(&place);
}

static void the_line_that_was_changed_is_named(void **state)
{
    (void)state;
    struct place place;
    struct hd_journal_state found;
    struct hd_error err = HD_ERROR_INIT;
    size_t length;
    open_place(&place);
    write_three_lines(&place);
    char *text = get_text(&place, &length);
    memcpy(strstr(text, "\"two\""), "\"TWO\"", 5);
    put_text(&place, text, length);
    assert_int_equal(read_journal(&place, &found, &err), -1);
    assert_non_null(strstr(err.text, "line 3"));
    close_place(&place);
}

static void a_line_taken_out_is_found(void **state)
{
    (void)state;
    struct place place;
    struct hd_journal_state found;
    struct hd_error err = HD_ERROR_INIT;
    size_t length;
    open_place(&place);
    write_three_lines(&place);
    char *text = get_text(&place, &length);
    char *second = strchr(text, '\n') + 1;
    char *third = strchr(second, '\n') + 1;
    memmove(second, third, strlen(third) + 1);
    put_text(&place, text, strlen(text));
    assert_int_equal(read_journal(&place, &found, &err), -1);
    assert_non_null(strstr(err.text, "line 2"));
    close_place(&place);
}

/* A crash may cut the last write off anywhere. */
static void a_torn_end_is_cut_off_wherever_it_was_torn(void **state)
{
    (void)state;
    struct place place;
    struct hd_journal_state found;
    size_t length;
    open_place(&place);
    write_three_lines(&place);
    char *text = get_text(&place, &length);
    size_t last_line = length - 1;
    while (text[last_line - 1] != '\n')
        last_line--;
    for (size_t cut = last_line; cut < length; cut++) {
        struct hd_journal *journal = NULL;
        struct hd_error err = HD_ERROR_INIT;
        put_text(&place, text, cut);
        assert_int_equal(read_journal(&place, &found, &err), 0);
        assert_int_equal(found.torn, cut > last_line);
        assert_int_equal(hd_journal_open(place.directory, false, NULL, &journal, &err), 0);
        append(journal, "again");
        hd_journal_close(journal);
        assert_int_equal(read_journal(&place, &found, &err), 0);
        assert_int_equal(found.lines, 3);
        assert_false(found.torn);
    }
    close_place(&place);
}

static void a_full_disk_leaves_the_journal_as_it_was(void **state)
{
    (void)state;
    struct place place;
    struct hd_journal *journal = NULL;
    struct hd_journal_state found;
    struct hd_error err = HD_ERROR_INIT;
    if (geteuid() != 0)
        skip();
    open_place(&place);
    close(place.directory);
    char command[128];
    snprintf(command, sizeof command, "mount -t tmpfs -o size=16k none %s", place.sandbox.path);
    if (system(command) != 0)
        skip();
    place.directory = open(place.sandbox.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(hd_journal_open(place.directory, true, NULL, &journal, &err), 0);
    unsigned lines = 0;
    while (hd_journal_append_take(journal, json_pack("{s:s}", "event", "more"), &err) == 0)
        lines++;
    assert_int_equal(err.code, HD_E_SYSTEM);
    assert_int_equal(read_journal(&place, &found, &err), 0);
    assert_int_equal(found.lines, lines);
    assert_false(found.torn);
    hd_journal_close(journal);
    close(place.directory);
    snprintf(command, sizeof command, "umount %s", place.sandbox.path);
    assert_int_equal(system(command), 0);
    sandbox_delete(place.sandbox.path);
}

static void where_there_is_none_it_is_said(void **state)
{
    (void)state;
    struct place place;
    struct hd_journal_state found;
    struct hd_error err = HD_ERROR_INIT;
    open_place(&place);
    assert_int_equal(read_journal(&place, &found, &err), -1);
    assert_int_equal(err.code, HD_E_NOT_FOUND);
    close_place(&place);
}

static void a_line_that_could_not_be_read_again_is_not_written(void **state)
{
    (void)state;
    struct place place;
    struct hd_journal *journal = NULL;
    struct hd_journal_state found;
    struct hd_error err = HD_ERROR_INIT;
    size_t length = HD_JOURNAL_MAX_LINE + 1;
    char *text = hd_alloc(length);
    assert_non_null(text);
    memset(text, 't', length);
    open_place(&place);
    write_three_lines(&place);
    assert_int_equal(hd_journal_open(place.directory, false, NULL, &journal, &err), 0);
    json_t *entry = json_pack("{s:s, s:s#}", "event", "long", "text", text, (int)length);
    assert_int_equal(hd_journal_append_take(journal, entry, &err), -1);
    assert_int_equal(err.code, HD_E_LIMIT);
    append(journal, "four");
    hd_journal_close(journal);
    err = (struct hd_error)HD_ERROR_INIT;
    assert_int_equal(read_journal(&place, &found, &err), 0);
    assert_int_equal(found.lines, 4);
    hd_free(text);
    close_place(&place);
}

static void expect_no_line(struct hd_journal *journal)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_journal_append_take(journal, json_pack("{s:s}", "event", "lost"), &err),
                     -1);
    assert_non_null(strstr(err.text, "deleted or replaced"));
}

static void a_journal_that_was_deleted_or_replaced_takes_no_line(void **state)
{
    (void)state;
    struct place place;
    struct hd_journal *journal = NULL;
    struct hd_error err = HD_ERROR_INIT;
    size_t length;
    open_place(&place);
    write_three_lines(&place);
    assert_int_equal(hd_journal_open(place.directory, false, NULL, &journal, &err), 0);
    append(journal, "four");
    const char *text = get_text(&place, &length);
    assert_int_equal(unlinkat(place.directory, HD_JOURNAL_FILE, 0), 0);
    expect_no_line(journal);
    put_text(&place, text, length);
    expect_no_line(journal);
    hd_journal_close(journal);
    close_place(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_appended_is_read_and_the_head_goes_on),
        cmocka_unit_test(any_changed_byte_before_the_last_line_is_found),
        cmocka_unit_test(the_line_that_was_changed_is_named),
        cmocka_unit_test(a_line_taken_out_is_found),
        cmocka_unit_test(a_torn_end_is_cut_off_wherever_it_was_torn),
        cmocka_unit_test(a_full_disk_leaves_the_journal_as_it_was),
        cmocka_unit_test(a_line_that_could_not_be_read_again_is_not_written),
        cmocka_unit_test(where_there_is_none_it_is_said),
        cmocka_unit_test(a_journal_that_was_deleted_or_replaced_takes_no_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
