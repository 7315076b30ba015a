/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's life, and the only names it exports.
 *
 *     Agent_OnLoad    the JVM has hardly begun: options, log, capabilities. Always returns 0:
 *                     anything else would end the JVM.
 *       VMInit        the JVM is live: engine and loop are made, sources and doors opened, their
 *                     two threads started.
 *     Agent_OnAttach  both at once, in a JVM that runs already. May fail: that ends nothing.
 *       VMDeath       no JVMTI call begins after the gate is closed; both threads get a second to
 *                     end. Nothing is freed, whether they did or not: the process is about to end,
 *                     and a thread that is late may still need it.
 *     Agent_OnUnload  nothing is left to do.
 *
 * There is one agent in a JVM, so its state is one static struct: written before the threads start,
 * then only read.
 */
#include "agent/attach_answer.h"
#include "agent/engine.h"
#include "agent/hook.h"
#include "agent/loop.h"
#include "core/log.h"

#include <stdatomic.h>
#include <string.h>

/* Marks the JVM for other copies of this library, which do not share our state. */
#define MARK_PROPERTY "hotdrop.agent"

enum { ENGINE_STOP_MS = 500, LOOP_STOP_MS = 500 };

static struct {
    atomic_flag taken; /* by the first load or attach; never given back while it serves */
    struct hd_options options;
    struct hd_jvm jvm;
    struct hd_engine *engine;
    struct hd_loop *loop;
    bool loop_ran;
    atomic_bool serving; /* both threads run */
    atomic_bool ending;  /* the JVM ends; an attach may race with that */
} agent = { .taken = ATOMIC_FLAG_INIT };

static const char given_twice[] = "Hotdrop's agent is in this JVM already; the first one goes on, "
                                  "this one and its options are not used";

/* ---- one agent a JVM ------------------------------------------------------------------------- */

/* System.setProperty: true when there was a value before. JVMTI itself sets only properties that
 * were there when the JVM started. */
static bool set_mark(JNIEnv *jni)
{
    jclass system = (*jni)->FindClass(jni, "java/lang/System");
    if (system == NULL)
        return false;
    jmethodID set = (*jni)->GetStaticMethodID(
        jni, system, "setProperty", "(Ljava/lang/String;Ljava/lang/String;)Ljava/lang/String;");
    jstring name = set != NULL ? (*jni)->NewStringUTF(jni, MARK_PROPERTY) : NULL;
    jstring value = name != NULL ? (*jni)->NewStringUTF(jni, HOTDROP_VERSION) : NULL;
    if (value == NULL)
        return false;
    return (*jni)->CallStaticObjectMethod(jni, system, set, name, value) != NULL;
}

/* Whether another copy of the agent is here already; from now on one is. */
static bool is_marked(JNIEnv *jni)
{
    enum { REFERENCES = 8 };
    if ((*jni)->PushLocalFrame(jni, REFERENCES) != JNI_OK) {
        (*jni)->ExceptionClear(jni);
        return false;
    }
    bool marked = set_mark(jni);
    (*jni)->ExceptionClear(jni);
    (*jni)->PopLocalFrame(jni, NULL);
    return marked;
}

static void clear_mark_in(JNIEnv *jni)
{
    jclass system = (*jni)->FindClass(jni, "java/lang/System");
    jmethodID clear = system != NULL
                          ? (*jni)->GetStaticMethodID(jni, system, "clearProperty",
                                                      "(Ljava/lang/String;)Ljava/lang/String;")
                          : NULL;
    jstring name = clear != NULL ? (*jni)->NewStringUTF(jni, MARK_PROPERTY) : NULL;
    if (name != NULL)
        (*jni)->CallStaticObjectMethod(jni, system, clear, name);
}

static void clear_mark(JNIEnv *jni)
{
    enum { REFERENCES = 8 };
    bool framed = (*jni)->PushLocalFrame(jni, REFERENCES) == JNI_OK;
    if (framed)
        clear_mark_in(jni);
    (*jni)->ExceptionClear(jni);
    if (framed)
        (*jni)->PopLocalFrame(jni, NULL);
}

