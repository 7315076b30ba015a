/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/resolve.h"

#include "agent/verify.h"
#include "core/alloc.h"
#include "core/map.h"

#include <string.h>

enum { LOCAL_REFERENCES = 64 };

/* A loader that defines classes of a package, and one of those classes: local references of the
 * walk's frame. */
struct holder {
    jobject loader;
    jclass neighbour;
};

/* The package of a wanted class. */
struct package {
    jclass *members; /* loaded classes of the package */
    size_t member_count;
    size_t member_capacity;
    struct holder *holders; /* filled when a class of the package turns out not to be loaded */
    size_t holder_count;
    bool holders_known;
};

struct walk {
    const struct hd_jvm *jvm;
    JNIEnv *jni;
    struct hd_loaded *index;     /* NULL: there is none, and all loaded classes are looked at */
    size_t references;           /* local ones there is room for */
    jclass verify_loader;        /* HD_VERIFY_LOADER: what it defines is not the application's */
    struct hd_map name_index;    /* wanted name → index in out->names */
    struct hd_map package_index; /* its package → index in packages */
    struct package *packages;    /* as many as names: room for the worst case */
    struct hd_resolution *out;
};

static int jvm_error(struct hd_error *err, const char *function, jvmtiError error)
{
    return hd_error_set(err, HD_E_JVM, "%s: %s", function, hd_jvm_error_name(error));
}

/* The global reference to NULL (the boot loader) is NULL. */
static int new_global(JNIEnv *jni, jobject local, jobject *global, struct hd_error *err)
{
    *global = local == NULL ? NULL : (*jni)->NewGlobalRef(jni, local);
    return local == NULL || *global != NULL ? 0 : hd_error_set_memory(err);
}

/* A local reference in *loader, NULL for boot. */
static int loader_of(const struct walk *walk, jclass class, jobject *loader, struct hd_error *err)
{
    jvmtiEnv *jvmti = walk->jvm->jvmti;
    jvmtiError error = (*jvmti)->GetClassLoader(jvmti, class, loader);
    return error == JVMTI_ERROR_NONE ? 0 : jvm_error(err, "GetClassLoader", error);
}

static bool is_of_verifier(const struct walk *walk, jobject loader)
{
    JNIEnv *jni = walk->jni;
    if (loader == NULL)
        return false;
    jclass class = (*jni)->GetObjectClass(jni, loader);
    bool same = (*jni)->IsSameObject(jni, class, walk->verify_loader);
    (*jni)->DeleteLocalRef(jni, class);
    return same;
}

static int index_wanted(struct walk *walk, const char *const *wanted, size_t count,
                        struct hd_error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct hd_bytes name = hd_map_key(wanted[i]);
        struct hd_bytes package = hd_loaded_package_of(name);
        size_t known;
        walk->out->names[i].name = wanted[i];
        if (hd_map_put(&walk->name_index, name, i, err) != 0)
            return -1;
        if (!hd_map_find(&walk->package_index, package, &known) &&
            hd_map_put(&walk->package_index, package, i, err) != 0)
            return -1;
    }
    return 0;
}

static int add_member(struct package *package, jclass class, struct hd_error *err)
{
    if (package->member_count == package->member_capacity) {
        size_t capacity = package->member_capacity > 0 ? package->member_capacity * 2 : 16;
        jclass *grown = hd_realloc_array(package->members, capacity, sizeof(jclass));
        if (grown == NULL)
            return hd_error_set_memory(err);
        package->members = grown;
        package->member_capacity = capacity;
    }
    package->members[package->member_count++] = class;
    return 0;
}

static int fill_class(struct walk *walk, struct hd_resolved_class *added, jclass local,
                      jobject loader, struct hd_error *err)
{
    jvmtiEnv *jvmti = walk->jvm->jvmti;
    jboolean modifiable = JNI_FALSE;
    jvmtiError error = (*jvmti)->IsModifiableClass(jvmti, local, &modifiable);
    if (error != JVMTI_ERROR_NONE)
        return jvm_error(err, "IsModifiableClass", error);
    added->modifiable = modifiable == JNI_TRUE;
    if (new_global(walk->jni, loader, &added->loader, err) != 0)
        return -1;
    return new_global(walk->jni, local, &added->class, err);
}

