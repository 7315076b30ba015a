/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/attributes.h"

#include "classfile/names.h"
#include "classfile/utf8.h"

#define LOADABLE_TAGS                                                                              \
    (HD_TAGS(HD_TAG_INTEGER) | HD_TAGS(HD_TAG_FLOAT) | HD_TAGS(HD_TAG_LONG) |                      \
     HD_TAGS(HD_TAG_DOUBLE) | HD_TAGS(HD_TAG_CLASS) | HD_TAGS(HD_TAG_STRING) |                     \
     HD_TAGS(HD_TAG_METHOD_HANDLE) | HD_TAGS(HD_TAG_METHOD_TYPE) | HD_TAGS(HD_TAG_DYNAMIC))

/* §4.7.2 */
static uint32_t constant_value_tags(struct hd_bytes descriptor)
{
    if (hd_bytes_are(descriptor, "Ljava/lang/String;"))
        return HD_TAGS(HD_TAG_STRING);
    switch (descriptor.length == 1 ? descriptor.data[0] : 0) {
    case 'J':
        return HD_TAGS(HD_TAG_LONG);
    case 'F':
        return HD_TAGS(HD_TAG_FLOAT);
    case 'D':
        return HD_TAGS(HD_TAG_DOUBLE);
    case 'B':
    case 'C':
    case 'I':
    case 'S':
    case 'Z':
        return HD_TAGS(HD_TAG_INTEGER);
    default:
        return 0;
    }
}

static void walk_constant_value(struct hd_walk *walk)
{
    uint32_t tags = LOADABLE_TAGS;
    if (walk->place == HD_PLACE_FIELD)
        tags = constant_value_tags(walk->descriptor);
    if (tags == 0)
        hd_reader_fail(&walk->in, "a field of this type has no constant value");
    hd_walk_constant(walk, tags);
}

static void walk_constants(struct hd_walk *walk, uint32_t tags)
{
    unsigned count = hd_walk_u2(walk);
    for (unsigned i = 0; i < count && !walk->in.failed; i++)
        hd_walk_constant(walk, tags);
}

static void walk_classes(struct hd_walk *walk)
{
    walk_constants(walk, HD_TAGS(HD_TAG_CLASS));
}

static void walk_class(struct hd_walk *walk)
{
    hd_walk_constant(walk, HD_TAGS(HD_TAG_CLASS));
}

static void walk_utf8(struct hd_walk *walk)
{
    hd_walk_constant(walk, HD_TAGS(HD_TAG_UTF8));
}

static bool names_class(const struct hd_walk *walk, unsigned index)
{
    return hd_pool_is(walk->pool, index, HD_TAGS(HD_TAG_CLASS)) &&
           hd_bytes_equal(hd_pool_named_text(walk->pool, index), walk->class_name);
}

/* javac lists every nested class the pool mentions; only the class itself and its own members say
 * something about it. */
static bool concerns_class(const struct hd_walk *walk)
{
    if (hd_reader_left(&walk->in) < 4)
        return false;
    return names_class(walk, hd_u2_at(walk->in.at)) || names_class(walk, hd_u2_at(walk->in.at + 2));
}

/* A module among the nested classes: HotSpot throws NoClassDefFoundError over it, which
 * RedefineClasses reports as NAMES_DONT_MATCH, as it ends a rehearsal (agent/redefine.h). */
static void walk_inner_class(struct hd_walk *walk)
{
    hd_walk_constant(walk, HD_TAGS(HD_TAG_CLASS));
    hd_walk_optional_constant(walk, HD_TAGS(HD_TAG_CLASS));
    hd_walk_optional_constant(walk, HD_TAGS(HD_TAG_UTF8));
    uint16_t access = hd_walk_u2(walk);
    if ((access & HD_ACC_MODULE) != 0)
        hd_reader_fail(&walk->in, "access flags 0x%04x are those of a module, not of a class",
                       access);
}

