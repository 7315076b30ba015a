/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/vmflags.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * libjvm describes its own data to debuggers (the "serviceability agent") in two arrays of structs
 * whose layout is itself described by exported numbers. An array ends with an entry without a name;
 * the bounds here are many times what any HotSpot has, and keep a layout that is not as expected
 * from being walked for ever.
 */
enum { MAX_ENTRIES = 20000, MAX_STRIDE = 512, MAX_FLAGS = 10000, MAX_FLAG_SIZE = 256 };

struct table {
    const char *entries;
    uint64_t stride;
};

struct flag_table {
    const char *flags;
    uint64_t count;
    uint64_t size;         /* of one flag */
    uint64_t name_offset;  /* in a flag: const char * */
    uint64_t value_offset; /* in a flag: pointer to the value */
};

static int is_libjvm(struct dl_phdr_info *info, size_t size, void *path)
{
    (void)size;
    static const char file_name[] = "/libjvm.so";
    size_t length = info->dlpi_name != NULL ? strlen(info->dlpi_name) : 0;
    if (length < sizeof file_name - 1)
        return 0;
    if (strcmp(info->dlpi_name + length - (sizeof file_name - 1), file_name) != 0)
        return 0;
    *(const char **)path = info->dlpi_name;
    return 1;
}

/* A handle to be closed with dlclose; the JVM itself keeps the library loaded. */
static void *open_libjvm(void)
{
    const char *path = NULL;
    dl_iterate_phdr(is_libjvm, &path);
    /* NULL, the program itself: a JVM that is linked into its launcher. */
    return dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
}

static bool read_number(void *libjvm, const char *symbol, uint64_t limit, uint64_t *out)
{
    const uint64_t *number = dlsym(libjvm, symbol);
    if (number == NULL || *number > limit)
        return false;
    *out = *number;
    return true;
}

static bool read_table(void *libjvm, const char *array, const char *stride, struct table *out)
{
    const char *const *entries = dlsym(libjvm, array);
    if (entries == NULL || *entries == NULL)
        return false;
    out->entries = *entries;
    return read_number(libjvm, stride, MAX_STRIDE, &out->stride) && out->stride >= sizeof(void *);
}

static const void *pointer_at(const char *place)
{
    const void *value;
    memcpy(&value, place, sizeof value);
    return value;
}

static uint64_t number_at(const char *place)
{
    uint64_t value;
    memcpy(&value, place, sizeof value);
    return value;
}

/* The offsets inside one entry of gHotSpotVMStructs. */
struct struct_layout {
    uint64_t type_name;
    uint64_t field_name;
    uint64_t offset;
    uint64_t address;
};

static bool read_struct_layout(void *libjvm, uint64_t stride, struct struct_layout *out)
{
    uint64_t last = stride - sizeof(void *);
    return read_number(libjvm, "gHotSpotVMStructEntryTypeNameOffset", last, &out->type_name) &&
           read_number(libjvm, "gHotSpotVMStructEntryFieldNameOffset", last, &out->field_name) &&
           read_number(libjvm, "gHotSpotVMStructEntryOffsetOffset", last, &out->offset) &&
           read_number(libjvm, "gHotSpotVMStructEntryAddressOffset", last, &out->address);
}

static bool names(const char *place, const char *wanted)
{
    const char *name = pointer_at(place);
    return name != NULL && strcmp(name, wanted) == 0;
}

/* The flag struct was called "Flag" up to JDK 9. */
static bool names_flag_type(const char *place)
{
    return names(place, "JVMFlag") || names(place, "Flag");
}

static const char *find_flag_field(const struct table *structs, const struct struct_layout *layout,
                                   const char *field)
{
    const char *entry = structs->entries;
    for (int i = 0; i < MAX_ENTRIES; i++, entry += structs->stride) {
        if (pointer_at(entry + layout->type_name) == NULL)
            return NULL;
        if (names_flag_type(entry + layout->type_name) && names(entry + layout->field_name, field))
            return entry;
    }
    return NULL;
}

