/* SPDX-License-Identifier: Apache-2.0 */
#include "client/target.h"

#include "client/newcomer.h"
#include "core/alloc.h"
#include "core/buffer.h"
#include "core/text.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void hd_target_of_jvm(const struct hd_jvm_process *jvm, struct hd_target *out)
{
    *out = (struct hd_target){ .address = { .kind = HD_ADDRESS_UNIX },
                               .expected_pid = jvm->pid,
                               .expected_uid = jvm->uid };
    memcpy(out->address.path, jvm->socket, sizeof out->address.path);
    snprintf(out->title, sizeof out->title, "pid %d%s%s%s", (int)jvm->pid,
             jvm->main_class[0] != '\0' ? " (" : "", jvm->main_class,
             jvm->main_class[0] != '\0' ? ")" : "");
}

static int find_by_pid(pid_t pid, struct hd_target *out, struct hd_error *err)
{
    struct hd_jvm_process jvm;
    if (hd_jvms_reach(pid, &jvm, err) != 0)
        return -1;
    if (hd_newcomer_await(&jvm))
        jvm.socket_exists = true;
    if (!jvm.socket_exists && jvm.has_agent)
        return hd_error_set(
            err, HD_E_CONNECTION,
            "pid %d has the agent, but not on its default socket; name its address with --to "
            "(its listen= option)",
            (int)pid);
    if (!jvm.socket_exists)
        return hd_error_set(
            err, HD_E_CONNECTION,
            "pid %d has no Hotdrop agent; load it with 'hotdrop attach %d', or push with --attach",
            (int)pid, (int)pid);
    hd_target_of_jvm(&jvm, out);
    return 0;
}

static int append_line(struct hd_buffer *text, const struct hd_jvm_process *jvm, bool reachable,
                       struct hd_error *err)
{
    char line[400];
    snprintf(line, sizeof line, "\n  %-8d %-40s %s", (int)jvm->pid, jvm->main_class,
             reachable ? "agent" : "no agent");
    return hd_buffer_append(text, line, strlen(line), err);
}

static int refuse_choice(size_t reachable, const struct hd_buffer *lines, struct hd_error *err)
{
    const char *question =
        reachable == 0 ? "no JVM of this user has a reachable agent; load one with 'hotdrop attach "
                         "PID', or name an address with --to"
                       : "several JVMs have an agent; say which with --pid PID or --to ADDRESS";
    return hd_error_set(err, HD_E_USAGE, "%s%.*s", question,
                        (int)(lines->length < 700 ? lines->length : 700),
                        lines->data != NULL ? (const char *)lines->data : "");
}

static int pick_from(const struct hd_jvm_process *list, size_t count, struct hd_target *out,
                     struct hd_error *err)
{
    struct hd_buffer lines = HD_BUFFER_INIT;
    const struct hd_jvm_process *only = NULL;
    size_t reachable = 0;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        if (list[i].uid != geteuid())
            continue;
        bool answers = list[i].socket_exists && hd_socket_answers(list[i].socket);
        if (answers) {
            reachable++;
            only = &list[i];
        }
        result = append_line(&lines, &list[i], answers, err);
    }
    if (result == 0 && reachable != 1)
        result = refuse_choice(reachable, &lines, err);
    else if (result == 0)
        hd_target_of_jvm(only, out);
    hd_buffer_close(&lines);
    return result;
}

/* Where another is there already, it is the one that is meant, or there are several. */
static void await_newcomers(struct hd_jvm_process *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].uid == geteuid() && list[i].socket_exists && hd_socket_answers(list[i].socket))
            return;
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i].uid == geteuid() && hd_newcomer_await(&list[i])) {
            list[i].socket_exists = true;
            return;
        }
    }
}

static int find_only_one(struct hd_target *out, struct hd_error *err)
{
    struct hd_jvm_process *list = NULL;
    size_t count = 0;
    if (hd_jvms_list(&list, &count, err) != 0)
        return -1;
    await_newcomers(list, count);
    int result = pick_from(list, count, out, err);
    hd_free(list);
    return result;
}

static int targets_path(char *out, size_t capacity, struct hd_error *err)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    int length;
    if (config != NULL && config[0] == '/')
        length = snprintf(out, capacity, "%s/hotdrop/targets", config);
    else if (home != NULL)
        length = snprintf(out, capacity, "%s/.config/hotdrop/targets", home);
    else
        return hd_error_set(err, HD_E_USAGE, "HOME is not set, so there is no targets file");
    if (length < 0 || (size_t)length >= capacity)
        return hd_error_set(err, HD_E_USAGE, "the path of the targets file is too long");
    return 0;
}

static int copy_path(const char *path, char out[sizeof((struct hd_target *)0)->token_file],
                     struct hd_error *err)
{
    size_t length = strlen(path);
    if (length >= sizeof((struct hd_target *)0)->token_file)
        return hd_error_set(err, HD_E_USAGE, "the path %.40s… is too long", path);
    memcpy(out, path, length + 1);
    return 0;
}

