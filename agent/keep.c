/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/keep.h"

#include "classfile/fingerprint.h"
#include "core/alloc.h"
#include "core/json.h"
#include "core/log.h"
#include "core/map.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

/* The classes of a state that differ from what their loaders have, as they are gathered. Their
 * bytes are borrowed from registry and states. */
struct gathering {
    struct hd_road *road;
    JNIEnv *jni;
    uint64_t state;
    struct hd_kept *kept;
    enum hd_reason *reason; /* of a refusal */
    struct hd_error *err;
    bool failed;
};

static int refuse(enum hd_reason *reason, enum hd_reason word, struct hd_error *err,
                  enum hd_error_code code, const char *text)
{
    *reason = word;
    return hd_error_set(err, code, "%s", text);
}

/* ---- meanings -------------------------------------------------------------------------------- */

static int fingerprint_of(struct hd_bytes file, struct hd_digest *out, struct hd_error *err)
{
    struct hd_class *class_file = NULL;
    int result = hd_class_parse(file.data, file.length, &class_file, err);
    if (result == 0)
        result = hd_class_fingerprint(class_file, out, err);
    hd_class_free(class_file);
    return result;
}

int hd_keep_same_meaning(struct hd_bytes a, struct hd_bytes b, struct hd_error *err)
{
    struct hd_error own = HD_ERROR_INIT;
    struct hd_digest one, other;
    if (a.length == b.length && memcmp(a.data, b.data, a.length) == 0)
        return 1;
    if (fingerprint_of(a, &one, &own) == 0 && fingerprint_of(b, &other, &own) == 0)
        return hd_digest_equal(&one, &other);
    return own.code == HD_E_MEMORY ? hd_error_set_memory(err) : 0;
}

/* ---- gathering ------------------------------------------------------------------------------- */

static bool is_defined(const struct hd_live *live)
{
    return live->state == HD_LIVE_DEFINED || live->was_defined;
}

static int check_way_back(const struct gathering *gathering, const struct hd_live *live)
{
    bool exact = live->standing == HD_BASE_PROVEN || live->standing == HD_BASE_EDITED;
    if (live->base != NULL && exact)
        return 0;
    *gathering->reason = HD_REASON_NO_WAY_BACK;
    if (live->state == HD_LIVE_PENDING)
        return hd_error_set(gathering->err, HD_E_NOT_FOUND,
                            "%s is not loaded yet, so that nobody knows what deployment %llu "
                            "replaces; keep it once it is loaded",
                            live->internal_name, (unsigned long long)live->deployment);
    return hd_error_set(gathering->err, HD_E_NOT_FOUND,
                        "no file was found that proves what %s was before deployment %llu, so it "
                        "cannot be made permanent",
                        live->internal_name, (unsigned long long)live->deployment);
}

/* Only the application's own loader is there when a JVM starts. */
static int check_defined(const struct gathering *gathering, const struct hd_live *live)
{
    if (strcmp(live->label, "app") == 0)
        return 0;
    *gathering->reason = HD_REASON_CANNOT_KEEP;
    return hd_error_set(gathering->err, HD_E_DENIED,
                        "deployment %llu added the class %s to %s, a class loader that does not "
                        "exist yet when a JVM starts; release a new jar for that",
                        (unsigned long long)live->deployment, live->internal_name, live->label);
}

/* Only what is signed becomes live after a restart, where the agent asks for signatures. */
static int note_bundle(const struct gathering *gathering, struct hd_blob *content,
                       struct hd_kept_class *class)
{
    const struct hd_road *road = gathering->road;
    struct hd_digest digest;
    if (road->options->allowed_signers == NULL)
        return 0;
    if (hd_blob_digest(content, &digest, gathering->err) != 0)
        return -1;
    const char *bundle = hd_gate_find_bundle(&road->gate, &digest);
    if (bundle != NULL) {
        memcpy(class->bundle, bundle, sizeof class->bundle);
        return 0;
    }
    *gathering->reason = HD_REASON_CANNOT_KEEP;
    return hd_error_set(gathering->err, HD_E_DENIED,
                        "%s came in no signed bundle since this JVM started, so it would not be "
                        "let in again",
                        class->name);
}

