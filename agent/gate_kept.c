/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever can write to the store could put something there to be kept: so what is kept is judged at
 * start as it was when it came. */
#include "agent/gate.h"

#include "core/alloc.h"
#include "core/log.h"
#include "core/text.h"

#include <string.h>

/* The bundle that was judged last: classes of one bundle mostly stand together. */
struct judged {
    char digest[HD_DIGEST_HEX_SIZE]; /* "": none */
    struct hd_bundle *bundle;        /* NULL: not let in */
    struct hd_error why;
};

/* What judging one class needs. */
struct judging {
    struct hd_gate *gate;
    const struct hd_options *options;
    const struct hd_archive *archive;
    unsigned feature_release;
    struct judged last;
};

static int open_bundle(const struct hd_archive *archive, const char *digest,
                       unsigned feature_release, struct hd_bundle **out, struct hd_error *err)
{
    const struct hd_bundle_limits limits = { .max_bytes = HD_BUNDLE_MAX_BYTES,
                                             .max_class_bytes = HD_BUNDLE_MAX_CLASS_BYTES,
                                             .max_entries = HD_BUNDLE_MAX_ENTRIES };
    struct hd_buffer jar = HD_BUFFER_INIT;
    size_t length;
    if (hd_archive_read_bundle(archive, digest, &jar, err) != 0) {
        hd_buffer_close(&jar);
        return -1;
    }
    uint8_t *bytes = hd_buffer_steal(&jar, &length);
    return hd_bundle_open_take(bytes, length, digest, &limits, feature_release, out, err);
}

enum hd_reason hd_gate_judge_stored(struct hd_gate *gate, const struct hd_options *options,
                                    const struct hd_archive *archive, unsigned feature_release,
                                    const char *digest, struct hd_bundle **out,
                                    struct hd_error *err)
{
    struct hd_seal_terms terms = { .signers = gate->signers,
                                   .approvals = options->approvals,
                                   .target = options->app,
                                   .any_time = true,
                                   .now = hd_text_now() / 1000000 };
    struct hd_seal seal;
    struct hd_bundle *bundle = NULL;
    if (open_bundle(archive, digest, feature_release, &bundle, err) != 0)
        return HD_REASON_STORE_UNAVAILABLE;
    enum hd_reason reason = hd_gate_judge_seal(options, bundle, true, &terms, &seal, err);
    if (reason != HD_REASON_NONE) {
        hd_bundle_free(bundle);
        return reason;
    }
    hd_seal_close(&seal);
    *out = bundle;
    return HD_REASON_NONE;
}

static void judge_bundle(struct judging *judging, const char *digest)
{
    struct judged *last = &judging->last;
    hd_bundle_free(last->bundle);
    *last = (struct judged){ .bundle = NULL };
    memcpy(last->digest, digest, sizeof last->digest);
    if (digest[0] == '\0')
        hd_error_set(&last->why, HD_E_DENIED, "it came in no signed bundle");
    else
        (void)hd_gate_judge_stored(judging->gate, judging->options, judging->archive,
                                   judging->feature_release, digest, &last->bundle, &last->why);
}

static bool holds(const struct hd_bundle *bundle, struct hd_bytes file)
{
    for (size_t i = 0; i < hd_bundle_class_count(bundle); i++) {
        struct hd_bytes other = hd_bundle_class_at(bundle, i)->file;
        if (other.length == file.length && memcmp(other.data, file.data, file.length) == 0)
            return true;
    }
    return false;
}

static int set_aside(struct hd_kept_class *class, const char *why, struct hd_error *err)
{
    hd_log(HD_LOG_ERROR,
           "the kept patch of %s (deployment %llu) is set aside: it is not signed as this agent "
           "asks for: %s",
           class->name, (unsigned long long)class->deployment, why);
    class->aside = hd_asprintf("it is not signed as this agent asks for: %s", why);
    class->aside_for_now = true;
    return class->aside != NULL ? 0 : hd_error_set_memory(err);
}

static int judge_class(struct judging *judging, struct hd_kept_class *class, struct hd_error *err)
{
    struct judged *last = &judging->last;
    struct hd_digest digest;
    if (last->digest[0] == '\0' || strcmp(last->digest, class->bundle) != 0)
        judge_bundle(judging, class->bundle);
    if (last->bundle == NULL)
        return set_aside(class, last->why.text, err);
    if (!holds(last->bundle, class->file))
        return set_aside(class, "the bundle that is named for it does not hold it", err);
    if (hd_digest_of(class->file.data, class->file.length, &digest, err) != 0)
        return -1;
    hd_gate_note_origin(judging->gate, &digest, class->bundle);
    return 0;
}

int hd_gate_judge_kept(struct hd_gate *gate, const struct hd_options *options,
                       const struct hd_archive *archive, unsigned feature_release,
                       struct hd_kept *kept, struct hd_error *err)
{
    struct hd_error why = HD_ERROR_INIT;
    struct judging judging = { gate, options, archive, feature_release, { .bundle = NULL } };
    int status = 0;
    if (options->allowed_signers == NULL)
        return 0;
    bool known = hd_gate_know_signers(gate, options->allowed_signers, &why) == 0;
    for (size_t i = 0; status == 0 && i < kept->count; i++) {
        struct hd_kept_class *class = &kept->classes[i];
        if (class->aside != NULL)
            continue;
        status = known ? judge_class(&judging, class, err) : set_aside(class, why.text, err);
    }
    hd_bundle_free(judging.last.bundle);
    return status;
}
