/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/answer.h"

#include "agent/loop_lws.h"
#include "core/message.h"

#include <stdint.h>

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

static uint64_t deployment_count(const struct hd_loop *loop)
{
    const struct hd_history *history = hd_loop_history(loop);
    return history->count + history->dropped;
}

json_t *hd_answer_hello(const struct hd_loop *loop)
{
    const struct hd_jvm *jvm = hd_loop_jvm(loop);
    return json_pack("{s:s, s:s, s:s, s:i, s:I, s:s, s:i, s:I, s:I, s:s}", "type", "hello",
                     "protocol", HD_PROTOCOL_NAME, "version", HOTDROP_VERSION, "pid", jvm->pid,
                     "user", (json_int_t)jvm->user, "jdk", jvm->version, "feature",
                     (int)jvm->rules.feature_release, "deployments",
                     (json_int_t)deployment_count(loop), "max_bundle",
                     (json_int_t)hd_loop_options(loop)->max_bundle, "role", "operator");
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
    return json_pack("{s:s, s:I, s:s, s:I, s:s?, s:I}", "type", "progress", "id", (json_int_t)id,
                     "stage", ahead > 0 ? "queued" : "working", "ahead", (json_int_t)ahead, "doing",
                     named ? doing : NULL, "seconds", (json_int_t)seconds);
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
    return json_pack("{s:i, s:s, s:s, s:[], s:b}", "pid", jvm->pid, "jdk", jvm->version, "state",
                     "e3b0c44298fc1c14", "classes", "old_frames_complete", 1);
}

static json_t *busy_with(const struct hd_loop *loop)
{
    char doing[DOING_SIZE];
    return json_string(engine_is_doing(loop, doing) ? doing : "another job");
}

json_t *hd_answer_status(const struct hd_loop *loop, bool busy, uint64_t id)
{
    const json_t *known = hd_loop_status(loop);
    json_t *status = known != NULL ? json_copy((json_t *)(uintptr_t)known) : pristine(loop);
    if (status == NULL)
        return NULL;
    if (json_object_set_new(status, "busy", busy ? busy_with(loop) : json_null()) == 0)
        return addressed(status, "status", id);
    json_decref(status);
    return NULL;
}

json_t *hd_answer_history(const struct hd_loop *loop, uint64_t id)
{
    const struct hd_history *history = hd_loop_history(loop);
    return json_pack("{s:s, s:I, s:o, s:I}", "type", "history", "id", (json_int_t)id, "deployments",
                     hd_history_to_json(history), "dropped", (json_int_t)history->dropped);
}

json_t *hd_answer_show(const struct hd_deployment *deployment, uint64_t id)
{
    json_t *document = hd_deployment_full_to_json(deployment);
    return document != NULL ? addressed(document, "show", id) : NULL;
}
