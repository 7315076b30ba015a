/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that are not sockets of ours, watched by the loop. */
#include "agent/loop_lws.h"
#include "core/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct hd_loop_watch {
    struct lws *wsi;
    hd_loop_callback readable;
    void *context;
};

int hd_loop_watch(struct hd_loop *loop, int descriptor, hd_loop_callback readable, void *context,
                  struct hd_loop_watch **out, struct hd_error *err)
{
    struct hd_loop_watch *watch = hd_alloc(sizeof *watch);
    if (watch == NULL)
        return hd_error_set_memory(err);
    *watch = (struct hd_loop_watch){ .readable = readable, .context = context };
    /* libwebsockets closes what it adopts, and the descriptor stays the caller's. */
    int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
        hd_free(watch);
        return hd_error_set_errno(err, errno, "a descriptor cannot be watched");
    }
    lws_adopt_desc_t info = { .vh = hd_loop_vhost(loop),
                              .type = LWS_ADOPT_RAW_FILE_DESC,
                              .fd = { .filefd = copy },
                              .vh_prot_name = HD_LWS_WATCH };
    watch->wsi = lws_adopt_descriptor_vhost_via_info(&info);
    if (watch->wsi == NULL) {
        close(copy);
        hd_free(watch);
        return hd_error_set(err, HD_E_SYSTEM, "libwebsockets does not watch a descriptor");
    }
    lws_set_opaque_user_data(watch->wsi, watch);
    *out = watch;
    return 0;
}

/* May be called from within its own callback, so the rest happens on the loop's next turn. */
void hd_loop_unwatch(struct hd_loop_watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->wsi != NULL) {
        lws_set_opaque_user_data(watch->wsi, NULL);
        lws_set_timeout(watch->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    }
    hd_free(watch);
}

int hd_loop_watch_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                           size_t length)
{
    (void)user;
    (void)in;
    (void)length;
    struct hd_loop_watch *watch;
    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1; /* a client asked for this as if it were its subprotocol */
    case LWS_CALLBACK_RAW_RX_FILE:
        watch = lws_get_opaque_user_data(wsi);
        if (watch == NULL)
            return -1;
        watch->readable(watch->context);
        return 0;
    case LWS_CALLBACK_RAW_CLOSE_FILE:
        watch = lws_get_opaque_user_data(wsi);
        if (watch != NULL)
            watch->wsi = NULL;
        return 0;
    default:
        return 0;
    }
}
