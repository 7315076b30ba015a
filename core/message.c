/* SPDX-License-Identifier: Apache-2.0 */
#include "core/message.h"

#include "core/alloc.h"
#include "core/json.h"
#include "core/text.h"

#include <errno.h>
#include <string.h>

#define MAX_LOADER_BYTES  1000
#define MAX_MESSAGE_BYTES 4000
#define MAX_STATE_BYTES   64
#define MAX_TRIAL_MS      INT64_C(604800000) /* a week */
/* JavaScript and many a JSON library keep integers exact only this far (RFC 8259 §6). */
#define MAX_EXACT_INTEGER INT64_C(9007199254740991)
/* A request is flat; this leaves room for keys of later versions, and keeps jansson's recursion
 * shallow. */
#define MAX_NESTING         16
#define MAX_EMERGENCY_BYTES 1000
#define SHOWN_TEXT_SIZE     80
/* Serialising takes its time, so what fits here is serialised once. */
#define FIRST_ROOM ((size_t)64 << 10)

struct request_kind {
    const char *word;
    enum hd_request_type type;
    const char *const *keys; /* NULL: unknown keys are skipped */
};

#define BUNDLE_KEYS "type", "id", "size", "name", "loader", "all_loaders", "best_effort", "message"

static const char *const push_keys[] = { BUNDLE_KEYS, "confirm_within", "expect",
                                         "keep",      "emergency",      NULL };
static const char *const keys_of_check[] = { BUNDLE_KEYS, NULL };
static const char *const rollback_keys[] = {
    "type", "id", "to", "message", "trial", "expect", NULL
};
static const char *const keep_keys[] = { "type", "id", "to", "message", NULL };
static const char *const confirm_keys[] = { "type", "id", "deployment", NULL };

static const struct request_kind request_kinds[] = {
    { "push", HD_REQUEST_PUSH, push_keys },
    { "check", HD_REQUEST_CHECK, keys_of_check },
    { "status", HD_REQUEST_STATUS, NULL },
    { "history", HD_REQUEST_HISTORY, NULL },
    { "show", HD_REQUEST_SHOW, NULL },
    { "rollback", HD_REQUEST_ROLLBACK, rollback_keys },
    { "confirm", HD_REQUEST_CONFIRM, confirm_keys },
    { "keep", HD_REQUEST_KEEP, keep_keys },
};
#define REQUEST_KIND_COUNT (sizeof request_kinds / sizeof request_kinds[0])

static bool is_shallow(const char *text, size_t length)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        char character = text[i];
        if (in_string && character == '\\')
            i++;
        else if (character == '"')
            in_string = !in_string;
        else if (!in_string && (character == '{' || character == '['))
            depth++;
        else if (!in_string && (character == '}' || character == ']') && depth > 0)
            depth--;
        if (depth > MAX_NESTING)
            return false;
    }
    return true;
}

static int parse_object(const char *text, size_t length, json_t **out, struct hd_error *err)
{
    if (length > HD_MESSAGE_MAX)
        return hd_error_set(err, HD_E_FORMAT, "the request has %zu bytes; at most %d are read",
                            length, HD_MESSAGE_MAX);
    if (!is_shallow(text, length))
        return hd_error_set(err, HD_E_FORMAT, "the request is nested deeper than %d levels",
                            MAX_NESTING);
    json_error_t cause;
    errno = 0;
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &cause);
    /* Out of memory jansson has no words, or blames the text; the heap has said it by errno. */
    if (json == NULL && (errno == ENOMEM || cause.text[0] == '\0'))
        return hd_error_set_memory(err);
    if (json == NULL) {
        char words[2 * SHOWN_TEXT_SIZE];
        hd_text_escape(cause.text, words, sizeof words);
        return hd_error_set(err, HD_E_FORMAT, "the request is not JSON: %s (byte %d)", words,
                            cause.position);
    }
    if (!json_is_object(json)) {
        json_decref(json);
        return hd_error_set(err, HD_E_FORMAT, "the request is not a JSON object");
    }
    *out = json;
    return 0;
}

