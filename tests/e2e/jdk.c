/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/jdk.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_known(const struct e2e_jdk_list *list, const char *home)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->jdks[i].home, home) == 0)
            return true;
    return false;
}

/* Debian's JDK 8 has no release file; a run-time in jre/lib/rt.jar is what no later JDK has. */
static unsigned feature_without_release(const char *home)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/jre/lib/rt.jar", home);
    return access(path, R_OK) == 0 ? 8 : 0;
}

static unsigned read_feature(const char *home)
{
    char path[PATH_MAX], line[256];
    unsigned first = 0, second = 0;
    snprintf(path, sizeof path, "%s/release", home);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return feature_without_release(home);
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "JAVA_VERSION=\"%u.%u", &first, &second) >= 1)
            break;
    fclose(file);
    return first == 1 ? second : first;
}

static void add(struct e2e_jdk_list *list, const char *candidate)
{
    char home[PATH_MAX], javac[PATH_MAX + 16];
    if (realpath(candidate, home) == NULL || strlen(home) >= sizeof list->jdks[0].home)
        return;
    snprintf(javac, sizeof javac, "%s/bin/javac", home);
    unsigned feature = read_feature(home);
    if (feature == 0 || access(javac, X_OK) != 0 || is_known(list, home) ||
        list->count == E2E_MAX_JDKS)
        return;
    struct e2e_jdk *jdk = &list->jdks[list->count++];
    snprintf(jdk->home, sizeof jdk->home, "%s", home);
    jdk->feature = feature;
}

static void add_listed(struct e2e_jdk_list *list, const char *paths)
{
    char *copy = strdup(paths), *rest = NULL;
    for (char *path = strtok_r(copy, ":", &rest); path != NULL; path = strtok_r(NULL, ":", &rest))
        add(list, path);
    free(copy);
}

static void add_installed(struct e2e_jdk_list *list)
{
    if (getenv("JAVA_HOME") != NULL)
        add(list, getenv("JAVA_HOME"));
    struct dirent **entries = NULL;
    int count = scandir("/usr/lib/jvm", &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "/usr/lib/jvm/%s", entries[i]->d_name);
        add(list, path);
        free(entries[i]);
    }
    free(entries);
}

void e2e_jdk_find(struct e2e_jdk_list *list)
{
    list->count = 0;
    const char *chosen = getenv("HOTDROP_JDKS");
    if (chosen != NULL && chosen[0] != '\0')
        add_listed(list, chosen);
    else
        add_installed(list);
}
