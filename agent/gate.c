/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/gate.h"

#include "core/alloc.h"
#include "core/json.h"
#include "core/log.h"
#include "core/text.h"

#include <string.h>

#define MAX_SIGNERS_BYTES ((size_t)1 << 20)

void hd_gate_close(struct hd_gate *gate)
{
    hd_signers_free(gate->signers);
    hd_map_close(&gate->origin_index);
    hd_free(gate->origins);
    *gate = (struct hd_gate){ .signers = NULL };
}

/* ---- the file of signers --------------------------------------------------------------------- */

/* The texts begin with the path. */
static int read_signers(const char *path, struct hd_signers **out, struct hd_error *err)
{
    struct hd_buffer text = HD_BUFFER_INIT;
    bool readable_by_others;
    int status = hd_trusted_file_read(path, MAX_SIGNERS_BYTES, &text, &readable_by_others, err);
    if (status == 0 && hd_signers_read((struct hd_bytes){ text.data, text.length }, out, err) != 0)
        status = hd_error_prefix(err, "%s", path);
    hd_buffer_close(&text);
    return status;
}

/* A file that cannot be read, trusted or understood lets nobody in, rather than whom it named
 * before: it may have been changed to shut somebody out. */
int hd_gate_know_signers(struct hd_gate *gate, const char *path, struct hd_error *err)
{
    struct hd_file_stamp now;
    struct hd_error own = HD_ERROR_INIT;
    hd_file_stamp_of(path, &now);
    if (gate->signers != NULL && hd_file_stamp_equal(&gate->read_from, &now))
        return 0;
    hd_signers_free(gate->signers);
    gate->signers = NULL;
    if (read_signers(path, &gate->signers, &own) != 0)
        return hd_error_set(err, own.code, "allowed-signers=%s", own.text);
    gate->read_from = now;
    return 0;
}

/* ---- the verdict ----------------------------------------------------------------------------- */

static json_t *describe(const struct hd_seal *seal, const char *voucher)
{
    json_t *signers = json_array();
    bool complete = signers != NULL;
    for (size_t i = 0; complete && i < seal->principal_count; i++)
        complete = json_array_append_new(signers, hd_json_text(seal->principals[i])) == 0;
    signers = hd_json_finish(signers, complete);
    json_t *json = json_object();
    complete = hd_json_put(json, "name", hd_json_text(seal->manifest.name)) &&
               hd_json_put(json, "version", hd_json_text(seal->manifest.version)) &&
               hd_json_put(json, "sequence", hd_json_number(seal->manifest.sequence)) &&
               hd_json_put(json, "signers", signers) &&
               (voucher == NULL || hd_json_put(json, "on_behalf_of", hd_json_text(voucher)));
    return hd_json_finish(json, complete);
}

static enum hd_reason ask_store(const struct hd_archive *archive, const struct hd_seal *seal,
                                struct hd_error *err)
{
    const struct hd_sequences *sequences = hd_archive_sequences(archive);
    if (sequences == NULL || !hd_sequences_are_initialised(sequences)) {
        hd_error_set(
            err, HD_E_DENIED,
            "the store was not initialised for signed bundles, or has been replaced since; "
            "if it is new, stop the JVM and run: hotdrop journal init STORE");
        return HD_REASON_STORE_UNAVAILABLE;
    }
    if (hd_sequences_check(sequences, seal->manifest.name, seal->manifest.sequence, err) != 0)
        return HD_REASON_REPLAYED;
    return HD_REASON_NONE;
}

static bool is_named_for_emergencies(const struct hd_options *options, const struct hd_seal *seal)
{
    for (size_t i = 0; i < options->emergency.count; i++) {
        for (size_t k = 0; k < seal->principal_count; k++) {
            if (strcmp(options->emergency.items[i], seal->principals[k]) == 0)
                return true;
        }
    }
    return false;
}

