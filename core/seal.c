/* SPDX-License-Identifier: Apache-2.0 */
#include "core/seal.h"

#include "core/ssh_signature.h"
#include "core/text.h"

#include <string.h>

/* Memory and libraries are no verdict. */
static enum hd_reason reason_for(enum hd_reason reason, const struct hd_error *err)
{
    bool ours = err->code == HD_E_MEMORY || err->code == HD_E_SYSTEM;
    return ours ? HD_REASON_JVM_ERROR : reason;
}

static void note_principal(struct hd_seal *seal, const char *principal)
{
    for (size_t i = 0; i < seal->principal_count; i++) {
        if (strcmp(seal->principals[i], principal) == 0)
            return;
    }
    seal->principals[seal->principal_count++] = principal;
}

/* A signature of somebody who is not among the signers says nothing here, for or against; that of
 * one who is must fit. unknown keeps why the first of the others did not count. */
static int weigh(const struct hd_ssh_signature *signature, struct hd_bytes manifest,
                 const struct hd_seal_terms *terms, struct hd_seal *seal, struct hd_error *unknown,
                 struct hd_error *err)
{
    const char *principal = NULL;
    if (hd_signers_find(terms->signers, signature->key, terms->now, &principal, unknown) != 0)
        return 0;
    if (hd_ssh_signature_verify(signature, manifest, err) != 0)
        return hd_error_prefix(err, "%s", principal);
    note_principal(seal, principal);
    return 0;
}

static int weigh_all(const struct hd_bundle *bundle, const struct hd_seal_terms *terms,
                     struct hd_seal *seal, struct hd_error *unknown, struct hd_error *err)
{
    struct hd_bytes text = hd_bundle_signatures(bundle);
    for (;;) {
        struct hd_ssh_signature signature;
        int next = hd_ssh_signature_next(&text, &signature, err);
        if (next <= 0)
            return next;
        int status = 0;
        if (++seal->signature_count > HD_SEAL_MAX_SIGNATURES)
            status =
                hd_error_set(err, HD_E_FORMAT, "more than %d signatures", HD_SEAL_MAX_SIGNATURES);
        else
            status = weigh(&signature, hd_bundle_manifest(bundle), terms, seal, unknown, err);
        hd_ssh_signature_close(&signature);
        if (status != 0)
            return -1;
    }
}

static enum hd_reason judge_signatures(const struct hd_bundle *bundle,
                                       const struct hd_seal_terms *terms, struct hd_seal *seal,
                                       struct hd_error *err)
{
    struct hd_error unknown = HD_ERROR_INIT;
    if (weigh_all(bundle, terms, seal, &unknown, err) != 0)
        return reason_for(HD_REASON_SIGNATURE_INVALID, err);
    if (seal->signature_count == 0) {
        hd_error_set(err, HD_E_DENIED, "the bundle has a manifest, and no signature");
        return HD_REASON_SIGNATURE_REQUIRED;
    }
    if (seal->principal_count == 0) {
        hd_error_set(err, HD_E_DENIED, "%s", unknown.text);
        return HD_REASON_SIGNATURE_INVALID;
    }
    if (seal->principal_count < terms->approvals) {
        hd_error_set(err, HD_E_DENIED, "%zu of %u signers have signed it (%s …)",
                     seal->principal_count, terms->approvals, seal->principals[0]);
        return HD_REASON_APPROVALS_MISSING;
    }
    return HD_REASON_NONE;
}

static enum hd_reason judge_time(const struct hd_manifest *manifest, int64_t now,
                                 struct hd_error *err)
{
    char utc[HD_TEXT_TIME_SIZE];
    bool early = now < manifest->not_before;
    if (!early && now < manifest->expires)
        return HD_REASON_NONE;
    hd_text_utc((early ? manifest->not_before : manifest->expires) * 1000000, utc);
    hd_error_set(err, HD_E_DENIED, early ? "it is not to be used before %s" : "it expired at %s",
                 utc);
    return HD_REASON_EXPIRED;
}

static enum hd_reason judge_target(const struct hd_manifest *manifest,
                                   const struct hd_seal_terms *terms, struct hd_error *err)
{
    const char *target = manifest->target;
    if (target == NULL || terms->any_target ||
        (terms->target != NULL && strcmp(target, terms->target) == 0))
        return HD_REASON_NONE;
    char shown[120];
    hd_text_escape(target, shown, sizeof shown);
    if (terms->target == NULL)
        hd_error_set(err, HD_E_DENIED, "it is for %s, and this agent has no app= name", shown);
    else
        hd_error_set(err, HD_E_DENIED, "it is for %s, and this is %s", shown, terms->target);
    return HD_REASON_WRONG_TARGET;
}

/* Nothing of the manifest is believed before its signatures are. */
static enum hd_reason judge(const struct hd_bundle *bundle, const struct hd_seal_terms *terms,
                            struct hd_seal *seal, struct hd_error *err)
{
    enum hd_reason reason = judge_signatures(bundle, terms, seal, err);
    if (reason != HD_REASON_NONE)
        return reason;
    if (hd_manifest_read(hd_bundle_manifest(bundle), &seal->manifest, err) != 0 ||
        hd_manifest_check_bundle(&seal->manifest, bundle, err) != 0)
        return reason_for(HD_REASON_SIGNATURE_INVALID, err);
    reason = judge_target(&seal->manifest, terms, err);
    if (reason != HD_REASON_NONE || terms->any_time)
        return reason;
    return judge_time(&seal->manifest, terms->now, err);
}

enum hd_reason hd_seal_judge(const struct hd_bundle *bundle, const struct hd_seal_terms *terms,
                             struct hd_seal *out, struct hd_error *err)
{
    struct hd_seal seal = { .signature_count = 0 };
    if (hd_bundle_manifest(bundle).length == 0) {
        hd_error_set(err, HD_E_DENIED, "the bundle has no " HD_BUNDLE_MANIFEST);
        return HD_REASON_SIGNATURE_REQUIRED;
    }
    enum hd_reason reason = judge(bundle, terms, &seal, err);
    if (reason == HD_REASON_NONE)
        *out = seal;
    else
        hd_seal_close(&seal);
    return reason;
}

void hd_seal_close(struct hd_seal *seal)
{
    hd_manifest_close(&seal->manifest);
}
