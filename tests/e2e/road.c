/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/road.h"

#include "agent/status.h"
#include "core/log.h"

#include <pthread.h>

enum { LARGEST_CLASS_FILE = 65536 };

struct road road;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;
static jclass workbench; /* RoadWorkbench; a global reference */
static unsigned directories;
static struct hd_options options;

/* ---- the application ----------------------------------------------------------------------------- */

static jmethodID helper(const char *name, const char *descriptor)
{
    jmethodID method =
        (*embedded.jni)->GetStaticMethodID(embedded.jni, workbench, name, descriptor);
    embedded_expect_calm();
    return method;
}

jobject road_ask(const char *method, const char *returned, jobject first, jobject second)
{
    JNIEnv *jni = embedded.jni;
    char descriptor[128];
    const char *first_type = "Ljava/lang/String;";
    if (strcmp(method, "source") == 0)
        first_type = "Ljava/lang/ClassLoader;";
    snprintf(descriptor, sizeof descriptor, "(%sLjava/lang/String;)%s", first_type, returned);
    jobject answer =
        (*jni)->CallStaticObjectMethod(jni, workbench, helper(method, descriptor), first, second);
    embedded_expect_calm();
    return answer;
}

const char *road_compile(const char *sources)
{
    JNIEnv *jni = embedded.jni;
    char name[16];
    snprintf(name, sizeof name, "d%u", directories++);
    const char *directory = at(&embedded.sandbox, name);
    jmethodID method = helper("compile", "(Ljava/lang/String;Ljava/lang/String;)Z");
    jboolean good = (*jni)->CallStaticBooleanMethod(
        jni, workbench, method, embedded_string(sources), embedded_string(directory));
    embedded_expect_calm();
    assert_true(good);
    return directory;
}

jobject road_shop(const char *name, const char *directory)
{
    jobject loader = road_ask("shop", "Ljava/lang/ClassLoader;", embedded_string(name),
                              embedded_string(directory));
    return (*embedded.jni)->NewGlobalRef(embedded.jni, loader);
}

jint road_v(jobject loader, const char *class_name)
{
    JNIEnv *jni = embedded.jni;
    jmethodID method = helper("v", "(Ljava/lang/ClassLoader;Ljava/lang/String;)I");
    jint answer =
        (*jni)->CallStaticIntMethod(jni, workbench, method, loader, embedded_string(class_name));
    embedded_expect_calm();
    return answer;
}

void road_tell(jobject loader, const char *what)
{
    (*embedded.jni)
        ->CallStaticVoidMethod(embedded.jni, workbench, helper(what, "(Ljava/lang/ClassLoader;)V"),
                               loader);
    embedded_expect_calm();
}

jobject road_shop_with_a(const char *name)
{
    jobject loader = road_shop(name, road_compile(A("1")));
    assert_int_equal(road_v(loader, "p.A"), 1);
    return loader;
}

void road_collect_garbage(void)
{
    (*embedded.jni)->CallStaticVoidMethod(embedded.jni, workbench, helper("collectGarbage", "()V"));
    embedded_expect_calm();
}

void road_drop(jobject loader)
{
    (*embedded.jni)->DeleteGlobalRef(embedded.jni, loader);
}

/* ---- the engine ---------------------------------------------------------------------------------- */

static void wake(void *context)
{
    (void)context;
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&woken);
    pthread_mutex_unlock(&lock);
}

static struct hd_job *collect_one(void)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += ROAD_PATIENCE_S;
    int waited = 0;
    pthread_mutex_lock(&lock);
    struct hd_job *job = hd_engine_collect(road.engine);
    while (job == NULL && waited == 0) {
        waited = pthread_cond_timedwait(&woken, &lock, &deadline);
        job = hd_engine_collect(road.engine);
    }
    pthread_mutex_unlock(&lock);
    assert_non_null(job);
    return job;
}

struct hd_job *road_collect(void)
{
    struct hd_job *job = collect_one();
    bool status_follows = job->kind == HD_JOB_DEPLOY || job->kind == HD_JOB_ROLLBACK;
    if (!status_follows)
        return job;
    struct hd_job *follower = collect_one();
    assert_int_equal(follower->kind, HD_JOB_LOADED);
    job->status = follower->status;
    follower->status = NULL;
    hd_job_free(follower);
    return job;
}

struct hd_job *road_new_job(enum hd_job_kind kind)
{
    const struct hd_origin origin = { .way = HD_WAY_LOCAL_SOCKET,
                                      .who = "uid:0 (root)",
                                      .from = "test_road" };
    struct hd_job *job = hd_job_new(kind, &origin);
    assert_non_null(job);
    return job;
}

static struct hd_bytes read_file(const char *path)
{
    FILE *file = fopen(path, "rbe");
    assert_non_null(file);
    uint8_t *data = malloc(LARGEST_CLASS_FILE);
    size_t length = fread(data, 1, LARGEST_CLASS_FILE, file);
    fclose(file);
    return (struct hd_bytes){ data, length };
}

