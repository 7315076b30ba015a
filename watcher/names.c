/* SPDX-License-Identifier: Apache-2.0 */
#include "watcher/names.h"

#include <stddef.h>
#include <string.h>

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name);
    size_t tail = strlen(suffix);
    return length > tail && memcmp(name + length - tail, suffix, tail) == 0;
}

bool hd_name_is_ignored(const char *name)
{
    static const char *const unfinished[] = { "~",    ".tmp",        ".part",    ".swp",
                                              ".swx", ".crdownload", ".filepart" };
    if (name[0] == '.')
        return true;
    for (size_t i = 0; i < sizeof unfinished / sizeof unfinished[0]; i++)
        if (ends_with(name, unfinished[i]))
            return true;
    return false;
}

bool hd_name_is_archive(const char *name)
{
    return ends_with(name, ".jar") || ends_with(name, ".war");
}

bool hd_name_is_wanted(const char *name)
{
    return !hd_name_is_ignored(name) && (ends_with(name, ".class") || hd_name_is_archive(name));
}
