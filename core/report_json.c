/* SPDX-License-Identifier: Apache-2.0 */
#include "core/report.h"

#include "core/json.h"
#include "core/text.h"

#include <string.h>

static json_t *warnings_to_json(unsigned warnings)
{
    json_t *array = json_array();
    bool complete = array != NULL;
    for (unsigned bit = 0; bit < HD_WARNING_BIT_COUNT && complete; bit++) {
        if ((warnings & 1u << bit) != 0)
            complete = json_array_append_new(
                           array, hd_json_text(hd_warning_word((enum hd_warning)(1u << bit)))) == 0;
    }
    return hd_json_finish(array, complete);
}

static const char *remedy_of(enum hd_reason reason, const char *own_remedy)
{
    return own_remedy != NULL ? own_remedy : hd_reason_remedy(reason);
}

static const char *const forced_words[HD_FORCED_BIT_COUNT] = { "best-effort", "all-loaders",
                                                               "emergency" };

json_t *hd_forced_to_json(unsigned forced)
{
    json_t *array = json_array();
    bool complete = array != NULL;
    for (unsigned bit = 0; bit < HD_FORCED_BIT_COUNT && complete; bit++) {
        if ((forced & 1u << bit) != 0)
            complete = json_array_append_new(array, hd_json_text(forced_words[bit])) == 0;
    }
    return hd_json_finish(array, complete);
}

unsigned hd_forced_from_json(const json_t *array)
{
    unsigned forced = 0;
    size_t index;
    json_t *word;
    json_array_foreach(array, index, word)
    {
        const char *text = json_string_value(word);
        for (unsigned bit = 0; text != NULL && bit < HD_FORCED_BIT_COUNT; bit++)
            forced |= strcmp(text, forced_words[bit]) == 0 ? 1u << bit : 0;
    }
    return forced;
}

static json_t *row_to_json(const struct hd_row *row)
{
    json_t *json = json_object();
    bool complete =
        hd_json_put(json, "class", hd_json_text(row->class_name)) &&
        hd_json_put(json, "loader", hd_json_text(row->loader)) &&
        hd_json_put(json, "outcome", hd_json_text(hd_outcome_word(row->outcome))) &&
        hd_json_put(json, "reason", hd_json_text(hd_reason_word(row->reason))) &&
        hd_json_put(json, "message", hd_json_text(row->message)) &&
        hd_json_put(json, "remedy", hd_json_text(remedy_of(row->reason, row->remedy))) &&
        hd_json_put(json, "warnings", warnings_to_json(row->warnings)) &&
        hd_json_put(json, "micros", hd_json_number(row->micros));
    return hd_json_finish(json, complete);
}

/* At most: what JSON escapes becomes up to six bytes. */
static size_t length_in_json(const char *text)
{
    size_t length = 0;
    for (; text != NULL && *text != '\0'; text++)
        length += *text >= ' ' && *text < 0x7F && *text != '"' && *text != '\\' ? 1 : 6;
    return length;
}

static size_t row_length_in_json(const struct hd_row *row)
{
    enum { KEYS_AND_WORDS = 300 };
    return KEYS_AND_WORDS + length_in_json(row->class_name) + length_in_json(row->loader) +
           length_in_json(row->message) + length_in_json(remedy_of(row->reason, row->remedy));
}

struct row_writing {
    const struct hd_deployment *deployment;
    json_t *array;
    size_t room; /* bytes */
    size_t left_out;
};

/* The refused rows, or all the others, as far as there is room. */
static bool append_rows(struct row_writing *writing, bool refused)
{
    for (size_t i = 0; i < writing->deployment->row_count; i++) {
        const struct hd_row *row = &writing->deployment->rows[i];
        if ((row->outcome == HD_OUTCOME_REFUSED) != refused)
            continue;
        size_t length = row_length_in_json(row);
        if (length > writing->room) {
            writing->left_out++;
            continue;
        }
        writing->room -= length;
        if (json_array_append_new(writing->array, row_to_json(row)) != 0)
            return false;
    }
    return true;
}

