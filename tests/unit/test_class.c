/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sandbox.h"

#include "classfile/compare.h"
#include "classfile/fingerprint.h"
#include "classfile/verdict.h"
#include "tests/unit/class_builder.h"
#include "tests/unit/class_samples.h"
#include "tests/unit/every_allocation.h"
#include "tests/unit/javac.h"

/* sample.Everything and its nested classes, compiled once. */
static struct sandbox sandbox;
static struct hd_bytes everything;

static int compile_the_sample(void **state)
{
    (void)state;
    sandbox_make(&sandbox);
    make_directory(&sandbox, "classes");
    javac_compile(HD_FIXTURES "/classfile", at(&sandbox, "classes"), "-g -parameters --release 17");
    everything = read_whole(at(&sandbox, "classes/sample/Everything.class"));
    return 0;
}

static int remove_the_sample(void **state)
{
    (void)state;
    free((void *)(uintptr_t)everything.data);
    sandbox_delete(sandbox.path);
    return 0;
}

static struct hd_class *parse(struct hd_bytes bytes)
{
    struct hd_class *class_file = NULL;
    struct hd_error err = HD_ERROR_INIT;
    if (hd_class_parse(bytes.data, bytes.length, &class_file, &err) != 0)
        fail_msg("%s", err.text);
    return class_file;
}

static struct hd_bytes text(const char *characters)
{
    return (struct hd_bytes){ (const uint8_t *)characters, strlen(characters) };
}

#define assert_text(bytes, wanted)                                                                 \
    assert_memory_equal((bytes).data, wanted, sizeof(wanted) - 1),                                 \
        assert_int_equal((bytes).length, sizeof(wanted) - 1)

static void a_class_is_read_into_its_parts(void **state)
{
    (void)state;
    struct hd_class *class_file = parse(everything);
    assert_int_equal(class_file->major, 61);
    assert_text(class_file->name, "sample/Everything");
    assert_text(class_file->super_name, "java/lang/Object");
    assert_int_equal(class_file->interface_count, 1);
    assert_text(class_file->interfaces[0], "java/util/function/Supplier");
    assert_text(class_file->fields[0].name, "INT");
    assert_text(class_file->fields[0].descriptor, "I");
    assert_int_equal(class_file->fields[0].access, HD_ACC_PUBLIC | HD_ACC_STATIC | HD_ACC_FINAL);
    const struct hd_member *method = hd_class_find_method(
        class_file, text("strings"), text("(Ljava/lang/String;)Ljava/lang/String;"));
    assert_non_null(method);
    assert_true(method->code.bytecode.length > 20);
    assert_null(hd_class_find_method(class_file, text("strings"), text("()V")));
    assert_non_null(hd_class_find_field(class_file, text("grid"), text("[[I")));
    method = hd_class_find_method(class_file, text("natively"), text("()V"));
    assert_non_null(method);
    assert_int_equal(method->code.bytecode.length, 0);
    hd_class_free(class_file);
    hd_class_free(NULL);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t length = 0; length < everything.length; length++) {
        char words[HD_ERROR_TEXT_MAX];
        assert_int_equal(
            parse_error((struct hd_bytes){ everything.data, length }, words, sizeof words),
            HD_E_FORMAT);
        assert_true(words[0] != '\0');
    }
}

/* Where every list is empty, a missing count is all that is missing. */
static void every_truncation_of_an_empty_class_is_refused(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    struct hd_bytes bytes = build_class(builder);
    expect_accepted(bytes);
    while (bytes.length-- > 0) {
        char words[HD_ERROR_TEXT_MAX];
        assert_int_equal(parse_error(bytes, words, sizeof words), HD_E_FORMAT);
    }
    free(builder);
}

/* Whatever is let through must hold up in everything that comes after the parser. */
static void use(const struct hd_class *class_file, const struct hd_class *original)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_comparison comparison;
    struct hd_digest digest;
    struct hd_vm_view *view = view_of(class_file);
    enum hd_view_match match;
    assert_int_equal(hd_compare_classes(original, class_file, &comparison, &err), 0);
    hd_comparison_close(&comparison);
    assert_int_equal(hd_class_fingerprint(class_file, &digest, &err), 0);
    assert_int_equal(hd_view_match_file(view, class_file, &match, &err), 0);
    assert_int_equal(match, HD_VIEW_SAME);
    free_view(view);
}