static int add_class(struct walk *walk, struct hd_resolved_name *name, jclass local, jobject loader,
                     struct hd_error *err)
{
    struct hd_resolved_class *grown =
        hd_realloc_array(name->classes, name->class_count + 1, sizeof *grown);
    if (grown == NULL)
        return hd_error_set_memory(err);
    name->classes = grown;
    struct hd_resolved_class *added = &grown[name->class_count++];
    *added = (struct hd_resolved_class){ NULL, NULL, false };
    return fill_class(walk, added, local, loader, err);
}

/* A class of a wanted name. */
static int add_match(struct walk *walk, struct hd_resolved_name *name, jclass local,
                     struct hd_error *err)
{
    jobject loader = NULL;
    if (loader_of(walk, local, &loader, err) != 0)
        return -1;
    int status = 0;
    if (!is_of_verifier(walk, loader))
        status = add_class(walk, name, local, loader, err);
    (*walk->jni)->DeleteLocalRef(walk->jni, loader);
    return status;
}

/* *signature is JVMTI's memory; name points into it, and is empty for arrays and primitive types. */
static int name_of(const struct walk *walk, jclass class, char **signature, struct hd_bytes *name,
                   struct hd_error *err)
{
    jvmtiEnv *jvmti = walk->jvm->jvmti;
    jvmtiError error = (*jvmti)->GetClassSignature(jvmti, class, signature, NULL);
    if (error != JVMTI_ERROR_NONE)
        return jvm_error(err, "GetClassSignature", error);
    size_t length = strlen(*signature); /* "Lcom/example/Foo;" */
    bool named = **signature == 'L' && length > 2;
    *name = (struct hd_bytes){ (const uint8_t *)*signature + 1, named ? length - 2 : 0 };
    return 0;
}

static void release(const struct walk *walk, char *signature)
{
    (*walk->jvm->jvmti)->Deallocate(walk->jvm->jvmti, (unsigned char *)signature);
}

