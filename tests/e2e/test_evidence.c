/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent takes for evidence, looked at in a real JVM that lives in the test's own process:
 * what was live before, what a class that loads later is given, who runs old code.
 */
#include "tests/e2e/jdk.h"
#include "tests/unit/sandbox.h"

#include "agent/base.h"
#include "agent/frames.h"
#include "agent/hook.h"
#include "classfile/fingerprint.h"
#include "core/alloc.h"
#include "core/text.h"
#include "tests/unit/every_allocation.h"

#include <dlfcn.h>
#include <signal.h>
#include <sys/wait.h>

/* cmocka, around each test, puts its handlers in the place of the JVM's, which raises SIGSEGV
 * and the like itself and handles them. It does so by signal(); nobody else here does. */
__attribute__((visibility("default"))) sighandler_t signal(int number, sighandler_t handler)
{
    (void)number;
    (void)handler;
    return SIG_DFL;
}

#ifdef __SANITIZE_ADDRESS__
/* For the same reason. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "handle_segv=0:allow_user_segv_handler=1:detect_leaks=0:handle_sigill=0:handle_sigfpe=0:"
           "handle_sigbus=0:"
           "use_sigaltstack=0";
}
#endif

/* One version of the class under test; BODY is what answer() returns. */
#define SUBJECT(body, more)                                                                        \
    "import java.util.concurrent.CountDownLatch;\n"                                                \
    "public class Subject {\n"                                                                     \
    "    static { System.setProperty(\"subject.initialized\", \"yes\"); }\n"                       \
    "    public static int answer() { return " body "; }\n"                                        \
    "    public static void park(CountDownLatch in, CountDownLatch out) throws Exception {\n"      \
    "        in.countDown(); out.await(); if (answer() == -" body ") throw new Exception();\n"     \
    "    }\n" more "}\n"
#define SUBJECT_1 SUBJECT("1", "")
#define SUBJECT_2 SUBJECT("2", "")
#define SUBJECT_1_WOVEN                                                                            \
    SUBJECT("1", "    private static boolean[] $probes() { return new boolean[1]; }\n")

static struct world {
    JNIEnv *jni;
    struct hd_jvm jvm;
    jclass evidence; /* global reference */
    struct hd_base_finder *finder;
    struct sandbox sandbox;
} world;

/* Fails the test with the exception's words. */
static void expect_calm(void)
{
    char text[512];
    if (hd_jvm_take_exception(world.jni, text, sizeof text))
        fail_msg("%s", text);
}

static jstring java_string(const char *text)
{
    jstring string = (*world.jni)->NewStringUTF(world.jni, text);
    expect_calm();
    return string;
}

static jmethodID helper(const char *name, const char *descriptor)
{
    jmethodID method = (*world.jni)->GetStaticMethodID(world.jni, world.evidence, name, descriptor);
    expect_calm();
    return method;
}

static void compile(const char *source, const char *directory)
{
    jmethodID method = helper("compile", "(Ljava/lang/String;Ljava/lang/String;)Z");
    jboolean good =
        (*world.jni)
            ->CallStaticBooleanMethod(world.jni, world.evidence, method, java_string(source),
                                      java_string(at(&world.sandbox, directory)));
    expect_calm();
    assert_true(good);
}

static void jar_up(const char *directory, const char *file)
{
    jmethodID method = helper("jar", "(Ljava/lang/String;Ljava/lang/String;)V");
    (*world.jni)
        ->CallStaticVoidMethod(world.jni, world.evidence, method,
                               java_string(at(&world.sandbox, directory)),
                               java_string(at(&world.sandbox, file)));
    expect_calm();
}

static jobject new_loader(const char *path)
{
    jmethodID method = helper("loader", "(Ljava/lang/String;)Ljava/lang/ClassLoader;");
    jobject loader = (*world.jni)
                         ->CallStaticObjectMethod(world.jni, world.evidence, method,
                                                  java_string(at(&world.sandbox, path)));
    expect_calm();
    return loader;
}

