/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/blocking.h"

#include "core/alloc.h"
#include "core/json.h"
#include "core/map.h"
#include "core/text.h"

#include <string.h>

/* NEWEST: so many frames are shown whatever they are. */
enum { MAX_DEPTH = 1024, LOCAL_REFERENCES = 64, NEWEST = HD_BLOCKING_MAX_FRAMES * 3 / 4 };

struct look {
    jvmtiEnv *jvmti;
    JNIEnv *jni;
    json_t *threads;
    size_t more;
};

static void give_back(const struct look *look, char *memory)
{
    if (memory != NULL)
        (*look->jvmti)->Deallocate(look->jvmti, (unsigned char *)memory);
}

/* The JVM's text, which is given back, as JSON; "?" where it has none. NULL when memory is out. */
static json_t *text_take(const struct look *look, char *modified)
{
    char *text =
        modified != NULL ? hd_text_from_modified_utf8(hd_map_key(modified)) : hd_strdup("?");
    give_back(look, modified);
    json_t *json = text != NULL ? hd_json_text(text) : NULL;
    hd_free(text);
    return json;
}

/* ---- one frame ------------------------------------------------------------------------------- */

static json_t *class_name(const struct look *look, jmethodID method)
{
    jclass class = NULL;
    char *signature = NULL;
    if ((*look->jvmti)->GetMethodDeclaringClass(look->jvmti, method, &class) == JVMTI_ERROR_NONE &&
        (*look->jvmti)->GetClassSignature(look->jvmti, class, &signature, NULL) != JVMTI_ERROR_NONE)
        signature = NULL;
    (*look->jni)->DeleteLocalRef(look->jni, class);
    size_t length = signature != NULL ? strlen(signature) : 0;
    struct hd_bytes name = { (const uint8_t *)"?", 1 };
    if (length > 2) /* Lcom/example/Foo; */
        name = (struct hd_bytes){ (const uint8_t *)signature + 1, length - 2 };
    char *text = hd_text_class_name(name);
    give_back(look, signature);
    json_t *json = text != NULL ? hd_json_text(text) : NULL;
    hd_free(text);
    return json;
}

static json_t *method_name(const struct look *look, jmethodID method)
{
    char *name = NULL;
    if ((*look->jvmti)->GetMethodName(look->jvmti, method, &name, NULL, NULL) != JVMTI_ERROR_NONE)
        name = NULL;
    return text_take(look, name);
}

static bool is_old(const struct look *look, jmethodID method)
{
    jboolean obsolete = JNI_FALSE;
    return (*look->jvmti)->IsMethodObsolete(look->jvmti, method, &obsolete) == JVMTI_ERROR_NONE &&
           obsolete;
}

static json_t *frame_to_json(const struct look *look, const jvmtiStackInfo *stack, jint at,
                             bool old)
{
    jmethodID method = stack->frame_buffer[at].method;
    json_t *json = json_object();
    bool complete = hd_json_put(json, "at", hd_json_number((uint64_t)at)) &&
                    hd_json_put(json, "class", class_name(look, method)) &&
                    hd_json_put(json, "method", method_name(look, method)) &&
                    hd_json_put(json, "old", json_boolean(old));
    return hd_json_finish(json, complete);
}

/* ---- one thread ------------------------------------------------------------------------------ */

static json_t *frames_to_json(const struct look *look, const jvmtiStackInfo *stack)
{
    json_t *frames = json_array();
    bool complete = frames != NULL;
    for (jint at = 0; complete && at < stack->frame_count; at++) {
        bool old = is_old(look, stack->frame_buffer[at].method);
        size_t shown = json_array_size(frames);
        if (shown < NEWEST || (old && shown < HD_BLOCKING_MAX_FRAMES))
            complete = json_array_append_new(frames, frame_to_json(look, stack, at, old)) == 0;
    }
    return hd_json_finish(frames, complete);
}

static json_t *thread_name(const struct look *look, jthread thread)
{
    jvmtiThreadInfo info = { NULL };
    if ((*look->jvmti)->GetThreadInfo(look->jvmti, thread, &info) != JVMTI_ERROR_NONE)
        info = (jvmtiThreadInfo){ NULL };
    (*look->jni)->DeleteLocalRef(look->jni, info.thread_group);
    (*look->jni)->DeleteLocalRef(look->jni, info.context_class_loader);
    return text_take(look, info.name);
}

static json_t *thread_to_json(const struct look *look, const jvmtiStackInfo *stack)
{
    json_t *json = json_object();
    bool complete = hd_json_put(json, "thread", thread_name(look, stack->thread)) &&
                    hd_json_put(json, "depth", hd_json_number((uint64_t)stack->frame_count)) &&
                    hd_json_put(json, "frames", frames_to_json(look, stack));
    return hd_json_finish(json, complete);
}

static bool holds_old_code(const struct look *look, const jvmtiStackInfo *stack)
{
    for (jint at = 0; at < stack->frame_count; at++) {
        if (is_old(look, stack->frame_buffer[at].method))
            return true;
    }
    return false;
}

static int add_thread(struct look *look, const jvmtiStackInfo *stack, struct hd_error *err)
{
    if (!holds_old_code(look, stack))
        return 0;
    if (json_array_size(look->threads) == HD_BLOCKING_MAX_THREADS) {
        look->more++;
        return 0;
    }
    return json_array_append_new(look->threads, thread_to_json(look, stack)) == 0
               ? 0
               : hd_error_set_memory(err);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static int look_at_all(struct look *look, struct hd_error *err)
{
    jvmtiStackInfo *stacks = NULL;
    jint count = 0;
    jvmtiError error = (*look->jvmti)->GetAllStackTraces(look->jvmti, MAX_DEPTH, &stacks, &count);
    if (error != JVMTI_ERROR_NONE)
        return hd_error_set(err, HD_E_JVM, "GetAllStackTraces: %s", hd_jvm_error_name(error));
    int result = 0;
    for (jint i = 0; i < count && result == 0; i++)
        result = add_thread(look, &stacks[i], err);
    (*look->jvmti)->Deallocate(look->jvmti, (unsigned char *)stacks);
    return result;
}

int hd_blocking_list(const struct hd_jvm *jvm, JNIEnv *jni, json_t **out, struct hd_error *err)
{
    struct look look = { .jvmti = jvm->jvmti, .jni = jni };
    if ((*jni)->PushLocalFrame(jni, LOCAL_REFERENCES) != JNI_OK) {
        (*jni)->ExceptionClear(jni);
        return hd_error_set_memory(err);
    }
    look.threads = json_array();
    int result = look.threads != NULL ? look_at_all(&look, err) : hd_error_set_memory(err);
    (*jni)->PopLocalFrame(jni, NULL);
    json_t *json = json_object();
    bool complete = hd_json_put(json, "threads", look.threads) &&
                    hd_json_put(json, "more", hd_json_number(look.more));
    json = hd_json_finish(json, complete && result == 0);
    if (json == NULL)
        return result == 0 ? hd_error_set_memory(err) : -1;
    *out = json;
    return 0;
}
