/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/resource.h"

#include "agent/origin.h"
#include "agent/place.h"
#include "core/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { STREAM_CHUNK = 65536, LOCAL_REFERENCES = 32 };

/* Method ids stay valid while their class is loaded; all of these belong to the boot loader,
 * which never unloads. */
struct hd_resources {
    struct hd_origins *origins;
    jclass class_loader;
    jbyteArray chunk;
    jmethodID find_resource;
    jmethodID get_resource;
    jmethodID get_system_resource;
    jmethodID url_protocol;
    jmethodID url_path;
    jmethodID url_open;
    jmethodID connection_use_caches;
    jmethodID connection_stream;
    jmethodID connection_last_modified;
    jmethodID stream_read;
    jmethodID stream_close;
};

/* The class that is asked for. */
struct wanted {
    jclass class; /* NULL: it is not loaded */
    jobject loader;
    const char *internal_name;
};

struct method {
    jmethodID *id;
    const char *class_name;
    const char *name;
    const char *descriptor;
};

static bool find_method(JNIEnv *jni, const struct method *method)
{
    jclass class = (*jni)->FindClass(jni, method->class_name);
    if (class == NULL)
        return false;
    *method->id = (*jni)->GetMethodID(jni, class, method->name, method->descriptor);
    return *method->id != NULL;
}

static bool find_methods(JNIEnv *jni, struct hd_resources *resources)
{
    const struct method methods[] = {
        { &resources->find_resource, "java/lang/ClassLoader", "findResource",
          "(Ljava/lang/String;)Ljava/net/URL;" },
        { &resources->get_resource, "java/lang/ClassLoader", "getResource",
          "(Ljava/lang/String;)Ljava/net/URL;" },
        { &resources->url_protocol, "java/net/URL", "getProtocol", "()Ljava/lang/String;" },
        { &resources->url_path, "java/net/URL", "getPath", "()Ljava/lang/String;" },
        { &resources->url_open, "java/net/URL", "openConnection", "()Ljava/net/URLConnection;" },
        { &resources->connection_use_caches, "java/net/URLConnection", "setUseCaches", "(Z)V" },
        { &resources->connection_stream, "java/net/URLConnection", "getInputStream",
          "()Ljava/io/InputStream;" },
        { &resources->connection_last_modified, "java/net/URLConnection", "getLastModified",
          "()J" },
        { &resources->stream_read, "java/io/InputStream", "read", "([B)I" },
        { &resources->stream_close, "java/io/InputStream", "close", "()V" },
    };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (!find_method(jni, &methods[i]))
            return false;
    }
    return true;
}

static bool find_references(JNIEnv *jni, struct hd_resources *resources)
{
    jclass class_loader = (*jni)->FindClass(jni, "java/lang/ClassLoader");
    if (class_loader == NULL)
        return false;
    resources->get_system_resource = (*jni)->GetStaticMethodID(
        jni, class_loader, "getSystemResource", "(Ljava/lang/String;)Ljava/net/URL;");
    resources->class_loader = (*jni)->NewGlobalRef(jni, class_loader);
    jbyteArray chunk = (*jni)->NewByteArray(jni, STREAM_CHUNK);
    resources->chunk = chunk != NULL ? (*jni)->NewGlobalRef(jni, chunk) : NULL;
    return resources->get_system_resource != NULL && resources->class_loader != NULL &&
           resources->chunk != NULL;
}

int hd_resources_new(const struct hd_jvm *jvm, struct hd_resources **out, struct hd_error *err)
{
    struct hd_resources *resources = hd_alloc_zeroed(1, sizeof *resources);
    if (resources == NULL)
        return hd_error_set_memory(err);
    resources->origins = hd_origins_new(jvm);
    if (resources->origins == NULL) {
        hd_free(resources);
        return hd_error_set_memory(err);
    }
    *out = resources;
    return 0;
}

