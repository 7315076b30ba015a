/* SPDX-License-Identifier: Apache-2.0 */
#include "core/options.h"

#include "core/alloc.h"
#include "core/buffer.h"
#include "core/bundle.h"
#include "core/text.h"
#include "core/trusted_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SETTLE_MS    UINT64_C(60000)
#define MAX_APPROVALS    16
#define MAX_RATE         UINT64_C(100000)
#define MAX_CONFIG_BYTES ((size_t)1 << 20)
#define SHOWN_TEXT_SIZE  160
#define KNOWN_KEYS                                                                                 \
    "drop, watch, listen, settle, token, tls-cert, tls-key, tls-client-ca, authorized, store, "    \
    "way-back, app, allowed-signers, approvals, emergency, allow, deny, max-bundle, max-rate, "    \
    "log, log-level, config"

/* One "key=value", and where it stands. */
struct assignment {
    const char *key;
    const char *value;
    const char *file; /* NULL: on the command line */
    unsigned line;
};

static int append(struct hd_string_list *list, const char *value, struct hd_error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], value) == 0)
            return hd_error_set(err, HD_E_USAGE, "given twice");
    }
    char **grown = hd_realloc_array(list->items, list->count + 1, sizeof *grown);
    if (grown == NULL)
        return hd_error_set_memory(err);
    list->items = grown;
    char *copy = hd_strdup(value);
    if (copy == NULL)
        return hd_error_set_memory(err);
    list->items[list->count++] = copy;
    return 0;
}

static int replace(char **text, const char *value, struct hd_error *err)
{
    char *copy = hd_strdup(value);
    if (copy == NULL)
        return hd_error_set_memory(err);
    hd_free(*text);
    *text = copy;
    return 0;
}

static int set_drop(struct hd_options *options, const char *value, struct hd_error *err)
{
    return append(&options->drops, value, err);
}

static int set_watch(struct hd_options *options, const char *value, struct hd_error *err)
{
    return append(&options->watches, value, err);
}

static int set_listen(struct hd_options *options, const char *value, struct hd_error *err)
{
    struct hd_address address;
    if (hd_address_parse(value, &address, err) != 0)
        return -1;
    return append(&options->listens, value, err);
}

static int set_settle(struct hd_options *options, const char *value, struct hd_error *err)
{
    uint64_t milliseconds = 0;
    if (hd_text_parse_time(value, &milliseconds, err) != 0)
        return -1;
    if (milliseconds < 1 || milliseconds > MAX_SETTLE_MS)
        return hd_error_set(err, HD_E_USAGE, "expected a time from 1ms to 60s");
    options->settle_ms = milliseconds;
    return 0;
}

static int set_way_back(struct hd_options *options, const char *value, struct hd_error *err)
{
    bool required = strcmp(value, "required") == 0;
    if (!required && strcmp(value, "wanted") != 0)
        return hd_error_set(err, HD_E_USAGE, "expected required or wanted");
    options->way_back_required = required;
    return 0;
}

static int set_emergency(struct hd_options *options, const char *value, struct hd_error *err)
{
    return append(&options->emergency, value, err);
}

static int set_approvals(struct hd_options *options, const char *value, struct hd_error *err)
{
    uint64_t approvals;
    if (hd_text_parse_number(value, 1, MAX_APPROVALS, &approvals, err) != 0)
        return -1;
    options->approvals = (unsigned)approvals;
    return 0;
}

static int check_pattern(const char *value, struct hd_error *err)
{
    if (strpbrk(value, "/\\ \t") != NULL || !hd_text_is_utf8(value, strlen(value)))
        return hd_error_set(
            err, HD_E_USAGE,
            "expected a pattern over class names as Java writes them, such as com.example.**");
    return 0;
}

static int set_allow(struct hd_options *options, const char *value, struct hd_error *err)
{
    return check_pattern(value, err) != 0 ? -1 : append(&options->allow, value, err);
}

static int set_deny(struct hd_options *options, const char *value, struct hd_error *err)
{
    return check_pattern(value, err) != 0 ? -1 : append(&options->deny, value, err);
}