struct hd_bundle *road_bundle(const char *directory, const char *classes)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_bundle_builder *builder = hd_bundle_builder_new();
    struct hd_bundle *bundle = NULL;
    char list[256];
    snprintf(list, sizeof list, "%s", classes);
    for (char *rest = list, *name; (name = strtok_r(rest, " ", &rest)) != NULL;) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s.class", directory, name);
        struct hd_bytes file = read_file(path);
        assert_int_equal(hd_bundle_builder_add(builder, name, file, path, &err), 0);
        free((void *)(uintptr_t)file.data);
    }
    assert_int_equal(hd_bundle_build_take(builder, "test.jar", &bundle, &err), 0);
    return bundle;
}

void road_submit(struct hd_job *job)
{
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_engine_submit(road.engine, job, &err), 0);
}

struct hd_job *road_job(struct road_wish wish, struct hd_bundle *bundle)
{
    struct hd_job *job = road_new_job(wish.kind);
    job->bundle = bundle;
    job->loader = wish.loader != NULL ? hd_strdup(wish.loader) : NULL;
    job->all_loaders = wish.all_loaders;
    job->best_effort = wish.best_effort;
    return job;
}

struct hd_job *road_deploy(struct road_wish wish, const char *directory, const char *classes)
{
    road_submit(road_job(wish, road_bundle(directory, classes)));
    return road_collect();
}

const struct hd_row *road_row(const struct hd_job *job, const char *class_name)
{
    const struct hd_deployment *deployment = job->deployment;
    assert_non_null(deployment);
    for (size_t i = 0; i < deployment->row_count; i++) {
        if (strcmp(deployment->rows[i].class_name, class_name) == 0)
            return &deployment->rows[i];
    }
    fail_msg("no row for %s", class_name);
    return NULL;
}

void road_expect_row(const struct hd_job *job, const char *class_name, enum hd_outcome outcome,
                     enum hd_reason reason)
{
    const struct hd_row *row = road_row(job, class_name);
    if (row->outcome != outcome || row->reason != reason)
        fail_msg("%s is %s (%s): %s", class_name, hd_outcome_word(row->outcome),
                 row->reason == HD_REASON_NONE ? "-" : hd_reason_word(row->reason),
                 row->message != NULL ? row->message : "");
}

void road_expect_words(const char *text, const char *words)
{
    if (text == NULL || strstr(text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text != NULL ? text : "(nothing)", words);
}

const char *road_live_word(const struct hd_job *job, const char *class_name)
{
    static char word[32];
    size_t i;
    json_t *row, *document = hd_status_to_json(job->status, &embedded.jvm);
    word[0] = '\0';
    json_array_foreach(json_object_get(document, "classes"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "class")), class_name) == 0)
            snprintf(word, sizeof word, "%s", json_string_value(json_object_get(row, "live")));
    }
    json_decref(document);
    return word;
}

static int open_engine(void)
{
    struct hd_error err = HD_ERROR_INIT;
    return hd_engine_new(&embedded.jvm, embedded.jni, &options, &road.engine, &err) != 0 ||
           hd_engine_start(road.engine, embedded.jni, wake, NULL, &err) != 0;
}

void road_break_code(const char *directory, const char *class_file)
{
    enum { IRETURN = 0xAC, ARETURN = 0xB0 };
    char path[512];
    snprintf(path, sizeof path, "%s/%s.class", directory, class_file);
    struct hd_bytes file = read_file(path);
    uint8_t *data = (uint8_t *)(uintptr_t)file.data;
    size_t at = file.length;
    /* the last byte of the code, before an empty exception table */
    for (size_t i = 0; i + 3 < file.length; i++) {
        if (data[i] == IRETURN && data[i + 1] == 0 && data[i + 2] == 0)
            at = i;
    }
    assert_true(at < file.length);
    data[at] = ARETURN;
    FILE *out = fopen(path, "wbe");
    assert_int_equal(fwrite(data, 1, file.length, out), file.length);
    fclose(out);
    free(data);
}

static int find_workbench(void)
{
    JNIEnv *jni = embedded.jni;
    jclass class = workbench == NULL ? (*jni)->FindClass(jni, "RoadWorkbench") : NULL;
    if (class != NULL)
        workbench = (*jni)->NewGlobalRef(jni, class);
    return workbench != NULL ? 0 : -1;
}

int road_setup(void **state)
{
    struct hd_error err = HD_ERROR_INIT;
    if (hd_log_open(NULL, HD_LOG_ERROR, &err) != 0 || embedded_setup(state) != 0 ||
        find_workbench() != 0)
        return -1;
    return open_engine();
}

int road_teardown(void **state)
{
    assert_int_equal(hd_engine_stop(road.engine, ROAD_PATIENCE_S * 1000), 0);
    hd_engine_free(road.engine, embedded.jni);
    road.engine = NULL;
    int result = embedded_teardown(state);
    road_collect_garbage(); /* the next test has loaders of its own */
    return result;
}
