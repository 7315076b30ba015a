/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A deployment on its way: the classes of the bundle, and a target for each loader that one of them
 * concerns.
 *
 * The steps of the road are declared here in the order in which hd_deploy_run takes them, each in a
 * file of its own. A target's answer is written straight into its row of the deployment: target i
 * has row i. A step returns -1 only when the deployment as a whole cannot go on (memory, the JVM);
 * what is wrong with one class is a refused row. Engine thread only.
 */
#ifndef HD_AGENT_PLAN_H
#define HD_AGENT_PLAN_H

#include "agent/ahead.h"
#include "agent/redefine.h"
#include "agent/resolve.h"
#include "agent/road.h"

/* A class of the bundle. */
struct hd_plan_class {
    const struct hd_bundle_class *from; /* borrowed from the bundle */
    char *java_name;                    /* "com.example.Foo$Bar", as in rows */
    struct hd_prepared prepared;        /* its reason and message have moved here */
    enum hd_reason reason;              /* refused before any loader was asked */
    char *message;
    uint64_t micros;
};

enum hd_action {
    HD_ACTION_NONE, /* refused, withheld, or nothing to do */
    HD_ACTION_REDEFINE,
    HD_ACTION_DEFINE,
    HD_ACTION_WAIT,  /* until the loader loads it: pending */
    HD_ACTION_FORGET /* a patch that waits is taken back */
};

/* One class in one loader. */
struct hd_target {
    struct hd_plan_class *class;
    /* of the loader; "" where none is known. Borrowed from the labels; the loader lives as long as
     * the plan */
    const char *label;
    jclass loaded;    /* borrowed from the resolution; NULL: not loaded there */
    jobject loader;   /* borrowed from the resolution; NULL: boot, or any_loader */
    jclass neighbour; /* to define: a class whose protection domain the new one gets; may be NULL */
    bool any_loader;
    bool modifiable;
    enum hd_action action;
    bool done;             /* the action was carried out */
    struct hd_live *known; /* borrowed from the registry: what we put there before; NULL: nothing */
    struct hd_class *live; /* known's file, parsed when it was needed */
    /* loaded: what is live. Not loaded: the file the loader would load, standing UNKNOWN where it
     * has none */
    struct hd_base base;
    struct hd_live *entry; /* prepared for the registry */
    bool in_state;         /* it is the change'th of the state that is being made */
    size_t change;
    bool settled;        /* a rollback: answered before anything is compared */
    jobject own_loader;  /* a rollback: global reference behind loader; NULL: the resolution's */
    unsigned live_slots; /* of the constant pool in the file of what is live; 0: not known */
    unsigned pool_slots; /* to redefine: at most how many the JVM's pool of the class will have */
};

struct hd_trials;
struct hd_way_back;
struct hd_restart;

struct hd_plan {
    struct hd_road *road;
    JNIEnv *jni;
    const struct hd_job *job;
    struct hd_deployment *deployment; /* the job's */
    struct hd_plan_class *classes;    /* sorted by java_name */
    size_t class_count;
    const char **names;              /* internal names, in the order of classes */
    struct hd_resolution resolution; /* in the order of classes */
    bool loader_is_whole;            /* the job's loader is one loader's whole label, not a part */
    struct hd_target *targets;       /* sorted by class and label once they are all there */
    size_t target_count;
    size_t target_capacity;
    struct hd_trials *trials; /* of new classes; NULL: there are none */
    bool state_begun;         /* a state is being made */
    bool published;           /* the hook was given what is not live yet */
    bool watched;             /* the hook tells who loads these classes meanwhile */
    /* A rollback: where each class comes from, in the order of classes. */
    struct hd_way_back *way_back;
    /* A restart: what is kept of each class, in the order of classes. */
    struct hd_restart *restart;
};

HD_CHECKED int hd_plan_open(struct hd_plan *plan, struct hd_road *road, JNIEnv *jni,
                            const struct hd_job *job, struct hd_error *err);
/* The same for a rollback: the classes are those that have to become something else.
 * HD_E_NOT_FOUND: there is no such state. (way_back.c) */
