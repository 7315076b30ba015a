/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JVM whose agent's calls can be made to fail, two classes in it, and its log. For tests/e2e/test_faults.c alone.
 */
#ifndef HD_E2E_FAULTS_WORLD_H
#define HD_E2E_FAULTS_WORLD_H

#include "tests/e2e/faults/faults.h"
#include "tests/e2e/shop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define F(name)     HD_FAULT_##name
#define NAME_LENGTH 6 /* of classes and of what they answer: N00001, w00001 */
#define MAX_CLASS   4096

struct world {
    struct e2e *e2e;
    struct hd_faults *faults;
    char class[MAX_CLASS]; /* demo.N00000, which answers w00000 */
    size_t class_length;
    unsigned round; /* demo.N<round> is the class that this round is the first to push */
    unsigned word;  /* the last that was pushed */
    long log_read;  /* so much of the log was looked at */
    unsigned long struck;
    unsigned long refused;
};

struct fault {
    enum hd_fault_function function;
    int error;
    bool lasting; /* also every call after it */
    unsigned nth;
};

static const char *const function_names[] = { "none",
#define NAME(name) #name,
                                              HD_FAULT_FUNCTIONS(NAME)
#undef NAME
};

/* ---- faults ---------------------------------------------------------------------------------- */

static inline void arm(struct world *world, const struct fault *fault)
{
    struct hd_faults *faults = world->faults;
    atomic_store(&faults->error, fault->error);
    atomic_store(&faults->lasting, fault->lasting ? 1 : 0);
    atomic_store(&faults->hits, 0);
    atomic_store(&faults->countdown, fault->nth);
    atomic_store(&faults->function, fault->function);
}

static inline unsigned disarm(struct world *world)
{
    atomic_store(&world->faults->function, HD_FAULT_NONE);
    return atomic_load(&world->faults->hits);
}

static inline struct hd_faults *map_faults(const struct e2e *e2e)
{
    int file = open(e2e_path(e2e, "faults"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_return_code(file, errno);
    assert_return_code(ftruncate(file, sizeof(struct hd_faults)), errno);
    void *memory =
        mmap(NULL, sizeof(struct hd_faults), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    assert_true(memory != MAP_FAILED);
    close(file);
    return memory;
}

/* ---- classes --------------------------------------------------------------------------------- */

static inline void write_class(const struct world *world, const char *directory, unsigned number,
                               unsigned word)
{
    char class[MAX_CLASS], name[16], answer[16];
    memcpy(class, world->class, world->class_length);
    snprintf(name, sizeof name, "N%05u", number);
    snprintf(answer, sizeof answer, "w%05u", word);
    for (size_t i = 0; i + NAME_LENGTH <= world->class_length; i++) {
        if (memcmp(class + i, "N00000", NAME_LENGTH) == 0)
            memcpy(class + i, name, NAME_LENGTH);
        else if (memcmp(class + i, "w00000", NAME_LENGTH) == 0)
            memcpy(class + i, answer, NAME_LENGTH);
    }
    FILE *file = fopen(e2e_path(world->e2e, "%s/%s.class", directory, name), "we");
    assert_non_null(file);
    assert_int_equal(fwrite(class, 1, world->class_length, file), world->class_length);
    assert_int_equal(fclose(file), 0);
}

static inline void expect_answer(struct world *world, unsigned number, unsigned word)
{
    char command[64], answer[16];
    snprintf(command, sizeof command, "call demo.N%05u run", number);
    snprintf(answer, sizeof answer, "w%05u", word);
    const char *said = e2e_ask(world->e2e, command);
    if (strcmp(said, answer) != 0)
        fail_msg("N%05u answers %s, not %s", number, said, answer);
}

/* Both classes, or neither. */
static inline void expect_live(struct world *world, unsigned word)
{
    expect_answer(world, 0, word);
    expect_answer(world, world->round, word);
}

static inline void compile_template(struct world *world)
{
    e2e_compile_class(world->e2e, "N00000",
                      "package demo; public class N00000 { public static String run() { return "
                      "\"w00000\"; } }",
                      world->e2e->classes);
    FILE *file = fopen(e2e_path(world->e2e, "classes/demo/N00000.class"), "re");
    assert_non_null(file);
    world->class_length = fread(world->class, 1, sizeof world->class, file);
    assert_in_range(world->class_length, 1, sizeof world->class - 1);
    fclose(file);
}

static inline void open_world(struct world *world, struct e2e *e2e)
{
    *world = (struct world){ .e2e = e2e, .faults = map_faults(e2e) };
    compile_template(world);
    e2e_write(e2e, "after/demo/README", "both classes, with another word");
    setenv(HD_FAULTS_VARIABLE, e2e_path(e2e, "faults"), 1);
    setenv("LD_PRELOAD", HD_E2E_FAULTS_LIBRARY, 1);
    shop_open(e2e);
    unsetenv("LD_PRELOAD");
    unsetenv(HD_FAULTS_VARIABLE);
    expect_answer(world, 0, 0);
}

/* A class that nobody has looked at yet, loaded; and another word for both. */
static inline void begin_round(struct world *world)
{
    world->round++;
    write_class(world, "classes/demo", world->round, 0);
    expect_answer(world, world->round, 0);
}

static inline void next_word(struct world *world)
{
    world->word++;
    (void)unlink(e2e_path(world->e2e, "after/demo/N%05u.class", world->round - 1));
    write_class(world, "after/demo", 0, world->word);
    write_class(world, "after/demo", world->round, world->word);
}

/* ---- the log --------------------------------------------------------------------------------- */

/* What it says since the last look; the caller frees. */
static inline char *read_log(struct world *world)
{
    enum { MOST = 1 << 20 };
    FILE *log = fopen(world->e2e->log, "re");
    char *text = calloc(1, MOST);
    assert_true(log != NULL && text != NULL);
    assert_int_equal(fseek(log, world->log_read, SEEK_SET), 0);
    text[fread(text, 1, MOST - 1, log)] = '\0';
    world->log_read = ftell(log);
    fclose(log);
    return text;
}

static inline unsigned count(const char *text, const char *word)
{
    unsigned found = 0;
    for (const char *place = text; (place = strstr(place, word)) != NULL; place++)
        found++;
    return found;
}

static inline void fail_with(const struct fault *fault, const char *what, const char *detail)
{
    fail_msg("%s %s #%u%s: %s: %s", function_names[fault->function], strerror(fault->error),
             fault->nth, fault->lasting ? " and on" : "", what, detail);
}

/* A clear line, not a flood of them. What the log itself cannot write it cannot say, and that a peer is gone is for its client
 * to say. */
static inline void expect_a_line(const struct fault *fault, const char *log)
{
    unsigned few = fault->lasting ? 6 : 2;
    unsigned loud = count(log, " WARN ") + count(log, " ERROR ");
    if (fault->function == F(write) || fault->function == F(recv) || fault->function == F(send))
        return;
    static const char *const told[] = { ": not applied",
                                        " jvm-error: ", " busy: ", "refused a connection" };
    unsigned quiet = 0;
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        quiet += count(log, told[i]); /* refused connections at most 20 times a minute aloud */
    if (loud + quiet == 0)
        fail_with(fault, "the log does not say it", log);
    if (loud > few)
        fail_with(fault, "the log says it too often", log);
}

static inline void show(const struct fault *fault, const char *outcome, const char *log)
{
    if (getenv("HD_E2E_SHOW") != NULL)
        fprintf(stderr, "== %s %s #%u%s: %s\n%s", function_names[fault->function],
                strerror(fault->error), fault->nth, fault->lasting ? " and on" : "", outcome, log);
}

#endif
