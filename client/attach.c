/* SPDX-License-Identifier: Apache-2.0 */
#include "client/attach.h"

#include "client/hotspot.h"
#include "client/load.h"
#include "core/alloc.h"
#include "core/text.h"
#include "core/write_all.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const places_beside_the_program[] = { "../lib/hotdrop/libhotdrop.so",
                                                         "../agent/libhotdrop.so",
                                                         "libhotdrop.so" };

static int find_beside_the_program(char *out, size_t capacity, struct hd_error *err)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return hd_error_set_errno(err, errno, "/proc/self/exe");
    program[length] = '\0';
    *strrchr(program, '/') = '\0';
    for (size_t i = 0; i < sizeof places_beside_the_program / sizeof *places_beside_the_program;
         i++) {
        int written = snprintf(out, capacity, "%s/%s", program, places_beside_the_program[i]);
        if (written > 0 && (size_t)written < capacity && access(out, R_OK) == 0)
            return 0;
    }
    return hd_error_set(err, HD_E_USAGE,
                        "libhotdrop.so is not beside %s; name it with --agent FILE", program);
}

static int find_agent(const char *agent_file, char out[PATH_MAX], struct hd_error *err)
{
    char candidate[PATH_MAX];
    if (agent_file == NULL && find_beside_the_program(candidate, sizeof candidate, err) != 0)
        return -1;
    const char *wanted = agent_file != NULL ? agent_file : candidate;
    if (realpath(wanted, out) == NULL)
        return hd_error_set(err, HD_E_USAGE, "the agent file %s: %s", wanted, strerror(errno));
    return 0;
}

/* Inside a container the same path is another file, or none. */
static bool jvm_sees(const struct hd_jvm_process *jvm, const char *path)
{
    char through_root[PATH_MAX + 32];
    snprintf(through_root, sizeof through_root, "/proc/%d/root%s", (int)jvm->pid, path);
    struct stat ours, theirs;
    return stat(path, &ours) == 0 && stat(through_root, &theirs) == 0 &&
           ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

/* A file for the JVM in its /tmp. */
struct passed_file {
    char outer[64]; /* its path out here, good as long as the /tmp is open */
    char inner[64]; /* as the JVM sees it */
};

/* Of a name that nobody could foresee. Returns a descriptor. */
static int make_file(const struct hd_jvm_process *jvm, int tmp, const char *suffix,
                     struct passed_file *out, struct hd_error *err)
{
    char *outer = out->outer;
    snprintf(outer, sizeof out->outer, "/proc/self/fd/%d/.hotdrop-XXXXXX%s", tmp, suffix);
    int file = mkostemps(outer, (int)strlen(suffix), O_CLOEXEC);
    if (file < 0)
        return hd_error_set_errno(err, errno, "no file can be made in the /tmp of pid %d",
                                  (int)jvm->pid);
    if (geteuid() == 0 && fchown(file, jvm->uid, jvm->gid) != 0) {
        close(file);
        unlink(outer);
        return hd_error_set_errno(err, errno, "%s cannot be given to uid %u", outer,
                                  (unsigned)jvm->uid);
    }
    snprintf(out->inner, sizeof out->inner, "/tmp%s", strrchr(outer, '/'));
    return file;
}

static int copy_agent(const struct hd_jvm_process *jvm, int tmp, const char *agent,
                      struct passed_file *out, struct hd_error *err)
{
    uint8_t *data = NULL;
    size_t length = 0;
    if (hd_load_file(agent, &data, &length, err) != 0)
        return -1;
    int file = make_file(jvm, tmp, ".so", out, err);
    int result = file < 0 ? -1 : hd_write_all(file, (struct hd_bytes){ data, length });
    if (file >= 0 && result != 0)
        hd_error_set_errno(err, errno, "the agent cannot be copied to the JVM's /tmp");
    if (result == 0 && fchmod(file, 0755) != 0)
        result = hd_error_set_errno(err, errno, "%s", out->inner);
    if (file >= 0)
        close(file);
    if (file >= 0 && result != 0)
        unlink(out->outer);
    hd_free(data);
    return result;
}

/* A JVM in a container need not be a friend: nothing but text reaches the terminal. */
static void disarm(char *words)
{
    for (; *words != '\0'; words++)
        if (iscntrl((unsigned char)*words) && *words != '\n')
            *words = '?';
}

/* The agent writes "ok", "already" or "failed", then a line for everything it has to say. */
static void read_answer(const char *path, struct hd_attach_answer *out)
{
    char text[sizeof out->words] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t length = file >= 0 ? read(file, text, sizeof text - 1) : 0;
    if (file >= 0)
        close(file);
    text[length > 0 ? length : 0] = '\0';
    out->was_there = strncmp(text, "already", strlen("already")) == 0;
    const char *words = strchr(text, '\n');
    snprintf(out->words, sizeof out->words, "%s", words != NULL ? words + 1 : "");
    disarm(out->words);
    size_t end = strlen(out->words);
    while (end > 0 && out->words[end - 1] == '\n')
        out->words[--end] = '\0';
}

static int load_with_answer(const struct hd_jvm_process *jvm, int tmp, const char *library,
                            const char *options, struct hd_attach_answer *out, struct hd_error *err)
{
    struct passed_file answer_file;
    int file = make_file(jvm, tmp, ".txt", &answer_file, err);
    if (file < 0)
        return -1;
    close(file);
    char *all = hd_asprintf("%s%sanswer=%s", options != NULL ? options : "",
                            options != NULL && options[0] != '\0' ? "," : "", answer_file.inner);
    struct hd_error refused = HD_ERROR_INIT;
    int result = all != NULL ? hd_hotspot_load_agent(jvm, tmp, library, all, &refused)
                             : hd_error_set_memory(&refused);
    struct hd_attach_answer answer;
    read_answer(answer_file.outer, &answer);
    unlink(answer_file.outer);
    hd_free(all);
    if (result != 0 && !answer.was_there)
        return hd_error_set(err, refused.code, "%s%s%s", refused.text,
                            answer.words[0] != '\0' ? ": " : "", answer.words);
    *out = answer;
    return 0;
}

static int load_copy(const struct hd_jvm_process *jvm, int tmp, const char *agent,
                     const char *options, struct hd_attach_answer *out, struct hd_error *err)
{
    struct passed_file copy;
    if (copy_agent(jvm, tmp, agent, &copy, err) != 0)
        return -1;
    int result = load_with_answer(jvm, tmp, copy.inner, options, out, err);
    unlink(copy.outer); /* a library that is loaded stays mapped without its name */
    return result;
}

int hd_attach(const struct hd_jvm_process *jvm, const char *agent_file, const char *options,
              struct hd_attach_answer *out, struct hd_error *err)
{
    char agent[PATH_MAX];
    if (find_agent(agent_file, agent, err) != 0)
        return -1;
    int tmp = hd_jvms_open_tmp(jvm, err);
    if (tmp < 0)
        return -1;
    int result = jvm_sees(jvm, agent) ? load_with_answer(jvm, tmp, agent, options, out, err)
                                      : load_copy(jvm, tmp, agent, options, out, err);
    close(tmp);
    return result;
}
