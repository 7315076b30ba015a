/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: one thread, "hotdrop-engine", that takes one job at a time and owns JVMTI, bases and
 * registry.
 *
 * The loop submits jobs and collects finished ones; the two queues share the only mutex. A job
 * belongs to whoever holds it: the loop until submit, the engine until it is finished, the loop
 * again when hd_engine_collect hands it out. The engine never looks at owner: a session that ends
 * sets it to NULL, on the loop thread.
 */
#ifndef HD_AGENT_ENGINE_H
#define HD_AGENT_ENGINE_H

#include "agent/ahead.h"
#include "agent/jvm.h"
#include "core/authorized.h"
#include "core/bundle.h"
#include "core/kept.h"
#include "core/manifest.h"
#include "core/options.h"
#include "core/past.h"
#include "core/report.h"

enum hd_job_kind {
    HD_JOB_DEPLOY,
    HD_JOB_CHECK,
    HD_JOB_ROLLBACK,
    HD_JOB_RESTART, /* internal, when a JVM starts: what is kept becomes live again */
    HD_JOB_KEEP,    /* what is live, or the state "to", survives a restart from now on */
    HD_JOB_CONFIRM, /* ends the trial: job->trial, or whichever is open */
    HD_JOB_STATUS,  /* a fresh status document, counting old frames */
    HD_JOB_REFUSED, /* internal: refusals for the journal; nobody waits for it */
    HD_JOB_LOADED   /* internal: by the hook or the job before, other code is live; nobody waits */
};

struct hd_status;

struct hd_job {
    enum hd_job_kind kind;
    struct hd_origin origin;
    /* DEPLOY, CHECK; owned. NULL with a filled deployment.error: a bundle that could not be read,
     * to be numbered and reported like any other */
    struct hd_bundle *bundle;
    struct hd_ahead *ahead;  /* what was done of the bundle's check already; owned; may be NULL */
    char *loader;            /* NULL, or part of a label; owned */
    char *message;           /* owned; may be NULL */
    struct hd_kept *restart; /* RESTART; owned */
    /* of a signed bundle, once the engine has judged it; owned. json NULL: none */
    struct hd_manifest manifest;
    /* DEPLOY: whoever sent it has only this role, so one of those who signed the bundle must have the
     * one that is needed; NONE needed: they may. signers: who has which; owned. */
    struct {
        enum hd_role role;
        enum hd_role needed;
        struct hd_authorized signers;
    } behalf;
    json_t *refusals; /* REFUSED: journal lines; one reference */
    char *emergency;  /* DEPLOY: why one signature must do; owned; NULL: it is no emergency */
    bool all_loaders;
    bool best_effort;
    bool keep;     /* DEPLOY: and what is live then survives a restart */
    bool blocking; /* STATUS: with the stacks that hold old code */
    /* ROLLBACK, KEEP: to the state right after deployment "to"; else to the one before the
     * current */
    bool to_given;
    uint64_t to;
    /* ROLLBACK: not 0: undo that deployment, provided that it is on trial; CONFIRM: which */
    uint64_t trial;
    uint64_t confirm_within; /* DEPLOY: milliseconds until it is rolled back; 0: no trial */
    char *expect; /* DEPLOY, ROLLBACK: refused unless that state is live; owned; may be NULL */
    /* results */
    struct hd_deployment *deployment; /* DEPLOY, CHECK: one reference */
    struct hd_status *status;         /* STATUS, LOADED: what is live now; owned */
    json_t *stacks;                   /* STATUS with blocking */
    /* KEEP: what is kept now (as status shows it), or NULL and why not */
    struct {
        json_t *document;
        enum hd_reason reason;
        struct hd_error why;
    } kept;
    struct {
        uint64_t deployment; /* 0: no trial ended with this job */
        enum hd_trial_end how;
    } trial_end;
    /* loop's own */
    /* called by the loop; may be NULL; does not free the job */
    void (*finished)(struct hd_job *job, void *owner);
    void *owner;
    struct hd_job *next; /* queue */
};

struct hd_job *hd_job_new(enum hd_job_kind kind, const struct hd_origin *origin);
void hd_job_free(struct hd_job *job);

struct hd_engine;

/* Made in VMInit or OnAttach, before its thread runs. jvm and options are borrowed for the engine's
 * life. */
HD_CHECKED int hd_engine_new(const struct hd_jvm *jvm, JNIEnv *jni,
                             const struct hd_options *options, struct hd_engine **out,
                             struct hd_error *err);
/* Moves out the deployments of earlier JVMs of the store; NULL: there is none. Before the threads
 * run. */
struct hd_past *hd_engine_steal_past(struct hd_engine *engine);
/* What the store keeps becomes live again. On the thread that starts the agent, before
 * hd_engine_start; runs in no time where nothing is kept. Whatever fails is logged and in the
 * history. */
void hd_engine_restart(struct hd_engine *engine, JNIEnv *jni);
/* The agent could not be started: what hd_engine_restart made live is taken back. False: not all of
 * it; the log says what is live. Before hd_engine_start, or when that failed. */
bool hd_engine_take_back(struct hd_engine *engine, JNIEnv *jni);
/* A watched tree's file before the first compile; before hd_engine_start only. */
HD_CHECKED int hd_engine_remember(struct hd_engine *engine, const char *internal_name,
                                  struct hd_bytes file, struct hd_error *err);
/* Starts the thread with JVMTI RunAgentThread. wake is called from the engine thread when a job is
 * finished. */
HD_CHECKED int hd_engine_start(struct hd_engine *engine, JNIEnv *jni, void (*wake)(void *context),
                               void *context, struct hd_error *err);
/* Takes the job. Bounded: HD_E_LIMIT when 64 jobs wait (the job is then still the caller's), except
 * for what ends a trial. Any thread. */
HD_CHECKED int hd_engine_submit(struct hd_engine *engine, struct hd_job *job, struct hd_error *err);
/* Lends the engine's thread to the check of a bundle that is still being unpacked. True: it has
 * nothing else to do, and will hd_ahead_run before any job. False: it is busy, or stops. */
bool hd_engine_offer(struct hd_engine *engine, struct hd_ahead *ahead);
/* A finished job, now the caller's; NULL when none is. */
struct hd_job *hd_engine_collect(struct hd_engine *engine);
/* Jobs before this one (0: it runs now), and what the engine is doing right now in words ("asking
 * class loader X for com.example.Foo", since when). text may be NULL. */
size_t hd_engine_waiting(struct hd_engine *engine, char *text, size_t capacity, int64_t *since);
/* Closes the gate (no JVMTI call after it returns 0) and waits at most timeout_ms for the thread.
 * -1: it did not end in time; nothing may be freed. */
HD_CHECKED int hd_engine_stop(struct hd_engine *engine, unsigned timeout_ms);
/* Only after a successful stop, or if never started. */
void hd_engine_free(struct hd_engine *engine, JNIEnv *jni);

#endif
