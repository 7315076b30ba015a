/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trial_record.h"

#include "core/json.h"
#include "core/text.h"

#include <stddef.h>

const char *hd_trial_end_word(enum hd_trial_end end)
{
    switch (end) {
    case HD_TRIAL_CONFIRMED:
        return "confirmed";
    case HD_TRIAL_ROLLED_BACK:
        return "rolled-back";
    case HD_TRIAL_ROLLBACK_REFUSED:
        return "rollback-refused";
    default:
        return NULL;
    }
}

json_t *hd_trial_record_to_json(const struct hd_trial_record *record)
{
    if (record->end == HD_TRIAL_NONE)
        return json_null();
    bool over = record->end != HD_TRIAL_OPEN;
    char when[HD_TEXT_TIME_SIZE];
    hd_text_utc(record->when, when);
    json_t *json = json_object();
    bool complete = hd_json_put(json, "milliseconds", hd_json_number(record->milliseconds)) &&
                    hd_json_put(json, "ended", hd_json_text(hd_trial_end_word(record->end))) &&
                    hd_json_put(json, "who", hd_json_text(over ? record->who : NULL)) &&
                    hd_json_put(json, "when", hd_json_text(over ? when : NULL)) &&
                    hd_json_put(json, "rollback", hd_json_number_or_null(record->rollback));
    return hd_json_finish(json, complete);
}
