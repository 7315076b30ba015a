/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/loaded.h"

#include "agent/arrivals.h"
#include "core/alloc.h"
#include "core/log.h"

#include <string.h>

enum { KEYS = 2, NONE = UINT32_MAX, FIRST_CAPACITY = 1024, LOCAL_REFERENCES = 16 };

struct entry {
    jweak class; /* NULL: it was found to be unloaded */
    struct {
        uint32_t hash;
        uint32_t next; /* in its chain; NONE */
    } by[KEYS];
};

struct hd_loaded {
    const struct hd_jvm *jvm;
    jvmtiEnv *events; /* NULL: not asked for yet */
    bool refused;     /* the JVM does not give the event */
    bool complete;    /* what has loaded is here or among the arrivals */
    struct entry *entries;
    uint32_t count;
    uint32_t capacity; /* 0, or a power of two; chains are as many */
    uint32_t *chains[KEYS];
    uint32_t sweep_at; /* when there are so many, the unloaded are looked for */
};

/* ---- the event ------------------------------------------------------------------------------- */

static bool refuse(struct hd_loaded *loaded, const char *function, jvmtiError error)
{
    if (loaded->events != NULL)
        (*loaded->events)->DisposeEnvironment(loaded->events);
    loaded->events = NULL;
    loaded->refused = true;
    hd_log(HD_LOG_WARN, "%s: %s; every deployment walks over all loaded classes", function,
           hd_jvm_error_name(error));
    return false;
}

/* An environment of its own, so that the event is never on without its callback. */
static bool listen(struct hd_loaded *loaded)
{
    void *environment = NULL;
    if (loaded->events != NULL)
        return true;
    if ((*loaded->jvm->vm)->GetEnv(loaded->jvm->vm, &environment, JVMTI_VERSION_1_2) != JNI_OK)
        return refuse(loaded, "GetEnv", JVMTI_ERROR_NOT_AVAILABLE);
    loaded->events = environment;
    jvmtiEnv *jvmti = environment;
    const jvmtiEventCallbacks callbacks = { .ClassLoad = hd_arrivals_class_load };
    jvmtiError error = (*jvmti)->SetEventCallbacks(jvmti, &callbacks, sizeof callbacks);
    if (error != JVMTI_ERROR_NONE)
        return refuse(loaded, "SetEventCallbacks", error);
    error = (*jvmti)->SetEventNotificationMode(jvmti, JVMTI_ENABLE, JVMTI_EVENT_CLASS_LOAD, NULL);
    if (error != JVMTI_ERROR_NONE)
        return refuse(loaded, "SetEventNotificationMode(ClassLoad)", error);
    return true;
}

/* ---- the table ------------------------------------------------------------------------------- */

/* FNV-1a, 32 bits. */
static uint32_t hash_of(struct hd_bytes text)
{
    uint32_t hash = UINT32_C(0x811c9dc5);
    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ text.data[i]) * UINT32_C(0x01000193);
    return hash ^ (hash >> 16);
}

struct hd_bytes hd_loaded_package_of(struct hd_bytes name)
{
    const uint8_t *slash = memrchr(name.data, '/', name.length);
    return (struct hd_bytes){ name.data, slash == NULL ? 0 : (size_t)(slash - name.data) };
}

static void chain(struct hd_loaded *loaded, uint32_t at)
{
    struct entry *entry = &loaded->entries[at];
    for (size_t key = 0; key < KEYS; key++) {
        uint32_t *first = &loaded->chains[key][entry->by[key].hash & (loaded->capacity - 1)];
        entry->by[key].next = *first;
        *first = at;
    }
}

static void chain_all(struct hd_loaded *loaded)
{
    for (size_t key = 0; key < KEYS; key++)
        memset(loaded->chains[key], 0xFF, loaded->capacity * sizeof(uint32_t)); /* NONE */
    for (uint32_t i = 0; i < loaded->count; i++)
        chain(loaded, i);
}