/* An absent key leaves *out 0. */
static int take_optional_integer(const json_t *object, const char *key, json_int_t maximum,
                                 uint64_t *out, struct hd_error *err)
{
    const json_t *value = json_object_get(object, key);
    json_int_t number = json_integer_value(value);
    if (value == NULL)
        return 0;
    if (!json_is_integer(value) || number < 1 || number > maximum)
        return hd_error_set(err, HD_E_FORMAT, "key \"%s\" is not a whole number from 1 to %lld",
                            key, (long long)maximum);
    *out = (uint64_t)number;
    return 0;
}

static int take_integer(const json_t *object, const char *key, uint64_t *out, struct hd_error *err)
{
    if (json_object_get(object, key) == NULL)
        return hd_error_set(err, HD_E_FORMAT, "key \"%s\" is missing", key);
    return take_optional_integer(object, key, MAX_EXACT_INTEGER, out, err);
}

static int take_boolean(const json_t *object, const char *key, bool *out, struct hd_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (value != NULL && !json_is_boolean(value))
        return hd_error_set(err, HD_E_FORMAT, "key \"%s\" is neither true nor false", key);
    *out = json_is_true(value);
    return 0;
}

/* An absent key and null leave *out NULL. */
static int take_text(const json_t *object, const char *key, size_t max_bytes, char **out,
                     struct hd_error *err)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_string(value))
        return hd_error_set(err, HD_E_FORMAT, "key \"%s\" is not a string", key);
    size_t length = json_string_length(value);
    if (length == 0 || length > max_bytes)
        return hd_error_set(err, HD_E_FORMAT, "key \"%s\" has %zu bytes; it takes 1 to %zu", key,
                            length, max_bytes);
    *out = hd_strndup(json_string_value(value), length);
    return *out != NULL ? 0 : hd_error_set_memory(err);
}

static int take_kind(const json_t *object, const struct request_kind **out, struct hd_error *err)
{
    const char *word = json_string_value(json_object_get(object, "type"));
    if (word == NULL)
        return hd_error_set(err, HD_E_FORMAT, "key \"type\" is missing, or not a string");
    for (size_t i = 0; i < REQUEST_KIND_COUNT; i++) {
        if (strcmp(request_kinds[i].word, word) == 0) {
            *out = &request_kinds[i];
            return 0;
        }
    }
    char shown[SHOWN_TEXT_SIZE];
    hd_text_escape(word, shown, sizeof shown);
    return hd_error_set(err, HD_E_FORMAT,
                        "key \"type\": this agent knows push, check, rollback, confirm, keep, "
                        "status, history and show, not \"%s\"",
                        shown);
}

static bool is_known_key(const struct request_kind *kind, const char *key)
{
    for (const char *const *known = kind->keys; *known != NULL; known++) {
        if (strcmp(*known, key) == 0)
            return true;
    }
    return false;
}

static int check_keys(json_t *object, const struct request_kind *kind, struct hd_error *err)
{
    if (kind->keys == NULL)
        return 0;
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        if (is_known_key(kind, json_object_iter_key(at)))
            continue;
        char shown[SHOWN_TEXT_SIZE];
        hd_text_escape(json_object_iter_key(at), shown, sizeof shown);
        return hd_error_set(err, HD_E_FORMAT,
                            "key \"%s\" is not known to this agent, and is not skipped in a %s",
                            shown, kind->word);
    }
    return 0;
}