/* So that it can be attached again, with better options. */
static void give_back(void)
{
    hd_jvm_close(&agent.jvm);
    hd_options_close(&agent.options);
    atomic_flag_clear(&agent.taken);
}

/* ---- service --------------------------------------------------------------------------------- */

static void wake_loop(void *context)
{
    hd_loop_wake(context);
}

static void stop_threads(void)
{
    if (hd_engine_stop(agent.engine, ENGINE_STOP_MS) != 0)
        hd_log(HD_LOG_WARN, "the JVM ends while a deployment is under way; a class loader of the "
                            "application holds it up");
    if (hd_loop_stop(agent.loop, LOOP_STOP_MS) != 0)
        hd_log(HD_LOG_WARN, "the JVM ends while the loop is busy");
}

static int check_not_ending(struct hd_error *err)
{
    return atomic_load(&agent.ending) ? hd_error_set(err, HD_E_JVM, "the JVM is shutting down") : 0;
}

/* Listeners and sources open first: what is kept becomes live only where it can be taken back, and
 * watched trees are read into the engine before its thread runs. */
static int start_threads(JNIEnv *jni, bool attached, struct hd_error *err)
{
    if (hd_engine_new(&agent.jvm, jni, &agent.options, &agent.engine, err) != 0 ||
        hd_loop_new(&agent.jvm, agent.engine, &agent.options, &agent.loop, err) != 0 ||
        hd_loop_open(agent.loop, attached, err) != 0 || check_not_ending(err) != 0)
        return -1;
    hd_engine_restart(agent.engine, jni);
    if (hd_loop_start(agent.loop, jni, err) != 0)
        return -1;
    agent.loop_ran = true;
    if (hd_engine_start(agent.engine, jni, wake_loop, agent.loop, err) != 0)
        return -1;
    atomic_store(&agent.serving, true);
    if (atomic_load(&agent.ending)) /* and whoever saw that looked too early to stop them */
        stop_threads();
    return 0;
}

/* Leaves the JVM as it was, so that the agent can be attached again. A loop that ran is not freed:
 * somebody may have connected. */
static void undo_start(JNIEnv *jni)
{
    if (agent.loop != NULL && hd_loop_stop(agent.loop, LOOP_STOP_MS) != 0) {
        hd_log(HD_LOG_ERROR, "the loop does not end; the agent cannot be attached again");
        return;
    }
    if (agent.engine != NULL && !hd_engine_take_back(agent.engine, jni))
        return;
    if (!agent.loop_ran)
        hd_loop_free(agent.loop);
    hd_engine_free(agent.engine, jni);
    agent.loop = NULL;
    agent.loop_ran = false;
    agent.engine = NULL;
    clear_mark(jni);
    give_back();
}

static int start(JNIEnv *jni, bool attached)
{
    struct hd_error err = HD_ERROR_INIT;
    hd_jvm_examine(&agent.jvm, jni);
    hd_log(HD_LOG_INFO, "Hotdrop " HOTDROP_VERSION " in JVM %d, %s", agent.jvm.pid,
           agent.jvm.version);
    if (!agent.jvm.verifies)
        hd_log(HD_LOG_WARN, "not-verified: this JVM runs without its bytecode verifier, so a "
                            "broken class that is deployed can crash it");
    if (start_threads(jni, attached, &err) == 0)
        return 0;
    hd_log(HD_LOG_ERROR, "%s; the JVM goes on without Hotdrop", err.text);
    undo_start(jni);
    return -1;
}

static void JNICALL vm_init(jvmtiEnv *jvmti, JNIEnv *jni, jthread thread)
{
    (void)jvmti;
    (void)thread;
    if (is_marked(jni)) {
        hd_log(HD_LOG_ERROR, "%s", given_twice);
        give_back();
        return;
    }
    (void)start(jni, false);
}

