/* SPDX-License-Identifier: Apache-2.0 */
#include "client/jvms.h"

#include "core/alloc.h"
#include "watcher/beneath.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Options of the java launcher that take their value as the next argument. */
static const char *const options_with_value[] = { "-cp",
                                                  "-classpath",
                                                  "--class-path",
                                                  "-p",
                                                  "--module-path",
                                                  "--upgrade-module-path",
                                                  "--add-modules",
                                                  "--add-reads",
                                                  "--add-exports",
                                                  "--add-opens",
                                                  "--limit-modules",
                                                  "--patch-module",
                                                  "--enable-native-access",
                                                  "--source",
                                                  "-d",
                                                  "--describe-module",
                                                  NULL };

static FILE *open_proc(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return fopen(path, "re");
}

/* What stands behind that word of a line; NULL where the line is about something else. */
static const char *value_of(const char *line, const char *word)
{
    size_t length = strlen(word);
    return strncmp(line, word, length) == 0 ? line + length : NULL;
}

static unsigned effective_id(const char *ids)
{
    unsigned real = 0, effective = 0;
    return sscanf(ids, "%u %u", &real, &effective) == 2 ? effective : 0;
}

static const char *last_word(const char *words)
{
    const char *tab = strrchr(words, '\t');
    return tab != NULL ? tab + 1 : words;
}

static void read_status_line(const char *line, struct hd_jvm_process *jvm)
{
    const char *value;
    if ((value = value_of(line, "Uid:")) != NULL)
        jvm->uid = effective_id(value);
    else if ((value = value_of(line, "Gid:")) != NULL)
        jvm->gid = effective_id(value);
    else if ((value = value_of(line, "Threads:")) != NULL)
        jvm->threads = (unsigned)strtoul(value, NULL, 10);
    else if ((value = value_of(line, "SigCgt:")) != NULL)
        jvm->catches_sigquit = (strtoull(value, NULL, 16) >> (SIGQUIT - 1) & 1) != 0;
    else if ((value = value_of(line, "NSpid:")) != NULL)
        jvm->inner_pid = (pid_t)strtol(last_word(value), NULL, 10);
}

static int read_status(struct hd_jvm_process *jvm, struct hd_error *err)
{
    FILE *file = open_proc(jvm->pid, "status");
    if (file == NULL)
        return hd_error_set(err, HD_E_NOT_FOUND, "there is no process %d", (int)jvm->pid);
    jvm->inner_pid = jvm->pid;
    char line[512];
    while (fgets(line, sizeof line, file) != NULL)
        read_status_line(line, jvm);
    fclose(file);
    return 0;
}

static const char *find_last(const char *text, const char *wanted)
{
    const char *found = NULL;
    for (const char *next = strstr(text, wanted); next != NULL; next = strstr(next + 1, wanted))
        found = next;
    return found;
}

/* ".../lib/server/libjvm.so" → the release file of that JDK, read inside the JVM's own root. */
static void read_jdk_version(const char *libjvm, struct hd_jvm_process *jvm)
{
    const char *library = find_last(libjvm, "/lib/");
    if (library == NULL)
        return;
    size_t home = (size_t)(library - libjvm);
    /* JDK 8: the release file is above jre, and Debian's has none. */
    if (home > 4 && strncmp(library - 4, "/jre", 4) == 0) {
        home -= 4;
        snprintf(jvm->jdk, sizeof jvm->jdk, "1.8.0");
    }
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "/proc/%d/root%.*s/release", (int)jvm->pid, (int)home,
                 libjvm) >= (int)sizeof path)
        return;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    char line[512];
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "JAVA_VERSION=\"%63[^\"]\"", jvm->jdk) == 1)
            break;
    fclose(file);
}

static int read_maps(struct hd_jvm_process *jvm, struct hd_error *err)
{
    FILE *file = open_proc(jvm->pid, "maps");
    if (file == NULL)
        return hd_error_set(err, HD_E_DENIED,
                            "process %d cannot be looked at (it belongs to uid %u): %s",
                            (int)jvm->pid, (unsigned)jvm->uid, strerror(errno));
    char buffer[65536]; /* the kernel answers by the page, stdio would ask for less */
    bool is_jvm = false;
    char *line = NULL;
    size_t capacity = 0;
    setvbuf(file, buffer, _IOFBF, sizeof buffer);
    while (!(is_jvm && jvm->has_agent) && getline(&line, &capacity, file) != -1) {
        char *path = strchr(line, '/');
        if (path == NULL)
            continue;
        path[strcspn(path, "\n")] = '\0';
        if (!is_jvm && strstr(path, "/libjvm.so") != NULL) {
            is_jvm = true;
            read_jdk_version(path, jvm);
        }
        if (strstr(path, "libhotdrop") != NULL || strstr(path, "/.hotdrop-") != NULL)
            jvm->has_agent = true;
    }
    free(line);
    fclose(file);
    if (!is_jvm)
        return hd_error_set(err, HD_E_USAGE, "process %d is not a JVM", (int)jvm->pid);
    return 0;
}

static bool takes_value(const char *option)
{
    for (size_t i = 0; options_with_value[i] != NULL; i++)
        if (strcmp(option, options_with_value[i]) == 0)
            return true;
    return false;
}

static const char *next_argument(const char *argument, const char *end)
{
    const char *next = argument + strlen(argument) + 1;
    return next < end ? next : NULL;
}

/* The first argument that is no option of the launcher; "-jar X" and "-m M" name it themselves. */
static const char *find_main(const char *arguments, const char *end)
{
    const char *argument = next_argument(arguments, end);
    while (argument != NULL && argument[0] == '-') {
        if (strcmp(argument, "-jar") == 0 || strcmp(argument, "-m") == 0 ||
            strcmp(argument, "--module") == 0)
            return next_argument(argument, end);
        bool skip_value = takes_value(argument);
        argument = next_argument(argument, end);
        if (skip_value && argument != NULL)
            argument = next_argument(argument, end);
    }
    return argument;
}

