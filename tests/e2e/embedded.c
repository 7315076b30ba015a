/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/embedded.h"

#include "agent/hook.h"
#include "core/text.h"

#include <dlfcn.h>
#include <signal.h>
#include <sys/wait.h>

enum { LOCAL_REFERENCES = 64, PATH_SIZE = 512 };
#define AN_HOUR (3600 * (int64_t)1000000)

struct embedded embedded;

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
    return "handle_segv=0:allow_user_segv_handler=1:detect_leaks=0:handle_sigill=0:"
           "handle_sigfpe=0:handle_sigbus=0:use_sigaltstack=0";
}
#endif

void embedded_expect_calm(void)
{
    char text[512];
    if (hd_jvm_take_exception(embedded.jni, text, sizeof text))
        fail_msg("%s", text);
}

jstring embedded_string(const char *text)
{
    jstring string = (*embedded.jni)->NewStringUTF(embedded.jni, text);
    embedded_expect_calm();
    return string;
}

static jstring path_string(const char *name)
{
    return embedded_string(at(&embedded.sandbox, name));
}

static jmethodID helper(const char *name, const char *descriptor)
{
    JNIEnv *jni = embedded.jni;
    jmethodID method = (*jni)->GetStaticMethodID(jni, embedded.evidence, name, descriptor);
    embedded_expect_calm();
    return method;
}

void embedded_compile(const char *source, const char *directory)
{
    JNIEnv *jni = embedded.jni;
    jmethodID method = helper("compile", "(Ljava/lang/String;Ljava/lang/String;)Z");
    jboolean good = (*jni)->CallStaticBooleanMethod(
        jni, embedded.evidence, method, embedded_string(source), path_string(directory));
    embedded_expect_calm();
    assert_true(good);
}

void embedded_jar(const char *directory, const char *file)
{
    JNIEnv *jni = embedded.jni;
    jmethodID method = helper("jar", "(Ljava/lang/String;Ljava/lang/String;)V");
    (*jni)->CallStaticVoidMethod(jni, embedded.evidence, method, path_string(directory),
                                 path_string(file));
    embedded_expect_calm();
}

static jobject call_for_object(const char *name, const char *descriptor, jobject first,
                               jobject second)
{
    JNIEnv *jni = embedded.jni;
    jobject result = (*jni)->CallStaticObjectMethod(jni, embedded.evidence,
                                                    helper(name, descriptor), first, second);
    embedded_expect_calm();
    return result;
}

jobject embedded_loader(const char *path)
{
    return call_for_object("loader", "(Ljava/lang/String;)Ljava/lang/ClassLoader;",
                           path_string(path), NULL);
}

jobject embedded_loader_of_two(const char *first, const char *second)
{
    return call_for_object("loaderOfTwo",
                           "(Ljava/lang/String;Ljava/lang/String;)Ljava/lang/ClassLoader;",
                           path_string(first), path_string(second));
}

jobject embedded_own_loader(const char *path)
{
    return call_for_object("ownLoader", "(Ljava/lang/String;)Ljava/lang/ClassLoader;",
                           path_string(path), NULL);
}

jclass embedded_load_other(jobject loader)
{
    return call_for_object("loadOther", "(Ljava/lang/ClassLoader;)Ljava/lang/Class;", loader, NULL);
}

jclass embedded_load(jobject loader)
{
    return call_for_object("load", "(Ljava/lang/ClassLoader;)Ljava/lang/Class;", loader, NULL);
}

jclass embedded_weave(const char *from, const char *answer)
{
    return call_for_object("weave", "(Ljava/lang/String;Ljava/lang/String;)Ljava/lang/Class;",
                           path_string(from), embedded_string(answer));
}

void embedded_call(const char *method, const char *descriptor, jobject argument)
{
    JNIEnv *jni = embedded.jni;
    (*jni)->CallStaticVoidMethod(jni, embedded.evidence, helper(method, descriptor), argument);
    embedded_expect_calm();
}

jint embedded_answer(jclass subject)
{
    JNIEnv *jni = embedded.jni;
    jint answer = (*jni)->CallStaticIntMethod(jni, embedded.evidence,
                                              helper("answer", "(Ljava/lang/Class;)I"), subject);
    embedded_expect_calm();
    return answer;
}