static int set_max_bundle(struct hd_options *options, const char *value, struct hd_error *err)
{
    uint64_t bytes = 0;
    if (hd_text_parse_size(value, &bytes, err) != 0)
        return -1;
    if (bytes < 1 || bytes > HD_BUNDLE_MAX_BYTES)
        return hd_error_set(err, HD_E_USAGE, "expected a size from 1 to 1G");
    options->max_bundle = bytes;
    return 0;
}

static int set_max_rate(struct hd_options *options, const char *value, struct hd_error *err)
{
    static const char expected[] = "expected N/min, such as 60/min, with N from 1 to 100000";
    const char *slash = strchr(value, '/');
    char number[8] = "";
    struct hd_error cause = HD_ERROR_INIT;
    uint64_t rate = 0;
    if (slash == NULL || strcmp(slash, "/min") != 0 || (size_t)(slash - value) >= sizeof number)
        return hd_error_set(err, HD_E_USAGE, "%s", expected);
    memcpy(number, value, (size_t)(slash - value));
    if (hd_text_parse_number(number, 1, MAX_RATE, &rate, &cause) != 0)
        return hd_error_set(err, HD_E_USAGE, "%s", expected);
    options->max_rate_per_minute = rate;
    return 0;
}

static int set_log_level(struct hd_options *options, const char *value, struct hd_error *err)
{
    static const char *const words[] = {
        [HD_LOG_ERROR] = "error",
        [HD_LOG_WARN] = "warn",
        [HD_LOG_INFO] = "info",
        [HD_LOG_DEBUG] = "debug",
    };
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i], value) == 0) {
            options->log_level = (enum hd_log_level)i;
            return 0;
        }
    }
    return hd_error_set(err, HD_E_USAGE, "expected error, warn, info or debug");
}

struct option {
    const char *key;
    /* NULL: the value as it stands is what the options hold, at text */
    int (*set)(struct hd_options *options, const char *value, struct hd_error *err);
    size_t text;
};

#define TEXT(member) .text = offsetof(struct hd_options, member)

static const struct option known_options[] = {
    { "drop", .set = set_drop },
    { "watch", .set = set_watch },
    { "listen", .set = set_listen },
    { "settle", .set = set_settle },
    { "token", TEXT(token_file) },
    { "tls-cert", TEXT(tls_cert) },
    { "tls-key", TEXT(tls_key) },
    { "tls-client-ca", TEXT(tls_client_ca) },
    { "authorized", TEXT(authorized) },
    { "allow", .set = set_allow },
    { "deny", .set = set_deny },
    { "max-bundle", .set = set_max_bundle },
    { "max-rate", .set = set_max_rate },
    { "log", TEXT(log_file) },
    { "log-level", .set = set_log_level },
    { "store", TEXT(store) },
    { "way-back", .set = set_way_back },
    { "app", TEXT(app) },
    { "allowed-signers", TEXT(allowed_signers) },
    { "approvals", .set = set_approvals },
    { "emergency", .set = set_emergency },
};

static const struct option *find_option(const char *key)
{
    for (size_t i = 0; i < sizeof known_options / sizeof known_options[0]; i++) {
        if (strcmp(known_options[i].key, key) == 0)
            return &known_options[i];
    }
    return NULL;
}

static int set_known(const struct assignment *assignment, struct hd_options *options,
                     struct hd_error *err)
{
    if (strcmp(assignment->key, "config") == 0)
        return hd_error_set(err, HD_E_USAGE, "a config file cannot name another one");
    const struct option *option = find_option(assignment->key);
    if (option == NULL)
        return hd_error_set(err, HD_E_USAGE, "unknown key; the keys are %s", KNOWN_KEYS);
    if (assignment->value[0] == '\0')
        return hd_error_set(err, HD_E_USAGE, "the value is empty");
    if (option->set != NULL)
        return option->set(options, assignment->value, err);
    return replace((char **)((char *)options + option->text), assignment->value, err);
}