static void JNICALL vm_death(jvmtiEnv *jvmti, JNIEnv *jni)
{
    (void)jvmti;
    (void)jni;
    atomic_store(&agent.ending, true);
    if (atomic_load(&agent.serving))
        stop_threads();
}

/* ---- entry ----------------------------------------------------------------------------------- */

static int listen_to_jvm(bool live, struct hd_error *err)
{
    jvmtiEnv *jvmti = agent.jvm.jvmti;
    jvmtiEventCallbacks callbacks = { 0 };
    callbacks.VMInit = vm_init;
    callbacks.VMDeath = vm_death;
    callbacks.ClassFileLoadHook = hd_hook_class_file_load;
    jvmtiError error = (*jvmti)->SetEventCallbacks(jvmti, &callbacks, sizeof callbacks);
    if (error == JVMTI_ERROR_NONE)
        error = (*jvmti)->SetEventNotificationMode(jvmti, JVMTI_ENABLE, JVMTI_EVENT_VM_DEATH, NULL);
    if (error == JVMTI_ERROR_NONE && !live)
        error = (*jvmti)->SetEventNotificationMode(jvmti, JVMTI_ENABLE, JVMTI_EVENT_VM_INIT, NULL);
    if (error != JVMTI_ERROR_NONE)
        return hd_error_set(err, HD_E_JVM, "the JVM reports no events: %s",
                            hd_jvm_error_name(error));
    return 0;
}

/* What can be done before the JVM is live. */
static int prepare(JavaVM *vm, const char *options, bool live, struct hd_error *err)
{
    if (hd_options_parse(options, &agent.options, err) != 0)
        return -1;
    if (hd_log_open(agent.options.log_file, agent.options.log_level, err) != 0)
        return -1;
    if (hd_jvm_open(vm, &agent.jvm, err) != 0)
        return -1;
    return listen_to_jvm(live, err);
}

JNIEXPORT jint JNICALL Agent_OnLoad(JavaVM *vm, char *options, void *reserved)
{
    (void)reserved;
    struct hd_error err = HD_ERROR_INIT;
    if (atomic_flag_test_and_set(&agent.taken)) {
        hd_log(HD_LOG_ERROR, "%s", given_twice);
        return JNI_OK;
    }
    if (prepare(vm, options, false, &err) != 0) {
        hd_log(HD_LOG_ERROR, "%s; the JVM starts without Hotdrop", err.text);
        give_back();
    }
    return JNI_OK;
}

/* "ok", "failed" or "already", for hotdrop attach; why not is in the log. */
static const char *attach(JavaVM *vm, const char *options)
{
    struct hd_error err = HD_ERROR_INIT;
    void *jni = NULL;
    if ((*vm)->GetEnv(vm, &jni, JNI_VERSION_1_6) != JNI_OK)
        return "failed";
    if (atomic_flag_test_and_set(&agent.taken)) {
        hd_log(HD_LOG_ERROR, "%s", given_twice);
        return "already";
    }
    if (prepare(vm, options, true, &err) != 0) {
        hd_log(HD_LOG_ERROR, "%s; the JVM goes on without Hotdrop", err.text);
        give_back();
        return "failed";
    }
    if (is_marked(jni)) {
        hd_log(HD_LOG_ERROR, "%s", given_twice);
        give_back();
        return "already";
    }
    return start(jni, true) == 0 ? "ok" : "failed";
}

JNIEXPORT jint JNICALL Agent_OnAttach(JavaVM *vm, char *options, void *reserved)
{
    (void)reserved;
    struct hd_attach_answer answer;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_attach_answer_begin(options, &answer, &err) != 0) {
        hd_log(HD_LOG_ERROR, "%s; the JVM goes on without Hotdrop", err.text);
        return JNI_ERR;
    }
    const char *verdict = attach(vm, answer.options);
    hd_attach_answer_end(&answer, verdict);
    return strcmp(verdict, "ok") == 0 ? JNI_OK : JNI_ERR;
}

JNIEXPORT void JNICALL Agent_OnUnload(JavaVM *vm)
{
    (void)vm;
}