static bool all_rows_fit(const struct hd_deployment *deployment)
{
    size_t room = HD_REPORT_MAX_ROW_BYTES;
    for (size_t i = 0; i < deployment->row_count; i++) {
        size_t length = row_length_in_json(&deployment->rows[i]);
        if (length > room)
            return false;
        room -= length;
    }
    return true;
}

static json_t *rows_to_json(const struct hd_deployment *deployment)
{
    json_t *array = json_array();
    bool complete = array != NULL;
    for (size_t i = 0; i < deployment->row_count && complete; i++)
        complete = json_array_append_new(array, row_to_json(&deployment->rows[i])) == 0;
    return hd_json_finish(array, complete);
}

/* What was refused first: that is what somebody has to put right. */
static bool put_first_rows(json_t *json, const struct hd_deployment *deployment)
{
    struct row_writing writing = { deployment, json_array(), HD_REPORT_MAX_ROW_BYTES, 0 };
    bool complete =
        writing.array != NULL && append_rows(&writing, true) && append_rows(&writing, false);
    return hd_json_put(json, "classes", hd_json_finish(writing.array, complete)) &&
           hd_json_put(json, "classes_left_out", hd_json_number(writing.left_out));
}

static bool put_rows(json_t *json, const struct hd_deployment *deployment)
{
    return all_rows_fit(deployment) ? hd_json_put(json, "classes", rows_to_json(deployment))
                                    : put_first_rows(json, deployment);
}

static json_t *error_to_json(const struct hd_deployment *deployment)
{
    enum hd_reason reason = deployment->error_reason;
    if (reason == HD_REASON_NONE)
        return json_null();
    json_t *json = json_object();
    bool complete =
        hd_json_put(json, "reason", hd_json_text(hd_reason_word(reason))) &&
        hd_json_put(json, "message", hd_json_text(deployment->error_message)) &&
        hd_json_put(json, "remedy", hd_json_text(remedy_of(reason, deployment->error_remedy)));
    return hd_json_finish(json, complete);
}

static const char *kind_word(enum hd_deployment_kind kind)
{
    static const char *const words[] = {
        [HD_DEPLOYMENT_PUSH] = "push",
        [HD_DEPLOYMENT_CHECK] = "check",
        [HD_DEPLOYMENT_ROLLBACK] = "rollback",
        [HD_DEPLOYMENT_RESTART] = "restart",
    };
    return words[kind];
}

static json_t *undone_to_json(const struct hd_deployment *deployment)
{
    json_t *array = json_array();
    bool complete = array != NULL;
    for (size_t i = 0; i < deployment->undone_count && complete; i++)
        complete = json_array_append_new(array, hd_json_number(deployment->undone[i])) == 0;
    return hd_json_finish(array, complete);
}

static bool put_way_back(json_t *json, const struct hd_deployment *deployment)
{
    return deployment->kind != HD_DEPLOYMENT_ROLLBACK ||
           (hd_json_put(json, "returns_to", hd_json_number(deployment->returns_to)) &&
            hd_json_put(json, "undone", undone_to_json(deployment)));
}

/* Keys that only some deployments have. */
static bool put_trial_and_force(json_t *json, const struct hd_deployment *deployment)
{
    return (deployment->trial.end == HD_TRIAL_NONE ||
            hd_json_put(json, "trial", hd_trial_record_to_json(&deployment->trial))) &&
           (deployment->forced == 0 ||
            hd_json_put(json, "forced", hd_forced_to_json(deployment->forced))) &&
           (deployment->emergency == NULL ||
            hd_json_put(json, "emergency", hd_json_text(deployment->emergency)));
}

static bool put_seal(json_t *json, const struct hd_deployment *deployment)
{
    return deployment->sealed == NULL ||
           hd_json_put(json, "sealed", json_deep_copy(deployment->sealed));
}