static bool same(struct hd_bytes a, struct hd_bytes b)
{
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

/* ---- looking at all loaded classes ----------------------------------------------------------- */

/* Hidden classes ("com/example/Foo.0x12") fit no wanted name. */
static int look_at_name(struct walk *walk, jclass class, struct hd_bytes name, struct hd_error *err)
{
    size_t found;
    if (name.length == 0 || !hd_map_find(&walk->package_index, hd_loaded_package_of(name), &found))
        return 0;
    if (add_member(&walk->packages[found], class, err) != 0)
        return -1;
    if (!hd_map_find(&walk->name_index, name, &found))
        return 0;
    return add_match(walk, &walk->out->names[found], class, err);
}

static int look_at(struct walk *walk, jclass class, struct hd_error *err)
{
    char *signature = NULL;
    struct hd_bytes name;
    if (name_of(walk, class, &signature, &name, err) != 0)
        return -1;
    int status = look_at_name(walk, class, name, err);
    release(walk, signature);
    return status;
}

/* For each class there may be its loader besides. HotSpot has room for many thousands, but
 * -Xcheck:jni warns until it is asked for, in all. */
static void ask_for_room(struct walk *walk, size_t count)
{
    JNIEnv *jni = walk->jni;
    walk->references += 2 * count;
    if ((*jni)->EnsureLocalCapacity(jni, (jint)walk->references) != JNI_OK)
        (*jni)->ExceptionClear(jni);
}

static int look_at_all(struct walk *walk, struct hd_error *err)
{
    jvmtiEnv *jvmti = walk->jvm->jvmti;
    jint count = 0;
    jclass *classes = NULL;
    jvmtiError error = (*jvmti)->GetLoadedClasses(jvmti, &count, &classes);
    if (error != JVMTI_ERROR_NONE)
        return jvm_error(err, "GetLoadedClasses", error);
    ask_for_room(walk, (size_t)count);
    int status = 0;
    for (jint i = 0; i < count && status == 0; i++)
        status = look_at(walk, classes[i], err);
    (*jvmti)->Deallocate(jvmti, (unsigned char *)classes);
    return status;
}

/* ---- looking up in the index ----------------------------------------------------------------- */

/* Candidates have the name's or the package's hash; their signature says whether it is theirs. */
static int look_at_candidate(struct walk *walk, size_t i, jclass class, struct hd_error *err)
{
    char *signature = NULL;
    struct hd_bytes name;
    if (name_of(walk, class, &signature, &name, err) != 0)
        return -1;
    int status = 0;
    if (same(name, hd_map_key(walk->out->names[i].name)))
        status = add_match(walk, &walk->out->names[i], class, err);
    release(walk, signature);
    return status;
}

static int look_up(struct walk *walk, enum hd_loaded_key key, struct hd_bytes text,
                   struct hd_loaded_list *out, struct hd_error *err)
{
    ask_for_room(walk, hd_loaded_count(walk->index, key, text));
    return hd_loaded_find(walk->index, walk->jni, key, text, out, err);
}

static int look_up_name(struct walk *walk, size_t i, struct hd_error *err)
{
    struct hd_loaded_list list = { NULL, 0, 0 };
    struct hd_bytes text = hd_map_key(walk->out->names[i].name);
    int status = look_up(walk, HD_LOADED_BY_NAME, text, &list, err);
    for (size_t k = 0; k < list.count && status == 0; k++)
        status = look_at_candidate(walk, i, list.classes[k], err);
    hd_loaded_list_close(&list);
    return status;
}

/* Of a name that is wanted more than once the last gets the classes, as in a walk. */
static int look_names_up(struct walk *walk, struct hd_error *err)
{
    int status = 0;
    for (size_t i = 0; i < walk->out->count && status == 0; i++) {
        size_t at;
        if (hd_map_find(&walk->name_index, hd_map_key(walk->out->names[i].name), &at) && at == i)
            status = look_up_name(walk, i, err);
    }
    return status;
}

static int look_at_neighbour(struct walk *walk, struct package *package, struct hd_bytes text,
                             jclass class, struct hd_error *err)
{
    char *signature = NULL;
    struct hd_bytes name;
    if (name_of(walk, class, &signature, &name, err) != 0)
        return -1;
    int status = 0;
    if (same(hd_loaded_package_of(name), text))
        status = add_member(package, class, err);
    release(walk, signature);
    return status;
}

static int look_package_up(struct walk *walk, struct package *package, struct hd_bytes text,
                           struct hd_error *err)
{
    struct hd_loaded_list list = { NULL, 0, 0 };
    int status = look_up(walk, HD_LOADED_BY_PACKAGE, text, &list, err);
    for (size_t i = 0; i < list.count && status == 0; i++)
        status = look_at_neighbour(walk, package, text, list.classes[i], err);
    hd_loaded_list_close(&list);
    return status;
}

/* ---- who defines a package ------------------------------------------------------------------- */

static bool has_holder(JNIEnv *jni, const struct package *package, jobject loader)
{
    for (size_t i = 0; i < package->holder_count; i++) {
        if ((*jni)->IsSameObject(jni, package->holders[i].loader, loader))
            return true;
    }
    return false;
}

static int add_holder(struct package *package, jobject loader, jclass neighbour,
                      struct hd_error *err)
{
    struct holder *grown =
        hd_realloc_array(package->holders, package->holder_count + 1, sizeof *grown);
    if (grown == NULL)
        return hd_error_set_memory(err);
    package->holders = grown;
    grown[package->holder_count++] = (struct holder){ loader, neighbour };
    return 0;
}

static int find_holders(struct walk *walk, struct package *package, struct hd_bytes text,
                        struct hd_error *err)
{
    if (walk->index != NULL && look_package_up(walk, package, text, err) != 0)
        return -1;
    for (size_t i = 0; i < package->member_count; i++) {
        jclass neighbour = package->members[i];
        jobject loader = NULL;
        if (loader_of(walk, neighbour, &loader, err) != 0)
            return -1;
        if (has_holder(walk->jni, package, loader) || is_of_verifier(walk, loader))
            (*walk->jni)->DeleteLocalRef(walk->jni, loader);
        else if (add_holder(package, loader, neighbour, err) != 0)
            return -1;
    }
    package->holders_known = true;
    return 0;
}

static int copy_holders(JNIEnv *jni, const struct package *package, struct hd_resolved_name *name,
                        struct hd_error *err)
{
    size_t count = package->holder_count;
    name->package_loaders = hd_alloc_zeroed(count, sizeof *name->package_loaders);
    name->package_neighbours = hd_alloc_zeroed(count, sizeof *name->package_neighbours);
    if (name->package_loaders == NULL || name->package_neighbours == NULL)
        return hd_error_set_memory(err);
    name->package_loader_count = count;
    for (size_t i = 0; i < count; i++) {
        const struct holder *holder = &package->holders[i];
        if (new_global(jni, holder->loader, &name->package_loaders[i], err) != 0 ||
            new_global(jni, holder->neighbour, &name->package_neighbours[i], err) != 0)
            return -1;
    }
    return 0;
}

/* For every wanted name that no loader has defined: who defines its package? */
static int find_package_loaders(struct walk *walk, struct hd_error *err)
{
    for (size_t i = 0; i < walk->out->count; i++) {
        struct hd_resolved_name *name = &walk->out->names[i];
        struct hd_bytes text = hd_loaded_package_of(hd_map_key(name->name));
        size_t at;
        if (name->class_count > 0 || !hd_map_find(&walk->package_index, text, &at))
            continue;
        struct package *package = &walk->packages[at];
        if (!package->holders_known && find_holders(walk, package, text, err) != 0)
            return -1;
        if (package->holder_count > 0 && copy_holders(walk->jni, package, name, err) != 0)
            return -1;
    }
    return 0;
}

static int find_loaded(struct walk *walk, struct hd_error *err)
{
    JNIEnv *jni = walk->jni;
    walk->verify_loader = (*jni)->FindClass(jni, HD_VERIFY_LOADER);
    if (walk->verify_loader == NULL)
        (*jni)->ExceptionClear(jni);
    if ((walk->index != NULL ? look_names_up(walk, err) : look_at_all(walk, err)) != 0)
        return -1;
    return find_package_loaders(walk, err);
}

static int walk_in_frame(struct walk *walk, struct hd_error *err)
{
    JNIEnv *jni = walk->jni;
    if ((*jni)->PushLocalFrame(jni, LOCAL_REFERENCES) != JNI_OK) {
        (*jni)->ExceptionClear(jni);
        return hd_error_set_memory(err);
    }
    int status = find_loaded(walk, err);
    (*jni)->PopLocalFrame(jni, NULL);
    return status;
}

static void close_walk(struct walk *walk, size_t count)
{
    hd_map_close(&walk->name_index);
    hd_map_close(&walk->package_index);
    for (size_t i = 0; walk->packages != NULL && i < count; i++) {
        hd_free(walk->packages[i].members);
        hd_free(walk->packages[i].holders);
    }
    hd_free(walk->packages);
}

int hd_resolve(const struct hd_jvm *jvm, JNIEnv *jni, struct hd_loaded *loaded,
               const char *const *wanted, size_t count, struct hd_resolution *out,
               struct hd_error *err)
{
    struct hd_resolution found = { hd_alloc_zeroed(count, sizeof *found.names), count };
    struct walk walk = {
        .jvm = jvm,
        .jni = jni,
        .references = LOCAL_REFERENCES,
        .index = loaded != NULL && hd_loaded_update(loaded, jni) ? loaded : NULL,
        .packages = hd_alloc_zeroed(count, sizeof *walk.packages),
        .out = &found,
    };
    int status = -1;
    if (found.names == NULL || walk.packages == NULL)
        status = hd_error_set_memory(err);
    else if (index_wanted(&walk, wanted, count, err) == 0)
        status = walk_in_frame(&walk, err);
    close_walk(&walk, count);
    if (status != 0) {
        hd_resolution_close(&found, jni);
        return -1;
    }
    *out = found;
    return 0;
}
