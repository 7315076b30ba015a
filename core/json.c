/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json.h"

#include "core/alloc.h"
#include "core/text.h"

#include <string.h>

#define ESCAPED_BYTE_SIZE 4 /* "\xNN" */

static json_t *escaped_text(const char *text, size_t length)
{
    size_t capacity = length * ESCAPED_BYTE_SIZE + 1;
    char *escaped = hd_alloc(capacity);
    if (escaped == NULL)
        return NULL;
    hd_text_escape(text, escaped, capacity);
    json_t *json = json_string(escaped);
    hd_free(escaped);
    return json;
}

json_t *hd_json_text(const char *text)
{
    if (text == NULL)
        return json_null();
    size_t length = strlen(text);
    if (hd_text_is_utf8(text, length))
        return json_stringn_nocheck(text, length);
    return escaped_text(text, length);
}

json_t *hd_json_number(uint64_t number)
{
    return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

json_t *hd_json_number_or_null(uint64_t number)
{
    return number == 0 ? json_null() : hd_json_number(number);
}

bool hd_json_put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new_nocheck(object, key, value) == 0;
}

json_t *hd_json_finish(json_t *json, bool complete)
{
    if (complete)
        return json;
    json_decref(json);
    return NULL;
}

void hd_json_use_hd_alloc(void)
{
    json_set_alloc_funcs(hd_alloc, hd_free);
}
