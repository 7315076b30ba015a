/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One binary message of a websocket client (RFC 6455 §5.2, §5.3), for what is large: libwebsockets
 * masks byte after byte, which takes longer than all else that sending a bundle costs. Any thread.
 */
#ifndef HD_CLIENT_FRAME_H
#define HD_CLIENT_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define HD_FRAME_HEAD_MAX   14
#define HD_FRAME_MASK_BYTES 4

/* Writes the whole frame to out, which has room for HD_FRAME_HEAD_MAX + length bytes; returns how
 * many it has. mask: fresh random bytes for each frame. */
size_t hd_frame_binary(const void *payload, size_t length, const uint8_t mask[HD_FRAME_MASK_BYTES],
                       uint8_t *out);

#endif
