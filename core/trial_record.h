/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of a deployment that was pushed on trial (--confirm-within): still open, confirmed,
 * or rolled back, by whom and when. Pure data; belongs to the deployment that it is part of.
 */
#ifndef HD_CORE_TRIAL_RECORD_H
#define HD_CORE_TRIAL_RECORD_H

#include <jansson.h>
#include <stdint.h>

enum hd_trial_end {
    HD_TRIAL_NONE, /* there was no trial */
    HD_TRIAL_OPEN,
    HD_TRIAL_CONFIRMED,
    HD_TRIAL_ROLLED_BACK,
    HD_TRIAL_ROLLBACK_REFUSED /* its time was over, and the way back was refused: it stays live */
};

struct hd_trial_record {
    enum hd_trial_end end;
    uint64_t milliseconds; /* to confirm it, from the moment it went live */
    uint64_t rollback;     /* the deployment that rolled it back, or tried to; 0: none */
    char who[128];         /* who ended it; "" while it is open */
    int64_t when;          /* … microseconds since the epoch */
};

/* "confirmed", "rolled-back", "rollback-refused"; NULL while it is open, or where there was
 * none. */
const char *hd_trial_end_word(enum hd_trial_end end);
/* {"milliseconds","ended","who","when","rollback"}; JSON null where there was no trial. A new
 * reference; NULL when memory is out. */
json_t *hd_trial_record_to_json(const struct hd_trial_record *record);

#endif