/* In an emergency one signature is enough, if it is that of one of those who are named for it. */
enum hd_reason hd_gate_judge_seal(const struct hd_options *options, const struct hd_bundle *bundle,
                                  bool emergency, struct hd_seal_terms *terms, struct hd_seal *seal,
                                  struct hd_error *err)
{
    struct hd_error ignored = HD_ERROR_INIT;
    enum hd_reason reason = hd_seal_judge(bundle, terms, seal, err);
    if (reason != HD_REASON_APPROVALS_MISSING || !emergency)
        return reason;
    terms->approvals = 1;
    if (hd_seal_judge(bundle, terms, seal, &ignored) != HD_REASON_NONE)
        return reason;
    if (is_named_for_emergencies(options, seal)) {
        hd_error_clear(err);
        return HD_REASON_NONE;
    }
    hd_seal_close(seal);
    return reason;
}

/* Who of those who signed it has the role that whoever sent it lacks? *voucher stays NULL where none
 * is lacked. */
static enum hd_reason find_voucher(const struct hd_job *job, const struct hd_seal *seal,
                                   const char **voucher, struct hd_error *err)
{
    if (job->behalf.needed == HD_ROLE_NONE)
        return HD_REASON_NONE;
    for (size_t i = 0; i < seal->principal_count; i++) {
        if (hd_authorized_named(&job->behalf.signers, HD_WHO_SIGNER, seal->principals[i]) >=
            job->behalf.needed) {
            *voucher = seal->principals[i];
            return HD_REASON_NONE;
        }
    }
    hd_error_set(err, HD_E_DENIED, "none of those who signed it (%s …) is a %s",
                 seal->principals[0], hd_role_word(job->behalf.needed));
    return HD_REASON_NOT_AUTHORISED;
}

static enum hd_reason ask_and_describe(const struct hd_archive *archive, const struct hd_job *job,
                                       const struct hd_seal *seal, json_t **described,
                                       struct hd_error *err)
{
    const char *voucher = NULL;
    enum hd_reason reason = find_voucher(job, seal, &voucher, err);
    if (reason == HD_REASON_NONE)
        reason = ask_store(archive, seal, err);
    if (reason != HD_REASON_NONE)
        return reason;
    *described = describe(seal, voucher);
    if (*described != NULL)
        return HD_REASON_NONE;
    hd_error_set_memory(err);
    return HD_REASON_JVM_ERROR;
}

static enum hd_reason judge(struct hd_gate *gate, const struct hd_options *options,
                            const struct hd_archive *archive, struct hd_job *job,
                            struct hd_error *err)
{
    if (hd_gate_know_signers(gate, options->allowed_signers, err) != 0)
        return HD_REASON_SIGNATURE_REQUIRED;
    struct hd_seal_terms terms = { .signers = gate->signers,
                                   .approvals = options->approvals,
                                   .target = options->app,
                                   .now = hd_text_now() / 1000000 };
    struct hd_seal seal;
    json_t *described = NULL;
    enum hd_reason reason =
        hd_gate_judge_seal(options, job->bundle, job->emergency != NULL, &terms, &seal, err);
    if (reason != HD_REASON_NONE)
        return reason;
    reason = ask_and_describe(archive, job, &seal, &described, err);
    if (reason != HD_REASON_NONE) {
        hd_seal_close(&seal);
        return reason;
    }
    json_decref(job->deployment->sealed);
    job->deployment->sealed = described;
    job->manifest = seal.manifest; /* moved */
    return HD_REASON_NONE;
}

bool hd_gate_admits(struct hd_gate *gate, const struct hd_options *options,
                    const struct hd_archive *archive, struct hd_job *job)
{
    struct hd_error why = HD_ERROR_INIT;
    bool judged = job->manifest.json != NULL;
    if (options->allowed_signers == NULL || job->bundle == NULL || judged)
        return true;
    enum hd_reason reason = judge(gate, options, archive, job, &why);
    if (reason == HD_REASON_NONE)
        return true;
    hd_deployment_fail(job->deployment, reason, "%s", why.text);
    return false;
}

/* Without a signature that counts it is the sender's role that is told. */
static bool is_unsigned(enum hd_reason reason)
{
    return reason == HD_REASON_SIGNATURE_REQUIRED || reason == HD_REASON_SIGNATURE_INVALID ||
           reason == HD_REASON_NOT_AUTHORISED;
}

