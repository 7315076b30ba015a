/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was live before: which file of a class counts, and for how much.
 */
#include "tests/e2e/embedded.h"

#include "tests/unit/every_allocation.h"

#define SUBJECT_1_WOVEN                                                                            \
    SUBJECT("1", "    private static boolean[] $probes() { return new boolean[1]; }\n")

static struct hd_base find_base(jclass class, const char *name)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_base base;
    if (hd_base_find(embedded.finder, embedded.jni, class, embedded_loader_of(class), name, &base,
                     &err) != 0)
        fail_msg("%s", err.text);
    assert_false((*embedded.jni)->ExceptionCheck(embedded.jni));
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
        struct hd_buffer expected = embedded_read(directory);
        assert_int_equal(base.length, expected.length);
        assert_memory_equal(base.file, expected.data, base.length);
        assert_non_null(base.class_file);
        hd_buffer_close(&expected);
    }
    hd_base_close(&base);
}

static void a_file_older_than_the_jvm_is_proof(void **state)
{
    (void)state;
    embedded_compile(SUBJECT_1, "one");
    expect_base(embedded_load(embedded_loader("one/")), HD_BASE_PROVEN, "one");
}

static void a_file_newer_than_the_jvm_is_likely(void **state)
{
    (void)state;
    embedded_files_are_newer();
    embedded_compile(SUBJECT_1, "one");
    expect_base(embedded_load(embedded_loader("one/")), HD_BASE_LIKELY, "one");
}

static void a_jar_is_as_good_as_a_directory(void **state)
{
    (void)state;
    embedded_compile(SUBJECT_1, "my classes");
    embedded_jar("my classes", "my app!.jar");
    jclass class = embedded_load(embedded_loader("my app!.jar"));
    expect_base(class, HD_BASE_PROVEN, "my classes");
    embedded_files_are_newer();
    expect_base(class, HD_BASE_LIKELY, "my classes");
}

static void a_file_the_compiler_has_overwritten_is_no_base(void **state)
{
    (void)state;
    embedded_files_are_newer();
    embedded_compile(SUBJECT_1, "one");
    jclass class = embedded_load(embedded_loader("one/"));
    embedded_compile(SUBJECT_2, "one");
    expect_base(class, HD_BASE_UNKNOWN, NULL);
}

static void a_file_that_was_remembered_is_proof_whatever_came_after(void **state)
{
    (void)state;
    embedded_files_are_newer();
    embedded_compile(SUBJECT_1, "one");
    embedded_compile(SUBJECT_1, "kept");
    struct hd_buffer file = embedded_read("one");
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_base_remember(embedded.finder, "Subject", hd_buffer_view(&file), &err), 0);
    hd_buffer_close(&file);
    jclass class = embedded_load(embedded_loader("one/"));
    embedded_compile(SUBJECT_2, "one");
    expect_base(class, HD_BASE_PROVEN, "kept");
}

static void a_remembered_file_of_another_class_gives_way(void **state)
{
    (void)state;
    embedded_compile(SUBJECT_1, "one");
    embedded_compile(SUBJECT_2, "two");
    struct hd_buffer file = embedded_read("two");
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_base_remember(embedded.finder, "Subject", hd_buffer_view(&file), &err), 0);
    hd_buffer_close(&file);
    expect_base(embedded_load(embedded_loader("one/")), HD_BASE_PROVEN, "one");
}

static void a_class_that_was_edited_as_it_loaded_is_known_by_its_file(void **state)
{
    (void)state;
    embedded_compile(SUBJECT_1, "one");
    embedded_compile(SUBJECT_1_WOVEN, "woven");
    jclass class = embedded_weave("woven", at(&embedded.sandbox, "one"));
    expect_base(class, HD_BASE_EDITED, "one");
    embedded_files_are_newer();
    expect_base(class, HD_BASE_UNKNOWN, NULL);
}

static void a_remembered_file_tells_an_edited_class_too(void **state)
{
    (void)state;
    embedded_files_are_newer();
    embedded_compile(SUBJECT_1, "one");
    embedded_compile(SUBJECT_1_WOVEN, "woven");
    struct hd_buffer file = embedded_read("one");
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_base_remember(embedded.finder, "Subject", hd_buffer_view(&file), &err), 0);
    hd_buffer_close(&file);
    expect_base(embedded_weave("woven", "nowhere"), HD_BASE_EDITED, "one");
}