static bool put_keeping(json_t *json, const struct hd_deployment *deployment)
{
    if (deployment->keep_asked &&
        !(hd_json_put(json, "kept", json_boolean(deployment->kept)) &&
          hd_json_put(json, "keep_error", hd_json_text(deployment->keep_error))))
        return false;
    return !deployment->restart_differs ||
           hd_json_put(json, "kept_state", hd_json_number(deployment->kept_state));
}

json_t *hd_deployment_to_json(const struct hd_deployment *deployment)
{
    json_t *json = json_object();
    bool complete =
        hd_json_put(json, "deployment", hd_json_number_or_null(deployment->number)) &&
        hd_json_put(json, "applied", json_boolean(deployment->applied)) &&
        hd_json_put(json, "state", hd_json_text(deployment->state)) &&
        hd_json_put(json, "error", error_to_json(deployment)) && put_rows(json, deployment) &&
        hd_json_put(json, "old_frames", hd_json_number(deployment->old_frames)) &&
        hd_json_put(json, "old_frames_complete", json_boolean(deployment->old_frames_complete)) &&
        put_way_back(json, deployment) && put_keeping(json, deployment) &&
        put_trial_and_force(json, deployment);
    return hd_json_finish(json, complete);
}

static json_t *time_to_json(int64_t microseconds)
{
    char when[HD_TEXT_TIME_SIZE];
    hd_text_utc(microseconds, when);
    return hd_json_text(when);
}

static json_t *bundle_to_json(const struct hd_deployment *deployment)
{
    const char *digest = deployment->bundle_digest;
    json_t *json = json_object();
    bool complete = hd_json_put(json, "name", hd_json_text(deployment->bundle_name)) &&
                    hd_json_put(json, "digest", hd_json_text(digest[0] != '\0' ? digest : NULL));
    return hd_json_finish(json, complete);
}

static json_t *counts_to_json(const struct hd_deployment *deployment)
{
    size_t counts[HD_OUTCOME_COUNT] = { 0 };
    for (size_t i = 0; i < deployment->row_count; i++)
        counts[deployment->rows[i].outcome]++;

    json_t *json = json_object();
    bool complete = json != NULL;
    for (unsigned outcome = 0; outcome < HD_OUTCOME_COUNT && complete; outcome++)
        complete = hd_json_put(json, hd_outcome_word((enum hd_outcome)outcome),
                               hd_json_number(counts[outcome]));
    return hd_json_finish(json, complete);
}

json_t *hd_deployment_summary_to_json(const struct hd_deployment *deployment)
{
    const struct hd_origin *origin = &deployment->origin;
    json_t *json = json_object();
    bool complete = hd_json_put(json, "deployment", hd_json_number_or_null(deployment->number)) &&
                    hd_json_put(json, "kind", hd_json_text(kind_word(deployment->kind))) &&
                    hd_json_put(json, "when", time_to_json(deployment->started_at)) &&
                    hd_json_put(json, "who", hd_json_text(origin->who)) &&
                    hd_json_put(json, "from", hd_json_text(origin->from)) &&
                    hd_json_put(json, "way", hd_json_text(hd_way_word(origin->way))) &&
                    hd_json_put(json, "message", hd_json_text(deployment->message)) &&
                    hd_json_put(json, "bundle", bundle_to_json(deployment)) &&
                    hd_json_put(json, "applied", json_boolean(deployment->applied)) &&
                    hd_json_put(json, "error", error_to_json(deployment)) &&
                    hd_json_put(json, "outcomes", counts_to_json(deployment)) &&
                    hd_json_put(json, "micros", hd_json_number(deployment->micros)) &&
                    put_trial_and_force(json, deployment) && put_seal(json, deployment);
    return hd_json_finish(json, complete);
}

json_t *hd_deployment_full_to_json(const struct hd_deployment *deployment)
{
    json_t *json = hd_deployment_to_json(deployment);
    json_t *summary = hd_deployment_summary_to_json(deployment);
    bool complete =
        json != NULL && summary != NULL && json_object_update_missing(json, summary) == 0;
    json_decref(summary);
    return hd_json_finish(json, complete);
}
