/* SPDX-License-Identifier: Apache-2.0 */
/* Text that claims to be a request. What is taken must keep core/message.h's bounds and mean the
 * same once written and read again. */
#include "core/alloc.h"
#include "core/message.h"
#include "core/text.h"

#include <stddef.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void promise(bool kept)
{
    if (!kept)
        __builtin_trap();
}

static bool is_fit(const char *text, size_t most)
{
    return text == NULL ||
           (strlen(text) >= 1 && strlen(text) <= most && hd_text_is_utf8(text, strlen(text)));
}

static bool same_text(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

static void check_bounds(const struct hd_request *request)
{
    bool carries_bundle = request->type == HD_REQUEST_PUSH || request->type == HD_REQUEST_CHECK;
    promise(request->id > 0 && carries_bundle == (request->size > 0) &&
            carries_bundle == (request->name != NULL));
    promise(request->type == HD_REQUEST_CONFIRM ||
            (request->type == HD_REQUEST_SHOW) == (request->deployment > 0));
    promise(!request->keep || request->confirm_within == 0);
    promise(!request->to_given || request->trial == 0);
    promise(is_fit(request->name, 255) && is_fit(request->loader, 1000) &&
            is_fit(request->message, 4000) && is_fit(request->expect, 64) &&
            is_fit(request->emergency, 1000));
}

static void check_journey(const struct hd_request *request)
{
    json_t *json = hd_request_to_json(request);
    char *text = NULL;
    size_t length = 0;
    promise(json != NULL && hd_message_write(json, &text, &length, NULL) == 0);
    json_decref(json);
    struct hd_request again;
    promise(hd_request_parse(text, length, &again, NULL) == 0);
    promise(again.type == request->type && again.id == request->id && again.size == request->size);
    promise(again.deployment == request->deployment && again.all_loaders == request->all_loaders);
    promise(again.best_effort == request->best_effort && same_text(again.name, request->name));
    promise(same_text(again.loader, request->loader) && same_text(again.message, request->message));
    promise(same_text(again.expect, request->expect) &&
            same_text(again.emergency, request->emergency));
    promise(again.confirm_within == request->confirm_within && again.trial == request->trial);
    promise(again.keep == request->keep && again.blocking == request->blocking);
    promise(again.to_given == request->to_given && again.to == request->to);
    hd_request_close(&again);
    hd_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hd_request request;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_request_parse((const char *)data, size, &request, &err) == 0) {
        check_bounds(&request);
        check_journey(&request);
        hd_request_close(&request);
    } else {
        promise(hd_error_is_set(&err) && hd_text_is_utf8(err.text, strlen(err.text)));
    }
    promise(hd_alloc_outstanding() == 0);
    return 0;
}