static int take_bundle_keys(const json_t *object, struct hd_request *request, struct hd_error *err)
{
    if (take_integer(object, "size", &request->size, err) != 0 ||
        take_text(object, "name", HD_MESSAGE_MAX_NAME, &request->name, err) != 0 ||
        take_text(object, "loader", MAX_LOADER_BYTES, &request->loader, err) != 0 ||
        take_boolean(object, "all_loaders", &request->all_loaders, err) != 0 ||
        take_boolean(object, "best_effort", &request->best_effort, err) != 0 ||
        take_text(object, "message", MAX_MESSAGE_BYTES, &request->message, err) != 0 ||
        take_optional_integer(object, "confirm_within", MAX_TRIAL_MS, &request->confirm_within,
                              err) != 0 ||
        take_text(object, "expect", MAX_STATE_BYTES, &request->expect, err) != 0 ||
        take_text(object, "emergency", MAX_EMERGENCY_BYTES, &request->emergency, err) != 0 ||
        take_boolean(object, "keep", &request->keep, err) != 0)
        return -1;
    if (request->keep && request->confirm_within != 0)
        return hd_error_set(err, HD_E_FORMAT,
                            "keys \"keep\" and \"confirm_within\" exclude each other");
    if (request->name == NULL)
        return hd_error_set(err, HD_E_FORMAT, "key \"name\" is missing");
    if (request->loader != NULL && request->all_loaders)
        return hd_error_set(err, HD_E_FORMAT,
                            "keys \"loader\" and \"all_loaders\" exclude each other");
    return 0;
}

/* 0 is a state, too: as started. */
static int take_rollback_keys(const json_t *object, struct hd_request *request,
                              struct hd_error *err)
{
    const json_t *to = json_object_get(object, "to");
    json_int_t number = json_integer_value(to);
    if (to != NULL && (!json_is_integer(to) || number < 0 || number > MAX_EXACT_INTEGER))
        return hd_error_set(err, HD_E_FORMAT, "key \"to\" is not a whole number from 0 to %lld",
                            (long long)MAX_EXACT_INTEGER);
    request->to_given = to != NULL;
    request->to = (uint64_t)number;
    if (take_optional_integer(object, "trial", MAX_EXACT_INTEGER, &request->trial, err) != 0)
        return -1;
    if (request->to_given && request->trial != 0)
        return hd_error_set(err, HD_E_FORMAT, "keys \"to\" and \"trial\" exclude each other");
    return take_text(object, "expect", MAX_STATE_BYTES, &request->expect, err) != 0
               ? -1
               : take_text(object, "message", MAX_MESSAGE_BYTES, &request->message, err);
}

static int take_own_keys(const json_t *object, struct hd_request *request, struct hd_error *err)
{
    switch (request->type) {
    case HD_REQUEST_PUSH:
    case HD_REQUEST_CHECK:
        return take_bundle_keys(object, request, err);
    case HD_REQUEST_SHOW:
        return take_integer(object, "deployment", &request->deployment, err);
    case HD_REQUEST_ROLLBACK:
    case HD_REQUEST_KEEP:
        return take_rollback_keys(object, request, err);
    case HD_REQUEST_CONFIRM:
        return take_optional_integer(object, "deployment", MAX_EXACT_INTEGER, &request->deployment,
                                     err);
    case HD_REQUEST_STATUS:
        return take_boolean(object, "blocking", &request->blocking, err);
    default:
        return 0;
    }
}

static int take_request(json_t *object, struct hd_request *request, struct hd_error *err)
{
    const struct request_kind *kind = NULL;
    if (take_kind(object, &kind, err) != 0 || kind == NULL ||
        take_integer(object, "id", &request->id, err) != 0 || check_keys(object, kind, err) != 0)
        return -1;
    request->type = kind->type;
    return take_own_keys(object, request, err);
}

int hd_request_parse(const char *text, size_t length, struct hd_request *out, struct hd_error *err)
{
    json_t *object = NULL;
    if (parse_object(text, length, &object, err) != 0)
        return -1;
    struct hd_request request = { 0 };
    int result = take_request(object, &request, err);
    json_decref(object);
    if (result != 0)
        hd_request_close(&request);
    else
        *out = request;
    return result;
}