/* To hold so many, at least. On failure the index is as before. */
static bool grow(struct hd_loaded *loaded, uint32_t wanted)
{
    uint32_t capacity = loaded->capacity > 0 ? loaded->capacity : FIRST_CAPACITY;
    uint32_t *chains[KEYS];
    while (capacity < wanted && capacity <= UINT32_MAX / 4)
        capacity *= 2;
    if (capacity > UINT32_MAX / 4)
        return false;
    chains[0] = hd_alloc_zeroed(capacity, sizeof(uint32_t));
    chains[1] = hd_alloc_zeroed(capacity, sizeof(uint32_t));
    struct entry *entries = chains[0] != NULL && chains[1] != NULL
                                ? hd_realloc_array(loaded->entries, capacity, sizeof *entries)
                                : NULL;
    if (entries == NULL) {
        hd_free(chains[0]);
        hd_free(chains[1]);
        return false;
    }
    loaded->entries = entries;
    loaded->capacity = capacity;
    for (size_t key = 0; key < KEYS; key++) {
        hd_free(loaded->chains[key]);
        loaded->chains[key] = chains[key];
    }
    chain_all(loaded);
    return true;
}

static bool add(struct hd_loaded *loaded, JNIEnv *jni, jclass class, struct hd_bytes name)
{
    if (loaded->count == loaded->capacity && !grow(loaded, loaded->count + 1))
        return false;
    jweak weak = (*jni)->NewWeakGlobalRef(jni, class);
    if (weak == NULL) {
        (*jni)->ExceptionClear(jni);
        return false;
    }
    struct entry *entry = &loaded->entries[loaded->count];
    entry->class = weak;
    entry->by[HD_LOADED_BY_NAME].hash = hash_of(name);
    entry->by[HD_LOADED_BY_PACKAGE].hash = hash_of(hd_loaded_package_of(name));
    chain(loaded, loaded->count++);
    return true;
}

/* From at on in its chain, the first with that hash; NONE. */
static uint32_t seek(const struct hd_loaded *loaded, enum hd_loaded_key key, uint32_t hash,
                     uint32_t at)
{
    while (at != NONE && loaded->entries[at].by[key].hash != hash)
        at = loaded->entries[at].by[key].next;
    return at;
}

static uint32_t first_of(const struct hd_loaded *loaded, enum hd_loaded_key key, uint32_t hash)
{
    if (loaded->count == 0)
        return NONE;
    return seek(loaded, key, hash, loaded->chains[key][hash & (loaded->capacity - 1)]);
}

static uint32_t next_of(const struct hd_loaded *loaded, enum hd_loaded_key key, uint32_t at)
{
    return seek(loaded, key, loaded->entries[at].by[key].hash, loaded->entries[at].by[key].next);
}

size_t hd_loaded_count(const struct hd_loaded *loaded, enum hd_loaded_key key, struct hd_bytes text)
{
    size_t count = 0;
    uint32_t hash = hash_of(text);
    for (uint32_t at = first_of(loaded, key, hash); at != NONE; at = next_of(loaded, key, at))
        count++;
    return count;
}

/* A class is reported again for each loader that finds it by asking its parents. */
static bool has(const struct hd_loaded *loaded, JNIEnv *jni, jclass class, struct hd_bytes name)
{
    enum hd_loaded_key key = HD_LOADED_BY_NAME;
    uint32_t at = first_of(loaded, key, hash_of(name));
    for (; at != NONE; at = next_of(loaded, key, at)) {
        jweak known = loaded->entries[at].class;
        if (known != NULL && (*jni)->IsSameObject(jni, known, class))
            return true;
    }
    return false;
}

static void drop(JNIEnv *jni, struct entry *entry)
{
    if (entry->class != NULL)
        (*jni)->DeleteWeakGlobalRef(jni, entry->class);
    entry->class = NULL;
}