HD_CHECKED int hd_plan_open_way_back(struct hd_plan *plan, struct hd_road *road, JNIEnv *jni,
                                     const struct hd_job *job, struct hd_error *err);
/* May what a rollback makes live again, which the application did not come with, be live still, as
 * the file of signers says now? promised: then what cannot be found out does not stand in the way.
 * False: the deployment is failed with the reason. Agents without allowed-signers= say yes.
 * (gate_return.c) */
bool hd_plan_may_return(struct hd_plan *plan, bool promised);
/* The same when a JVM starts: the classes are those that are kept. (restart.c) */
HD_CHECKED int hd_plan_open_restart(struct hd_plan *plan, struct hd_road *road, JNIEnv *jni,
                                    const struct hd_job *job, struct hd_error *err);
void hd_plan_close(struct hd_plan *plan);

/* ---- the steps ------------------------------------------------------------------------------- */

/* May these names be swapped, and are the files sound, of this JVM's version and of the name their
 * path says? (admit.c) */
HD_CHECKED int hd_plan_admit(struct hd_plan *plan, struct hd_error *err);
/* A target for every loader that defines a class, and for every loader that a new class belongs to;
 * a row for each. (targets.c, absent.c) */
HD_CHECKED int hd_plan_find_targets(struct hd_plan *plan, struct hd_error *err);
/* The same for a rollback: a target for each entry of the registry that it concerns.
 * (way_back.c) */
HD_CHECKED int hd_plan_find_way_back_targets(struct hd_plan *plan, struct hd_error *err);
/* The same for a restart: where the class is loaded, else in the application's own loader, else in
 * whichever comes. (restart.c) */
HD_CHECKED int hd_plan_find_restart_targets(struct hd_plan *plan, struct hd_error *err);
/* What is live in each, what changes, and what the JVM will refuse. (compare_live.c) */
HD_CHECKED int hd_plan_compare(struct hd_plan *plan, struct hd_error *err);
/* A restart: a patch whose base has changed is set aside, one that is in the jar by now is retired.
 * (restart.c) */
HD_CHECKED int hd_plan_judge_bases(struct hd_plan *plan, struct hd_error *err);
/* Loaders that hold a class with different code are refused unless the job says which are meant.
 * (ambiguous.c) */
HD_CHECKED int hd_plan_refuse_ambiguous(struct hd_plan *plan, struct hd_error *err);
/* Where the bundle was signed for a certain base and another is there. (signed_base.c) */
HD_CHECKED int hd_plan_refuse_other_bases(struct hd_plan *plan, struct hd_error *err);
/* New classes that the verifier would reject once they are in use are refused while they can be.
 * (trial.c) */
HD_CHECKED int hd_plan_try_newcomers(struct hd_plan *plan, struct hd_error *err);
/* Where the JVM has no room left for another version's constants, and would die of them.
 * (full_pool.c) */
HD_CHECKED int hd_plan_refuse_full_pools(struct hd_plan *plan, struct hd_error *err);
/* What could not be brought back exactly is refused, where that was asked for. (decide.c) */
void hd_plan_refuse_without_way_back(struct hd_plan *plan);
/* All or nothing: where one row is refused the others are withheld, unless best effort was asked
 * for. (decide.c) */
void hd_plan_decide(struct hd_plan *plan);
/* What is still to be done will not be done: its rows are withheld. (decide.c) */
void hd_plan_withhold(struct hd_plan *plan);
/* For a check: the JVM's own verdict, nothing changed. (batch.c) */
HD_CHECKED int hd_plan_rehearse(struct hd_plan *plan, struct hd_error *err);
/* What can fail of keeping a record, before anything is touched: the registry's entries. (record.c)
 */