static jclass load(jobject loader)
{
    jmethodID method = helper("load", "(Ljava/lang/ClassLoader;)Ljava/lang/Class;");
    jclass class = (*world.jni)->CallStaticObjectMethod(world.jni, world.evidence, method, loader);
    expect_calm();
    return class;
}

static jclass weave(const char *from, const char *answer)
{
    jmethodID method = helper("weave", "(Ljava/lang/String;Ljava/lang/String;)Ljava/lang/Class;");
    jclass class =
        (*world.jni)
            ->CallStaticObjectMethod(world.jni, world.evidence, method,
                                     java_string(at(&world.sandbox, from)), java_string(answer));
    expect_calm();
    return class;
}

static void call_helper(const char *name, const char *descriptor, jobject argument)
{
    (*world.jni)
        ->CallStaticVoidMethod(world.jni, world.evidence, helper(name, descriptor), argument);
    expect_calm();
}

static jint answer_of(jclass class)
{
    jint answer = (*world.jni)
                      ->CallStaticIntMethod(world.jni, world.evidence,
                                            helper("answer", "(Ljava/lang/Class;)I"), class);
    expect_calm();
    return answer;
}

static jobject loader_of(jclass class)
{
    jobject loader = NULL;
    assert_int_equal((*world.jvm.jvmti)->GetClassLoader(world.jvm.jvmti, class, &loader),
                     JVMTI_ERROR_NONE);
    return loader;
}

static struct hd_buffer read_class(const char *directory)
{
    char name[64];
    struct hd_buffer file = HD_BUFFER_INIT;
    struct hd_error err = HD_ERROR_INIT;
    uint8_t chunk[4096];
    snprintf(name, sizeof name, "%s/Subject.class", directory);
    FILE *in = fopen(at(&world.sandbox, name), "re");
    assert_non_null(in);
    for (size_t count; (count = fread(chunk, 1, sizeof chunk, in)) > 0;)
        assert_int_equal(hd_buffer_append(&file, chunk, count, &err), 0);
    fclose(in);
    return file;
}

static struct hd_base find_base(jclass class, const char *name)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_base base;
    if (hd_base_find(world.finder, world.jni, class, loader_of(class), name, &base, &err) != 0)
        fail_msg("%s", err.text);
    assert_false((*world.jni)->ExceptionCheck(world.jni));
    return base;
}

static void expect_base(jclass class, enum hd_base_standing standing, const char *directory)
{
    struct hd_base base = find_base(class, "Subject");
    assert_int_equal(base.standing, standing);
    assert_non_null(base.held);
    if (directory == NULL) {
        assert_null(base.file);
        assert_null(base.class_file);
    } else {
        struct hd_buffer expected = read_class(directory);
        assert_int_equal(base.length, expected.length);
        assert_memory_equal(base.file, expected.data, base.length);
        assert_non_null(base.class_file);
        hd_buffer_close(&expected);
    }
    hd_base_close(&base);
}

/* As if the JVM had been started now, or long ago. */
static void files_so_far_are_older(void)
{
    world.jvm.started_at = hd_text_now() + 3600 * (int64_t)1000000;
}

static void files_so_far_are_newer(void)
{
    world.jvm.started_at = hd_text_now() - 3600 * (int64_t)1000000;
}

static int setup(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    sandbox_make(&world.sandbox);
    (*world.jni)->PushLocalFrame(world.jni, 64);
    files_so_far_are_older();
    return hd_base_finder_new(&world.jvm, world.jni, &world.finder, &err);
}

static int teardown(void **state)
{
    (void)state;
    hd_base_finder_free(world.finder, world.jni);
    (*world.jni)->PopLocalFrame(world.jni, NULL);
    sandbox_delete(world.sandbox.path);
    assert_int_equal(hd_alloc_outstanding(), 0);
    return 0;
}