static void a_loader_that_throws_or_answers_nothing_gives_no_file(void **state)
{
    (void)state;
    embedded_compile(SUBJECT_1, "one");
    expect_base(embedded_weave("one", "throw"), HD_BASE_UNKNOWN, NULL);
    expect_base(embedded_weave("one", "nowhere"), HD_BASE_UNKNOWN, NULL);
}

static void a_file_that_is_no_class_file_is_no_base(void **state)
{
    (void)state;
    embedded_compile(SUBJECT_1, "one");
    jclass class = embedded_load(embedded_loader("one/"));
    write_text(&embedded.sandbox, "one/Subject.class", "rubbish");
    expect_base(class, HD_BASE_UNKNOWN, NULL);
    write_text(&embedded.sandbox, "one/Subject.class", "");
    expect_base(class, HD_BASE_UNKNOWN, NULL);
}

/* What the static initializer of the class leaves behind. */
static jobject clear_initialized(void)
{
    jclass system = (*embedded.jni)->FindClass(embedded.jni, "java/lang/System");
    jmethodID clear = (*embedded.jni)
                          ->GetStaticMethodID(embedded.jni, system, "clearProperty",
                                              "(Ljava/lang/String;)Ljava/lang/String;");
    embedded_expect_calm();
    jobject before = (*embedded.jni)
                         ->CallStaticObjectMethod(embedded.jni, system, clear,
                                                  embedded_string("subject.initialized"));
    embedded_expect_calm();
    return before;
}

static void looking_at_a_class_does_not_initialize_it(void **state)
{
    (void)state;
    clear_initialized();
    embedded_compile(SUBJECT_1, "one");
    jclass class = embedded_load(embedded_loader("one/"));
    jint status = 0;
    (*embedded.jvm.jvmti)->GetClassStatus(embedded.jvm.jvmti, class, &status);
    assert_int_equal(status & JVMTI_CLASS_STATUS_PREPARED, 0);

    expect_base(class, HD_BASE_PROVEN, "one");
    (*embedded.jvm.jvmti)->GetClassStatus(embedded.jvm.jvmti, class, &status);
    assert_int_equal(status & (JVMTI_CLASS_STATUS_PREPARED | JVMTI_CLASS_STATUS_INITIALIZED),
                     JVMTI_CLASS_STATUS_PREPARED);
    assert_int_equal(embedded_answer(class), 1);
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
    jvmtiEnv *jvmti = embedded.jvm.jvmti;
    jint count = 0, known = 0, unknown = 0;
    jclass *classes = NULL;
    (*embedded.jni)->EnsureLocalCapacity(embedded.jni, 20000);
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
        (*embedded.jni)->DeleteLocalRef(embedded.jni, classes[i]);
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
    embedded_compile(SUBJECT_1, "one");
    write_text(&embedded.sandbox, "empty", "");
    struct hd_error err = HD_ERROR_INIT;
    uint8_t *file = NULL;
    size_t length = 0;
    bool found = false, newer = true;
    jobject loader = embedded_loader("one/");
    assert_int_equal(hd_base_resource(embedded.finder, embedded.jni, loader, "Subject", &file,
                                      &length, &found, &newer, &err),
                     0);
    assert_true(found && !newer);
    struct hd_buffer expected = embedded_read("one");
    assert_int_equal(length, expected.length);
    assert_memory_equal(file, expected.data, length);
    hd_buffer_close(&expected);
    hd_free(file);

    embedded_files_are_newer();
    assert_int_equal(hd_base_resource(embedded.finder, embedded.jni, loader, "Subject", &file,
                                      &length, &found, &newer, &err),
                     0);
    assert_true(found && newer);
    hd_free(file);

    /* Its parent has this one. */
    embedded_files_are_older();
    assert_int_equal(hd_base_resource(embedded.finder, embedded.jni, loader, "java/lang/String",
                                      &file, &length, &found, &newer, &err),
                     0);
    assert_false(found);
    assert_null(file);
    assert_int_equal(hd_base_resource(embedded.finder, embedded.jni, NULL, "java/lang/String",
                                      &file, &length, &found, &newer, &err),
                     0);
    assert_true(found && !newer);
    hd_free(file);
}