/* Puts the place in front, where it is a line of a file. */
static int tell_place(const struct assignment *assignment, struct hd_error *err)
{
    if (assignment->file == NULL)
        return -1;
    char file[SHOWN_TEXT_SIZE];
    hd_text_escape(assignment->file, file, sizeof file);
    return hd_error_prefix(err, "%s:%u", file, assignment->line);
}

static int set_one(const struct assignment *assignment, struct hd_options *options,
                   struct hd_error *err)
{
    if (set_known(assignment, options, err) == 0)
        return 0;
    char key[SHOWN_TEXT_SIZE];
    char value[SHOWN_TEXT_SIZE];
    hd_text_escape(assignment->key, key, sizeof key);
    hd_text_escape(assignment->value, value, sizeof value);
    hd_error_prefix(err, "option %s=%s", key, value);
    return tell_place(assignment, err);
}

/* Splits "key=value" in place. */
static int split(char *text, struct assignment *out, struct hd_error *err)
{
    char *equals = strchr(text, '=');
    if (equals == NULL) {
        char shown[SHOWN_TEXT_SIZE];
        hd_text_escape(text, shown, sizeof shown);
        hd_error_set(err, HD_E_USAGE, "option \"%s\" is not of the form key=value; the keys are %s",
                     shown, KNOWN_KEYS);
        return tell_place(out, err);
    }
    *equals = '\0';
    out->key = hd_text_trim(text);
    out->value = hd_text_trim(equals + 1);
    return 0;
}

static int parse_lines(char *text, const char *file, struct hd_options *options,
                       struct hd_error *err)
{
    struct assignment assignment = { .file = file };
    for (char *line = strsep(&text, "\n"); line != NULL; line = strsep(&text, "\n")) {
        assignment.line++;
        hd_text_cut_comment(line);
        line = hd_text_trim(line);
        if (*line == '\0')
            continue;
        if (split(line, &assignment, err) != 0 || set_one(&assignment, options, err) != 0)
            return -1;
    }
    return 0;
}

static int refuse_config(const struct hd_error *why, const char *shown, struct hd_error *err)
{
    return why->code == HD_E_MEMORY ? hd_error_set_memory(err)
                                    : hd_error_set(err, HD_E_USAGE, "option config=%s", shown);
}

static int read_config(const char *path, struct hd_options *options, struct hd_error *err)
{
    char shown[HD_ERROR_TEXT_MAX / 2];
    struct hd_buffer text = HD_BUFFER_INIT;
    struct hd_error own = HD_ERROR_INIT;
    bool readable_by_others;
    int result = hd_trusted_file_read(path, MAX_CONFIG_BYTES, &text, &readable_by_others, &own);
    hd_text_escape(own.text, shown, sizeof shown);
    result = result == 0 ? parse_lines((char *)text.data, path, options, err)
                         : refuse_config(&own, shown, err);
    hd_buffer_close(&text);
    return result;
}

static int parse_items(char *text, struct hd_options *options, struct hd_error *err)
{
    struct assignment assignment = { .file = NULL };
    for (char *item = strsep(&text, ","); item != NULL; item = strsep(&text, ",")) {
        if (*item == '\0')
            continue;
        if (split(item, &assignment, err) != 0)
            return -1;
        int result = strcmp(assignment.key, "config") == 0
                         ? read_config(assignment.value, options, err)
                         : set_one(&assignment, options, err);
        if (result != 0)
            return -1;
    }
    return 0;
}

static bool contains(const struct hd_string_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0)
            return true;
    }
    return false;
}

/* What is missing for this listener; NULL: nothing. */
static const char *missing(const struct hd_options *options, const struct hd_address *address)
{
    if (address->kind == HD_ADDRESS_WS && options->token_file == NULL)
        return "token=FILE as well: the file with the secret that clients send (it is made where "
               "missing)";
    if (address->kind != HD_ADDRESS_WSS)
        return NULL;
    if (options->tls_cert == NULL || options->tls_key == NULL)
        return "tls-cert=FILE and tls-key=FILE as well: the certificate it shows, and its key";
    if (options->token_file == NULL &&
        (options->tls_client_ca == NULL || options->authorized == NULL))
        return "a way to tell who may come in: token=FILE (made where missing), or "
               "tls-client-ca=FILE together with authorized=FILE";
    return NULL;
}