static void a_file_older_than_the_jvm_is_proof(void **state)
{
    (void)state;
    compile(SUBJECT_1, "one");
    expect_base(load(new_loader("one/")), HD_BASE_PROVEN, "one");
}

static void a_file_newer_than_the_jvm_is_likely(void **state)
{
    (void)state;
    files_so_far_are_newer();
    compile(SUBJECT_1, "one");
    expect_base(load(new_loader("one/")), HD_BASE_LIKELY, "one");
}

static void a_jar_is_as_good_as_a_directory(void **state)
{
    (void)state;
    compile(SUBJECT_1, "my classes");
    jar_up("my classes", "my app!.jar");
    jclass class = load(new_loader("my app!.jar"));
    expect_base(class, HD_BASE_PROVEN, "my classes");
    files_so_far_are_newer();
    expect_base(class, HD_BASE_LIKELY, "my classes");
}

static void a_file_the_compiler_has_overwritten_is_no_base(void **state)
{
    (void)state;
    files_so_far_are_newer();
    compile(SUBJECT_1, "one");
    jclass class = load(new_loader("one/"));
    compile(SUBJECT_2, "one");
    expect_base(class, HD_BASE_UNKNOWN, NULL);
}

static void a_file_that_was_remembered_is_proof_whatever_came_after(void **state)
{
    (void)state;
    files_so_far_are_newer();
    compile(SUBJECT_1, "one");
    compile(SUBJECT_1, "kept");
    struct hd_buffer file = read_class("one");
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_base_remember(world.finder, "Subject", hd_buffer_view(&file), &err), 0);
    hd_buffer_close(&file);
    jclass class = load(new_loader("one/"));
    compile(SUBJECT_2, "one");
    expect_base(class, HD_BASE_PROVEN, "kept");
}

static void a_remembered_file_of_another_class_gives_way(void **state)
{
    (void)state;
    compile(SUBJECT_1, "one");
    compile(SUBJECT_2, "two");
    struct hd_buffer file = read_class("two");
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_base_remember(world.finder, "Subject", hd_buffer_view(&file), &err), 0);
    hd_buffer_close(&file);
    expect_base(load(new_loader("one/")), HD_BASE_PROVEN, "one");
}

static void a_class_that_was_edited_as_it_loaded_is_known_by_its_file(void **state)
{
    (void)state;
    compile(SUBJECT_1, "one");
    compile(SUBJECT_1_WOVEN, "woven");
    jclass class = weave("woven", at(&world.sandbox, "one"));
    expect_base(class, HD_BASE_EDITED, "one");
    files_so_far_are_newer();
    expect_base(class, HD_BASE_UNKNOWN, NULL);
}

static void a_remembered_file_tells_an_edited_class_too(void **state)
{
    (void)state;
    files_so_far_are_newer();
    compile(SUBJECT_1, "one");
    compile(SUBJECT_1_WOVEN, "woven");
    struct hd_buffer file = read_class("one");
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_base_remember(world.finder, "Subject", hd_buffer_view(&file), &err), 0);
    hd_buffer_close(&file);
    expect_base(weave("woven", "nowhere"), HD_BASE_EDITED, "one");
}

static void a_loader_that_throws_or_answers_nothing_gives_no_file(void **state)
{
    (void)state;
    compile(SUBJECT_1, "one");
    expect_base(weave("one", "throw"), HD_BASE_UNKNOWN, NULL);
    expect_base(weave("one", "nowhere"), HD_BASE_UNKNOWN, NULL);
}

static void a_file_that_is_no_class_file_is_no_base(void **state)
{
    (void)state;
    compile(SUBJECT_1, "one");
    jclass class = load(new_loader("one/"));
    write_text(&world.sandbox, "one/Subject.class", "rubbish");
    expect_base(class, HD_BASE_UNKNOWN, NULL);
    write_text(&world.sandbox, "one/Subject.class", "");
    expect_base(class, HD_BASE_UNKNOWN, NULL);
}