/* An edited class with a remembered file and a resource goes through everything. */
#define SUBJECT_WITH_ANOTHER SUBJECT("1", "    static class Other { int two = 2; }\n")
#define SUBJECT_WITH_OTHER   SUBJECT("1", "    static class Other { int one = 1; }\n")

/* Subject's base has been asked for; whoever wants to know of Subject$Other's now cannot ask the
 * loader any more. */
static jclass load_other_and_close(jobject loader)
{
    jclass subject = embedded_load(loader);
    jclass other = embedded_load_other(loader);
    expect_base(subject, HD_BASE_PROVEN, "one");
    embedded_call("close", "(Ljava/lang/ClassLoader;)V", loader);
    return other;
}

static void expect_standing_of_other(jclass other, enum hd_base_standing standing)
{
    struct hd_base base = find_base(other, "Subject$Other");
    assert_int_equal(base.standing, standing);
    hd_base_close(&base);
}

static void a_plain_loader_that_has_answered_for_a_class_is_not_asked_for_its_neighbours(
    void **state)
{
    (void)state;
    embedded_compile(SUBJECT_WITH_OTHER, "one");
    jclass other = load_other_and_close(embedded_loader("one/"));
    expect_standing_of_other(other, HD_BASE_PROVEN);
    embedded_files_are_newer();
    expect_standing_of_other(other, HD_BASE_LIKELY);
}

static void a_loader_of_the_applications_own_is_asked_for_every_class(void **state)
{
    (void)state;
    embedded_compile(SUBJECT_WITH_OTHER, "one");
    jclass other = load_other_and_close(embedded_own_loader("one/"));
    expect_standing_of_other(other, HD_BASE_UNKNOWN);
}

static void a_neighbour_in_another_loader_is_asked_for(void **state)
{
    (void)state;
    embedded_compile(SUBJECT_WITH_OTHER, "one");
    embedded_compile(SUBJECT_WITH_ANOTHER, "two");
    (void)load_other_and_close(embedded_loader("one/"));
    jclass other = embedded_load_other(embedded_loader("two/"));
    expect_standing_of_other(other, HD_BASE_PROVEN);
}

static void delete_file(const char *path)
{
    assert_int_equal(unlink(at(&embedded.sandbox, path)), 0);
}

static void a_neighbour_from_another_directory_is_asked_for(void **state)
{
    (void)state;
    embedded_compile(SUBJECT_WITH_OTHER, "one");
    embedded_compile(SUBJECT_WITH_ANOTHER, "two");
    delete_file("one/Subject.class");
    jobject loader = embedded_loader_of_two("one/", "two/");
    jclass subject = embedded_load(loader);
    jclass other = embedded_load_other(loader);
    expect_base(subject, HD_BASE_PROVEN, "two");
    expect_standing_of_other(other, HD_BASE_PROVEN);
}

static void a_file_that_has_come_into_an_earlier_directory_since_is_not_the_neighbours(void **state)
{
    (void)state;
    embedded_compile(SUBJECT_WITH_ANOTHER, "one");
    embedded_compile(SUBJECT_WITH_OTHER, "two");
    delete_file("one/Subject.class");
    delete_file("one/Subject$Other.class");
    jobject loader = embedded_loader_of_two("one/", "two/");
    jclass subject = embedded_load(loader);
    jclass other = embedded_load_other(loader);
    expect_base(subject, HD_BASE_PROVEN, "two");
    embedded_compile(SUBJECT_WITH_ANOTHER, "one");
    expect_standing_of_other(other, HD_BASE_PROVEN);
}

static void a_neighbour_whose_file_is_gone_is_asked_for_and_not_found(void **state)
{
    (void)state;
    embedded_compile(SUBJECT_WITH_OTHER, "one");
    jclass other = load_other_and_close(embedded_loader("one/"));
    delete_file("one/Subject$Other.class");
    expect_standing_of_other(other, HD_BASE_UNKNOWN);
}