static void walk_inner_classes(struct hd_walk *walk)
{
    struct hd_meaning *meaning = walk->meaning;
    unsigned count = hd_read_u2(&walk->in);
    for (unsigned i = 0; i < count && !walk->in.failed; i++) {
        walk->meaning = meaning != NULL && concerns_class(walk) ? meaning : NULL;
        walk_inner_class(walk);
    }
    walk->meaning = meaning;
}

static void walk_enclosing_method(struct hd_walk *walk)
{
    hd_walk_constant(walk, HD_TAGS(HD_TAG_CLASS));
    hd_walk_optional_constant(walk, HD_TAGS(HD_TAG_NAME_AND_TYPE));
}

static void walk_nothing(struct hd_walk *walk)
{
    (void)walk;
}

static void walk_raw(struct hd_walk *walk)
{
    if (walk->meaning != NULL)
        hd_meaning_add_text(walk->meaning,
                            (struct hd_bytes){ walk->in.at, hd_reader_left(&walk->in) });
    walk->in.at = walk->in.end;
}

static void walk_line_numbers(struct hd_walk *walk)
{
    unsigned count = hd_walk_u2(walk);
    for (unsigned i = 0; i < count && !walk->in.failed; i++) {
        unsigned pc = hd_walk_u2(walk);
        hd_walk_u2(walk);
        if (walk->layout != NULL && pc >= walk->layout->bytecode.length)
            hd_reader_fail(&walk->in, "entry %u: start_pc %u is outside the code", i, pc);
    }
}

static bool is_wide_type(struct hd_bytes descriptor)
{
    return descriptor.length == 1 && (descriptor.data[0] == 'J' || descriptor.data[0] == 'D');
}

static void check_local_variable(struct hd_walk *walk, unsigned start, unsigned length,
                                 unsigned last_slot)
{
    const struct hd_code_layout *layout = walk->layout;
    if (layout == NULL || walk->in.failed)
        return;
    if (start >= layout->bytecode.length || start + length > layout->bytecode.length)
        hd_reader_fail(&walk->in, "%u bytes from %u on are not inside the code", length, start);
    else if (last_slot >= layout->max_locals)
        hd_reader_fail(&walk->in, "local variable %u, but max_locals is %u", last_slot,
                       layout->max_locals);
}

static void walk_local_variables(struct hd_walk *walk, enum hd_text_kind type_kind,
                                 const char *what)
{
    unsigned count = hd_walk_u2(walk);
    for (unsigned i = 0; i < count && !walk->in.failed; i++) {
        unsigned start = hd_walk_u2(walk);
        unsigned length = hd_walk_u2(walk);
        hd_walk_text(walk, HD_TEXT_NAME, "a local variable's name");
        unsigned type = hd_walk_text(walk, type_kind, what);
        unsigned slot = hd_walk_u2(walk);
        if (type != 0 && is_wide_type(hd_pool_text(walk->pool, type)))
            slot++;
        check_local_variable(walk, start, length, slot);
        if (walk->in.failed)
            hd_error_prefix(walk->in.err, "entry %u", i);
    }
}

static void walk_local_variable_table(struct hd_walk *walk)
{
    walk_local_variables(walk, HD_TEXT_FIELD_TYPE, "a field descriptor");
}

static void walk_local_variable_type_table(struct hd_walk *walk)
{
    walk_local_variables(walk, HD_TEXT_NOT_EMPTY, "a signature");
}

static void walk_bootstrap_methods(struct hd_walk *walk)
{
    unsigned count = hd_walk_u2(walk);
    for (unsigned i = 0; i < count && !walk->in.failed; i++) {
        hd_walk_constant(walk, HD_TAGS(HD_TAG_METHOD_HANDLE));
        walk_constants(walk, LOADABLE_TAGS);
        if (walk->in.failed)
            hd_error_prefix(walk->in.err, "bootstrap method %u", i);
    }
}

static void walk_method_parameters(struct hd_walk *walk)
{
    unsigned count = hd_walk_u1(walk);
    for (unsigned i = 0; i < count && !walk->in.failed; i++) {
        hd_walk_optional_constant(walk, HD_TAGS(HD_TAG_UTF8));
        hd_walk_u2(walk);
    }
}