/* Static fields carry an address, others an offset. */
static const char *static_flag_field(const struct table *structs,
                                     const struct struct_layout *layout, const char *field)
{
    const char *entry = find_flag_field(structs, layout, field);
    return entry != NULL ? pointer_at(entry + layout->address) : NULL;
}

static bool flag_field_offset(const struct table *structs, const struct struct_layout *layout,
                              const char *field, uint64_t flag_size, uint64_t *out)
{
    const char *entry = find_flag_field(structs, layout, field);
    if (entry == NULL)
        return false;
    uint64_t offset = number_at(entry + layout->offset);
    if (offset + sizeof(void *) > flag_size)
        return false;
    *out = offset;
    return true;
}

static bool read_flag_size(void *libjvm, uint64_t *out)
{
    struct table types;
    uint64_t name_offset, size_offset;
    if (!read_table(libjvm, "gHotSpotVMTypes", "gHotSpotVMTypeEntryArrayStride", &types) ||
        !read_number(libjvm, "gHotSpotVMTypeEntryTypeNameOffset", types.stride - sizeof(void *),
                     &name_offset) ||
        !read_number(libjvm, "gHotSpotVMTypeEntrySizeOffset", types.stride - sizeof(uint64_t),
                     &size_offset))
        return false;
    const char *entry = types.entries;
    for (int i = 0; i < MAX_ENTRIES; i++, entry += types.stride) {
        if (pointer_at(entry + name_offset) == NULL)
            return false;
        if (!names_flag_type(entry + name_offset))
            continue;
        *out = number_at(entry + size_offset);
        return *out >= 2 * sizeof(void *) && *out <= MAX_FLAG_SIZE;
    }
    return false;
}

static bool read_flag_table(void *libjvm, struct flag_table *out)
{
    struct table structs;
    struct struct_layout layout;
    if (!read_table(libjvm, "gHotSpotVMStructs", "gHotSpotVMStructEntryArrayStride", &structs) ||
        !read_struct_layout(libjvm, structs.stride, &layout) || !read_flag_size(libjvm, &out->size))
        return false;

    const char *flags = static_flag_field(&structs, &layout, "flags");
    const char *count = static_flag_field(&structs, &layout, "numFlags");
    if (flags == NULL || count == NULL)
        return false;
    out->flags = pointer_at(flags);
    out->count = number_at(count);
    if (out->flags == NULL || out->count > MAX_FLAGS)
        return false;
    return flag_field_offset(&structs, &layout, "_name", out->size, &out->name_offset) &&
           flag_field_offset(&structs, &layout, "_addr", out->size, &out->value_offset);
}

/* The value of a boolean flag is one byte, 0 or 1; anything else is not what it was taken for. */
static enum hd_vmflag read_boolean(const struct flag_table *table, const char *name)
{
    const char *flag = table->flags;
    for (uint64_t i = 0; i < table->count; i++, flag += table->size) {
        if (!names(flag + table->name_offset, name))
            continue;
        const volatile uint8_t *value = pointer_at(flag + table->value_offset);
        uint8_t byte = value != NULL ? *value : UINT8_MAX;
        if (byte > 1)
            return HD_VMFLAG_UNKNOWN;
        return byte == 1 ? HD_VMFLAG_TRUE : HD_VMFLAG_FALSE;
    }
    return HD_VMFLAG_UNKNOWN;
}

enum hd_vmflag hd_vmflags_boolean(const char *name)
{
    void *libjvm = open_libjvm();
    if (libjvm == NULL)
        return HD_VMFLAG_UNKNOWN;
    struct flag_table table;
    enum hd_vmflag value =
        read_flag_table(libjvm, &table) ? read_boolean(&table, name) : HD_VMFLAG_UNKNOWN;
    dlclose(libjvm);
    return value;
}