static void drop_all(struct hd_loaded *loaded, JNIEnv *jni)
{
    for (uint32_t i = 0; i < loaded->count; i++)
        drop(jni, &loaded->entries[i]);
    hd_free(loaded->entries);
    loaded->entries = NULL;
    loaded->count = loaded->capacity = 0;
    for (size_t key = 0; key < KEYS; key++) {
        hd_free(loaded->chains[key]);
        loaded->chains[key] = NULL;
    }
    loaded->complete = false;
}

/* Lets go of what was unloaded. */
static void sweep(struct hd_loaded *loaded, JNIEnv *jni)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < loaded->count; i++) {
        struct entry *entry = &loaded->entries[i];
        if (entry->class != NULL && !(*jni)->IsSameObject(jni, entry->class, NULL))
            loaded->entries[kept++] = *entry;
        else
            drop(jni, entry);
    }
    loaded->count = kept;
    chain_all(loaded);
}

static void sweep_if_due(struct hd_loaded *loaded, JNIEnv *jni)
{
    if (loaded->count < loaded->sweep_at)
        return;
    sweep(loaded, jni);
    loaded->sweep_at = loaded->count < FIRST_CAPACITY ? 2 * FIRST_CAPACITY : loaded->count * 2;
}

/* ---- keeping it up to date ------------------------------------------------------------------- */

/* Arrays, and hidden classes ("Lcom/example/Foo.0x12;"; JEP 371), are nobody's match. again: it may
 * be here already. */
static bool note(struct hd_loaded *loaded, JNIEnv *jni, jclass class, bool again)
{
    jvmtiEnv *jvmti = loaded->jvm->jvmti;
    char *signature = NULL;
    if ((*jvmti)->GetClassSignature(jvmti, class, &signature, NULL) != JVMTI_ERROR_NONE)
        return false;
    size_t length = strlen(signature);
    struct hd_bytes name = { (const uint8_t *)signature + 1, length > 2 ? length - 2 : 0 };
    bool noted = true;
    if (signature[0] == 'L' && name.length > 0 && memchr(name.data, '.', name.length) == NULL &&
        !(again && has(loaded, jni, class, name)))
        noted = add(loaded, jni, class, name);
    (*jvmti)->Deallocate(jvmti, (unsigned char *)signature);
    return noted;
}

static bool note_arrival(struct hd_loaded *loaded, JNIEnv *jni, const struct hd_arrival *arrival)
{
    jclass class = (*jni)->NewLocalRef(jni, arrival->class);
    if (class == NULL)
        return true; /* unloaded since */
    bool noted = note(loaded, jni, class, true);
    (*jni)->DeleteLocalRef(jni, class);
    return noted;
}

static bool note_arrivals(struct hd_loaded *loaded, JNIEnv *jni)
{
    bool noted = true;
    for (struct hd_arrival *arrival = hd_arrivals_take(), *next; arrival != NULL; arrival = next) {
        next = arrival->next;
        noted = noted && note_arrival(loaded, jni, arrival);
        hd_arrival_free(arrival, jni);
    }
    return noted;
}

static bool note_all(struct hd_loaded *loaded, JNIEnv *jni)
{
    jvmtiEnv *jvmti = loaded->jvm->jvmti;
    jint count = 0;
    jclass *classes = NULL;
    if ((*jvmti)->GetLoadedClasses(jvmti, &count, &classes) != JVMTI_ERROR_NONE)
        return false;
    /* HotSpot has that many local references already, but -Xcheck:jni warns until room is asked
     * for. */
    if ((*jni)->EnsureLocalCapacity(jni, count + LOCAL_REFERENCES) != JNI_OK)
        (*jni)->ExceptionClear(jni);
    bool noted = grow(loaded, (uint32_t)count);
    for (jint i = 0; i < count && noted; i++)
        noted = note(loaded, jni, classes[i], false);
    (*jvmti)->Deallocate(jvmti, (unsigned char *)classes);
    return noted;
}