static void walk_module_requires(struct hd_walk *walk)
{
    unsigned count = hd_walk_u2(walk);
    for (unsigned i = 0; i < count && !walk->in.failed; i++) {
        hd_walk_constant(walk, HD_TAGS(HD_TAG_MODULE));
        hd_walk_u2(walk);
        hd_walk_optional_constant(walk, HD_TAGS(HD_TAG_UTF8));
    }
}

/* exports and opens */
static void walk_module_packages(struct hd_walk *walk)
{
    unsigned count = hd_walk_u2(walk);
    for (unsigned i = 0; i < count && !walk->in.failed; i++) {
        hd_walk_constant(walk, HD_TAGS(HD_TAG_PACKAGE));
        hd_walk_u2(walk);
        walk_constants(walk, HD_TAGS(HD_TAG_MODULE));
    }
}

static void walk_module_provides(struct hd_walk *walk)
{
    unsigned count = hd_walk_u2(walk);
    for (unsigned i = 0; i < count && !walk->in.failed; i++) {
        hd_walk_constant(walk, HD_TAGS(HD_TAG_CLASS));
        walk_classes(walk);
    }
}

/* §4.7.25 */
static void walk_module(struct hd_walk *walk)
{
    hd_walk_constant(walk, HD_TAGS(HD_TAG_MODULE));
    hd_walk_u2(walk);
    hd_walk_optional_constant(walk, HD_TAGS(HD_TAG_UTF8));
    walk_module_requires(walk);
    walk_module_packages(walk);
    walk_module_packages(walk);
    walk_classes(walk);
    walk_module_provides(walk);
}

static void walk_package_list(struct hd_walk *walk)
{
    walk_constants(walk, HD_TAGS(HD_TAG_PACKAGE));
}

/* Record's components carry attributes of their own; neither Record nor Code is let in there, so
 * this goes one level down and no further. */
static void walk_component_attribute(struct hd_walk *walk, struct hd_attribute_set *set,
                                     struct hd_bytes descriptor)
{
    uint16_t name = hd_walk_constant(walk, HD_TAGS(HD_TAG_UTF8));
    struct hd_bytes contents = hd_read_bytes(&walk->in, hd_read_u4(&walk->in));
    if (walk->in.failed)
        return;
    enum hd_attribute_kind kind = hd_attribute_kind_of(hd_pool_text(walk->pool, name));
    struct hd_walk inner = *walk;
    inner.in = hd_reader_over(contents, walk->in.err);
    inner.place = HD_PLACE_COMPONENT;
    inner.descriptor = descriptor;
    if (kind == HD_ATTRIBUTE_INVISIBLE_ANNOTATIONS ||
        kind == HD_ATTRIBUTE_INVISIBLE_TYPE_ANNOTATIONS)
        inner.meaning = NULL; /* the JVM forgets them */
    if (hd_attribute_admit(set, kind, HD_PLACE_COMPONENT, walk->in.err) != 0 ||
        hd_attribute_walk(kind, &inner) != 0)
        hd_reader_stop(&walk->in);
}

static void walk_record(struct hd_walk *walk)
{
    unsigned components = hd_walk_u2(walk);
    for (unsigned i = 0; i < components && !walk->in.failed; i++) {
        hd_walk_text(walk, HD_TEXT_NAME, "a component's name");
        uint16_t type = hd_walk_text(walk, HD_TEXT_FIELD_TYPE, "a field descriptor");
        unsigned attributes = hd_walk_u2(walk);
        struct hd_attribute_set set = { 0 };
        for (unsigned k = 0; k < attributes && !walk->in.failed; k++)
            walk_component_attribute(walk, &set, hd_pool_text(walk->pool, type));
        if (walk->in.failed)
            hd_error_prefix(walk->in.err, "component %u", i);
    }
}

struct attribute_rule {
    const char *name;
    uint8_t name_length;
    uint8_t places;  /* enum hd_place: where JVMS §4.7 defines it */
    bool repeatable; /* there */
    void (*walk)(struct hd_walk *walk);
};