bool hd_gate_vouches(struct hd_gate *gate, const struct hd_options *options,
                     const struct hd_archive *archive, struct hd_job *job)
{
    struct hd_error why = HD_ERROR_INIT;
    if (job->behalf.needed == HD_ROLE_NONE)
        return true;
    if (job->bundle == NULL)
        return false;
    if (job->deployment == NULL)
        job->deployment = hd_deployment_new(HD_DEPLOYMENT_PUSH, &job->origin);
    if (job->deployment == NULL)
        return false;
    enum hd_reason reason = options->allowed_signers != NULL
                                ? judge(gate, options, archive, job, &why)
                                : HD_REASON_SIGNATURE_REQUIRED;
    if (is_unsigned(reason))
        hd_deployment_fail(job->deployment, HD_REASON_NOT_AUTHORISED,
                           "a push needs the role %s, and %s has %s here; nor does a signature "
                           "stand for it: %s",
                           hd_role_word(job->behalf.needed), job->origin.who,
                           hd_role_word(job->behalf.role), why.text);
    else if (reason != HD_REASON_NONE)
        hd_deployment_fail(job->deployment, reason, "%s", why.text);
    return reason == HD_REASON_NONE;
}

/* ---- where class files came from ------------------------------------------------------------- */

static struct hd_bytes key_of(const struct hd_digest *file)
{
    return (struct hd_bytes){ file->bytes, sizeof file->bytes };
}

static struct hd_gate_origin *find_origin(const struct hd_gate *gate, const struct hd_digest *file)
{
    size_t at;
    return hd_map_find(&gate->origin_index, key_of(file), &at) ? &gate->origins[at] : NULL;
}

static int index_origins(struct hd_gate *gate, struct hd_error *err)
{
    hd_map_close(&gate->origin_index);
    for (size_t i = 0; i < gate->origin_count; i++) {
        if (hd_map_put(&gate->origin_index, key_of(&gate->origins[i].file), i, err) != 0)
            return -1;
    }
    return 0;
}

static int grow_origins(struct hd_gate *gate, struct hd_error *err)
{
    size_t capacity = gate->origin_capacity > 0 ? 2 * gate->origin_capacity : 64;
    struct hd_gate_origin *grown = hd_realloc_array(gate->origins, capacity, sizeof *gate->origins);
    if (grown == NULL)
        return hd_error_set_memory(err);
    gate->origins = grown;
    gate->origin_capacity = capacity;
    return 0;
}

static void forget_older_half(struct hd_gate *gate)
{
    size_t kept = gate->origin_count / 2;
    memmove(gate->origins, gate->origins + gate->origin_count - kept, kept * sizeof *gate->origins);
    gate->origin_count = kept;
}

/* The index borrows from the array, so it is made anew when that moves. */
static int make_room_for_origin(struct hd_gate *gate, struct hd_error *err)
{
    if (gate->origins != NULL && gate->origin_count < gate->origin_capacity)
        return 0;
    if (gate->origins != NULL && gate->origin_count == HD_GATE_MAX_ORIGINS)
        forget_older_half(gate);
    else if (grow_origins(gate, err) != 0)
        return -1;
    return index_origins(gate, err);
}

/* Whoever signed it last stands for it. */
void hd_gate_note_origin(struct hd_gate *gate, const struct hd_digest *file, const char *bundle)
{
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_gate_origin *origin = find_origin(gate, file);
    if (origin != NULL)
        memcpy(origin->bundle, bundle, sizeof origin->bundle);
    if (origin != NULL || make_room_for_origin(gate, &ignored) != 0)
        return;
    origin = &gate->origins[gate->origin_count];
    origin->file = *file;
    memcpy(origin->bundle, bundle, sizeof origin->bundle);
    if (hd_map_put(&gate->origin_index, key_of(&origin->file), gate->origin_count, &ignored) == 0)
        gate->origin_count++;
}

void hd_gate_remember(struct hd_gate *gate, const struct hd_job *job)
{
    const struct hd_manifest *manifest = &job->manifest;
    for (size_t i = 0; manifest->json != NULL && i < manifest->class_count; i++)
        hd_gate_note_origin(gate, &manifest->classes[i].file, job->deployment->bundle_digest);
}

const char *hd_gate_find_bundle(const struct hd_gate *gate, const struct hd_digest *file)
{
    const struct hd_gate_origin *origin = find_origin(gate, file);
    return origin != NULL ? origin->bundle : NULL;
}