/* "token=FILE" and the like. */
static int take_file(const char *word, struct hd_target *out, struct hd_error *err)
{
    struct {
        const char *prefix;
        char *place;
    } const files[] = { { "token=", out->token_file },
                        { "ca=", out->ca_file },
                        { "cert=", out->cert_file },
                        { "key=", out->key_file } };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        size_t length = strlen(files[i].prefix);
        if (strncmp(word, files[i].prefix, length) != 0)
            continue;
        if (word[length] == '\0') /* without a CA the system's would be believed */
            return hd_error_set(err, HD_E_USAGE, "'%s' names no file", word);
        return copy_path(word + length, files[i].place, err);
    }
    return hd_error_set(err, HD_E_USAGE,
                        "'%s' is not understood; token=FILE, ca=FILE, cert=FILE and key=FILE are",
                        word);
}

static int read_target_words(char *words, const char *place, struct hd_target *out,
                             struct hd_error *err)
{
    char *rest = NULL;
    char *address = strtok_r(words, " \t\n", &rest);
    if (address == NULL)
        return hd_error_set(err, HD_E_USAGE, "%s: an address is missing after the name", place);
    if (hd_address_parse(address, &out->address, err) != 0)
        return hd_error_prefix(err, "%s", place);
    char *word;
    while ((word = strtok_r(NULL, " \t\n", &rest)) != NULL) {
        if (take_file(word, out, err) != 0)
            return hd_error_prefix(err, "%s", place);
    }
    return 0;
}

/* 1: found, 0: not in the file, -1: error. */
static int search_targets(FILE *file, const char *path, const char *name, struct hd_target *out,
                          struct hd_error *err)
{
    char line[2048];
    for (unsigned number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        hd_text_cut_comment(line);
        size_t start = strspn(line, " \t");
        size_t length = strcspn(line + start, " \t\n");
        if (length != strlen(name) || strncmp(line + start, name, length) != 0)
            continue;
        char place[600];
        snprintf(place, sizeof place, "%s:%u", path, number);
        return read_target_words(line + start + length, place, out, err) == 0 ? 1 : -1;
    }
    return 0;
}

static int find_by_name(const char *name, struct hd_target *out, struct hd_error *err)
{
    char path[512];
    if (targets_path(path, sizeof path, err) != 0)
        return -1;
    FILE *file = fopen(path, "re");
    if (file == NULL && errno != ENOENT)
        return hd_error_set(err, HD_E_USAGE, "%s cannot be read: %s", path, strerror(errno));
    int found = file != NULL ? search_targets(file, path, name, out, err) : 0;
    if (file != NULL)
        fclose(file);
    if (found < 0)
        return -1;
    if (found == 0)
        return hd_error_set(
            err, HD_E_USAGE,
            "'%s' is neither an address (unix:PATH, ws://HOST:PORT, wss://HOST:PORT) nor a name "
            "in %s",
            name, path);
    snprintf(out->title, sizeof out->title, "%s", name);
    return 0;
}

static int find_by_address(const char *text, struct hd_target *out, struct hd_error *err)
{
    if (strchr(text, ':') == NULL)
        return find_by_name(text, out, err);
    if (hd_address_parse(text, &out->address, err) != 0)
        return hd_error_prefix(err, "--to");
    if (out->address.kind == HD_ADDRESS_NONE)
        return hd_error_set(err, HD_E_USAGE, "--to: 'none' is not a place to connect to");
    snprintf(out->title, sizeof out->title, "%s", text);
    return 0;
}

static int take_given_files(const struct hd_invocation *invocation, struct hd_target *target,
                            struct hd_error *err)
{
    struct {
        const char *given;
        char *place;
    } const files[] = { { invocation->token_file, target->token_file },
                        { invocation->ca_file, target->ca_file },
                        { invocation->cert_file, target->cert_file },
                        { invocation->key_file, target->key_file } };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i].given != NULL && copy_path(files[i].given, files[i].place, err) != 0)
            return -1;
    }
    return 0;
}

static int check_files(const struct hd_target *target, struct hd_error *err)
{
    if (target->address.kind == HD_ADDRESS_WS && target->token_file[0] == '\0')
        return hd_error_set(err, HD_E_USAGE,
                            "%s needs a token: --token FILE, or token=FILE in the targets file",
                            target->title);
    if ((target->cert_file[0] == '\0') != (target->key_file[0] == '\0'))
        return hd_error_set(err, HD_E_USAGE,
                            "%s: a certificate and its key come together: --cert FILE --key FILE",
                            target->title);
    return 0;
}

int hd_target_find(const struct hd_invocation *invocation, struct hd_target *out,
                   struct hd_error *err)
{
    struct hd_target found = { .address = { .kind = HD_ADDRESS_NONE } };
    int result;
    if (invocation->pid != 0)
        result = find_by_pid(invocation->pid, &found, err);
    else if (invocation->to != NULL)
        result = find_by_address(invocation->to, &found, err);
    else
        result = find_only_one(&found, err);
    if (result != 0)
        return -1;
    if (take_given_files(invocation, &found, err) != 0 || check_files(&found, err) != 0)
        return -1;
    *out = found;
    return 0;
}