#define RULE(name, places, repeatable, walk)                                                       \
    {                                                                                              \
        (name), sizeof(name) - 1, (places), (repeatable), (walk)                                   \
    }
#define ANYWHERE (HD_PLACE_CLASS | HD_PLACE_FIELD | HD_PLACE_METHOD | HD_PLACE_COMPONENT)
#define MEMBER   (HD_PLACE_CLASS | HD_PLACE_FIELD | HD_PLACE_METHOD)

static const struct attribute_rule rules[HD_ATTRIBUTE_KIND_COUNT] = {
    [HD_ATTRIBUTE_UNKNOWN] = { "", 0, 0, true, walk_raw },
    [HD_ATTRIBUTE_CODE] = RULE("Code", HD_PLACE_METHOD, false, walk_raw),
    [HD_ATTRIBUTE_CONSTANT_VALUE] =
        RULE("ConstantValue", HD_PLACE_FIELD, false, walk_constant_value),
    [HD_ATTRIBUTE_STACK_MAP_TABLE] =
        RULE("StackMapTable", HD_PLACE_CODE, false, hd_stack_map_table_walk),
    [HD_ATTRIBUTE_EXCEPTIONS] = RULE("Exceptions", HD_PLACE_METHOD, false, walk_classes),
    [HD_ATTRIBUTE_INNER_CLASSES] = RULE("InnerClasses", HD_PLACE_CLASS, false, walk_inner_classes),
    [HD_ATTRIBUTE_ENCLOSING_METHOD] =
        RULE("EnclosingMethod", HD_PLACE_CLASS, false, walk_enclosing_method),
    [HD_ATTRIBUTE_SYNTHETIC] = RULE("Synthetic", MEMBER, true, walk_nothing),
    [HD_ATTRIBUTE_SIGNATURE] = RULE("Signature", ANYWHERE, false, walk_utf8),
    [HD_ATTRIBUTE_SOURCE_FILE] = RULE("SourceFile", HD_PLACE_CLASS, false, walk_utf8),
    [HD_ATTRIBUTE_SOURCE_DEBUG_EXTENSION] =
        RULE("SourceDebugExtension", HD_PLACE_CLASS, false, walk_raw),
    [HD_ATTRIBUTE_LINE_NUMBER_TABLE] =
        RULE("LineNumberTable", HD_PLACE_CODE, true, walk_line_numbers),
    [HD_ATTRIBUTE_LOCAL_VARIABLE_TABLE] =
        RULE("LocalVariableTable", HD_PLACE_CODE, true, walk_local_variable_table),
    [HD_ATTRIBUTE_LOCAL_VARIABLE_TYPE_TABLE] =
        RULE("LocalVariableTypeTable", HD_PLACE_CODE, true, walk_local_variable_type_table),
    [HD_ATTRIBUTE_DEPRECATED] = RULE("Deprecated", MEMBER, true, walk_nothing),
    [HD_ATTRIBUTE_VISIBLE_ANNOTATIONS] =
        RULE("RuntimeVisibleAnnotations", ANYWHERE, false, hd_annotations_walk),
    [HD_ATTRIBUTE_INVISIBLE_ANNOTATIONS] =
        RULE("RuntimeInvisibleAnnotations", ANYWHERE, false, hd_annotations_walk),
    [HD_ATTRIBUTE_VISIBLE_PARAMETER_ANNOTATIONS] =
        RULE("RuntimeVisibleParameterAnnotations", HD_PLACE_METHOD, false,
             hd_parameter_annotations_walk),
    [HD_ATTRIBUTE_INVISIBLE_PARAMETER_ANNOTATIONS] =
        RULE("RuntimeInvisibleParameterAnnotations", HD_PLACE_METHOD, false,
             hd_parameter_annotations_walk),
    [HD_ATTRIBUTE_VISIBLE_TYPE_ANNOTATIONS] = RULE(
        "RuntimeVisibleTypeAnnotations", ANYWHERE | HD_PLACE_CODE, false, hd_type_annotations_walk),
    [HD_ATTRIBUTE_INVISIBLE_TYPE_ANNOTATIONS] =
        RULE("RuntimeInvisibleTypeAnnotations", ANYWHERE | HD_PLACE_CODE, false,
             hd_type_annotations_walk),
    [HD_ATTRIBUTE_ANNOTATION_DEFAULT] =
        RULE("AnnotationDefault", HD_PLACE_METHOD, false, hd_annotation_default_walk),
    [HD_ATTRIBUTE_BOOTSTRAP_METHODS] =
        RULE("BootstrapMethods", HD_PLACE_CLASS, false, walk_bootstrap_methods),
    [HD_ATTRIBUTE_METHOD_PARAMETERS] =
        RULE("MethodParameters", HD_PLACE_METHOD, false, walk_method_parameters),
    [HD_ATTRIBUTE_MODULE] = RULE("Module", HD_PLACE_CLASS, false, walk_module),
    [HD_ATTRIBUTE_MODULE_PACKAGES] =
        RULE("ModulePackages", HD_PLACE_CLASS, false, walk_package_list),
    [HD_ATTRIBUTE_MODULE_MAIN_CLASS] = RULE("ModuleMainClass", HD_PLACE_CLASS, false, walk_class),
    [HD_ATTRIBUTE_NEST_HOST] = RULE("NestHost", HD_PLACE_CLASS, false, walk_class),
    [HD_ATTRIBUTE_NEST_MEMBERS] = RULE("NestMembers", HD_PLACE_CLASS, false, walk_classes),
    [HD_ATTRIBUTE_RECORD] = RULE("Record", HD_PLACE_CLASS, false, walk_record),
    [HD_ATTRIBUTE_PERMITTED_SUBCLASSES] =
        RULE("PermittedSubclasses", HD_PLACE_CLASS, false, walk_classes)
};

