/* SPDX-License-Identifier: Apache-2.0 */
/* verify: is a bundle just what its manifest says, and who signed that? Needs no JVM. With
 * --allowed-signers, judged as an agent judges (but for its target, its store and its approvals). */
#include "client/command.h"
#include "client/load.h"
#include "client/print.h"
#include "core/alloc.h"
#include "core/seal.h"
#include "core/ssh_key.h"
#include "core/ssh_signature.h"
#include "core/text.h"

#include <string.h>

/* A row of the answer. */
struct signed_by {
    char fingerprint[HD_SSH_FINGERPRINT_SIZE];
    const char *principal;   /* borrowed from the signers; NULL: not known */
    struct hd_error why_not; /* not set: it fits */
};

struct examination {
    struct hd_bundle *bundle;
    struct hd_signers *signers; /* NULL: none given */
    struct hd_manifest manifest;
    struct signed_by rows[HD_SEAL_MAX_SIGNATURES];
    size_t count;
};

static int read_signers(const char *path, struct hd_signers **out, struct hd_error *err)
{
    uint8_t *text = NULL;
    size_t length = 0;
    if (hd_load_file(path, &text, &length, err) != 0)
        return -1;
    int status = hd_signers_read((struct hd_bytes){ text, length }, out, err);
    hd_free(text);
    return status == 0 ? 0 : hd_error_prefix(err, "%s", path);
}

static void examine_signature(struct examination *examination,
                              const struct hd_ssh_signature *signature)
{
    struct signed_by *row = &examination->rows[examination->count++];
    hd_ssh_key_fingerprint(signature->key, row->fingerprint);
    if (hd_ssh_signature_verify(signature, hd_bundle_manifest(examination->bundle),
                                &row->why_not) == 0 &&
        examination->signers != NULL)
        (void)!hd_signers_find(examination->signers, signature->key, hd_text_now() / 1000000,
                               &row->principal, &row->why_not);
}

static int examine_signatures(struct examination *examination, struct hd_error *err)
{
    struct hd_bytes text = hd_bundle_signatures(examination->bundle);
    for (;;) {
        struct hd_ssh_signature signature;
        int next = hd_ssh_signature_next(&text, &signature, err);
        if (next <= 0)
            return next;
        bool room = examination->count < HD_SEAL_MAX_SIGNATURES;
        if (room)
            examine_signature(examination, &signature);
        hd_ssh_signature_close(&signature);
        if (!room)
            return hd_error_set(err, HD_E_FORMAT, "it has more than %d signatures",
                                HD_SEAL_MAX_SIGNATURES);
    }
}

/* As an agent would say it. */
static int judge(const struct examination *examination, struct hd_error *err)
{
    const struct hd_seal_terms terms = { .signers = examination->signers,
                                         .approvals = 1,
                                         .any_target = true,
                                         .now = hd_text_now() / 1000000 };
    struct hd_seal seal;
    enum hd_reason reason = hd_seal_judge(examination->bundle, &terms, &seal, err);
    if (reason != HD_REASON_NONE)
        return hd_error_prefix(err, "%s", hd_reason_word(reason));
    hd_seal_close(&seal);
    return 0;
}

/* Without a list of signers there is nobody to trust; but each signature must fit. */
static int judge_without_signers(const struct examination *examination, struct hd_error *err)
{
    if (examination->count == 0)
        return hd_error_set(err, HD_E_DENIED, "%s: there is no signature",
                            hd_reason_word(HD_REASON_SIGNATURE_REQUIRED));
    for (size_t i = 0; i < examination->count; i++) {
        if (hd_error_is_set(&examination->rows[i].why_not))
            return hd_error_set(
                err, HD_E_DENIED, "%s: %s: %s", hd_reason_word(HD_REASON_SIGNATURE_INVALID),
                examination->rows[i].fingerprint, examination->rows[i].why_not.text);
    }
    return hd_manifest_check_bundle(&examination->manifest, examination->bundle, err);
}