HD_CHECKED int hd_plan_prepare_record(struct hd_plan *plan, struct hd_error *err);
/* New classes, supertypes first. (define_new.c) */
HD_CHECKED int hd_plan_define(struct hd_plan *plan, struct hd_error *err);
/* Hands the patches to the hook as they will be. (record.c) */
HD_CHECKED int hd_plan_publish(struct hd_plan *plan, struct hd_error *err);
/* One RedefineClasses call. (batch.c) */
HD_CHECKED int hd_plan_redefine(struct hd_plan *plan, struct hd_error *err);
/* After a rollback, its rows say so. (way_back.c) */
void hd_plan_call_it_rolled_back(struct hd_plan *plan);
/* After a restart, what was set aside or retired is kept no more. Failures are logged. (restart.c)
 */
void hd_plan_settle_kept(struct hd_plan *plan);
/* What was done enters the registry and makes a state. Cannot fail. (record.c) */
void hd_plan_record(struct hd_plan *plan);
/* Threads in old code. (record.c) */
void hd_plan_count_old_frames(struct hd_plan *plan);

/* ---- shared between steps -------------------------------------------------------------------- */

/* From now on nobody who loads one of the classes is overlooked. Not for a check, which changes
 * nothing. (record.c) */
HD_CHECKED int hd_plan_watch(struct hd_plan *plan, struct hd_error *err);
/* The bytes for the JVM. */
struct hd_bytes hd_plan_class_bytes(const struct hd_plan_class *class);
struct hd_row *hd_plan_row(const struct hd_plan *plan, const struct hd_target *target);
/* A new target at the end. Its row comes later. NULL with err set when memory is out. */
struct hd_target *hd_plan_add_target(struct hd_plan *plan, struct hd_plan_class *class,
                                     const char *label, struct hd_error *err);
/* False where the job names loaders and this is none of them. */
bool hd_plan_wants_loader(const struct hd_plan *plan, const char *label);
/* Targets for a class that no loader has defined. (absent.c) */
struct hd_absent;
HD_CHECKED int hd_absent_new(struct hd_plan *plan, struct hd_absent **out, struct hd_error *err);
HD_CHECKED int hd_absent_add_targets(struct hd_absent *absent, size_t class_index,
                                     struct hd_error *err);
void hd_absent_free(struct hd_absent *absent);
/* The targets that are to be defined, supertypes before their users; the caller frees the list.
 * (define_new.c) */
HD_CHECKED int hd_plan_list_newcomers(struct hd_plan *plan, struct hd_target ***out, size_t *count,
                                      struct hd_error *err);
void hd_trials_free(struct hd_trials *trials);
/* count is that of the plan's classes. (way_back.c) */
void hd_way_back_free(struct hd_way_back *ways, size_t count, JNIEnv *jni);
void hd_restart_free(struct hd_restart *restart);
/* What the verifier says of a class to be redefined in the company of the new ones, which a
 * rehearsal did not have. NONE: there are none in its loader. text: its words when it rejects.
 * (trial.c) */
enum hd_second_opinion { HD_OPINION_NONE, HD_OPINION_CONTENT, HD_OPINION_REJECTS };
enum hd_second_opinion hd_plan_ask_again(struct hd_plan *plan, const struct hd_target *target,
                                         char *text, size_t capacity);
/* The class as it is live there, if its file is known: ours, or the base. Parses on first use. *out
 * may be NULL. */
HD_CHECKED int hd_target_live_class(struct hd_target *target, const struct hd_class **out,
                                    struct hd_error *err);
/* How well what was there before is known: as it is found now, or as it was when the class was
 * first patched. */
enum hd_base_standing hd_target_standing(const struct hd_target *target);
/* A row for each target, refused where its class is. (targets.c) */
HD_CHECKED int hd_plan_add_rows(struct hd_plan *plan, struct hd_error *err);
/* Refuses the row and takes the target out of the work. */
void hd_plan_refuse(struct hd_plan *plan, struct hd_target *target, enum hd_reason reason,
                    const char *format, ...) HD_PRINTF(4, 5);
/* The names of the loaders of targets first … first+count-1, "app,
 * ParallelWebappClassLoader[shop]"; the caller frees; NULL when memory is out. */
char *hd_plan_list_loaders(const struct hd_plan *plan, size_t first, size_t count);
/* One past the last target that has the class of targets[first]. */
size_t hd_plan_class_end(const struct hd_plan *plan, size_t first);

#endif
