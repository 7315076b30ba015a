/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/tree_missing.h"

#include "classfile/words.h"
#include "core/alloc.h"
#include "core/bundle.h"
#include "watcher/watcher.h"

#include <string.h>

/* A chain of supertypes longer than this is taken to have the member. */
#define MAX_SUPERTYPES 256

/* ---- what comes from elsewhere ---- */

int hd_tree_known_add(struct hd_tree_known *known, struct hd_bytes name, struct hd_error *err)
{
    size_t place;
    if (hd_map_find(&known->by_name, name, &place))
        return 0;
    if (known->count == known->capacity) {
        size_t capacity = known->capacity == 0 ? 16 : 2 * known->capacity;
        char **names = hd_realloc_array(known->names, capacity, sizeof *names);
        if (names == NULL)
            return hd_error_set_memory(err);
        known->names = names;
        known->capacity = capacity;
    }
    char *copy = hd_strndup((const char *)name.data, name.length);
    if (copy == NULL)
        return hd_error_set_memory(err);
    known->names[known->count++] = copy;
    return hd_map_put(&known->by_name, (struct hd_bytes){ (const uint8_t *)copy, name.length }, 0,
                      err);
}

static bool is_known(const struct hd_tree_known *known, struct hd_bytes name)
{
    size_t place;
    return hd_map_find(&known->by_name, name, &place);
}

struct learning {
    struct hd_tree_known *known;
    const struct hd_tree_index *index;
    struct hd_error *err;
    int result;
};

static bool is_absent_from_its_package(const struct hd_tree_index *index, struct hd_bytes name)
{
    return hd_tree_index_has_package_of(index, name) && hd_tree_index_find(index, name) == NULL;
}

static bool learn_one(const struct hd_reference *reference, void *context)
{
    struct learning *learning = context;
    if (is_absent_from_its_package(learning->index, reference->owner))
        learning->result = hd_tree_known_add(learning->known, reference->owner, learning->err);
    return learning->result == 0;
}

int hd_tree_known_learn(struct hd_tree_known *known, const struct hd_tree_index *index,
                        const struct hd_class *class_file, struct hd_error *err)
{
    struct learning learning = { known, index, err, 0 };
    hd_class_each_reference(class_file, learn_one, &learning);
    return learning.result;
}

void hd_tree_known_close(struct hd_tree_known *known)
{
    hd_map_close(&known->by_name);
    for (size_t i = 0; i < known->count; i++)
        hd_free(known->names[i]);
    hd_free(known->names);
    *known = (struct hd_tree_known){ 0 };
}

/* ---- the tree's classes, parsed ---- */

struct shelved {
    const struct hd_tree_file *file;
    uint8_t *contents;      /* NULL where the fresh bytes of file are used */
    struct hd_class *class; /* NULL: cannot be read */
};

struct hd_tree_shelf {
    struct shelved *items;
    size_t count;
    size_t capacity;
    struct hd_map by_name;
};

static int parse(struct hd_tree_look *look, struct shelved *item, struct hd_error *err)
{
    struct hd_error why = HD_ERROR_INIT;
    struct hd_bytes bytes = hd_buffer_view(&item->file->fresh);
    if (!item->file->is_fresh) {
        uint32_t owner;
        size_t length = 0;
        if (hd_watcher_read_file(look->directory, item->file->path, HD_BUNDLE_MAX_CLASS_BYTES,
                                 &item->contents, &length, &owner, &why) != 0)
            return why.code == HD_E_MEMORY ? hd_error_set_memory(err) : 0;
        bytes = (struct hd_bytes){ item->contents, length };
    }
    if (hd_class_parse(bytes.data, bytes.length, &item->class, &why) != 0 &&
        why.code == HD_E_MEMORY)
        return hd_error_set_memory(err);
    return 0;
}

static void close_shelved(struct shelved *item)
{
    hd_class_free(item->class);
    hd_free(item->contents);
}

static int make_room(struct hd_tree_look *look, struct hd_error *err)
{
    if (look->shelf == NULL)
        look->shelf = hd_alloc_zeroed(1, sizeof *look->shelf);
    struct hd_tree_shelf *shelf = look->shelf;
    if (shelf == NULL)
        return hd_error_set_memory(err);
    if (shelf->count < shelf->capacity)
        return 0;
    size_t capacity = shelf->capacity == 0 ? 32 : 2 * shelf->capacity;
    struct shelved *items = hd_realloc_array(shelf->items, capacity, sizeof *items);
    if (items == NULL)
        return hd_error_set_memory(err);
    shelf->items = items;
    shelf->capacity = capacity;
    return 0;
}

/* *out becomes NULL for a file that cannot be read. */
static int class_of(struct hd_tree_look *look, const struct hd_tree_file *file,
                    const struct hd_class **out, struct hd_error *err)
{
    size_t place;
    struct hd_bytes name = hd_map_key(file->name);
    if (look->shelf != NULL && hd_map_find(&look->shelf->by_name, name, &place)) {
        *out = look->shelf->items[place].class;
        return 0;
    }
    struct shelved item = { .file = file };
    if (make_room(look, err) != 0 || parse(look, &item, err) != 0 ||
        hd_map_put(&look->shelf->by_name, name, look->shelf->count, err) != 0) {
        close_shelved(&item);
        return -1;
    }
    look->shelf->items[look->shelf->count++] = item;
    *out = item.class;
    return 0;
}

