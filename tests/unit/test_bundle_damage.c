/* SPDX-License-Identifier: Apache-2.0 */
/* Jars whose headers are right enough to be opened, and whose entries are not what they claim. */
#include "core/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bundle_reader.h"

static void damage_is_found_by_the_crc(void **state)
{
    (void)state;
    struct jar jar = one_class(ZIP_CM_STORE);
    replace_in_jar(jar, "quite", "quitE", 5);
    assert_refused(jar, "com/A.class is damaged");

    jar = one_class(ZIP_CM_DEFLATE);
    central_header(jar, 0)[CENTRAL_CRC] ^= 1;
    assert_refused(jar, "com/A.class is damaged");
}

static void sizes_that_lie_are_found_out(void **state)
{
    (void)state;
    for (int difference = -3; difference <= 3; difference++) {
        for (int which = 0; which < 2; which++) {
            struct jar jar = one_class(which == 0 ? ZIP_CM_STORE : ZIP_CM_DEFLATE);
            uint8_t *size = central_header(jar, 0) + CENTRAL_SIZE;
            put_u32(size, (uint32_t)((int)get_u32(size) + difference));
            if (difference != 0)
                assert_refused(jar, "com/A.class is damaged");
            else
                hd_bundle_free(opened(jar, 17));
        }
    }
}

/* Where the bytes of a jar's only entry begin and end. */
static void find_contents(struct jar jar, size_t *begin, size_t *end)
{
    const uint8_t *central = central_header(jar, 0);
    *begin = 30 + get_u16(jar.data + LOCAL_NAME_LENGTH) + get_u16(jar.data + LOCAL_EXTRA_LENGTH);
    *end = *begin + get_u32(central + CENTRAL_COMPRESSED_SIZE);
}

/* Some bits behind the last code mean nothing. */
static void a_flipped_bit_in_what_is_compressed_never_changes_a_class(void **state)
{
    (void)state;
    struct jar whole = one_class(ZIP_CM_DEFLATE);
    size_t begin;
    size_t end;
    find_contents(whole, &begin, &end);
    unsigned refused = 0;
    for (size_t bit = 8 * begin; bit < 8 * end; bit++) {
        struct jar jar = copy_jar(whole);
        jar.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct hd_bundle *bundle = NULL;
        struct hd_error err = HD_ERROR_INIT;
        if (hd_bundle_open_take(jar.data, jar.length, "app.jar", &generous, 17, &bundle, &err) == 0)
            assert_class(bundle, 0, "com/A", "com/A.class", ONE_CLASS);
        else if (strstr(err.text, "com/A.class is damaged: ") != NULL)
            refused++;
        else
            fail_msg("%s", err.text);
        hd_bundle_free(bundle);
    }
    assert_true(refused > 7 * (end - begin));
    hd_free(whole.data);
}

static void compressed_sizes_that_lie_are_found_out(void **state)
{
    (void)state;
    static const uint32_t lies[] = { 0, 1, 100000, 0x7FFFFFFF, UINT32_MAX - 1 };
    for (int which = 0; which < 2; which++) {
        zip_int32_t method = which == 0 ? ZIP_CM_STORE : ZIP_CM_DEFLATE;
        for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
            struct jar jar = one_class(method);
            put_u32(central_header(jar, 0) + CENTRAL_COMPRESSED_SIZE, lies[i]);
            bool no_room_for_it = method == ZIP_CM_DEFLATE && lies[i] > jar.length;
            assert_refused(jar, no_room_for_it
                                    ? "com/A.class is damaged: it claims to be longer than the jar"
                                    : "com/A.class is damaged: ");
        }
        for (int difference = -1; difference <= 1 - which; difference += 2) {
            struct jar jar = one_class(method);
            uint8_t *size = central_header(jar, 0) + CENTRAL_COMPRESSED_SIZE;
            put_u32(size, (uint32_t)((int)get_u32(size) + difference));
            assert_refused(jar, "com/A.class is damaged: ");
        }
    }
}

/* Ends in nothing that unpacks, or outside the jar. */
static void lengths_in_the_entrys_own_header_that_lie_are_found_out(void **state)
{
    (void)state;
    static const uint8_t at[] = { LOCAL_NAME_LENGTH, LOCAL_EXTRA_LENGTH };
    for (size_t i = 0; i < 2 * sizeof at; i++) {
        for (unsigned byte = 0; byte < 2; byte++) {
            struct jar jar = one_class(i < sizeof at ? ZIP_CM_STORE : ZIP_CM_DEFLATE);
            jar.data[at[i % sizeof at] + byte] ^= 0x55;
            assert_refused(jar, "com/A.class is damaged: ");
        }
    }
}

static void an_offset_outside_the_jar_is_refused(void **state)
{
    (void)state;
    static const uint32_t offsets[] = { 1, 0x7FFFFFFF, 0xFFFFFFFE };
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        struct jar jar = one_class(ZIP_CM_STORE);
        put_u32(central_header(jar, 0) + CENTRAL_OFFSET, offsets[i]);
        assert_refused(jar, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_is_found_by_the_crc),
        cmocka_unit_test(sizes_that_lie_are_found_out),
        cmocka_unit_test(a_flipped_bit_in_what_is_compressed_never_changes_a_class),
        cmocka_unit_test(compressed_sizes_that_lie_are_found_out),
        cmocka_unit_test(lengths_in_the_entrys_own_header_that_lie_are_found_out),
        cmocka_unit_test(an_offset_outside_the_jar_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