static void read_main_class(struct hd_jvm_process *jvm)
{
    FILE *file = open_proc(jvm->pid, "cmdline");
    if (file == NULL)
        return;
    char *arguments = NULL;
    size_t capacity = 0;
    ssize_t length = getdelim(&arguments, &capacity, EOF, file);
    fclose(file);
    const char *found = length > 0 ? find_main(arguments, arguments + length) : NULL;
    if (found != NULL) {
        const char *slash = strrchr(found, '/');
        bool is_path = slash != NULL && strstr(found, ".jar") != NULL;
        snprintf(jvm->main_class, sizeof jvm->main_class, "%s", is_path ? slash + 1 : found);
    }
    free(arguments);
}

static void find_socket(struct hd_jvm_process *jvm)
{
    snprintf(jvm->socket, sizeof jvm->socket, "/proc/%d/root/tmp/.hotdrop_pid%d", (int)jvm->pid,
             (int)jvm->inner_pid);
    struct stat status;
    jvm->socket_exists = lstat(jvm->socket, &status) == 0 && S_ISSOCK(status.st_mode);
}

static int look_closer(struct hd_jvm_process *jvm, struct hd_error *err)
{
    if (read_maps(jvm, err) != 0)
        return -1;
    read_main_class(jvm);
    find_socket(jvm);
    return 0;
}

int hd_jvms_examine(pid_t pid, struct hd_jvm_process *out, struct hd_error *err)
{
    struct hd_jvm_process jvm = { .pid = pid };
    if (read_status(&jvm, err) != 0 || look_closer(&jvm, err) != 0)
        return -1;
    *out = jvm;
    return 0;
}

int hd_jvms_reach(pid_t pid, struct hd_jvm_process *out, struct hd_error *err)
{
    struct hd_jvm_process jvm = { .pid = pid };
    if (read_status(&jvm, err) != 0)
        return -1;
    find_socket(&jvm);
    if (jvm.socket_exists)
        read_main_class(&jvm);
    else if (look_closer(&jvm, err) != 0)
        return -1;
    *out = jvm;
    return 0;
}

/* Most processes have one thread, and no JVM has: their maps need not be read. */
static bool is_jvm(pid_t pid, struct hd_jvm_process *out)
{
    struct hd_error not_a_jvm = HD_ERROR_INIT;
    *out = (struct hd_jvm_process){ .pid = pid };
    return read_status(out, &not_a_jvm) == 0 && out->threads > 1 &&
           look_closer(out, &not_a_jvm) == 0;
}

static bool is_number(const char *text)
{
    return isdigit((unsigned char)text[0]) && strspn(text, "0123456789") == strlen(text);
}

static int compare_pids(const void *left, const void *right)
{
    const struct hd_jvm_process *a = left;
    const struct hd_jvm_process *b = right;
    return (a->pid > b->pid) - (a->pid < b->pid);
}

static int append_jvm(struct hd_jvm_process **list, size_t *count, const struct hd_jvm_process *jvm,
                      struct hd_error *err)
{
    struct hd_jvm_process *grown = hd_realloc_array(*list, *count + 1, sizeof **list);
    if (grown == NULL)
        return hd_error_set_memory(err);
    grown[(*count)++] = *jvm;
    *list = grown;
    return 0;
}

int hd_jvms_list(struct hd_jvm_process **out, size_t *count, struct hd_error *err)
{
    DIR *proc = opendir("/proc");
    if (proc == NULL)
        return hd_error_set_errno(err, errno, "/proc cannot be read");
    struct hd_jvm_process *list = NULL;
    size_t length = 0;
    int result = 0;
    struct dirent *entry;
    while (result == 0 && (entry = readdir(proc)) != NULL) {
        struct hd_jvm_process jvm;
        if (!is_number(entry->d_name) || !is_jvm((pid_t)strtol(entry->d_name, NULL, 10), &jvm))
            continue;
        result = append_jvm(&list, &length, &jvm, err);
    }
    closedir(proc);
    if (result != 0) {
        hd_free(list);
        return -1;
    }
    if (length > 0)
        qsort(list, length, sizeof *list, compare_pids);
    *out = list;
    *count = length;
    return 0;
}

static bool is_same_file(const char *left, const char *right)
{
    struct stat one, other;
    return stat(left, &one) == 0 && stat(right, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

/* The paths of its world are the paths of ours. */
static bool shares_our_files(const char *root, pid_t pid)
{
    char mounts[64];
    snprintf(mounts, sizeof mounts, "/proc/%d/ns/mnt", (int)pid);
    return is_same_file(root, "/") && is_same_file(mounts, "/proc/self/ns/mnt");
}

int hd_jvms_open_tmp(const struct hd_jvm_process *jvm, struct hd_error *err)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/root", (int)jvm->pid);
    if (shares_our_files(path, jvm->pid)) {
        int tmp = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return tmp >= 0 ? tmp : hd_error_set_errno(err, errno, "/tmp");
    }
    int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int tmp = root >= 0 ? hd_open_directory_beneath(root, "tmp", O_PATH) : -1;
    int reason = errno;
    if (root >= 0)
        close(root);
    if (tmp >= 0)
        return tmp;
    if (reason == ELOOP || reason == ENOTDIR)
        return hd_error_set(err, HD_E_DENIED,
                            "pid %d runs in a container whose /tmp is a symbolic link, which is "
                            "not followed from outside; attach from inside it",
                            (int)jvm->pid);
    return hd_error_set_errno(err, reason, "the /tmp of pid %d", (int)jvm->pid);
}