void hd_tree_look_close(struct hd_tree_look *look)
{
    if (look->shelf == NULL)
        return;
    for (size_t i = 0; i < look->shelf->count; i++)
        close_shelved(&look->shelf->items[i]);
    hd_free(look->shelf->items);
    hd_map_close(&look->shelf->by_name);
    hd_free(look->shelf);
    look->shelf = NULL;
}

/* ---- members ---- */

static bool equal(struct hd_bytes a, struct hd_bytes b)
{
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

static bool declares(const struct hd_class *class, const struct hd_reference *reference)
{
    bool field = reference->kind == HD_REFERENCE_FIELD;
    const struct hd_member *members = field ? class->fields : class->methods;
    size_t count = field ? class->field_count : class->method_count;
    for (size_t i = 0; i < count; i++)
        if (equal(members[i].name, reference->name) &&
            equal(members[i].descriptor, reference->descriptor))
            return true;
    return false;
}

/* javac names the static type as the owner of what every class inherits from java.lang.Object. */
static bool object_has(const struct hd_reference *reference)
{
    static const char *const methods[] = { "clone",     "equals",   "finalize",
                                           "getClass",  "hashCode", "notify",
                                           "notifyAll", "toString", "wait" };
    if (reference->kind != HD_REFERENCE_METHOD)
        return false;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (equal(reference->name, hd_map_key(methods[i])))
            return true;
    return false;
}

/* Supertypes still to be looked at. */
struct chain {
    struct hd_bytes names[MAX_SUPERTYPES];
    size_t count;
};

static bool extend(struct chain *chain, const struct hd_class *class)
{
    if (chain->count + class->interface_count + 1 > MAX_SUPERTYPES)
        return false;
    if (class->super_name.length > 0)
        chain->names[chain->count++] = class->super_name;
    for (size_t i = 0; i < class->interface_count; i++)
        chain->names[chain->count++] = class->interfaces[i];
    return true;
}

/* JVMS §5.4.3.2, §5.4.3.3, as far as the tree reaches; constructors are not inherited. */
static int is_member_there(struct hd_tree_look *look, const struct hd_reference *reference,
                           bool *there, struct hd_error *err)
{
    struct chain chain = { .names = { reference->owner }, .count = 1 };
    bool inherited = !equal(reference->name, hd_map_key("<init>"));
    *there = true;
    for (size_t at = 0; at < chain.count; at++) {
        if (at > 0 && equal(chain.names[at], hd_map_key("java/lang/Object"))) {
            if (object_has(reference))
                return 0;
            continue;
        }
        const struct hd_tree_file *file = hd_tree_index_find(look->index, chain.names[at]);
        const struct hd_class *class = NULL;
        if (file == NULL)
            return 0;
        if (class_of(look, file, &class, err) != 0)
            return -1;
        if (class == NULL || declares(class, reference) || (inherited && !extend(&chain, class)))
            return 0;
    }
    *there = false;
    return 0;
}

/* ---- one class ---- */

struct looking {
    struct hd_tree_look *look;
    struct hd_tree_lack *lack;
    struct hd_error *err;
    int result;
};

static void tell_class(struct looking *looking, struct hd_bytes name)
{
    struct hd_words words = hd_words_begin(looking->err);
    hd_words_add_class(&words, name);
    hd_words_add(&words, " is not there");
    looking->lack->words = hd_words_take(&words);
    looking->lack->class_name = hd_strndup((const char *)name.data, name.length);
    if (looking->lack->words == NULL || looking->lack->class_name == NULL)
        looking->result = hd_error_set_memory(looking->err);
}

static void tell_member(struct looking *looking, const struct hd_reference *reference)
{
    struct hd_words words = hd_words_begin(looking->err);
    hd_words_add_class(&words, reference->owner);
    if (reference->kind == HD_REFERENCE_METHOD) {
        hd_words_add(&words, " has no method ");
        hd_words_add_method(&words, reference->name, reference->descriptor, HD_NAMING_FULL);
    } else {
        hd_words_add(&words, " has no field ");
        hd_words_add_type(&words, reference->descriptor, HD_NAMING_FULL);
        hd_words_add(&words, " ");
        hd_words_add_modified(&words, reference->name);
    }
    looking->lack->words = hd_words_take(&words);
    if (looking->lack->words == NULL)
        looking->result = hd_error_set_memory(looking->err);
}

static bool look_at(const struct hd_reference *reference, void *context)
{
    struct looking *looking = context;
    const struct hd_tree_look *look = looking->look;
    if (is_absent_from_its_package(look->index, reference->owner)) {
        if (!is_known(look->known, reference->owner))
            tell_class(looking, reference->owner);
    } else if (reference->kind != HD_REFERENCE_CLASS) {
        bool there = true;
        looking->result = is_member_there(looking->look, reference, &there, looking->err);
        if (looking->result == 0 && !there)
            tell_member(looking, reference);
    }
    return looking->result == 0 && looking->lack->words == NULL;
}

int hd_tree_look_for(struct hd_tree_look *look, const struct hd_class *class_file,
                     struct hd_tree_lack *out, struct hd_error *err)
{
    struct hd_tree_lack lack = { NULL, NULL };
    struct looking looking = { look, &lack, err, 0 };
    hd_class_each_reference(class_file, look_at, &looking);
    if (looking.result != 0) {
        hd_free(lack.words);
        hd_free(lack.class_name);
        return -1;
    }
    *out = lack;
    return 0;
}