/* What the static initializer of the class leaves behind. */
static jobject clear_initialized(void)
{
    jclass system = (*world.jni)->FindClass(world.jni, "java/lang/System");
    jmethodID clear = (*world.jni)
                          ->GetStaticMethodID(world.jni, system, "clearProperty",
                                              "(Ljava/lang/String;)Ljava/lang/String;");
    expect_calm();
    jobject before =
        (*world.jni)
            ->CallStaticObjectMethod(world.jni, system, clear, java_string("subject.initialized"));
    expect_calm();
    return before;
}

static void looking_at_a_class_does_not_initialize_it(void **state)
{
    (void)state;
    clear_initialized();
    compile(SUBJECT_1, "one");
    jclass class = load(new_loader("one/"));
    jint status = 0;
    (*world.jvm.jvmti)->GetClassStatus(world.jvm.jvmti, class, &status);
    assert_int_equal(status & JVMTI_CLASS_STATUS_PREPARED, 0);

    expect_base(class, HD_BASE_PROVEN, "one");
    (*world.jvm.jvmti)->GetClassStatus(world.jvm.jvmti, class, &status);
    assert_int_equal(status & (JVMTI_CLASS_STATUS_PREPARED | JVMTI_CLASS_STATUS_INITIALIZED),
                     JVMTI_CLASS_STATUS_PREPARED);
    assert_int_equal(answer_of(class), 1);
    assert_non_null(clear_initialized());
}

/* Hidden ones are "Foo.0x0123", those before JDK 15 "Foo/123". */
static bool is_ordinary(const char *signature)
{
    const char *last = strrchr(signature, '/');
    return signature[0] == 'L' && strchr(signature, '.') == NULL &&
           strstr(signature, "Subject") == NULL && (last == NULL || last[1] < '0' || last[1] > '9');
}

/* Of the JDK's classes that are loaded, boot, platform and application loader alike; hidden and
 * generated ones have no file. */
static void every_class_of_the_jdk_is_known_by_its_own_file(void **state)
{
    (void)state;
    jvmtiEnv *jvmti = world.jvm.jvmti;
    jint count = 0, known = 0, unknown = 0;
    jclass *classes = NULL;
    (*world.jni)->EnsureLocalCapacity(world.jni, 20000);
    assert_int_equal((*jvmti)->GetLoadedClasses(jvmti, &count, &classes), JVMTI_ERROR_NONE);
    for (jint i = 0; i < count; i++) {
        char *signature = NULL;
        (*jvmti)->GetClassSignature(jvmti, classes[i], &signature, NULL);
        if (is_ordinary(signature)) {
            signature[strlen(signature) - 1] = '\0';
            struct hd_base base = find_base(classes[i], signature + 1);
            known += base.standing == HD_BASE_PROVEN;
            if (base.standing != HD_BASE_PROVEN) {
                print_message("standing %d: %s\n", base.standing, signature + 1);
                unknown++;
            }
            hd_base_close(&base);
        }
        (*jvmti)->Deallocate(jvmti, (unsigned char *)signature);
        (*world.jni)->DeleteLocalRef(world.jni, classes[i]);
    }
    (*jvmti)->Deallocate(jvmti, (unsigned char *)classes);
    print_message("%d classes of the JDK known by their own file, %d not\n", known, unknown);
    assert_true(known > 400);
    /* The VM adds fields of its own to very few. */
    assert_true(unknown < 5);
}