static int check_listeners(const struct hd_options *options, struct hd_error *err)
{
    if (options->listens.count > 1 && contains(&options->listens, "none"))
        return hd_error_set(
            err, HD_E_USAGE,
            "option listen=none stands next to other listen= options; keep one or the other");
    for (size_t i = 0; i < options->listens.count; i++) {
        struct hd_address address;
        if (hd_address_parse(options->listens.items[i], &address, err) != 0)
            return -1;
        const char *needed = missing(options, &address);
        if (needed != NULL)
            return hd_error_set(err, HD_E_USAGE, "option listen=%s needs %s",
                                options->listens.items[i], needed);
    }
    return 0;
}

static int check_directories(const struct hd_options *options, struct hd_error *err)
{
    for (size_t i = 0; i < options->drops.count; i++) {
        if (!contains(&options->watches, options->drops.items[i]))
            continue;
        char shown[SHOWN_TEXT_SIZE];
        hd_text_escape(options->drops.items[i], shown, sizeof shown);
        return hd_error_set(
            err, HD_E_USAGE,
            "%s is given to both drop= and watch=; files in a drop= directory are moved away, "
            "so a compiler's output belongs to watch= alone",
            shown);
    }
    return 0;
}

static int check_signing(const struct hd_options *options, struct hd_error *err)
{
    if (options->allowed_signers != NULL && options->store == NULL)
        return hd_error_set(err, HD_E_USAGE,
                            "option allowed-signers= needs store=DIR as well: what was deployed "
                            "once must not be deployed again, also after a restart");
    if (options->emergency.count > 0 && options->approvals < 2)
        return hd_error_set(err, HD_E_USAGE,
                            "option emergency=%s lifts approvals=N to one, and there is no "
                            "approvals=2 or more",
                            options->emergency.items[0]);
    if (options->approvals > 1 && options->allowed_signers == NULL)
        return hd_error_set(err, HD_E_USAGE,
                            "option approvals=%u needs allowed-signers=FILE as well: whose "
                            "approvals?",
                            options->approvals);
    return 0;
}

static int parse_copy(const char *text, struct hd_options *options, struct hd_error *err)
{
    char *copy = hd_strdup(text != NULL ? text : "");
    if (copy == NULL)
        return hd_error_set_memory(err);
    int result = parse_items(copy, options, err);
    hd_free(copy);
    return result;
}

int hd_options_parse(const char *text, struct hd_options *out, struct hd_error *err)
{
    struct hd_options options = {
        .settle_ms = 30,
        .approvals = 1,
        .log_level = HD_LOG_INFO,
        .max_bundle = UINT64_C(256) << 20,
        .max_rate_per_minute = 60,
    };
    if (parse_copy(text, &options, err) != 0 || check_listeners(&options, err) != 0 ||
        check_directories(&options, err) != 0 || check_signing(&options, err) != 0) {
        hd_options_close(&options);
        return -1;
    }
    *out = options;
    return 0;
}

static void close_list(struct hd_string_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        hd_free(list->items[i]);
    hd_free(list->items);
}

void hd_options_close(struct hd_options *options)
{
    close_list(&options->drops);
    close_list(&options->watches);
    close_list(&options->listens);
    close_list(&options->allow);
    close_list(&options->deny);
    close_list(&options->emergency);
    hd_free(options->token_file);
    hd_free(options->tls_cert);
    hd_free(options->tls_key);
    hd_free(options->tls_client_ca);
    hd_free(options->authorized);
    hd_free(options->store);
    hd_free(options->app);
    hd_free(options->allowed_signers);
    hd_free(options->log_file);
    *options = (struct hd_options){ 0 };
}