jobject embedded_loader_of(jclass class)
{
    jvmtiEnv *jvmti = embedded.jvm.jvmti;
    jobject loader = NULL;
    assert_int_equal((*jvmti)->GetClassLoader(jvmti, class, &loader), JVMTI_ERROR_NONE);
    return loader;
}

struct hd_buffer embedded_read(const char *directory)
{
    char name[64];
    struct hd_buffer file = HD_BUFFER_INIT;
    struct hd_error err = HD_ERROR_INIT;
    uint8_t chunk[4096];
    snprintf(name, sizeof name, "%s/Subject.class", directory);
    FILE *in = fopen(at(&embedded.sandbox, name), "re");
    assert_non_null(in);
    for (size_t count; (count = fread(chunk, 1, sizeof chunk, in)) > 0;)
        assert_int_equal(hd_buffer_append(&file, chunk, count, &err), 0);
    fclose(in);
    return file;
}

void embedded_files_are_older(void)
{
    embedded.jvm.started_at = hd_text_now() + AN_HOUR;
}

void embedded_files_are_newer(void)
{
    embedded.jvm.started_at = hd_text_now() - AN_HOUR;
}

int embedded_setup(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    sandbox_make(&embedded.sandbox);
    (*embedded.jni)->PushLocalFrame(embedded.jni, LOCAL_REFERENCES);
    embedded_files_are_older();
    return hd_base_finder_new(&embedded.jvm, &embedded.finder, &err);
}

int embedded_teardown(void **state)
{
    (void)state;
    hd_base_finder_free(embedded.finder, embedded.jni);
    (*embedded.jni)->PopLocalFrame(embedded.jni, NULL);
    sandbox_delete(embedded.sandbox.path);
    assert_int_equal(hd_alloc_outstanding(), 0);
    return 0;
}

static JavaVM *create_vm(const struct e2e_jdk *jdk)
{
    char path[PATH_SIZE];
    static char class_path[] = "-Djava.class.path=" HD_E2E_JAVA, check[] = "-Xcheck:jni";
    JavaVMOption options[] = { { class_path, NULL }, { check, NULL } };
    JavaVMInitArgs arguments = { .version = JNI_VERSION_1_8, .nOptions = 2, .options = options };
    snprintf(path, sizeof path, "%s/%s/server/libjvm.so", jdk->home,
             jdk->feature == 8 ? "jre/lib/amd64" : "lib");
    void *libjvm = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    jint (*create)(JavaVM **, void **, void *) = NULL;
    if (libjvm != NULL)
        *(void **)&create = dlsym(libjvm, "JNI_CreateJavaVM");
    JavaVM *vm = NULL;
    if (create == NULL || create(&vm, (void **)&embedded.jni, &arguments) != JNI_OK)
        return NULL;
    return vm;
}

static int start_jvm(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    JavaVM *vm = create_vm(embedded.jdk);
    if (vm == NULL || hd_jvm_open(vm, &embedded.jvm, &err) != 0)
        return -1;
    hd_jvm_examine(&embedded.jvm, embedded.jni);
    jvmtiEnv *jvmti = embedded.jvm.jvmti;
    jvmtiEventCallbacks callbacks = { .ClassFileLoadHook = hd_hook_class_file_load };
    (*jvmti)->SetEventCallbacks(jvmti, &callbacks, sizeof callbacks);
    jclass evidence = (*embedded.jni)->FindClass(embedded.jni, "Evidence");
    if (evidence == NULL)
        return -1;
    embedded.evidence = (*embedded.jni)->NewGlobalRef(embedded.jni, evidence);
    return 0;
}

/* A second JVM cannot be started in one process. */
static bool passes_on(const struct e2e_jdk *jdk, const char *group, const struct CMUnitTest *tests,
                      size_t count)
{
    pid_t child = fork();
    if (child == 0) {
        print_message("JDK %u, %s\n", jdk->feature, jdk->home);
        embedded.jdk = jdk;
        _exit(_cmocka_run_group_tests(group, tests, count, start_jvm, NULL) == 0 ? 0 : 1);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

int embedded_run(const char *group, const struct CMUnitTest *tests, size_t count)
{
    static struct e2e_jdk_list list;
    e2e_jdk_find(&list);
    int failed = 0;
    for (size_t i = 0; i < list.count; i++)
        failed += !passes_on(&list.jdks[i], group, tests, count);
    return list.count == 0 || failed > 0;
}
