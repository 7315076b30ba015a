/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/answer.h"

#include "agent/deadline.h"
#include "agent/loop_lws.h"
#include "agent/status.h"
#include "core/json.h"
#include "core/message.h"
#include "core/text.h"

#include <stdint.h>
#include <stdio.h>

/* From this long on, a wait names what the engine waits for: shorter ones are ordinary. */
enum { NAMED_AFTER_SECONDS = 10, DOING_SIZE = 512 };

static json_t *whole(uint64_t number)
{
    return json_integer((json_int_t)number);
}

/* Puts type and id into an object; consumes it when that fails. */
static json_t *addressed(json_t *object, const char *type, uint64_t id)
{
    if (json_object_set_new(object, "type", json_string(type)) == 0 &&
        json_object_set_new(object, "id", whole(id)) == 0)
        return object;
    json_decref(object);
    return NULL;
}

json_t *hd_answer_hello(const struct hd_loop *loop, enum hd_role role)
{
    const struct hd_jvm *jvm = hd_loop_jvm(loop);
    return json_pack("{s:s, s:s, s:s, s:i, s:I, s:s, s:i, s:I, s:I, s:s}", "type", "hello",
                     "protocol", HD_PROTOCOL_NAME, "version", HOTDROP_VERSION, "pid", jvm->pid,
                     "user", (json_int_t)jvm->user, "jdk", jvm->version, "feature",
                     (int)jvm->rules.feature_release, "deployments",
                     (json_int_t)hd_history_total(hd_loop_history(loop)), "max_bundle",
                     (json_int_t)hd_loop_options(loop)->max_bundle, "role", hd_role_word(role));
}

json_t *hd_answer_received(uint64_t id)
{
    return json_pack("{s:s, s:I, s:s}", "type", "progress", "id", (json_int_t)id, "stage",
                     "received");
}

/* What the engine is doing, in words; false where it says nothing, or has only just begun. */
static bool engine_is_doing(const struct hd_loop *loop, char out[DOING_SIZE])
{
    int64_t since = 0;
    out[0] = '\0';
    (void)hd_engine_waiting(hd_loop_engine(loop), out, DOING_SIZE, &since);
    return out[0] != '\0';
}

json_t *hd_answer_waiting(const struct hd_loop *loop, uint64_t id, uint64_t ahead, int64_t seconds)
{
    char doing[DOING_SIZE];
    bool named = seconds >= NAMED_AFTER_SECONDS && engine_is_doing(loop, doing);
    return json_pack("{s:s, s:I, s:s, s:I, s:o, s:I}", "type", "progress", "id", (json_int_t)id,
                     "stage", ahead > 0 ? "queued" : "working", "ahead", (json_int_t)ahead, "doing",
                     hd_json_text(named ? doing : NULL), "seconds", (json_int_t)seconds);
}

json_t *hd_answer_report(const struct hd_deployment *deployment, uint64_t id)
{
    json_t *report = hd_deployment_to_json(deployment);
    return report != NULL ? addressed(report, "report", id) : NULL;
}

/* A JVM that nothing was deployed to: its state is the digest of an empty list (agent/status.h). */
static json_t *pristine(const struct hd_loop *loop)
{
    const struct hd_jvm *jvm = hd_loop_jvm(loop);
    return json_pack("{s:i, s:s, s:s, s:[], s:b, s:i, s:{s:i, s:i}}", "pid", jvm->pid, "jdk",
                     jvm->version, "state", "e3b0c44298fc1c14", "classes", "old_frames_complete", 1,
                     "old_frames", 0, "memory", "originals", 0, "patches", 0);
}

static json_t *busy_with(const struct hd_loop *loop)
{
    char doing[DOING_SIZE];
    return hd_json_text(engine_is_doing(loop, doing) ? doing : "another job");
}

/* NULL when memory is out; consumes status then. */
static json_t *with_stacks(json_t *status, json_t *stacks)
{
    json_t *value = stacks != NULL ? json_incref(stacks) : json_null();
    if (json_object_set_new(status, "blocking", value) == 0)
        return status;
    json_decref(status);
    return NULL;
}

/* The engine's figures and the loop's. NULL when memory is out. */
static json_t *memory_figures(const json_t *status, const struct hd_loop *loop)
{
    json_t *memory = json_copy(json_object_get(status, "memory"));
    json_t *size = whole(hd_history_size(hd_loop_history(loop)));
    if (json_object_set_new(memory, "history", size) == 0)
        return memory;
    json_decref(memory);
    return NULL;
}

