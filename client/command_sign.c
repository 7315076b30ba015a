/* SPDX-License-Identifier: Apache-2.0 */
/* sign: gives a bundle its manifest, and the manifest one more signature. Needs no JVM. */
#include "classfile/fingerprint.h"
#include "client/command.h"
#include "client/load.h"
#include "client/print.h"
#include "client/ssh_keygen.h"
#include "core/alloc.h"
#include "core/json.h"
#include "core/manifest.h"
#include "core/map.h"
#include "core/ssh_signature.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the manifest ---------------------------------------------------------------------------- */

/* "2026-09-21T00:00:00Z" as it is, or "30min" as so long from now. */
static json_t *time_of(const char *option, const char *text, struct hd_error *err)
{
    int64_t seconds;
    struct hd_error no_time = HD_ERROR_INIT;
    if (hd_manifest_read_time(text, &seconds, &no_time) == 0)
        return json_string(text);
    uint64_t milliseconds;
    char utc[HD_TEXT_TIME_SIZE];
    if (hd_text_parse_time(text, &milliseconds, &no_time) != 0) {
        hd_error_set(err, HD_E_USAGE,
                     "%s %s: not a time; 2026-09-21T00:00:00Z and 30min (from now) are", option,
                     text);
        return NULL;
    }
    hd_text_utc(hd_text_now() + (int64_t)milliseconds * 1000, utc);
    memcpy(strchr(utc, '.'), "Z", sizeof "Z");
    return json_string(utc);
}

static int put_time(json_t *manifest, const char *key, const char *option, const char *text,
                    struct hd_error *err)
{
    json_t *time = text != NULL ? time_of(option, text, err) : NULL;
    if (text == NULL)
        return 0;
    if (time == NULL)
        return hd_error_is_set(err) ? -1 : hd_error_set_memory(err);
    return hd_json_put(manifest, key, time) ? 0 : hd_error_set_memory(err);
}

static int put_text(json_t *manifest, const char *key, const char *text, struct hd_error *err)
{
    if (text == NULL || hd_json_put(manifest, key, json_string(text)))
        return 0;
    return hd_error_set(err, HD_E_USAGE, "the %s is not UTF-8", key);
}

static int put_fingerprint(json_t *json, const struct hd_bundle_class *before, struct hd_error *err)
{
    struct hd_class *class = NULL;
    struct hd_digest digest;
    char hex[HD_DIGEST_HEX_SIZE];
    if (hd_class_parse(before->file.data, before->file.length, &class, err) != 0)
        return hd_error_prefix(err, "--base: %s", before->entry);
    int status = hd_class_fingerprint(class, &digest, err);
    hd_class_free(class);
    if (status != 0)
        return -1;
    hd_digest_to_hex(&digest, hex);
    return hd_json_put(json, "base", json_string(hex)) ? 0 : hd_error_set_memory(err);
}