static void release_references(struct hd_resources *resources, JNIEnv *jni)
{
    (*jni)->DeleteGlobalRef(jni, resources->class_loader);
    (*jni)->DeleteGlobalRef(jni, resources->chunk);
    resources->class_loader = NULL;
    resources->chunk = NULL;
}

/* In the caller's frame. */
static int look_up(struct hd_resources *resources, JNIEnv *jni, struct hd_error *err)
{
    if (resources->chunk != NULL)
        return 0;
    if (find_methods(jni, resources) && find_references(jni, resources))
        return 0;
    (*jni)->ExceptionClear(jni);
    release_references(resources, jni);
    return hd_error_set(err, HD_E_JVM,
                        "this JVM lacks a method of ClassLoader, URL or InputStream that reading "
                        "class files needs");
}

void hd_resources_free(struct hd_resources *resources, JNIEnv *jni)
{
    if (resources == NULL)
        return;
    release_references(resources, jni);
    hd_origins_free(resources->origins, jni);
    hd_free(resources);
}

/* True when nothing was thrown; else clears it. */
static bool calm(JNIEnv *jni)
{
    if (!(*jni)->ExceptionCheck(jni))
        return true;
    (*jni)->ExceptionClear(jni);
    return false;
}

static jobject call_object(JNIEnv *jni, jobject object, jmethodID method)
{
    jobject result = (*jni)->CallObjectMethod(jni, object, method);
    return calm(jni) ? result : NULL;
}

/* *out (hd_free) is NULL where there is no string. */
static int copy_string(JNIEnv *jni, jstring string, char **out, struct hd_error *err)
{
    const char *text = string != NULL ? (*jni)->GetStringUTFChars(jni, string, NULL) : NULL;
    if (text == NULL) {
        (*jni)->ExceptionClear(jni);
        return 0;
    }
    *out = hd_strdup(text);
    (*jni)->ReleaseStringUTFChars(jni, string, text);
    return *out != NULL ? 0 : hd_error_set_memory(err);
}

static jobject ask_loader(struct hd_resources *resources, JNIEnv *jni, jobject loader, jstring name,
                          enum hd_resource_search search)
{
    jobject url;
    if (loader == NULL) {
        url = (*jni)->CallStaticObjectMethod(jni, resources->class_loader,
                                             resources->get_system_resource, name);
        return calm(jni) ? url : NULL;
    }
    url = (*jni)->CallObjectMethod(jni, loader, resources->find_resource, name);
    if (calm(jni) && url != NULL)
        return url;
    if (search == HD_RESOURCE_OWN)
        return NULL;
    url = (*jni)->CallObjectMethod(jni, loader, resources->get_resource, name);
    return calm(jni) ? url : NULL;
}

/* *url is a local reference, NULL where there is none. */
static int find_url(struct hd_resources *resources, JNIEnv *jni, jobject loader,
                    const char *internal_name, enum hd_resource_search search, jobject *url,
                    struct hd_error *err)
{
    char *path = hd_asprintf("%s.class", internal_name);
    if (path == NULL)
        return hd_error_set_memory(err);
    jstring name = (*jni)->NewStringUTF(jni, path);
    hd_free(path);
    if (calm(jni) && name != NULL)
        *url = ask_loader(resources, jni, loader, name, search);
    return 0;
}