static void the_file_of_a_class_that_is_not_loaded_is_the_loaders_own(void **state)
{
    (void)state;
    compile(SUBJECT_1, "one");
    write_text(&world.sandbox, "empty", "");
    struct hd_error err = HD_ERROR_INIT;
    uint8_t *file = NULL;
    size_t length = 0;
    bool found = false, newer = true;
    jobject loader = new_loader("one/");
    assert_int_equal(hd_base_resource(world.finder, world.jni, loader, "Subject", &file, &length,
                                      &found, &newer, &err),
                     0);
    assert_true(found && !newer);
    struct hd_buffer expected = read_class("one");
    assert_int_equal(length, expected.length);
    assert_memory_equal(file, expected.data, length);
    hd_buffer_close(&expected);
    hd_free(file);

    files_so_far_are_newer();
    assert_int_equal(hd_base_resource(world.finder, world.jni, loader, "Subject", &file, &length,
                                      &found, &newer, &err),
                     0);
    assert_true(found && newer);
    hd_free(file);

    /* Its parent has this one. */
    files_so_far_are_older();
    assert_int_equal(hd_base_resource(world.finder, world.jni, loader, "java/lang/String", &file,
                                      &length, &found, &newer, &err),
                     0);
    assert_false(found);
    assert_null(file);
    assert_int_equal(hd_base_resource(world.finder, world.jni, NULL, "java/lang/String", &file,
                                      &length, &found, &newer, &err),
                     0);
    assert_true(found && !newer);
    hd_free(file);
}

/* An edited class with a remembered file and a resource goes through everything. */
static int find_once(void *class, struct hd_error *err)
{
    struct hd_base base;
    int result =
        hd_base_find(world.finder, world.jni, class, loader_of(class), "Subject", &base, err);
    if (result == 0) {
        assert_int_equal(base.standing, HD_BASE_EDITED);
        hd_base_close(&base);
    }
    return result;
}

static void a_base_that_memory_is_out_for_is_an_error_not_a_verdict(void **state)
{
    (void)state;
    compile(SUBJECT_1, "one");
    compile(SUBJECT_1_WOVEN, "woven");
    struct hd_buffer file = read_class("one");
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_base_remember(world.finder, "Subject", hd_buffer_view(&file), &err), 0);
    hd_buffer_close(&file);
    fail_every_allocation(find_once, weave("woven", at(&world.sandbox, "one")));
    jar_up("one", "app.jar");
    char url[PATH_MAX];
    snprintf(url, sizeof url, "jar:file:%s!/", at(&world.sandbox, "app.jar"));
    fail_every_allocation(find_once, weave("woven", url));
}

static struct hd_old_frames old_frames(void)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_old_frames frames;
    if (hd_frames_find(&world.jvm, world.jni, &frames, &err) != 0)
        fail_msg("%s", err.text);
    return frames;
}

static void redefine(jclass class, const char *directory)
{
    struct hd_buffer file = read_class(directory);
    jvmtiClassDefinition definition = { class, (jint)file.length, file.data };
    assert_int_equal((*world.jvm.jvmti)->RedefineClasses(world.jvm.jvmti, 1, &definition),
                     JVMTI_ERROR_NONE);
    hd_buffer_close(&file);
}

static void a_thread_in_old_code_is_counted_until_it_leaves(void **state)
{
    (void)state;
    compile(SUBJECT_1, "one");
    compile(SUBJECT_2, "two");
    jclass class = load(new_loader("one/"));
    call_helper("park", "(Ljava/lang/Class;)V", class);
    struct hd_old_frames frames = old_frames();
    assert_int_equal(frames.threads, 0);
    assert_true(frames.complete);
    hd_old_frames_close(&frames);

    redefine(class, "two");
    assert_int_equal(answer_of(class), 2);
    frames = old_frames();
    assert_int_equal(frames.threads, 1);
    assert_int_equal(frames.class_count, 1);
    assert_string_equal(frames.class_names[0], "Subject");
    assert_int_equal(frames.class_threads[0], 1);
    hd_old_frames_close(&frames);

    call_helper("release", "()V", NULL);
    frames = old_frames();
    assert_int_equal(frames.threads, 0);
    hd_old_frames_close(&frames);
}

static enum hd_hook_event_kind last_event;

static void take_event(struct hd_hook_event *event, void *context)
{
    int *count = context;
    ++*count;
    last_event = event->kind;
    if (event->loader != NULL)
        (*world.jni)->DeleteWeakGlobalRef(world.jni, event->loader);
    hd_free(event->class_name);
    hd_free(event);
}

