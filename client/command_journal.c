/* SPDX-License-Identifier: Apache-2.0 */
/* journal: print, check the chain of, or start a store's journal. Needs no JVM. */
#include "client/command.h"
#include "client/print.h"
#include "core/sequences.h"
#include "core/store.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int open_directory(const char *store, struct hd_error *err)
{
    int directory = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return hd_error_set(err, HD_E_USAGE, "%s: %s", store, strerror(errno));
    return directory;
}

static int print_entry_as_json(const json_t *entry, void *context, struct hd_error *err)
{
    (void)context;
    (void)err;
    hd_print_json(entry);
    return 0;
}

static void print_field(const char *before, const json_t *entry, const char *key)
{
    char text[512];
    hd_text_escape(hd_answer_text(entry, key), text, sizeof text);
    if (text[0] != '\0')
        printf("%s%s", before, text);
}

/* Of refusals only. */
static void print_how_often(const json_t *entry)
{
    json_int_t count = json_integer_value(json_object_get(entry, "count"));
    if (count > 0)
        print_field(", ", entry, "from");
    if (count > 1)
        printf(" (%lld times)", (long long)count);
}

/* "12 2026-01-31T12:34:56.789Z end deployment 3, uid:0 (root), fix.jar: why", "13 … keep the state after
 * deployment 3, uid:0 (root)", "14 … kept-retired com.example.Foo in app: why", "15 … refused push: why, cert:alice,
 * 10.1.2.3:51234 (7 times)" */
static int print_entry(const json_t *entry, void *context, struct hd_error *err)
{
    (void)context;
    (void)err;
    json_int_t deployment = json_integer_value(json_object_get(entry, "deployment"));
    printf("%lld", (long long)json_integer_value(json_object_get(entry, "n")));
    print_field(" ", entry, "at");
    print_field(" ", entry, "event");
    const json_t *state = json_object_get(entry, "state"); /* of a keep; else a digest */
    if (deployment > 0)
        printf(" deployment %lld", (long long)deployment);
    if (json_is_integer(state))
        printf(" the state after deployment %lld", (long long)json_integer_value(state));
    print_field(" ", entry, "what"); /* of somebody who was refused */
    print_field(" ", entry, "class");
    print_field(" in ", entry, "loader");
    print_field(": ", entry, "why");
    print_field(", ", entry, "who");
    print_field(", ", json_object_get(entry, "bundle"), "name");
    print_field(": ", entry, "message");
    print_field("; emergency: ", entry, "emergency");
    print_how_often(entry);
    putchar('\n');
    return 0;
}

static int read_journal(const char *store,
                        int (*visit)(const json_t *entry, void *context, struct hd_error *err),
                        struct hd_journal_state *state, struct hd_error *err)
{
    int directory = open_directory(store, err);
    if (directory < 0)
        return -1;
    int result = hd_journal_read(directory, visit, NULL, state, err);
    close(directory);
    if (result != 0)
        return hd_error_prefix(err, "%s", store);
    return 0;
}

static int print(const struct hd_invocation *invocation, const char *store, struct hd_error *err)
{
    struct hd_journal_state state;
    return read_journal(store, invocation->json ? print_entry_as_json : print_entry, &state, err);
}

static int verify(const struct hd_invocation *invocation, const char *store, struct hd_error *err)
{
    struct hd_journal_state state;
    if (read_journal(store, NULL, &state, err) != 0)
        return -1;
    if (invocation->json) {
        json_t *document = json_pack("{s:I,s:s,s:b}", "lines", (json_int_t)state.lines, "head",
                                     state.head, "torn", state.torn ? 1 : 0);
        hd_print_json(document);
        json_decref(document);
        return 0;
    }
    printf("%llu lines, every one continues the line before. Head: %s\n",
           (unsigned long long)state.lines, state.head);
    if (state.torn)
        printf("A write at the end was cut off by a crash; the next start removes it.\n");
    return 0;
}

static int init(const struct hd_invocation *invocation, const char *path, struct hd_error *err)
{
    struct hd_store *store = NULL;
    if (hd_store_open(path, NULL, NULL, &store, err) != 0)
        return -1;
    if (hd_store_note_take(store, HD_SEQUENCES_INIT_EVENT, NULL, err) != 0) {
        hd_store_close(store);
        return -1;
    }
    if (invocation->json) {
        json_t *document = json_pack("{s:s,s:s}", "store", path, "head", hd_store_head(store));
        hd_print_json(document);
        json_decref(document);
    } else {
        printf("%s is ready. Head: %s\n", path, hd_store_head(store));
    }
    hd_store_close(store);
    return 0;
}

static int run(const struct hd_invocation *invocation, struct hd_error *err)
{
    char **arguments = invocation->arguments;
    if (invocation->argument_count == 1)
        return print(invocation, arguments[0], err);
    if (invocation->argument_count == 2 && strcmp(arguments[0], "verify") == 0)
        return verify(invocation, arguments[1], err);
    if (invocation->argument_count == 2 && strcmp(arguments[0], "init") == 0)
        return init(invocation, arguments[1], err);
    return hd_error_set(err, HD_E_USAGE,
                        "which store, and what of it? hotdrop journal [verify|init] STORE");
}

/* A journal that was changed is what the caller asked about, not how he asked. */
static int status_of(const struct hd_error *err)
{
    return err->code == HD_E_FORMAT ? HD_EXIT_REFUSED : HD_EXIT_USAGE;
}

int hd_command_journal(const struct hd_invocation *invocation)
{
    struct hd_error err = HD_ERROR_INIT;
    if (run(invocation, &err) == 0)
        return HD_EXIT_GOOD;
    return hd_print_failure(invocation->json, status_of(&err), &err);
}