static int add(const struct gathering *gathering, const struct hd_live *live,
               struct hd_blob *content)
{
    bool defined = is_defined(live);
    if ((defined ? check_defined(gathering, live) : check_way_back(gathering, live)) != 0)
        return -1;
    struct hd_kept_class *class = hd_kept_add(gathering->kept, live->internal_name, live->label);
    if (class == NULL)
        return hd_error_set_memory(gathering->err);
    class->deployment = live->deployment;
    class->defined = defined;
    class->file = content->bytes;
    if (hd_forced_of(gathering->road->forced, content, &class->forced, gathering->err) != 0 ||
        note_bundle(gathering, content, class) != 0)
        return -1;
    if (defined)
        return 0;
    class->base = live->base->bytes;
    return fingerprint_of(class->base, &class->fingerprint, gathering->err);
}

static void gather(struct hd_live *live, void *context)
{
    struct gathering *gathering = context;
    struct hd_blob *content;
    if (gathering->failed || live->state == HD_LIVE_WRONG_BASE ||
        !hd_road_content_in(gathering->road, gathering->jni, gathering->state, live, &content))
        return;
    if (content != NULL && !hd_blob_same(content, live->base))
        gathering->failed = add(gathering, live, content) != 0;
}

static int by_name(const void *a, const void *b)
{
    const struct hd_kept_class *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : strcmp(left->loader, right->loader);
}

/* When a JVM starts, nobody can tell two web applications apart that are not there yet. */
static int check_alike(const struct gathering *gathering)
{
    const struct hd_kept *kept = gathering->kept;
    for (size_t i = 1; i < kept->count; i++) {
        const struct hd_kept_class *one = &kept->classes[i - 1], *other = &kept->classes[i];
        if (strcmp(one->name, other->name) != 0 ||
            (hd_bytes_equal(one->file, other->file) && hd_bytes_equal(one->base, other->base)))
            continue;
        *gathering->reason = HD_REASON_CANNOT_KEEP;
        return hd_error_set(gathering->err, HD_E_DENIED,
                            "%s is live with different code in %s and %s, and a JVM that starts "
                            "could not tell which is which",
                            one->name, one->loader, other->loader);
    }
    return 0;
}

/* Which names the registry has. */
struct search {
    const char *name;
    bool found;
};

static void compare_name(struct hd_live *live, void *context)
{
    struct search *search = context;
    search->found |= strcmp(live->internal_name, search->name) == 0;
}

/* A patch that waited in that state, and was taken back since, is in the registry no more: it must
 * not be left out in silence. */
static void check_known(const char *internal_name, void *context)
{
    struct gathering *gathering = context;
    struct search search = { internal_name, false };
    if (gathering->failed)
        return;
    hd_registry_each(gathering->road->registry, compare_name, &search);
    if (search.found)
        return;
    *gathering->reason = HD_REASON_CANNOT_KEEP;
    gathering->failed = true;
    hd_error_set(gathering->err, HD_E_NOT_FOUND,
                 "%s of that state is not held ready any more; roll back to %llu first, and keep "
                 "what is live then",
                 internal_name, (unsigned long long)gathering->state);
}

static int gather_all(struct gathering *gathering)
{
    struct hd_kept *kept = gathering->kept;
    hd_registry_each(gathering->road->registry, gather, gathering);
    if (gathering->state != hd_states_current(gathering->road->states))
        hd_states_each_class(gathering->road->states, gathering->state, check_known, gathering);
    if (gathering->failed)
        return -1;
    if (kept->count > 0)
        qsort(kept->classes, kept->count, sizeof *kept->classes, by_name);
    return check_alike(gathering);
}

/* ---- keeping --------------------------------------------------------------------------------- */

/* Who and why, as in a deployment's line. */
static json_t *journal_fields(const struct hd_origin *origin, const char *message,
                              const struct hd_kept *kept)
{
    json_t *json = json_object();
    bool complete = hd_json_put(json, "state", hd_json_number(kept->state)) &&
                    hd_json_put(json, "classes", hd_json_number(hd_kept_live_count(kept))) &&
                    hd_json_put(json, "who", hd_json_text(origin->who)) &&
                    hd_json_put(json, "from", hd_json_text(origin->from)) &&
                    hd_json_put(json, "way", hd_json_text(hd_way_word(origin->way))) &&
                    hd_json_put(json, "message", hd_json_text(message));
    return hd_json_finish(json, complete);
}

