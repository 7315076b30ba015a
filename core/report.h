/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer to a deployment: one row per class and loader, from engine to table, JSON, report.json
 * and history. One struct all the way.
 *
 * A struct hd_deployment is built by one thread, then immutable; it is reference-counted
 * (atomically), so the loop may serve it while the engine keeps it.
 */
#ifndef HD_CORE_REPORT_H
#define HD_CORE_REPORT_H

#include "core/digest.h"
#include "core/reason.h"
#include "core/trial_record.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Who sent it, and which way it came. */
enum hd_way {
    HD_WAY_DROP,
    HD_WAY_WATCH,
    HD_WAY_LOCAL_SOCKET,
    HD_WAY_WEBSOCKET,
    HD_WAY_AGENT /* by itself: a trial was over */
};
/* "drop", "watch", "local", "websocket", "agent" */
const char *hd_way_word(enum hd_way way);

struct hd_origin {
    enum hd_way way;
    char who[128];  /* "uid:1000 (alice)", "token:/etc/hotdrop.token" */
    char from[512]; /* "pid 4711 (hotdrop)", "127.0.0.1:51234", a directory */
};

struct hd_row {
    char *class_name; /* Java form, UTF-8 */
    char *loader;     /* label; "" where none is known */
    enum hd_outcome outcome;
    enum hd_reason reason;
    char *message;     /* NULL, or what exactly; UTF-8 */
    char *remedy;      /* NULL: the reason's own */
    unsigned warnings; /* HD_WARNING_* bits */
    uint64_t micros;   /* spent on this class; of one RedefineClasses call for many, its share */
};

/* What a pusher insisted on; it stays with the deployment, and with what is live of it, for
 * ever. */
enum hd_forced {
    HD_FORCED_BEST_EFFORT = 1u << 0,
    HD_FORCED_ALL_LOADERS = 1u << 1,
    HD_FORCED_EMERGENCY = 1u << 2 /* with fewer approvals than the agent asks for */
};
#define HD_FORCED_BIT_COUNT 3
/* ["best-effort","all-loaders"]; empty for 0. A new reference; NULL when memory is out. */
json_t *hd_forced_to_json(unsigned forced);
/* The bits of such an array; words that are not known, and anything else, are none. */
unsigned hd_forced_from_json(const json_t *array);

enum hd_deployment_kind {
    HD_DEPLOYMENT_PUSH,
    HD_DEPLOYMENT_CHECK,
    HD_DEPLOYMENT_ROLLBACK,
    HD_DEPLOYMENT_RESTART /* a JVM started, and what was kept became live again */
};

struct hd_deployment {
    enum hd_deployment_kind kind;
    uint64_t number; /* 1, 2, 3 …; 0: none was given (a check, or refused before it was one) */
    bool applied;
    char state[17]; /* short digest of what is live afterwards, hex */
    struct hd_origin origin;
    char *message; /* the pusher's own words; may be NULL */
    char *bundle_name;
    char bundle_digest[HD_DIGEST_HEX_SIZE]; /* "" where there is none */
    bool best_effort;
    unsigned forced; /* HD_FORCED_* bits */
    char *emergency; /* NULL, or why it was one */
    /* How it ended is filled in by the loop, which is then the only thread that looks at it. */
    struct hd_trial_record trial;
    uint64_t returns_to; /* a rollback: the deployment whose state is live again; 0: as started */
    uint64_t *undone;    /* … and the deployments it undoes, the last one first; hd_free */
    size_t undone_count;
    bool keep_asked;  /* it was to survive a restart */
    bool kept;        /* and does */
    char *keep_error; /* NULL, or why not */
    /* a rollback: it does not change what is live after a restart: the state after kept_state */
    bool restart_differs;
    uint64_t kept_state;
    /* NULL, or what was signed and by whom: {"name","version","sequence","signers":["…"]} */
    json_t *sealed;
    int64_t started_at;          /* microseconds since the epoch */
    uint64_t micros;             /* from job start to end */
    enum hd_reason error_reason; /* what concerns the deployment as a whole, else HD_REASON_NONE */
    char *error_message;
    char *error_remedy; /* NULL: the reason's own */
    struct hd_row *rows;
    size_t row_count;
    size_t row_capacity;
    uint32_t old_frames;
    bool old_frames_complete;
};

/* A deployment with one reference; NULL when memory is out. */
struct hd_deployment *hd_deployment_new(enum hd_deployment_kind kind,
                                        const struct hd_origin *origin);
struct hd_deployment *hd_deployment_share(struct hd_deployment *deployment);
void hd_deployment_release(struct hd_deployment *deployment);

/* Appends a row with copies of both names, outcome unchanged, reason none. The pointer is valid
 * until the next append. NULL when memory is out. */
struct hd_row *hd_deployment_add_row(struct hd_deployment *deployment, const char *class_name,
                                     const char *loader);
/* Sets outcome refused, reason and a formatted message. For want of memory the message is left
 * NULL. */
void hd_row_refuse(struct hd_row *row, enum hd_reason reason, const char *format, ...)
    HD_PRINTF(3, 4);
/* As hd_row_refuse for the deployment as a whole; the first error stays. */
void hd_deployment_fail(struct hd_deployment *deployment, enum hd_reason reason, const char *format,
                        ...) HD_PRINTF(3, 4);

size_t hd_deployment_count(const struct hd_deployment *deployment, enum hd_outcome outcome);
/* True when no row is refused or withheld and there is no error. */
bool hd_deployment_is_good(const struct hd_deployment *deployment);

/* Rows are written up to so many bytes of JSON: a line of the journal, and an answer, that are
 * longer could not be read again (HD_JOURNAL_MAX_LINE, the client's bound). */
#define HD_REPORT_MAX_ROW_BYTES ((size_t)48 << 20)

/* The contract's document for push and check: deployment (null for 0), applied, state, error,
 * classes, old_frames, old_frames_complete; where not all rows fit, the refused ones come first and
 * classes_left_out says how many are missing. A new reference; NULL when memory is out. */
json_t *hd_deployment_to_json(const struct hd_deployment *deployment);
/* A line of history: deployment, kind, when, who, from, way, message, bundle {name, digest},
 * applied, error, counts by outcome, micros. */
json_t *hd_deployment_summary_to_json(const struct hd_deployment *deployment);
/* For show N: the document and the summary's keys in one object. */
json_t *hd_deployment_full_to_json(const struct hd_deployment *deployment);

#endif
