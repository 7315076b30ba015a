/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of loaded classes beside the walk over all of them, in a JVM that loads and unloads
 * classes on several threads.
 */
#include "tests/e2e/embedded.h"

#include "agent/resolve.h"

enum { ROUNDS = 10, NAMES = 20, WANTED = NAMES + 3 };

static struct {
    char text[NAMES][24];
    const char *names[WANTED];
} wanted;

static void name_what_is_wanted(void)
{
    static const char *const others[] = { "churn/NeverLoaded", "java/util/BitSet",
                                          "nobody/NeverLoaded" };
    for (int i = 0; i < WANTED; i++) {
        if (i < NAMES)
            snprintf(wanted.text[i], sizeof wanted.text[i], "churn/C%d", i);
        wanted.names[i] = i < NAMES ? wanted.text[i] : others[i - NAMES];
    }
}

/* Churn's static methods. */
static struct {
    jclass class;
    jmethodID begin, is_over, settle;
} churn;

static void find_churn(void)
{
    JNIEnv *jni = embedded.jni;
    churn.class = (*jni)->FindClass(jni, "Churn");
    assert_non_null(churn.class);
    churn.begin = (*jni)->GetStaticMethodID(jni, churn.class, "begin", "(I)V");
    churn.is_over = (*jni)->GetStaticMethodID(jni, churn.class, "isOver", "()Z");
    churn.settle = (*jni)->GetStaticMethodID(jni, churn.class, "settle", "()V");
    assert_true(churn.begin != NULL && churn.is_over != NULL && churn.settle != NULL);
}

static void begin(jint round)
{
    (*embedded.jni)->CallStaticVoidMethod(embedded.jni, churn.class, churn.begin, round);
    embedded_expect_calm();
}

static bool is_over(void)
{
    bool over = (*embedded.jni)->CallStaticBooleanMethod(embedded.jni, churn.class, churn.is_over);
    embedded_expect_calm();
    return over;
}

static void settle(void)
{
    (*embedded.jni)->CallStaticVoidMethod(embedded.jni, churn.class, churn.settle);
    embedded_expect_calm();
}

static struct hd_resolution resolve(struct hd_loaded *loaded)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_resolution found;
    if (hd_resolve(&embedded.jvm, embedded.jni, loaded, wanted.names, WANTED, &found, &err) != 0)
        fail_msg("%s", err.text);
    return found;
}

static bool same(jobject a, jobject b)
{
    return (*embedded.jni)->IsSameObject(embedded.jni, a, b);
}

static void expect_class(const struct hd_resolved_class *class,
                         const struct hd_resolved_name *among)
{
    size_t i = 0;
    while (i < among->class_count && !same(class->class, among->classes[i].class))
        i++;
    if (i == among->class_count)
        fail_msg("%s was not found in one of its loaders", among->name);
    assert_true(same(class->loader, among->classes[i].loader));
    assert_int_equal(class->modifiable, among->classes[i].modifiable);
}

static void expect_package_loader(jobject loader, const struct hd_resolved_name *among)
{
    size_t i = 0;
    while (i < among->package_loader_count && !same(loader, among->package_loaders[i]))
        i++;
    if (i == among->package_loader_count)
        fail_msg("a loader of the package of %s was not found", among->name);
}

static void expect_same(const struct hd_resolved_name *by_index,
                        const struct hd_resolved_name *by_walk)
{
    assert_int_equal(by_index->class_count, by_walk->class_count);
    for (size_t i = 0; i < by_walk->class_count; i++)
        expect_class(&by_walk->classes[i], by_index);
    assert_int_equal(by_index->package_loader_count, by_walk->package_loader_count);
    for (size_t i = 0; i < by_walk->package_loader_count; i++)
        expect_package_loader(by_walk->package_loaders[i], by_index);
}

/* What the index found is held while the walk looks: nothing of it is unloaded in between. */
static size_t expect_what_a_walk_finds(struct hd_loaded *loaded)
{
    struct hd_resolution by_index = resolve(loaded);
    struct hd_resolution by_walk = resolve(NULL);
    size_t count = 0;
    for (size_t i = 0; i < WANTED; i++) {
        expect_same(&by_index.names[i], &by_walk.names[i]);
        count += by_walk.names[i].class_count;
    }
    hd_resolution_close(&by_index, embedded.jni);
    hd_resolution_close(&by_walk, embedded.jni);
    return count;
}

/* Lookups meet loads at any moment; what they find is compared when the threads are done. */
static void look_while_classes_load(struct hd_loaded *loaded, jint round)
{
    begin(round);
    while (!is_over()) {
        struct hd_resolution found = resolve(loaded);
        hd_resolution_close(&found, embedded.jni);
    }
    settle();
}

static struct hd_loaded *prepare(void)
{
    name_what_is_wanted();
    find_churn();
    struct hd_loaded *loaded = hd_loaded_new(&embedded.jvm);
    assert_non_null(loaded);
    return loaded;
}

static void the_index_says_what_a_walk_says_while_classes_come_and_go(void **state)
{
    (void)state;
    struct hd_loaded *loaded = prepare();
    size_t size = 0;
    for (jint round = 0; round < ROUNDS; round++) {
        look_while_classes_load(loaded, round);
        assert_in_range(expect_what_a_walk_finds(loaded), 2, NAMES * 300);
        size = round == ROUNDS / 2 ? hd_loaded_size(loaded) : size;
    }
    assert_true(hd_loaded_size(loaded) <= 2 * size);
    hd_loaded_free(loaded, embedded.jni);
}

/* Far more than may wait, nobody looking meanwhile. */
static void the_index_says_what_a_walk_says_after_it_has_lost_count(void **state)
{
    (void)state;
    struct hd_loaded *loaded = prepare();
    (void)expect_what_a_walk_finds(loaded);
    for (jint round = 0; round < 5; round++) {
        begin(round);
        settle();
    }
    (void)expect_what_a_walk_finds(loaded);
    hd_loaded_free(loaded, embedded.jni);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EMBEDDED_TEST(the_index_says_what_a_walk_says_while_classes_come_and_go),
        EMBEDDED_TEST(the_index_says_what_a_walk_says_after_it_has_lost_count),
    };
    return EMBEDDED_RUN(tests);
}