static int keep_state(struct hd_road *road, JNIEnv *jni, const struct hd_job *job, uint64_t state,
                      enum hd_reason *reason, struct hd_error *err)
{
    struct hd_kept kept = { .state = state, .who = hd_strdup(job->origin.who) };
    struct gathering gathering = { road, jni, state, &kept, reason, err, false };
    int result = gather_all(&gathering);
    if (result == 0) {
        *reason = HD_REASON_STORE_UNAVAILABLE;
        result = hd_archive_write_kept(road->archive, &kept,
                                       journal_fields(&job->origin, job->message, &kept), err);
    }
    if (result == 0)
        hd_log(HD_LOG_INFO, "%s keeps the state after deployment %llu: %zu classes",
               job->origin.who, (unsigned long long)state, kept.count);
    hd_kept_close(&kept);
    return result;
}

static int find_state(const struct hd_road *road, const struct hd_job *job, uint64_t *out,
                      struct hd_error *err)
{
    if (!job->to_given) {
        *out = hd_states_current(road->states);
        return 0;
    }
    if (job->to > 0 && job->to <= road->earlier_number)
        return hd_error_set(err, HD_E_NOT_FOUND, "deployment %llu was before this JVM started",
                            (unsigned long long)job->to);
    return hd_states_find(road->states, job->to, out, err);
}

static int check_store(const struct hd_road *road, enum hd_reason *reason, struct hd_error *err)
{
    *reason = HD_REASON_CANNOT_KEEP;
    if (road->archive == NULL)
        return refuse(reason, HD_REASON_CANNOT_KEEP, err, HD_E_NOT_FOUND,
                      "this JVM runs without a store: give the agent store=DIR");
    *reason = HD_REASON_STORE_UNAVAILABLE;
    return hd_archive_check(road->archive, err);
}

static int keep(struct hd_road *road, JNIEnv *jni, struct hd_job *job, struct hd_error *err)
{
    enum hd_reason *reason = &job->kept.reason;
    uint64_t state = 0;
    if (check_store(road, reason, err) != 0)
        return -1;
    if (road->probation.deployment != 0)
        return refuse(reason, HD_REASON_TRIAL_OPEN, err, HD_E_DENIED,
                      "a deployment is on trial, and what may be rolled back is not permanent");
    *reason = HD_REASON_CANNOT_KEEP;
    if (find_state(road, job, &state, err) != 0)
        return -1;
    return keep_state(road, jni, job, state, reason, err);
}

/* As status shows it; with nothing kept: the state as started. */
static json_t *document_of(const struct hd_road *road)
{
    const json_t *kept = hd_archive_kept(road->archive);
    return kept != NULL
               ? json_deep_copy(kept)
               : json_pack("{s:i, s:n, s:i, s:[]}", "state", 0, "who", "classes", 0, "set_aside");
}

void hd_keep_run(struct hd_road *road, JNIEnv *jni, struct hd_job *job)
{
    struct hd_error *why = &job->kept.why;
    if (keep(road, jni, job, why) != 0) {
        if (why->code == HD_E_MEMORY)
            job->kept.reason = HD_REASON_JVM_ERROR;
        hd_log(HD_LOG_WARN, "%s could not keep: %s", job->origin.who, why->text);
        return;
    }
    job->kept.document = document_of(road);
    if (job->kept.document != NULL)
        return;
    job->kept.reason = HD_REASON_JVM_ERROR;
    hd_error_set(why, HD_E_MEMORY, "it is kept, and there is no memory to say what; see status");
}

bool hd_keep_is_possible(const struct hd_road *road, const struct hd_job *job)
{
    struct hd_error err = HD_ERROR_INIT;
    enum hd_reason reason;
    if (!job->keep || check_store(road, &reason, &err) == 0)
        return true;
    hd_deployment_fail(job->deployment, reason, "%s", err.text);
    return false;
}

void hd_keep_deployed(struct hd_road *road, JNIEnv *jni, struct hd_job *job)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_deployment *deployment = job->deployment;
    enum hd_reason reason;
    deployment->keep_asked = job->keep;
    if (!job->keep || !deployment->applied)
        return;
    deployment->kept =
        keep_state(road, jni, job, hd_states_current(road->states), &reason, &err) == 0;
    if (deployment->kept)
        return;
    deployment->keep_error = hd_strdup(err.text);
    hd_log(HD_LOG_ERROR, "deployment %llu is live and not kept: %s",
           (unsigned long long)deployment->number, err.text);
}

/* ---- patches that are out -------------------------------------------------------------------- */