static int examine(const struct hd_invocation *invocation, struct examination *examination,
                   struct hd_error *err)
{
    if (invocation->argument_count == 0)
        return hd_error_set(err, HD_E_USAGE, "which bundle? hotdrop verify BUNDLE");
    if (hd_load_paths(invocation->arguments, 1, &examination->bundle, err) != 0)
        return -1;
    if (invocation->allowed_signers != NULL &&
        read_signers(invocation->allowed_signers, &examination->signers, err) != 0)
        return -1;
    struct hd_bytes manifest = hd_bundle_manifest(examination->bundle);
    if (manifest.length == 0)
        return hd_error_set(err, HD_E_DENIED, "%s: it has no " HD_BUNDLE_MANIFEST,
                            hd_reason_word(HD_REASON_SIGNATURE_REQUIRED));
    if (examine_signatures(examination, err) != 0 ||
        hd_manifest_read(manifest, &examination->manifest, err) != 0)
        return -1;
    return examination->signers != NULL ? judge(examination, err)
                                        : judge_without_signers(examination, err);
}

/* ---- the answer ------------------------------------------------------------------------------ */

static json_t *row_to_json(const struct signed_by *row)
{
    return json_pack("{s:s,s:s?,s:b,s:s?}", "key", row->fingerprint, "principal", row->principal,
                     "valid", hd_error_is_set(&row->why_not) ? 0 : 1, "message",
                     hd_error_is_set(&row->why_not) ? row->why_not.text : NULL);
}

static void print_json(const struct examination *examination, const struct hd_error *err)
{
    json_t *signatures = json_array();
    for (size_t i = 0; i < examination->count; i++)
        json_array_append_new(signatures, row_to_json(&examination->rows[i]));
    json_t *document = json_pack("{s:b,s:s?,s:O?,s:o}", "valid", hd_error_is_set(err) ? 0 : 1,
                                 "message", hd_error_is_set(err) ? err->text : NULL, "manifest",
                                 examination->manifest.json, "signatures", signatures);
    hd_print_json(document);
    json_decref(document);
}

static void print_rows(const struct examination *examination)
{
    static const char *const headers[] = { "KEY", "SIGNER", "SIGNATURE" };
    const char *cells[HD_SEAL_MAX_SIGNATURES * 3];
    const char *colours[HD_SEAL_MAX_SIGNATURES];
    for (size_t i = 0; i < examination->count; i++) {
        const struct signed_by *row = &examination->rows[i];
        bool fits = !hd_error_is_set(&row->why_not);
        cells[i * 3] = row->fingerprint;
        cells[i * 3 + 1] = row->principal;
        cells[i * 3 + 2] = fits ? "fits" : row->why_not.text;
        colours[i] = fits ? "green" : "red";
    }
    if (examination->count > 0)
        hd_print_table(headers, 3, cells, examination->count, colours);
}

/* A member in words, where it is given. */
static void print_member(const char *before, const char *text)
{
    char shown[160];
    if (text == NULL)
        return;
    hd_text_escape(text, shown, sizeof shown);
    printf("%s%s", before, shown);
}

static void print_manifest(const struct hd_manifest *manifest)
{
    char utc[HD_TEXT_TIME_SIZE];
    printf("%zu %s, sequence %llu", manifest->class_count,
           manifest->class_count == 1 ? "class" : "classes",
           (unsigned long long)manifest->sequence);
    print_member(", name ", manifest->name);
    print_member(", version ", manifest->version);
    print_member(", for ", manifest->target);
    if (manifest->expires != INT64_MAX) {
        hd_text_utc(manifest->expires * 1000000, utc);
        printf(", until %s", utc);
    }
    printf(".\n");
}

static void close_examination(struct examination *examination)
{
    hd_manifest_close(&examination->manifest);
    hd_signers_free(examination->signers);
    hd_bundle_free(examination->bundle);
}

int hd_command_verify(const struct hd_invocation *invocation)
{
    struct hd_error err = HD_ERROR_INIT;
    struct examination examination = { 0 };
    int status = HD_EXIT_GOOD;
    if (examine(invocation, &examination, &err) != 0)
        status = err.code == HD_E_USAGE ? HD_EXIT_USAGE : HD_EXIT_REFUSED;
    if (status == HD_EXIT_USAGE) {
        hd_print_failure(invocation->json, status, &err);
    } else if (invocation->json) {
        print_json(&examination, &err);
    } else {
        print_rows(&examination);
        if (status == HD_EXIT_GOOD)
            print_manifest(&examination.manifest);
        else
            hd_print_failure(false, status, &err);
    }
    close_examination(&examination);
    return status;
}
