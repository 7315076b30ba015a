/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Java sources compiled at test time: javac comes from JAVA_HOME, /usr/lib/jvm or PATH. Needs
 * tests/unit/sandbox.h before this one.
 */
#ifndef HD_TESTS_JAVAC_H
#define HD_TESTS_JAVAC_H

#include "core/buffer.h"

#include <glob.h>

/* Never NULL; "javac" where none was found, which then fails with a message of the shell's. */
static inline const char *javac_path(void)
{
    static char path[PATH_MAX];
    glob_t found = { 0 };
    if (path[0] != '\0')
        return path;
    snprintf(path, sizeof path, "%s/bin/javac",
             getenv("JAVA_HOME") != NULL ? getenv("JAVA_HOME") : "");
    if (access(path, X_OK) == 0)
        return path;
    snprintf(path, sizeof path, "javac");
    if (glob("/usr/lib/jvm/*/bin/javac", 0, NULL, &found) == 0)
        snprintf(path, sizeof path, "%s", found.gl_pathv[0]);
    globfree(&found);
    return path;
}

/* Compiles every source below sources into the directory classes, and fails the test if javac does.
 * options: "--release 17" or the like. */
static inline void javac_compile(const char *sources, const char *classes, const char *options)
{
    char command[4 * PATH_MAX];
    snprintf(command, sizeof command,
             "'%s' -nowarn -proc:none -J-XX:TieredStopAtLevel=1 -J-Xshare:auto %s -d '%s' $(find "
             "'%s' -name '*.java') 2>&1",
             javac_path(), options, classes, sources);
    int status = system(command);
    if (status != 0)
        fail_msg("javac failed: %s", command);
}

/* A whole file; the caller frees data. */
static inline struct hd_bytes read_whole(const char *path)
{
    struct stat status;
    FILE *file = fopen(path, "rbe");
    if (file == NULL || fstat(fileno(file), &status) != 0)
        fail_msg("%s: cannot be read", path);
    uint8_t *data = malloc((size_t)status.st_size + 1);
    size_t length = fread(data, 1, (size_t)status.st_size, file);
    fclose(file);
    assert_int_equal(length, status.st_size);
    return (struct hd_bytes){ data, length };
}

#endif