static void tell_fate(struct hd_road *road, const struct hd_kept_class *class,
                      enum hd_keep_fate fate)
{
    bool retired = fate == HD_KEEP_RETIRED;
    const char *why = retired ? "the class's own file is the patch by now" : class->aside;
    char *name = hd_text_class_name(hd_map_key(class->name));
    hd_log(retired ? HD_LOG_INFO : HD_LOG_WARN, "%s in %s, kept since deployment %llu, is %s: %s",
           name != NULL ? name : class->name, class->loader, (unsigned long long)class->deployment,
           retired ? "retired" : "set aside and not applied", why);
    hd_archive_note_take(road->archive, retired ? "kept-retired" : "kept-set-aside",
                         json_pack("{s:o, s:o, s:I, s:o}", "class", hd_json_text(name), "loader",
                                   hd_json_text(class->loader), "patch_of",
                                   (json_int_t) class->deployment, "why", hd_json_text(why)));
    hd_free(name);
}

static void take_out(struct hd_kept *kept, size_t index)
{
    struct hd_kept_class *class = &kept->classes[index];
    hd_free(class->name);
    hd_free(class->loader);
    hd_free(class->aside);
    kept->count--;
    memmove(class, class + 1, (kept->count - index) * sizeof *class);
}

void hd_keep_settle(struct hd_road *road, struct hd_kept *kept, const enum hd_keep_fate *fates)
{
    struct hd_error err = HD_ERROR_INIT;
    const struct hd_origin agent = { .way = HD_WAY_AGENT, .who = "agent", .from = "restart" };
    bool changed = false;
    for (size_t i = kept->count; i-- > 0;) {
        if (fates[i] == HD_KEEP_STAYS)
            continue;
        if (fates[i] == HD_KEEP_ASIDE && kept->classes[i].aside == NULL)
            kept->classes[i].aside = hd_strdup("its base has changed: the file in the jar is not "
                                               "the one the patch was made for");
        tell_fate(road, &kept->classes[i], fates[i]);
        if (fates[i] == HD_KEEP_RETIRED)
            take_out(kept, i);
        changed = true;
    }
    if (changed &&
        hd_archive_write_kept(road->archive, kept, journal_fields(&agent, NULL, kept), &err) != 0)
        hd_log(HD_LOG_ERROR, "what is kept could not be written anew: %s", err.text);
}

static bool is_kept_for(const struct hd_kept_class *class, const char *internal_name,
                        const char *label)
{
    return class->aside == NULL && strcmp(class->name, internal_name) == 0 &&
           (class->loader[0] == '\0' || strcmp(class->loader, label) == 0);
}

static int judge_one(const struct hd_kept_class *class, struct hd_bytes file,
                     enum hd_keep_fate *fate, struct hd_error *err)
{
    int base = class->defined ? 0 : hd_keep_same_meaning(class->base, file, err);
    int patch = base == 0 ? hd_keep_same_meaning(class->file, file, err) : 0;
    if (base < 0 || patch < 0)
        return -1;
    if (base == 0)
        *fate = patch == 1 ? HD_KEEP_RETIRED : HD_KEEP_ASIDE;
    return 0;
}

static int judge(const struct hd_kept *kept, const char *internal_name, const char *label,
                 struct hd_bytes file, enum hd_keep_fate *fates, struct hd_error *err)
{
    for (size_t i = 0; i < kept->count; i++) {
        if (is_kept_for(&kept->classes[i], internal_name, label) &&
            judge_one(&kept->classes[i], file, &fates[i], err) != 0)
            return -1;
    }
    return 0;
}

void hd_keep_hear_loaded(struct hd_road *road, const char *internal_name, const char *label,
                         struct hd_bytes file)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_kept kept = { 0 };
    if (hd_archive_kept(road->archive) == NULL)
        return;
    if (hd_archive_read_kept(road->archive, &kept, &err) != 0 ||
        hd_archive_set_aside_as_noted(road->archive, &kept, &err) != 0) {
        hd_log(HD_LOG_ERROR, "what is kept cannot be read: %s", err.text);
        hd_kept_close(&kept);
        return;
    }
    enum hd_keep_fate *fates = hd_alloc_zeroed(kept.count + 1, sizeof *fates);
    if (fates != NULL && judge(&kept, internal_name, label, file, fates, &err) == 0)
        hd_keep_settle(road, &kept, fates);
    hd_free(fates);
    hd_kept_close(&kept);
}