enum hd_attribute_kind hd_attribute_kind_of(struct hd_bytes name)
{
    for (unsigned kind = 1; kind < HD_ATTRIBUTE_KIND_COUNT; kind++) {
        if (name.length == rules[kind].name_length &&
            memcmp(name.data, rules[kind].name, name.length) == 0)
            return (enum hd_attribute_kind)kind;
    }
    return HD_ATTRIBUTE_UNKNOWN;
}

enum hd_attribute_kind hd_attribute_kind_at(const struct hd_pool *pool, unsigned name)
{
    struct hd_text_answers *answers = &pool->answers[name];
    if (answers->attribute_kind == 0)
        answers->attribute_kind = (uint8_t)(1 + hd_attribute_kind_of(hd_pool_text(pool, name)));
    return (enum hd_attribute_kind)(answers->attribute_kind - 1);
}

int hd_attribute_walk(enum hd_attribute_kind kind, struct hd_walk *walk)
{
    rules[kind].walk(walk);
    if (hd_walk_finish(walk) == 0)
        return 0;
    return hd_error_prefix(walk->in.err, "%s", rules[kind].name);
}

int hd_attribute_admit(struct hd_attribute_set *set, enum hd_attribute_kind kind,
                       enum hd_place place, struct hd_error *err)
{
    const struct attribute_rule *rule = &rules[kind];
    bool belongs = (rule->places & place) != 0;
    if (!belongs && (kind == HD_ATTRIBUTE_CODE || kind == HD_ATTRIBUTE_RECORD))
        return hd_error_set(err, HD_E_FORMAT, "%s does not belong here", rule->name);
    if (!belongs || rule->repeatable)
        return 0;
    uint64_t bit = UINT64_C(1) << kind;
    if ((set->seen & bit) != 0)
        return hd_error_set(err, HD_E_FORMAT, "a second %s", rule->name);
    set->seen |= bit;
    return 0;
}

const struct hd_attribute *hd_attribute_find(const struct hd_attributes *attributes,
                                             enum hd_attribute_kind kind)
{
    if ((attributes->kinds & HD_ATTRIBUTE_BIT(kind)) == 0)
        return NULL;
    const struct hd_attribute *attribute = attributes->list;
    while (attribute->kind != kind)
        attribute++;
    return attribute;
}