static void every_damaged_byte_is_refused_or_harmless(void **state)
{
    (void)state;
    struct hd_class *original = parse(everything);
    uint8_t *copy = malloc(everything.length);
    unsigned accepted = 0;
    for (size_t i = 0; i < everything.length; i++) {
        memcpy(copy, everything.data, everything.length);
        copy[i] ^= (uint8_t)(1u << i % 8);
        struct hd_class *class_file = NULL;
        struct hd_error err = HD_ERROR_INIT;
        if (hd_class_parse(copy, everything.length, &class_file, &err) != 0) {
            assert_true(err.code == HD_E_FORMAT || err.code == HD_E_VERSION);
            continue;
        }
        accepted++;
        use(class_file, original);
        hd_class_free(class_file);
    }
    assert_true(accepted > 0 && accepted < everything.length / 2);
    free(copy);
    hd_class_free(original);
}

static void bytes_after_the_end_are_refused(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    struct hd_bytes bytes = build_class(builder);
    expect_accepted(bytes);
    put_u1(&builder->whole, 0);
    bytes.length++;
    expect_refused(bytes, "1 bytes after the end of the class");
    free(builder);
}

static void versions_are_told_apart(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    char words[HD_ERROR_TEXT_MAX];
    builder->major = HD_CLASS_MAX_MAJOR;
    expect_accepted(build_class(builder));
    builder->major = HD_CLASS_MAX_MAJOR + 1;
    assert_int_equal(parse_error(build_class(builder), words, sizeof words), HD_E_VERSION);
    assert_string_equal(words,
                        "class file version 73.0 is newer than 72 (JDK 28), the newest known");
    builder->major = 44;
    expect_refused(build_class(builder), "class file version 44.0 is too old");
    builder->major = 45;
    builder->minor = 2;
    expect_refused(build_class(builder), "class file version 45.2 is too old");
    builder->minor = 3;
    expect_accepted(build_class(builder));
    builder->major = 61;
    expect_refused(build_class(builder), "class file version 61.3 does not exist");
    builder->minor = 0xFFFF;
    expect_accepted(build_class(builder));
    expect_refused(text("\x7F"
                        "ELF and so on"),
                   "does not begin with CAFEBABE");
    free(builder);
}

static void members_have_the_code_they_must_have(void **state)
{
    (void)state;
    static const struct part none;
    struct builder *builder = new_builder();
    add_method(builder, 0, "m", "()V", &none, 0);
    expect_refused(build_class(builder), "method m()V: it has no Code");
    free(builder);

    builder = new_builder();
    struct part *contents = calloc(1, sizeof *contents);
    struct part *attribute = calloc(1, sizeof *attribute);
    put_code(contents, (const uint8_t[]){ 0xB1 }, 1, NULL, NULL, 0);
    put_attribute(builder, attribute, "Code", contents);
    add_method(builder, HD_ACC_ABSTRACT, "m", "()V", attribute, 1);
    expect_refused(build_class(builder), "method m()V: Code in an abstract or native method");
    free(builder);

    builder = new_builder();
    attribute->length = 0;
    put_attribute(builder, attribute, "Code", contents);
    add_method(builder, 0, "m", "(JJJJJ)V", attribute, 1);
    expect_refused(build_class(builder),
                   "the parameters take 11 local variables, but max_locals is 10");
    free(builder);
    free(contents);
    free(attribute);
}

static void members_are_named_and_typed_as_they_may_be(void **state)
{
    (void)state;
    static const struct part none;
    static const struct {
        const char *name;
        const char *descriptor;
        const char *wanted;
    } methods[] = {
        { "a.b", "()V", "method a.b()V: this is not a method's name" },
        { "m", "I", "this is not a method descriptor" },
        { "<init>", "()I", "method <init>()I: it must return void" },
        { "<clinit>", "()V", "method <clinit>()V: it must be static and without parameters" },
    };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct builder *builder = new_builder();
        add_method(builder, 0, methods[i].name, methods[i].descriptor, &none, 0);
        expect_refused(build_class(builder), methods[i].wanted);
        free(builder);
    }
    struct builder *builder = new_builder();
    add_field(builder, 0, "a;", "I", &none, 0);
    expect_refused(build_class(builder), "field a; I: this is not a field's name");
    free(builder);
    builder = new_builder();
    add_field(builder, 0, "a", "()V", &none, 0);
    expect_refused(build_class(builder), "this is not a field descriptor");
    free(builder);
}

static void no_two_members_are_alike(void **state)
{
    (void)state;
    static const struct part none;
    struct builder *builder = new_builder();
    add_field(builder, 0, "x", "I", &none, 0);
    add_field(builder, 0, "x", "J", &none, 0);
    expect_accepted(build_class(builder));
    add_field(builder, 0, "x", "I", &none, 0);
    expect_refused(build_class(builder), "field x I: there are two of them");
    free(builder);
    builder = new_builder();
    add_method(builder, HD_ACC_ABSTRACT, "m", "()V", &none, 0);
    add_method(builder, HD_ACC_ABSTRACT, "m", "()V", &none, 0);
    expect_refused(build_class(builder), "method m()V: there are two of them");
    free(builder);
}