/* What loads from now on is an arrival; what has loaded before is seen by the walk. */
static bool fill(struct hd_loaded *loaded, JNIEnv *jni)
{
    drop_all(loaded, jni);
    hd_arrivals_begin(jni);
    loaded->complete = listen(loaded) && note_all(loaded, jni);
    loaded->sweep_at = loaded->count + FIRST_CAPACITY;
    return loaded->complete;
}

static bool update(struct hd_loaded *loaded, JNIEnv *jni)
{
    if ((!loaded->complete || !hd_arrivals_are_whole()) && !fill(loaded, jni))
        return false;
    if (!note_arrivals(loaded, jni))
        return false;
    sweep_if_due(loaded, jni);
    return true;
}

bool hd_loaded_update(struct hd_loaded *loaded, JNIEnv *jni)
{
    if (loaded->refused)
        return false;
    if ((*jni)->PushLocalFrame(jni, LOCAL_REFERENCES) != JNI_OK) {
        (*jni)->ExceptionClear(jni);
        return false;
    }
    bool current = update(loaded, jni);
    (*jni)->PopLocalFrame(jni, NULL);
    if (!current) {
        hd_arrivals_end(jni);
        drop_all(loaded, jni);
    }
    return current;
}

/* ---- looking up ------------------------------------------------------------------------------ */

static int append(struct hd_loaded_list *list, jclass class, struct hd_error *err)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? list->capacity * 2 : 16;
        jclass *grown = hd_realloc_array(list->classes, capacity, sizeof(jclass));
        if (grown == NULL)
            return hd_error_set_memory(err);
        list->classes = grown;
        list->capacity = capacity;
    }
    list->classes[list->count++] = class;
    return 0;
}

/* Chains begin with what came last. */
static void turn_round(jclass *classes, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        jclass class = classes[i];
        classes[i] = classes[count - 1 - i];
        classes[count - 1 - i] = class;
    }
}

int hd_loaded_find(struct hd_loaded *loaded, JNIEnv *jni, enum hd_loaded_key key,
                   struct hd_bytes text, struct hd_loaded_list *out, struct hd_error *err)
{
    uint32_t hash = hash_of(text);
    size_t before = out->count;
    for (uint32_t at = first_of(loaded, key, hash); at != NONE; at = next_of(loaded, key, at)) {
        struct entry *entry = &loaded->entries[at];
        if (entry->class == NULL)
            continue;
        jclass class = (*jni)->NewLocalRef(jni, entry->class);
        if (class == NULL)
            drop(jni, entry);
        else if (append(out, class, err) != 0)
            return -1;
    }
    if (out->count > before + 1)
        turn_round(out->classes + before, out->count - before);
    return 0;
}

void hd_loaded_list_close(struct hd_loaded_list *list)
{
    hd_free(list->classes);
    *list = (struct hd_loaded_list){ NULL, 0, 0 };
}

/* ---- life ------------------------------------------------------------------------------------ */

struct hd_loaded *hd_loaded_new(const struct hd_jvm *jvm)
{
    struct hd_loaded *loaded = hd_alloc_zeroed(1, sizeof *loaded);
    if (loaded != NULL)
        loaded->jvm = jvm;
    hd_arrivals_open();
    return loaded;
}

void hd_loaded_free(struct hd_loaded *loaded, JNIEnv *jni)
{
    if (loaded == NULL)
        return;
    hd_arrivals_end(jni);
    if (loaded->events != NULL)
        (*loaded->events)->DisposeEnvironment(loaded->events);
    drop_all(loaded, jni);
    hd_free(loaded);
}

size_t hd_loaded_size(const struct hd_loaded *loaded)
{
    return loaded->capacity * (sizeof(struct entry) + KEYS * sizeof(uint32_t)) + hd_arrivals_size();
}