json_t *hd_answer_status(const struct hd_loop *loop, bool busy, bool blocking, json_t *stacks,
                         uint64_t id)
{
    const struct hd_status *known = hd_loop_status(loop);
    json_t *status = known != NULL ? hd_status_to_json(known, hd_loop_jvm(loop)) : pristine(loop);
    if (status != NULL && blocking)
        status = with_stacks(status, stacks);
    if (status == NULL)
        return NULL;
    if (json_object_set_new(status, "memory", memory_figures(status, loop)) == 0 &&
        json_object_set_new(status, "busy", busy ? busy_with(loop) : json_null()) == 0 &&
        json_object_set_new(status, "trial", hd_deadline_to_json(hd_loop_deadline(loop))) == 0)
        return addressed(status, "status", id);
    json_decref(status);
    return NULL;
}

/* Why nothing could be confirmed; deployment NULL: no trial of that number is known (0: none at
 * all). */
static void explain_no_trial(const struct hd_loop *loop, const struct hd_deployment *deployment,
                             uint64_t asked, char *out, size_t capacity)
{
    const struct hd_deployment *open = hd_deadline_find(hd_loop_deadline(loop), 0);
    if (deployment != NULL && deployment->trial.end == HD_TRIAL_ROLLED_BACK)
        hd_text_format(out, capacity,
                       "deployment %llu was rolled back already by %s: deployment %llu",
                       (unsigned long long)deployment->number, deployment->trial.who,
                       (unsigned long long)deployment->trial.rollback);
    else if (deployment != NULL)
        hd_text_format(
            out, capacity,
            "the trial of deployment %llu is over: it was not confirmed in time, and its "
            "rollback, deployment %llu, was refused; it is still live",
            (unsigned long long)deployment->number, (unsigned long long)deployment->trial.rollback);
    else if (open != NULL && open->trial.end == HD_TRIAL_OPEN)
        hd_text_format(out, capacity, "deployment %llu is not on trial; deployment %llu by %s is",
                       (unsigned long long)asked, (unsigned long long)open->number,
                       open->origin.who);
    else if (asked != 0)
        hd_text_format(out, capacity, "deployment %llu was not on trial",
                       (unsigned long long)asked);
    else
        hd_text_format(out, capacity, "nothing is on trial");
}

static json_t *confirm_error(const struct hd_loop *loop, const struct hd_deployment *deployment,
                             uint64_t asked)
{
    char words[600];
    explain_no_trial(loop, deployment, asked, words, sizeof words);
    return json_pack("{s:s, s:o, s:s}", "reason", hd_reason_word(HD_REASON_NO_TRIAL), "message",
                     hd_json_text(words), "remedy", hd_reason_remedy(HD_REASON_NO_TRIAL));
}

json_t *hd_answer_confirm(const struct hd_loop *loop, const struct hd_job *job, uint64_t id)
{
    const struct hd_deployment *deployment = hd_deadline_find(hd_loop_deadline(loop), job->trial);
    bool now = job->trial_end.deployment != 0;
    bool confirmed = deployment != NULL && deployment->trial.end == HD_TRIAL_CONFIRMED;
    uint64_t number = deployment != NULL ? deployment->number : job->trial;
    return json_pack("{s:s, s:I, s:o, s:b, s:b, s:o, s:o}", "type", "confirm", "id", (json_int_t)id,
                     "deployment", number != 0 ? whole(number) : json_null(), "confirmed",
                     confirmed, "already", confirmed && !now, "trial",
                     deployment != NULL ? hd_trial_record_to_json(&deployment->trial) : json_null(),
                     "error",
                     confirmed ? json_null() : confirm_error(loop, deployment, job->trial));
}

json_t *hd_answer_keep(const struct hd_job *job, uint64_t id)
{
    enum hd_reason reason = job->kept.reason;
    if (job->kept.document != NULL)
        return json_pack("{s:s, s:I, s:O, s:n}", "type", "keep", "id", (json_int_t)id, "kept",
                         job->kept.document, "error");
    return json_pack("{s:s, s:I, s:n, s:{s:s, s:o, s:s}}", "type", "keep", "id", (json_int_t)id,
                     "kept", "error", "reason", hd_reason_word(reason), "message",
                     hd_json_text(job->kept.why.text), "remedy", hd_reason_remedy(reason));
}

json_t *hd_answer_history(const struct hd_loop *loop, uint64_t id)
{
    const struct hd_history *history = hd_loop_history(loop);
    return json_pack("{s:s, s:I, s:o, s:I}", "type", "history", "id", (json_int_t)id, "deployments",
                     hd_history_to_json(history), "dropped",
                     (json_int_t)hd_history_dropped(history));
}

json_t *hd_answer_show(const struct hd_loop *loop, uint64_t deployment, uint64_t id)
{
    json_t *document = hd_history_show(hd_loop_history(loop), deployment);
    return document != NULL ? addressed(document, "show", id) : NULL;
}