static void hierarchy_is_made_of_classes(void **state)
{
    (void)state;
    struct builder *builder = new_builder();
    builder->super_name = 0;
    expect_refused(build_class(builder), "super_class: constant 0 does not exist");
    builder->super_name = (uint16_t)named(builder, HD_TAG_CLASS, "[I");
    expect_refused(build_class(builder), "super_class is an array type");
    builder->super_name = 1;
    expect_refused(build_class(builder), "super_class: constant 1 is Utf8, not Class");
    free(builder);
}

static void peek_tells_name_and_version_only(void **state)
{
    (void)state;
    struct hd_error err = HD_ERROR_INIT;
    struct hd_bytes name;
    uint16_t major;
    assert_int_equal(hd_class_peek(everything.data, everything.length, &name, &major, &err), 0);
    assert_text(name, "sample/Everything");
    assert_int_equal(major, 61);
    assert_int_equal(hd_class_peek(everything.data, 100, &name, &major, &err), -1);
    assert_int_equal(err.code, HD_E_FORMAT);
}

struct search {
    enum hd_reference_kind kind;
    const char *owner;
    const char *name;
    unsigned found;
    unsigned visited;
};

static bool look(const struct hd_reference *reference, void *context)
{
    struct search *search = context;
    search->visited++;
    if (reference->kind == search->kind && hd_bytes_are(reference->owner, search->owner) &&
        (search->name == NULL || hd_bytes_are(reference->name, search->name)))
        search->found++;
    return search->found == 0;
}

static unsigned references_to(const struct hd_class *class_file, enum hd_reference_kind kind,
                              const char *owner, const char *name)
{
    struct search search = { kind, owner, name, 0, 0 };
    hd_class_each_reference(class_file, look, &search);
    return search.found;
}

static void references_name_owner_member_and_type(void **state)
{
    (void)state;
    struct hd_class *class_file = parse(everything);
    assert_int_equal(
        references_to(class_file, HD_REFERENCE_METHOD, "java/lang/Integer", "parseInt"), 1);
    assert_int_equal(references_to(class_file, HD_REFERENCE_FIELD, "sample/Everything", "counter"),
                     1);
    assert_int_equal(references_to(class_file, HD_REFERENCE_CLASS, "sample/Everything$1", NULL), 1);
    /* only as Everything[].class */
    assert_int_equal(references_to(class_file, HD_REFERENCE_CLASS, "[Lsample/Everything;", NULL),
                     0);
    assert_int_equal(references_to(class_file, HD_REFERENCE_METHOD, "[[I", "clone"), 0);
    hd_class_free(class_file);
}

static int parse_compare_and_all(void *context, struct hd_error *err)
{
    (void)context;
    static const struct hd_jvm_rules rules = { .feature_release = 17, .max_major = 61 };
    struct hd_class *parsed[2] = { NULL, NULL };
    struct hd_comparison comparison = { NULL, 0 };
    struct hd_verdict verdict = { .reason = HD_REASON_NONE };
    struct hd_digest digest;
    enum hd_view_match match;
    struct hd_bytes point = read_whole(at(&sandbox, "classes/sample/Everything$Point.class"));
    int result = hd_class_parse(everything.data, everything.length, &parsed[0], err);
    if (result == 0)
        result = hd_class_parse(point.data, point.length, &parsed[1], err);
    if (result == 0)
        result = hd_compare_classes(parsed[1], parsed[0], &comparison, err);
    if (result == 0)
        result = hd_verdict_reach(&comparison, &rules, &verdict, err);
    if (result == 0)
        result = hd_class_fingerprint(parsed[0], &digest, err);
    if (result == 0) {
        struct hd_vm_view *view = view_of(parsed[1]);
        result = hd_view_match_file(view, parsed[0], &match, err);
        free_view(view);
    }
    hd_verdict_close(&verdict);
    hd_comparison_close(&comparison);
    hd_class_free(parsed[0]);
    hd_class_free(parsed[1]);
    free((void *)(uintptr_t)point.data);
    return result;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    fail_every_allocation(parse_compare_and_all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_is_read_into_its_parts),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_truncation_of_an_empty_class_is_refused),
        cmocka_unit_test(every_damaged_byte_is_refused_or_harmless),
        cmocka_unit_test(bytes_after_the_end_are_refused),
        cmocka_unit_test(versions_are_told_apart),
        cmocka_unit_test(members_have_the_code_they_must_have),
        cmocka_unit_test(members_are_named_and_typed_as_they_may_be),
        cmocka_unit_test(no_two_members_are_alike),
        cmocka_unit_test(hierarchy_is_made_of_classes),
        cmocka_unit_test(peek_tells_name_and_version_only),
        cmocka_unit_test(references_name_owner_member_and_type),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, compile_the_sample, remove_the_sample);
}