static int find_other(void *context, struct hd_error *err)
{
    jclass class = context;
    struct hd_base base;
    int result = hd_base_find(embedded.finder, embedded.jni, class, embedded_loader_of(class),
                              "Subject$Other", &base, err);
    if (result == 0) {
        assert_int_equal(base.standing, HD_BASE_PROVEN);
        hd_base_close(&base);
    }
    return result;
}

static int find_once(void *class, struct hd_error *err)
{
    struct hd_base base;
    int result = hd_base_find(embedded.finder, embedded.jni, class, embedded_loader_of(class),
                              "Subject", &base, err);
    if (result == 0) {
        assert_int_equal(base.standing, HD_BASE_EDITED);
        hd_base_close(&base);
    }
    return result;
}

static void a_base_that_memory_is_out_for_is_an_error_not_a_verdict(void **state)
{
    (void)state;
    embedded_compile(SUBJECT_1, "one");
    embedded_compile(SUBJECT_1_WOVEN, "woven");
    struct hd_buffer file = embedded_read("one");
    struct hd_error err = HD_ERROR_INIT;
    assert_int_equal(hd_base_remember(embedded.finder, "Subject", hd_buffer_view(&file), &err), 0);
    hd_buffer_close(&file);
    fail_every_allocation(find_once, embedded_weave("woven", at(&embedded.sandbox, "one")));
    embedded_jar("one", "app.jar");
    char url[PATH_MAX];
    snprintf(url, sizeof url, "jar:file:%s!/", at(&embedded.sandbox, "app.jar"));
    fail_every_allocation(find_once, embedded_weave("woven", url));
}

static void a_neighbour_that_memory_is_out_for_is_an_error_not_a_verdict(void **state)
{
    (void)state;
    embedded_compile(SUBJECT_WITH_OTHER, "one");
    fail_every_allocation(find_other, load_other_and_close(embedded_loader("one/")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EMBEDDED_TEST(a_file_older_than_the_jvm_is_proof),
        EMBEDDED_TEST(a_file_newer_than_the_jvm_is_likely),
        EMBEDDED_TEST(a_jar_is_as_good_as_a_directory),
        EMBEDDED_TEST(a_file_the_compiler_has_overwritten_is_no_base),
        EMBEDDED_TEST(a_file_that_was_remembered_is_proof_whatever_came_after),
        EMBEDDED_TEST(a_remembered_file_of_another_class_gives_way),
        EMBEDDED_TEST(a_class_that_was_edited_as_it_loaded_is_known_by_its_file),
        EMBEDDED_TEST(a_remembered_file_tells_an_edited_class_too),
        EMBEDDED_TEST(a_loader_that_throws_or_answers_nothing_gives_no_file),
        EMBEDDED_TEST(a_file_that_is_no_class_file_is_no_base),
        EMBEDDED_TEST(looking_at_a_class_does_not_initialize_it),
        EMBEDDED_TEST(every_class_of_the_jdk_is_known_by_its_own_file),
        EMBEDDED_TEST(the_file_of_a_class_that_is_not_loaded_is_the_loaders_own),
        EMBEDDED_TEST(a_plain_loader_that_has_answered_for_a_class_is_not_asked_for_its_neighbours),
        EMBEDDED_TEST(a_loader_of_the_applications_own_is_asked_for_every_class),
        EMBEDDED_TEST(a_neighbour_in_another_loader_is_asked_for),
        EMBEDDED_TEST(a_neighbour_from_another_directory_is_asked_for),
        EMBEDDED_TEST(a_file_that_has_come_into_an_earlier_directory_since_is_not_the_neighbours),
        EMBEDDED_TEST(a_neighbour_whose_file_is_gone_is_asked_for_and_not_found),
        EMBEDDED_TEST(a_base_that_memory_is_out_for_is_an_error_not_a_verdict),
        EMBEDDED_TEST(a_neighbour_that_memory_is_out_for_is_an_error_not_a_verdict),
    };
    return EMBEDDED_RUN(tests);
}