/* One patch: the class of DIRECTORY for LOADER, made for the file of BASE. */
static void publish(struct hd_hook *hook, jobject loader, const char *directory, const char *base)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_buffer file = read_class(directory), base_file = read_class(base);
    struct hd_class *parsed = NULL;
    struct hd_patch *patch = hd_alloc_zeroed(1, sizeof *patch);
    patch->class_name = hd_strdup("Subject");
    patch->loader = (*world.jni)->NewWeakGlobalRef(world.jni, loader);
    patch->has_base = true;
    assert_int_equal(hd_class_parse(base_file.data, base_file.length, &parsed, &err), 0);
    assert_int_equal(hd_class_fingerprint(parsed, &patch->base, &err), 0);
    hd_class_free(parsed);
    hd_buffer_close(&base_file);
    patch->file = hd_buffer_steal(&file, &patch->length);
    assert_int_equal(hd_hook_publish_take(hook, world.jni, patch, 1, &err), 0);
}

static void a_class_that_loads_later_gets_its_patch(void **state)
{
    (void)state;
    compile(SUBJECT_1, "one");
    compile(SUBJECT_2, "two");
    int events = 0;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_hook *hook = NULL;
    assert_int_equal(hd_hook_new(&world.jvm, take_event, &events, &hook, &err), 0);
    jobject mine = new_loader("one/"), another = new_loader("one/");

    publish(hook, mine, "two", "one");
    assert_int_equal(answer_of(load(mine)), 2);
    assert_int_equal(events, 1);
    assert_int_equal(last_event, HD_HOOK_APPLIED);
    assert_int_equal(answer_of(load(another)), 1);
    assert_int_equal(events, 1);
    hd_hook_free(hook, world.jni);
    assert_int_equal(answer_of(load(new_loader("one/"))), 1);
}

static void a_class_that_loads_later_from_another_base_is_left_alone(void **state)
{
    (void)state;
    compile(SUBJECT_1, "one");
    compile(SUBJECT_2, "two");
    compile(SUBJECT("3", ""), "three");
    int events = 0;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_hook *hook = NULL;
    assert_int_equal(hd_hook_new(&world.jvm, take_event, &events, &hook, &err), 0);
    jobject loader = new_loader("three/");
    publish(hook, loader, "two", "one");
    assert_int_equal(answer_of(load(loader)), 3);
    assert_int_equal(events, 1);
    assert_int_equal(last_event, HD_HOOK_WRONG_BASE);
    hd_hook_free(hook, world.jni);
}

/* Last: from the first virtual thread on, no answer of this JVM is complete. */
static void where_virtual_threads_have_run_the_count_is_not_complete(void **state)
{
    (void)state;
    if (world.jvm.rules.feature_release < 21)
        return;
    call_helper("runVirtually", "()V", NULL);
    struct hd_old_frames frames = old_frames();
    assert_false(frames.complete);
    hd_old_frames_close(&frames);
}

static void the_jvm_is_known(const struct e2e_jdk *jdk)
{
    assert_int_equal(world.jvm.rules.feature_release, jdk->feature);
    assert_int_equal(world.jvm.rules.max_major, jdk->feature + 44);
    assert_true(world.jvm.verifies);
    assert_int_equal(world.jvm.pid, getpid());
    int64_t age = hd_text_now() - world.jvm.started_at;
    assert_true(age >= 0 && age < 60 * (int64_t)1000000);
}

