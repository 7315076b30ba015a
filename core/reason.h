/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stable words of Hotdrop's answers, in one table: outcomes, reasons and warnings, each with
 * the word scripts rely on, the sentence people read and the next step. Table, JSON, man page and
 * docs all come from here. Pure data; any thread.
 */
#ifndef HD_CORE_REASON_H
#define HD_CORE_REASON_H

#include <stdbool.h>

enum hd_outcome {
    HD_OUTCOME_REDEFINED,
    HD_OUTCOME_DEFINED,
    HD_OUTCOME_PENDING,
    HD_OUTCOME_UNCHANGED,
    HD_OUTCOME_REFUSED,
    HD_OUTCOME_WITHHELD,
    HD_OUTCOME_ROLLED_BACK,
    HD_OUTCOME_COUNT
};

enum hd_reason {
    HD_REASON_NONE,
    HD_REASON_METHOD_ADDED,
    HD_REASON_METHOD_REMOVED,
    HD_REASON_METHOD_MODIFIERS_CHANGED,
    HD_REASON_FIELD_ADDED,
    HD_REASON_FIELD_REMOVED,
    HD_REASON_FIELD_CHANGED,
    HD_REASON_SUPERCLASS_CHANGED,
    HD_REASON_INTERFACES_CHANGED,
    HD_REASON_CLASS_MODIFIERS_CHANGED,
    HD_REASON_NEST_CHANGED,
    HD_REASON_RECORD_CHANGED,
    HD_REASON_PERMITTED_CHANGED,
    HD_REASON_ENUM_CONSTANT_ADDED,
    HD_REASON_MALFORMED_CLASS,
    HD_REASON_VERIFY_ERROR,
    HD_REASON_VERSION_UNSUPPORTED,
    HD_REASON_NAME_MISMATCH,
    HD_REASON_NOT_MODIFIABLE,
    HD_REASON_DENIED,
    HD_REASON_AMBIGUOUS_LOADER,
    HD_REASON_FOREIGN_EDIT,
    HD_REASON_WRONG_BASE,
    HD_REASON_NO_WAY_BACK,
    HD_REASON_NOT_AUTHORISED,
    HD_REASON_RATE_LIMITED,
    HD_REASON_TOO_LARGE,
    HD_REASON_MISSING_MEMBER,   /* watch=: refers to a member that neither tree nor JVM has */
    HD_REASON_MALFORMED_BUNDLE, /* of a deployment: not a jar, the same class twice, no class */
    HD_REASON_SIGNATURE_REQUIRED,
    HD_REASON_SIGNATURE_INVALID,
    HD_REASON_APPROVALS_MISSING,
    HD_REASON_REPLAYED,
    HD_REASON_EXPIRED,
    HD_REASON_WRONG_TARGET,
    HD_REASON_JVM_ERROR,
    HD_REASON_STORE_UNAVAILABLE,
    HD_REASON_INTERRUPTED, /* in the history only: the JVM ended in the middle of it */
    HD_REASON_CANNOT_KEEP,
    HD_REASON_TRIAL_OPEN,
    HD_REASON_NO_TRIAL,
    HD_REASON_SMOKE_FAILED, /* the client's word: its smoke test was not passed */
    HD_REASON_COUNT
};

/* Warnings do not refuse. They are bits, because a row may carry several. */
enum hd_warning {
    HD_WARNING_CONSTANT_CHANGED = 1u << 0,
    HD_WARNING_INITIALIZER_CHANGED = 1u << 1,
    HD_WARNING_ANNOTATIONS_CHANGED = 1u << 2,
    HD_WARNING_SYNTHETIC_RENUMBERED = 1u << 3,
    HD_WARNING_OLD_FRAMES = 1u << 4,
    HD_WARNING_NO_WAY_BACK = 1u << 5,
    HD_WARNING_NOT_VERIFIED = 1u << 6,
    HD_WARNING_NOT_JOURNALLED = 1u << 7
};
#define HD_WARNING_BIT_COUNT 8

/* The stable words. NULL for a value outside the enumeration, and for HD_REASON_NONE. */
const char *hd_outcome_word(enum hd_outcome outcome);
const char *hd_reason_word(enum hd_reason reason);
/* One general sentence on the reason, for man page and docs; a row's own message is more exact. */
const char *hd_reason_sentence(enum hd_reason reason);
/* What to do next. */
const char *hd_reason_remedy(enum hd_reason reason);
const char *hd_warning_word(enum hd_warning one_bit);
const char *hd_warning_sentence(enum hd_warning one_bit);

/* Word to value; false when the word is unknown (a newer peer), *out untouched. */
bool hd_outcome_from_word(const char *word, enum hd_outcome *out);
bool hd_reason_from_word(const char *word, enum hd_reason *out);

#endif