static const struct hd_bundle_class *find_class(const struct hd_bundle *bundle, const char *name)
{
    for (size_t low = 0, high = bundle != NULL ? hd_bundle_class_count(bundle) : 0; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(hd_bundle_class_at(bundle, middle)->name, name);
        if (order == 0)
            return hd_bundle_class_at(bundle, middle);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int put_class(json_t *classes, const struct hd_bundle_class *class,
                     const struct hd_bundle *base, struct hd_error *err)
{
    struct hd_digest digest;
    char hex[HD_DIGEST_HEX_SIZE];
    if (hd_digest_of(class->file.data, class->file.length, &digest, err) != 0)
        return -1;
    hd_digest_to_hex(&digest, hex);
    json_t *json = json_pack("{s:s}", "sha256", hex);
    const struct hd_bundle_class *before = find_class(base, class->name);
    if (json != NULL && before != NULL && put_fingerprint(json, before, err) != 0) {
        json_decref(json);
        return -1;
    }
    return hd_json_put(classes, class->entry, json) ? 0 : hd_error_set_memory(err);
}

/* Consumes classes. */
static int put_classes_take(json_t *manifest, json_t *classes, const struct hd_bundle *bundle,
                            const struct hd_bundle *base, struct hd_error *err)
{
    int status = classes != NULL ? 0 : hd_error_set_memory(err);
    for (size_t i = 0; status == 0 && i < hd_bundle_class_count(bundle); i++)
        status = put_class(classes, hd_bundle_class_at(bundle, i), base, err);
    if (status != 0) {
        json_decref(classes);
        return -1;
    }
    return hd_json_put(manifest, "classes", classes) ? 0 : hd_error_set_memory(err);
}

static int fill(json_t *manifest, const struct hd_invocation *invocation,
                const struct hd_bundle *bundle, const struct hd_bundle *base, struct hd_error *err)
{
    if (put_text(manifest, "name", invocation->bundle_name, err) != 0 ||
        put_text(manifest, "version", invocation->bundle_release, err) != 0 ||
        put_text(manifest, "target", invocation->bundle_target, err) != 0 ||
        put_time(manifest, "not-before", "--not-before", invocation->not_before, err) != 0 ||
        put_time(manifest, "expires", "--expires", invocation->expires, err) != 0)
        return -1;
    return put_classes_take(manifest, json_object(), bundle, base, err);
}

/* Milliseconds since the epoch, unless something else was asked for: what is signed later comes
 * later. */
static json_int_t sequence_of(const struct hd_invocation *invocation)
{
    return invocation->sequence != 0 ? (json_int_t)invocation->sequence : hd_text_now() / 1000;
}

static int make_manifest(const struct hd_invocation *invocation, const struct hd_bundle *bundle,
                         struct hd_buffer *out, struct hd_error *err)
{
    struct hd_bundle *base = NULL;
    char *paths[] = { (char *)(uintptr_t)invocation->base };
    if (invocation->base != NULL && hd_load_paths(paths, 1, &base, err) != 0)
        return -1;
    json_t *manifest = json_pack("{s:i,s:I}", "hotdrop", 1, "sequence", sequence_of(invocation));
    int status =
        manifest != NULL ? fill(manifest, invocation, bundle, base, err) : hd_error_set_memory(err);
    char *text = status == 0 ? json_dumps(manifest, JSON_INDENT(1)) : NULL;
    if (text != NULL)
        status = hd_buffer_append(out, text, strlen(text), err);
    else if (status == 0)
        status = hd_error_set_memory(err);
    free(text);
    json_decref(manifest);
    hd_bundle_free(base);
    return status;
}

static bool wants_new_manifest(const struct hd_invocation *invocation)
{
    return invocation->bundle_name != NULL || invocation->bundle_release != NULL ||
           invocation->bundle_target != NULL || invocation->not_before != NULL ||
           invocation->expires != NULL || invocation->base != NULL || invocation->sequence != 0;
}

/* What is to be signed: what the bundle says of itself already, if that is true and nothing else is
 * asked for; then earlier signatures stay. */
static int choose_manifest(const struct hd_invocation *invocation, const struct hd_bundle *bundle,
                           struct hd_buffer *manifest, struct hd_buffer *signatures,
                           struct hd_error *err)
{
    struct hd_bytes there = hd_bundle_manifest(bundle), signed_by = hd_bundle_signatures(bundle);
    struct hd_manifest read;
    if (there.length == 0 || wants_new_manifest(invocation))
        return make_manifest(invocation, bundle, manifest, err);
    if (hd_manifest_read(there, &read, err) != 0)
        return -1;
    int status = hd_manifest_check_bundle(&read, bundle, err);
    hd_manifest_close(&read);
    if (status != 0)
        return hd_error_prefix(err, "the bundle was changed after it was signed");
    if (hd_buffer_append(manifest, there.data, there.length, err) != 0)
        return -1;
    return signed_by.length > 0
               ? hd_buffer_append(signatures, signed_by.data, signed_by.length, err)
               : 0;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Beside it, and then in its place: nobody ever sees half of it. */
static int write_file(const char *path, struct hd_bytes contents, struct hd_error *err)
{
    struct stat before;
    char *beside = hd_asprintf("%s.XXXXXX", path);
    if (beside == NULL)
        return hd_error_set_memory(err);
    int file = mkstemp(beside);
    mode_t mode = stat(path, &before) == 0 ? before.st_mode & 0777 : 0644;
    bool good = file >= 0 && fchmod(file, mode) == 0;
    while (good && contents.length > 0) {
        ssize_t written = write(file, contents.data, contents.length);
        good = written > 0 || (written < 0 && errno == EINTR);
        if (written > 0)
            contents =
                (struct hd_bytes){ contents.data + written, contents.length - (size_t)written };
    }
    good = good && fsync(file) == 0 && rename(beside, path) == 0;
    int saved = errno;
    if (file >= 0)
        close(file);
    if (!good && file >= 0)
        unlink(beside);
    hd_free(beside);
    return good ? 0 : hd_error_set(err, HD_E_USAGE, "%s: %s", path, strerror(saved));
}

static size_t count_signatures(struct hd_bytes text)
{
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_ssh_signature signature;
    size_t count = 0;
    while (hd_ssh_signature_next(&text, &signature, &ignored) == 1) {
        hd_ssh_signature_close(&signature);
        count++;
    }
    return count;
}

static void print_result(const struct hd_invocation *invocation, const char *path,
                         struct hd_bytes jar, struct hd_bytes signatures)
{
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_digest digest;
    char hex[HD_DIGEST_HEX_SIZE] = "";
    size_t count = count_signatures(signatures);
    if (hd_digest_of(jar.data, jar.length, &digest, &ignored) == 0)
        hd_digest_to_hex(&digest, hex);
    if (invocation->json) {
        json_t *document = json_pack("{s:s,s:s,s:I}", "bundle", path, "digest", hex, "signatures",
                                     (json_int_t)count);
        hd_print_json(document);
        json_decref(document);
        return;
    }
    printf("%s is signed (%zu %s). SHA-256 %s\n", path, count,
           count == 1 ? "signature" : "signatures", hex);
}

/* As the agent will read it. */
static int check_result(const struct hd_buffer *manifest, struct hd_bytes jar, const char *path,
                        struct hd_error *err)
{
    struct hd_bundle *bundle = NULL;
    struct hd_manifest read;
    if (hd_load_jar(jar, path, &bundle, err) != 0)
        return -1;
    int status = hd_manifest_read(hd_buffer_view(manifest), &read, err);
    if (status == 0) {
        status = hd_manifest_check_bundle(&read, bundle, err);
        hd_manifest_close(&read);
    }
    hd_bundle_free(bundle);
    return status;
}

static int seal(const struct hd_invocation *invocation, struct hd_bundle *bundle, const char *path,
                struct hd_error *err)
{
    struct hd_buffer manifest = HD_BUFFER_INIT, signatures = HD_BUFFER_INIT;
    struct hd_buffer added = HD_BUFFER_INIT;
    uint8_t *jar = NULL;
    size_t length = 0;
    int status = choose_manifest(invocation, bundle, &manifest, &signatures, err);
    if (status == 0)
        status = hd_ssh_keygen_sign(invocation->key, hd_buffer_view(&manifest), &added, err);
    if (status == 0)
        status = hd_buffer_append(&signatures, added.data, added.length, err);
    if (status == 0)
        status = hd_bundle_seal(bundle, hd_buffer_view(&manifest), hd_buffer_view(&signatures),
                                &jar, &length, err);
    if (status == 0)
        status = check_result(&manifest, (struct hd_bytes){ jar, length }, path, err);
    if (status == 0)
        status = write_file(path, (struct hd_bytes){ jar, length }, err);
    if (status == 0)
        print_result(invocation, path, (struct hd_bytes){ jar, length },
                     hd_buffer_view(&signatures));
    hd_free(jar);
    hd_buffer_close(&manifest);
    hd_buffer_close(&signatures);
    hd_buffer_close(&added);
    return status;
}

static bool is_jar(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL && (strcmp(dot, ".jar") == 0 || strcmp(dot, ".war") == 0);
}

static int run(const struct hd_invocation *invocation, struct hd_error *err)
{
    struct hd_bundle *bundle = NULL;
    if (invocation->argument_count == 0)
        return hd_error_set(err, HD_E_USAGE, "which bundle? hotdrop sign -k KEY BUNDLE");
    if (invocation->key == NULL)
        return hd_error_set(err, HD_E_USAGE, "whose signature? give a key: -k ~/.ssh/id_ed25519");
    const char *path = invocation->arguments[0];
    if (invocation->output == NULL && (invocation->argument_count > 1 || !is_jar(path)))
        return hd_error_set(err, HD_E_USAGE,
                            "classes that are not in a jar yet need a name for it: --output FILE");
    if (hd_load_paths(invocation->arguments, invocation->argument_count, &bundle, err) != 0)
        return -1;
    int status =
        seal(invocation, bundle, invocation->output != NULL ? invocation->output : path, err);
    hd_bundle_free(bundle);
    return status;
}

int hd_command_sign(const struct hd_invocation *invocation)
{
    struct hd_error err = HD_ERROR_INIT;
    if (run(invocation, &err) == 0)
        return HD_EXIT_GOOD;
    return hd_print_failure(invocation->json, HD_EXIT_USAGE, &err);
}
