/* SPDX-License-Identifier: Apache-2.0 */
#include "client/frame.h"

#include "agent/wsguard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { LONGEST = UINT16_MAX + 20 };

static const uint8_t mask[HD_FRAME_MASK_BYTES] = { 0x5A, 0x00, 0xFF, 0x81 };

/* RFC 6455 §5.2, read the other way round. */
static size_t head_of(const uint8_t *frame, uint64_t *length)
{
    unsigned form = frame[1] & 0x7F;
    size_t bytes = form == 127 ? 8 : form == 126 ? 2 : 0;
    *length = bytes == 0 ? form : 0;
    for (size_t i = 0; i < bytes; i++)
        *length = *length << 8 | frame[2 + i];
    assert_memory_equal(frame + 2 + bytes, mask, sizeof mask);
    return 2 + bytes + sizeof mask;
}

static void assert_passes_the_guard(const uint8_t *frame, size_t length)
{
    static uint8_t out[HD_FRAME_HEAD_MAX + LONGEST + HD_WSGUARD_EXTRA];
    struct hd_wsguard guard = HD_WSGUARD_INIT;
    guard.state = HD_WSGUARD_FRAME;
    assert_int_equal(hd_wsguard_pass(&guard, frame, length, out), length);
    assert_int_equal(guard.verdict, HD_WSGUARD_GOOD);
    assert_int_equal(guard.state, HD_WSGUARD_FRAME);
}

static void a_frame_says_its_length_in_the_shortest_form_and_holds_the_payload_masked(void **state)
{
    (void)state;
    static const size_t lengths[] = { 0,      1, 7, 8, 9, 125, 126, 127, UINT16_MAX, UINT16_MAX + 1,
                                      LONGEST };
    static uint8_t payload[LONGEST], frame[HD_FRAME_HEAD_MAX + LONGEST];
    for (size_t i = 0; i < LONGEST; i++)
        payload[i] = (uint8_t)(i * 31 + i / 256);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint64_t announced;
        size_t whole = hd_frame_binary(payload, lengths[i], mask, frame);
        size_t head = head_of(frame, &announced);
        assert_int_equal(frame[0], 0x82); /* final, binary */
        assert_true((frame[1] & 0x80) != 0);
        assert_int_equal(announced, lengths[i]);
        assert_int_equal(whole, head + lengths[i]);
        assert_passes_the_guard(frame, whole);
        for (size_t at = 0; at < lengths[i]; at++)
            assert_int_equal(frame[head + at] ^ mask[at % sizeof mask], payload[at]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_says_its_length_in_the_shortest_form_and_holds_the_payload_masked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