static int start_jvm(const struct e2e_jdk *jdk)
{
    char path[512];
    static char class_path[] = "-Djava.class.path=" HD_E2E_JAVA, check[] = "-Xcheck:jni",
                quiet[] = "-Xshare:auto";
    JavaVMOption options[] = { { class_path, NULL }, { check, NULL }, { quiet, NULL } };
    JavaVMInitArgs arguments = { .version = JNI_VERSION_1_8, .nOptions = 3, .options = options };
    JavaVM *vm = NULL;
    snprintf(path, sizeof path, "%s/%s/server/libjvm.so", jdk->home,
             jdk->feature == 8 ? "jre/lib/amd64" : "lib");
    void *libjvm = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    jint (*create)(JavaVM **, void **, void *) = NULL;
    if (libjvm != NULL)
        *(void **)&create = dlsym(libjvm, "JNI_CreateJavaVM");
    if (create == NULL || create(&vm, (void **)&world.jni, &arguments) != JNI_OK)
        return -1;

    struct hd_error err = HD_ERROR_INIT;
    if (hd_jvm_open(vm, &world.jvm, &err) != 0)
        return -1;
    hd_jvm_examine(&world.jvm, world.jni);
    jvmtiEventCallbacks callbacks = { .ClassFileLoadHook = hd_hook_class_file_load };
    (*world.jvm.jvmti)->SetEventCallbacks(world.jvm.jvmti, &callbacks, sizeof callbacks);
    jclass evidence = (*world.jni)->FindClass(world.jni, "Evidence");
    world.evidence = evidence != NULL ? (*world.jni)->NewGlobalRef(world.jni, evidence) : NULL;
    return world.evidence != NULL ? 0 : -1;
}

static const struct e2e_jdk *jdk_under_test;

static void the_jvm_is_what_its_release_file_says(void **state)
{
    (void)state;
    the_jvm_is_known(jdk_under_test);
}

static int jvm_setup(void **state)
{
    (void)state;
    return start_jvm(jdk_under_test);
}

#define EVIDENCE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static int run_group(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_jvm_is_what_its_release_file_says),
        EVIDENCE_TEST(a_file_older_than_the_jvm_is_proof),
        EVIDENCE_TEST(a_file_newer_than_the_jvm_is_likely),
        EVIDENCE_TEST(a_jar_is_as_good_as_a_directory),
        EVIDENCE_TEST(a_file_the_compiler_has_overwritten_is_no_base),
        EVIDENCE_TEST(a_file_that_was_remembered_is_proof_whatever_came_after),
        EVIDENCE_TEST(a_remembered_file_of_another_class_gives_way),
        EVIDENCE_TEST(a_class_that_was_edited_as_it_loaded_is_known_by_its_file),
        EVIDENCE_TEST(a_remembered_file_tells_an_edited_class_too),
        EVIDENCE_TEST(a_loader_that_throws_or_answers_nothing_gives_no_file),
        EVIDENCE_TEST(a_file_that_is_no_class_file_is_no_base),
        EVIDENCE_TEST(looking_at_a_class_does_not_initialize_it),
        EVIDENCE_TEST(every_class_of_the_jdk_is_known_by_its_own_file),
        EVIDENCE_TEST(the_file_of_a_class_that_is_not_loaded_is_the_loaders_own),
        EVIDENCE_TEST(a_base_that_memory_is_out_for_is_an_error_not_a_verdict),
        EVIDENCE_TEST(a_thread_in_old_code_is_counted_until_it_leaves),
        EVIDENCE_TEST(a_class_that_loads_later_gets_its_patch),
        EVIDENCE_TEST(a_class_that_loads_later_from_another_base_is_left_alone),
        EVIDENCE_TEST(where_virtual_threads_have_run_the_count_is_not_complete),
    };
    return cmocka_run_group_tests(tests, jvm_setup, NULL);
}

/* A process of its own for each JDK: a second JVM cannot be started in one. */
static bool passes_on(const struct e2e_jdk *jdk)
{
    pid_t child = fork();
    if (child == 0) {
        print_message("JDK %u, %s\n", jdk->feature, jdk->home);
        jdk_under_test = jdk;
        _exit(run_group() == 0 ? 0 : 1);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

int main(void)
{
    static struct e2e_jdk_list list;
    e2e_jdk_find(&list);
    int failed = 0;
    for (size_t i = 0; i < list.count; i++)
        failed += !passes_on(&list.jdks[i]);
    return list.count == 0 || failed > 0;
}