void hd_request_close(struct hd_request *request)
{
    hd_free(request->name);
    hd_free(request->loader);
    hd_free(request->message);
    hd_free(request->expect);
    hd_free(request->emergency);
    *request = (struct hd_request){ 0 };
}

static const char *type_word(enum hd_request_type type)
{
    for (size_t i = 0; i < REQUEST_KIND_COUNT; i++) {
        if (request_kinds[i].type == type)
            return request_kinds[i].word;
    }
    return NULL;
}

static bool put_text_if_any(json_t *json, const char *key, const char *text)
{
    return text == NULL || hd_json_put(json, key, hd_json_text(text));
}

static bool put_if_true(json_t *json, const char *key, bool value)
{
    return !value || hd_json_put(json, key, json_true());
}

static bool put_bundle_keys(json_t *json, const struct hd_request *request)
{
    return hd_json_put(json, "size", hd_json_number(request->size)) &&
           put_text_if_any(json, "name", request->name) &&
           put_text_if_any(json, "loader", request->loader) &&
           put_if_true(json, "all_loaders", request->all_loaders) &&
           put_if_true(json, "best_effort", request->best_effort) &&
           put_text_if_any(json, "message", request->message);
}

static bool put_number_if_any(json_t *json, const char *key, uint64_t number)
{
    return number == 0 || hd_json_put(json, key, hd_json_number(number));
}

json_t *hd_request_to_json(const struct hd_request *request)
{
    json_t *json = json_object();
    bool complete = hd_json_put(json, "type", hd_json_text(type_word(request->type))) &&
                    hd_json_put(json, "id", hd_json_number(request->id));
    if (complete && (request->type == HD_REQUEST_PUSH || request->type == HD_REQUEST_CHECK))
        complete = put_bundle_keys(json, request);
    if (complete && (request->type == HD_REQUEST_ROLLBACK || request->type == HD_REQUEST_KEEP))
        complete = (!request->to_given || hd_json_put(json, "to", hd_json_number(request->to))) &&
                   put_text_if_any(json, "message", request->message);
    complete = complete && put_number_if_any(json, "deployment", request->deployment) &&
               put_number_if_any(json, "confirm_within", request->confirm_within) &&
               put_number_if_any(json, "trial", request->trial) &&
               put_text_if_any(json, "expect", request->expect) &&
               put_text_if_any(json, "emergency", request->emergency) &&
               put_if_true(json, "blocking", request->blocking) &&
               put_if_true(json, "keep", request->keep);
    return hd_json_finish(json, complete);
}

int hd_message_write(const json_t *json, char **text, size_t *length, struct hd_error *err)
{
    const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
    char *made = hd_alloc(FIRST_ROOM);
    if (made == NULL)
        return hd_error_set_memory(err);
    size_t needed = json_dumpb(json, made, FIRST_ROOM, flags);
    char *fitting = needed > 0 ? hd_realloc_array(made, needed + 1, 1) : NULL;
    if (fitting == NULL) {
        hd_free(made);
        return hd_error_set_memory(err);
    }
    if (needed > FIRST_ROOM && json_dumpb(json, fitting, needed, flags) != needed) {
        hd_free(fitting);
        return hd_error_set_memory(err);
    }
    fitting[needed] = '\0';
    *text = fitting;
    *length = needed;
    return 0;
}

json_t *hd_message_error(uint64_t id, const char *reason_word, const char *message,
                         const char *remedy)
{
    json_t *json = json_object();
    bool complete = hd_json_put(json, "type", hd_json_text("error")) &&
                    hd_json_put(json, "id", hd_json_number_or_null(id)) &&
                    hd_json_put(json, "reason", hd_json_text(reason_word)) &&
                    hd_json_put(json, "message", hd_json_text(message)) &&
                    hd_json_put(json, "remedy", hd_json_text(remedy));
    return hd_json_finish(json, complete);
}