static int read_descriptor(int descriptor, size_t length, struct hd_buffer *out,
                           struct hd_error *err)
{
    if (hd_buffer_reserve(out, length, err) != 0)
        return -1;
    while (out->length < length) {
        ssize_t count = read(descriptor, out->data + out->length, length - out->length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        out->length += (size_t)count;
    }
    return 0;
}

/* A file on disk, past Java's streams. Not found, not regular, too large: file stays NULL. */
static int read_file(const char *path, struct hd_resource *out, struct hd_error *err)
{
    /* Non-blocking: the path may name a FIFO by now. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return 0;
    struct hd_buffer buffer = HD_BUFFER_INIT;
    struct stat status;
    int result = 0;
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
        (uint64_t)status.st_size <= HD_RESOURCE_MAX_SIZE)
        result = read_descriptor(descriptor, (size_t)status.st_size, &buffer, err);
    close(descriptor);
    if (result == 0 && buffer.length > 0) {
        out->changed_at = hd_place_changed_at(&status);
        out->file = hd_buffer_steal(&buffer, &out->length);
    }
    hd_buffer_close(&buffer);
    return result;
}

static int read_file_url(struct hd_resources *resources, JNIEnv *jni, const struct wanted *wanted,
                         const char *url_path, struct hd_resource *out, struct hd_error *err)
{
    char *path = NULL;
    if (hd_place_decode(url_path, strlen(url_path), &path, err) != 0)
        return -1;
    int result = read_file(path, out, err);
    if (result == 0 && out->file != NULL && wanted->class != NULL && wanted->loader != NULL)
        hd_origins_learn(resources->origins, jni, wanted->class, wanted->loader,
                         wanted->internal_name, path);
    hd_free(path);
    return result;
}

/* Appends what one read gives. *more is false at the end, at an exception, and past the bound. */
static int read_chunk(struct hd_resources *resources, JNIEnv *jni, jobject stream,
                      struct hd_buffer *out, bool *more, struct hd_error *err)
{
    jint count = (*jni)->CallIntMethod(jni, stream, resources->stream_read, resources->chunk);
    bool whole = calm(jni);
    *more = whole && count > 0 && count <= STREAM_CHUNK &&
            out->length + (size_t)count <= HD_RESOURCE_MAX_SIZE;
    if (!*more) {
        if (!whole || count >= 0)
            hd_buffer_close(out);
        return 0;
    }
    if (hd_buffer_reserve(out, (size_t)count, err) != 0)
        return -1;
    (*jni)->GetByteArrayRegion(jni, resources->chunk, 0, count, (jbyte *)(out->data + out->length));
    out->length += (size_t)count;
    return 0;
}

static int read_stream(struct hd_resources *resources, JNIEnv *jni, jobject stream,
                       struct hd_resource *out, struct hd_error *err)
{
    struct hd_buffer buffer = HD_BUFFER_INIT;
    int result = 0;
    for (bool more = true; more && result == 0;)
        result = read_chunk(resources, jni, stream, &buffer, &more, err);
    (*jni)->CallVoidMethod(jni, stream, resources->stream_close);
    (*jni)->ExceptionClear(jni);
    if (result == 0 && buffer.length > 0)
        out->file = hd_buffer_steal(&buffer, &out->length);
    hd_buffer_close(&buffer);
    return result;
}

/* An open connection to the URL, its stream not yet taken. Without the cache: it would keep the
 * application's jar open for ever; the JDK shares the table of contents with the loader's own
 * open jar all the same. */
static jobject open_connection(struct hd_resources *resources, JNIEnv *jni, jobject url)
{
    jobject connection = call_object(jni, url, resources->url_open);
    if (connection == NULL)
        return NULL;
    (*jni)->CallVoidMethod(jni, connection, resources->connection_use_caches, (jboolean)JNI_FALSE);
    (*jni)->ExceptionClear(jni);
    return connection;
}

/* For what is neither a file nor in an archive that can be seen: the loader's own word (0: it
 * has none). */
static int64_t last_modified(struct hd_resources *resources, JNIEnv *jni, jobject connection)
{
    jlong milliseconds =
        (*jni)->CallLongMethod(jni, connection, resources->connection_last_modified);
    if (!calm(jni) || milliseconds <= 0 || milliseconds > INT64_MAX / 1000)
        return HD_RESOURCE_AGE_UNKNOWN;
    return (int64_t)milliseconds * 1000;
}

static int archive_age(const char *protocol, const char *path, struct hd_resource *out,
                       struct hd_error *err)
{
    out->changed_at = HD_RESOURCE_ALWAYS_THERE;
    if (strcmp(protocol, "jrt") == 0)
        return 0;
    return hd_place_archive_changed_at(path, &out->changed_at, err);
}

static int read_connection(struct hd_resources *resources, JNIEnv *jni, jobject url,
                           struct hd_resource *out, struct hd_error *err)
{
    jobject connection = open_connection(resources, jni, url);
    jobject stream =
        connection != NULL ? call_object(jni, connection, resources->connection_stream) : NULL;
    if (stream == NULL)
        return 0;
    if (out->changed_at == HD_RESOURCE_AGE_UNKNOWN)
        out->changed_at = last_modified(resources, jni, connection);
    return read_stream(resources, jni, stream, out, err);
}

static int read_place(struct hd_resources *resources, JNIEnv *jni, const struct wanted *wanted,
                      jobject url, const char *protocol, const char *path, struct hd_resource *out,
                      struct hd_error *err)
{
    if (strcmp(protocol, "file") == 0) {
        if (read_file_url(resources, jni, wanted, path, out, err) != 0)
            return -1;
        if (out->file != NULL)
            return 0;
    }
    if (archive_age(protocol, path, out, err) != 0)
        return -1;
    return read_connection(resources, jni, url, out, err);
}

static int read_url(struct hd_resources *resources, JNIEnv *jni, const struct wanted *wanted,
                    jobject url, struct hd_resource *out, struct hd_error *err)
{
    char *protocol = NULL, *path = NULL;
    int result = copy_string(jni, call_object(jni, url, resources->url_protocol), &protocol, err);
    if (result == 0)
        result = copy_string(jni, call_object(jni, url, resources->url_path), &path, err);
    if (result == 0 && protocol != NULL && path != NULL)
        result = read_place(resources, jni, wanted, url, protocol, path, out, err);
    hd_free(protocol);
    hd_free(path);
    return result;
}

static int ask(struct hd_resources *resources, JNIEnv *jni, const struct wanted *wanted,
               enum hd_resource_search search, struct hd_resource *out, struct hd_error *err)
{
    jobject url = NULL;
    if (look_up(resources, jni, err) != 0)
        return -1;
    if (find_url(resources, jni, wanted->loader, wanted->internal_name, search, &url, err) != 0)
        return -1;
    return url != NULL ? read_url(resources, jni, wanted, url, out, err) : 0;
}

/* Where the file of a loaded class is can be known from its neighbours. */
static int read_neighbour(struct hd_resources *resources, JNIEnv *jni, const struct wanted *wanted,
                          struct hd_resource *out, struct hd_error *err)
{
    char *path = NULL;
    if (wanted->class == NULL)
        return 0;
    if (hd_origins_find(resources->origins, jni, wanted->class, wanted->loader,
                        wanted->internal_name, &path, err) != 0)
        return -1;
    int result = path != NULL ? read_file(path, out, err) : 0;
    hd_free(path);
    return result;
}

int hd_resource_read(struct hd_resources *resources, JNIEnv *jni, jclass class, jobject loader,
                     const char *internal_name, enum hd_resource_search search,
                     struct hd_resource *out, struct hd_error *err)
{
    const struct wanted wanted = { class, loader, internal_name };
    struct hd_resource found = { .changed_at = HD_RESOURCE_AGE_UNKNOWN };
    if ((*jni)->PushLocalFrame(jni, LOCAL_REFERENCES) != JNI_OK) {
        (*jni)->ExceptionClear(jni);
        return hd_error_set_memory(err);
    }
    int result = read_neighbour(resources, jni, &wanted, &found, err);
    if (result == 0 && found.file == NULL)
        result = ask(resources, jni, &wanted, search, &found, err);
    (*jni)->PopLocalFrame(jni, NULL);
    if (result == 0)
        *out = found;
    return result;
}
