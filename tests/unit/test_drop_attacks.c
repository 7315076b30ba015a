/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody who may write into a drop directory, or who planted something there, could try. Each kind has one outcome, and
 * after each: nothing outside was read or changed, and a proper file is deployed.
 */
#include "tests/unit/dropping.h"
#include "tests/unit/jar_maker.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

enum outcome {
    REFUSED,  /* with that reason, and words in the message */
    DEPLOYED, /* as what it is, whatever it is called */
    IGNORED,  /* stays where it is */
    FOREIGN   /* REFUSED; needs root to be made */
};

struct attack {
    const char *name;
    void (*make)(const struct sandbox *sandbox);
    enum outcome outcome;
    const char *reason;
    const char *words;
};

#define MAX_BUNDLE (1 << 20)
#define HUGE_FILE  ((off_t)8 << 30)
#define DENIED     "not-authorised"

/* ---- making them: what is outside lies in "outside" ------------------------------------------ */

static void made(int result)
{
    if (result != 0)
        fail_msg("an attack could not be made: %s", strerror(errno));
}

/* A directory that is renamed in as a whole: what make put into it, and a proper class. */
static void tree_with(const struct sandbox *sandbox, void (*make)(const struct sandbox *sandbox))
{
    make_directory(sandbox, "tree");
    make_directory(sandbox, "tree/com");
    class_at(sandbox, "tree/com/Good.class", "com/Good");
    make(sandbox);
    rename_in(sandbox, "tree", "d/tree");
}

static void link_to(const struct sandbox *sandbox, const char *to, const char *at_path)
{
    made(symlink(to, at(sandbox, at_path)));
}

static void link_to_a_file(const struct sandbox *sandbox)
{
    link_to(sandbox, "../outside/Secret.class", "d/A.class");
}

static void link_to_a_neighbour(const struct sandbox *sandbox)
{
    class_at(sandbox, "d/real.txt", "Secret");
    link_to(sandbox, "real.txt", "d/A.class");
}

static void link_by_an_absolute_path(const struct sandbox *sandbox)
{
    link_to(sandbox, at(sandbox, "outside/Secret.class"), "d/A.jar");
}

static void link_to_nothing(const struct sandbox *sandbox)
{
    link_to(sandbox, "nothing", "d/A.class");
}

static void link_to_itself(const struct sandbox *sandbox)
{
    link_to(sandbox, "A.class", "d/A.class");
}

static void link_to_a_directory(const struct sandbox *sandbox)
{
    link_to(sandbox, "../outside", "d/com");
}

static void link_to_an_endless_device(const struct sandbox *sandbox)
{
    link_to(sandbox, "/dev/zero", "d/A.class");
}

static void link_to_the_processs_memory(const struct sandbox *sandbox)
{
    link_to(sandbox, "/proc/self/mem", "d/A.jar");
}

static void put_link_into_tree(const struct sandbox *sandbox)
{
    link_to(sandbox, "../../outside/Secret.class", "tree/com/Secret.class");
}

static void link_in_a_tree(const struct sandbox *sandbox)
{
    tree_with(sandbox, put_link_into_tree);
}

static void put_directory_link_into_tree(const struct sandbox *sandbox)
{
    link_to(sandbox, "../../outside", "tree/more");
}

static void linked_directory_in_a_tree(const struct sandbox *sandbox)
{
    tree_with(sandbox, put_directory_link_into_tree);
}

static void put_odd_link_into_tree(const struct sandbox *sandbox)
{
    link_to(sandbox, "/etc/passwd", "tree/notes.txt");
}

static void link_of_another_name_in_a_tree(const struct sandbox *sandbox)
{
    tree_with(sandbox, put_odd_link_into_tree);
}

static void hard_link(const struct sandbox *sandbox)
{
    made(link(at(sandbox, "outside/Secret.class"), at(sandbox, "d/A.class")));
}

static void hard_link_of_a_jar_name(const struct sandbox *sandbox)
{
    made(link(at(sandbox, "outside/Secret.class"), at(sandbox, "d/A.jar")));
}

static void put_hard_link_into_tree(const struct sandbox *sandbox)
{
    made(link(at(sandbox, "outside/Secret.class"), at(sandbox, "tree/Secret.class")));
}

static void hard_link_in_a_tree(const struct sandbox *sandbox)
{
    tree_with(sandbox, put_hard_link_into_tree);
}

static void pipe_of_a_class_name(const struct sandbox *sandbox)
{
    made(mkfifo(at(sandbox, "d/A.class"), 0600));
}

static void pipe_of_a_jar_name(const struct sandbox *sandbox)
{
    made(mkfifo(at(sandbox, "d/A.jar"), 0600));
}

static void put_pipe_into_tree(const struct sandbox *sandbox)
{
    made(mkfifo(at(sandbox, "tree/A.class"), 0600));
}

static void pipe_in_a_tree(const struct sandbox *sandbox)
{
    tree_with(sandbox, put_pipe_into_tree);
}

static void unix_socket(const struct sandbox *sandbox)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s/d/A.class", sandbox->path);
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    made(bind(server, (const struct sockaddr *)&address, sizeof address));
    close(server);
}

static void character_device(const struct sandbox *sandbox)
{
    made(mknod(at(sandbox, "d/A.class"), S_IFCHR | 0600, makedev(1, 5)));
}

static void block_device(const struct sandbox *sandbox)
{
    made(mknod(at(sandbox, "d/A.jar"), S_IFBLK | 0600, makedev(7, 99)));
}

static void directory_of_a_class_name(const struct sandbox *sandbox)
{
    make_directory(sandbox, "d/A.class");
}

static void tree_without_a_class(const struct sandbox *sandbox)
{
    make_directory(sandbox, "tree");
    write_text(sandbox, "tree/run.sh", "exit 1");
    rename_in(sandbox, "tree", "d/A.jar");
}

static void sparse_file(const struct sandbox *sandbox, const char *path)
{
    int file = open_for_writing(sandbox, path);
    made(ftruncate(file, HUGE_FILE));
    close(file);
}

static void huge_class(const struct sandbox *sandbox)
{
    sparse_file(sandbox, "d/A.class");
}

static void huge_jar(const struct sandbox *sandbox)
{
    sparse_file(sandbox, "d/A.jar");
}

static void put_much_into_tree(const struct sandbox *sandbox)
{
    char name[64], class_name[4096];
    memset(class_name, 'x', sizeof class_name);
    for (unsigned i = 0; i < MAX_BUNDLE / sizeof class_name; i++) {
        snprintf(class_name, sizeof class_name, "C%04u", i);
        class_name[5] = 'x';
        class_name[sizeof class_name - 1] = '\0';
        snprintf(name, sizeof name, "tree/C%04u.class", i);
        class_at(sandbox, name, class_name);
    }
}

static void too_much_together(const struct sandbox *sandbox)
{
    tree_with(sandbox, put_much_into_tree);
}

/* A few kilobytes that become more than is allowed. */
static void zip_bomb(const struct sandbox *sandbox)
{
    static char nothing[4 * MAX_BUNDLE];
    memset(nothing, 'x', sizeof nothing - 1);
    const struct jar_entry entries[] = { { "A.class", nothing, ZIP_CM_DEFLATE }, { 0 } };
    struct jar jar = make_jar(entries);
    write_bytes(sandbox, "d/A.jar", jar.data, jar.length);
    hd_free(jar.data);
}

static void jar_that_leads_out(const struct sandbox *sandbox)
{
    const struct jar_entry entries[] = { { "../../outside/A.class", "x", ZIP_CM_STORE }, { 0 } };
    struct jar jar = make_jar(entries);
    write_bytes(sandbox, "d/A.jar", jar.data, jar.length);
    hd_free(jar.data);
}

static void empty_class(const struct sandbox *sandbox)
{
    write_text(sandbox, "d/A.class", "");
}

static void empty_jar(const struct sandbox *sandbox)
{
    write_text(sandbox, "d/A.jar", "");
}

static void file_of_another_user(const struct sandbox *sandbox)
{
    class_at(sandbox, "foreign", "A");
    made(chown(at(sandbox, "foreign"), 4242, (gid_t)-1));
    rename_in(sandbox, "foreign", "d/A.class");
}

static void put_foreign_into_tree(const struct sandbox *sandbox)
{
    class_at(sandbox, "tree/A.class", "A");
    made(chown(at(sandbox, "tree/A.class"), 4242, (gid_t)-1));
}

static void file_of_another_user_in_a_tree(const struct sandbox *sandbox)
{
    tree_with(sandbox, put_foreign_into_tree);
}

static void link_of_another_user(const struct sandbox *sandbox)
{
    link_to(sandbox, "../outside/Secret.class", "foreign");
    made(lchown(at(sandbox, "foreign"), 4242, (gid_t)-1));
    rename_in(sandbox, "foreign", "d/A.class");
}

/* A line of its own in a log, and what a terminal would obey. */
static void name_with_control_characters(const struct sandbox *sandbox)
{
    class_at(sandbox, "d/A\n2026-01-01 INFO all is well\x1b[2J\x7f.class", "Good");
}

static void name_that_is_no_utf8(const struct sandbox *sandbox)
{
    class_at(sandbox, "d/\xff\xfe\xc0\x80.class", "Good");
}

static void name_that_turns_text_around(const struct sandbox *sandbox)
{
    class_at(sandbox, "d/\xe2\x80\xaessalc.class", "Good");
}

static void name_as_long_as_names_get(const struct sandbox *sandbox)
{
    char name[NAME_MAX + 3] = "d/";
    memset(name + 2, 'A', NAME_MAX);
    memcpy(name + 2 + NAME_MAX - 6, ".class", 6);
    class_at(sandbox, name, "Good");
}

static void format_in_a_name(const struct sandbox *sandbox)
{
    class_at(sandbox, "d/%s%n%99999s.class", "Good");
}

static void broken_class_of_such_a_name(const struct sandbox *sandbox)
{
    write_text(sandbox, "d/A\nERROR all is lost\x1b[2J.class", "no class at all");
}

static void hidden_file(const struct sandbox *sandbox)
{
    class_at(sandbox, "d/.A.class", "Secret");
}

static void names_that_look_like_ways_out(const struct sandbox *sandbox)
{
    class_at(sandbox, "d/...class", "Secret");
}

static void tree_called_like_a_report(const struct sandbox *sandbox)
{
    make_directory(sandbox, "tree");
    class_at(sandbox, "tree/Good.class", "Good");
    rename_in(sandbox, "tree", "d/report.json");
}

/* Deeper than any path can say. */
static void bottomless_tree(const struct sandbox *sandbox)
{
    char name[201];
    memset(name, 'd', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    make_directory(sandbox, "tree");
    class_at(sandbox, "tree/Good.class", "Good");
    int directory = open(at(sandbox, "tree"), O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 40; i++) {
        made(mkdirat(directory, name, 0700));
        int below = openat(directory, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        close(directory);
        directory = below;
    }
    int file = openat(directory, "A.class", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    close(file);
    close(directory);
    rename_in(sandbox, "tree", "d/tree");
}

static const struct attack attacks[] = {
    { "a link to a file", link_to_a_file, REFUSED, DENIED, "symbolic link" },
    { "a link to a file beside it", link_to_a_neighbour, REFUSED, DENIED, "symbolic link" },
    { "a link by an absolute path", link_by_an_absolute_path, REFUSED, DENIED, "symbolic link" },
    { "a link to nothing", link_to_nothing, REFUSED, DENIED, "symbolic link" },
    { "a link to itself", link_to_itself, REFUSED, DENIED, "symbolic link" },
    { "a link to a directory", link_to_a_directory, REFUSED, DENIED, "symbolic link" },
    { "a link to a device", link_to_an_endless_device, REFUSED, DENIED, "symbolic link" },
    { "a link to memory", link_to_the_processs_memory, REFUSED, DENIED, "symbolic link" },
    { "a link in a tree", link_in_a_tree, REFUSED, DENIED, "symbolic link" },
    { "a linked directory in a tree", linked_directory_in_a_tree, REFUSED, DENIED,
      "symbolic link" },
    { "a link of another name", link_of_another_name_in_a_tree, REFUSED, DENIED, "symbolic link" },
    { "a hard link", hard_link, REFUSED, DENIED, "hard link" },
    { "a hard link as a jar", hard_link_of_a_jar_name, REFUSED, DENIED, "hard link" },
    { "a hard link in a tree", hard_link_in_a_tree, REFUSED, DENIED, "hard link" },
    { "a pipe", pipe_of_a_class_name, REFUSED, DENIED, "named pipe" },
    { "a pipe as a jar", pipe_of_a_jar_name, REFUSED, DENIED, "named pipe" },
    { "a pipe in a tree", pipe_in_a_tree, REFUSED, DENIED, "named pipe" },
    { "a socket", unix_socket, REFUSED, DENIED, "a socket" },
    { "a character device", character_device, FOREIGN, DENIED, "a device" },
    { "a block device", block_device, FOREIGN, DENIED, "a device" },
    { "an empty directory", directory_of_a_class_name, IGNORED, NULL, NULL },
    { "a tree without a class", tree_without_a_class, REFUSED, "malformed-bundle", "no class" },
    { "a huge class", huge_class, REFUSED, "too-large", "8589934592" },
    { "a huge jar", huge_jar, REFUSED, "too-large", "8589934592" },
    { "too much together", too_much_together, REFUSED, "too-large", "more than" },
    { "a zip bomb", zip_bomb, REFUSED, "too-large", "limit" },
    { "a jar that leads out", jar_that_leads_out, REFUSED, "malformed-bundle", "out of the jar" },
    { "an empty class", empty_class, REFUSED, "malformed-class", "A.class" },
    { "an empty jar", empty_jar, REFUSED, "malformed-bundle", "empty" },
    { "another user's file", file_of_another_user, FOREIGN, DENIED, "4242" },
    { "another user's in a tree", file_of_another_user_in_a_tree, FOREIGN, DENIED, "4242" },
    { "another user's link", link_of_another_user, FOREIGN, DENIED, "symbolic link" },
    { "control characters", name_with_control_characters, DEPLOYED, NULL, NULL },
    { "control characters on what is broken", broken_class_of_such_a_name, REFUSED,
      "malformed-class", "ERROR all is lost" },
    { "a name that is no UTF-8", name_that_is_no_utf8, DEPLOYED, NULL, NULL },
    { "a name that turns text around", name_that_turns_text_around, DEPLOYED, NULL, NULL },
    { "the longest name", name_as_long_as_names_get, DEPLOYED, NULL, NULL },
    { "a format in a name", format_in_a_name, DEPLOYED, NULL, NULL },
    { "a hidden file", hidden_file, IGNORED, NULL, NULL },
    { "dots", names_that_look_like_ways_out, IGNORED, NULL, NULL },
    { "a tree called report.json", tree_called_like_a_report, DEPLOYED, NULL, NULL },
    { "a tree deeper than paths", bottomless_tree, REFUSED, "malformed-class", "ends too early" },
};
#define ATTACKS (sizeof attacks / sizeof attacks[0])

/* ---- trying them ----------------------------------------------------------------------------- */

/* Where nobody should have been: as it was made. */
static void expect_outside_untouched(const struct dropping *dropping)
{
    struct stat status;
    uint8_t data[4096];
    const char *secret = at(&dropping->sandbox, "outside/Secret.class");
    struct made_file file = make_class(&(struct made_class){ .name = "Secret" });
    assert_string_equal(only_entry(dropping, "outside"), "outside/Secret.class");
    assert_int_equal(stat(secret, &status), 0);
    assert_int_equal(status.st_atim.tv_sec, 1); /* nobody has read it */
    int descriptor = open(secret, O_RDONLY | O_NOATIME | O_CLOEXEC);
    assert_int_equal(read(descriptor, data, sizeof data), file.length);
    close(descriptor);
    assert_memory_equal(data, file.data, file.length);
}

static void expect_printable(const char *text)
{
    for (const char *c = text != NULL ? text : ""; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            fail_msg("a control character in \"%s\"", text);
}

static void expect_taken(struct dropping *dropping, const struct attack *attack)
{
    struct hd_job *job = fake_loop_await_job(&dropping->loop);
    assert_null(job_class(job, "Secret"));
    bool refused = job->deployment != NULL;
    if (refused == (attack->outcome == DEPLOYED))
        fail_msg("%s", refused ? job->deployment->error_message : "it was deployed");
    expect_printable(refused ? job->deployment->error_message : hd_bundle_name(job->bundle));
    if (!refused)
        assert_non_null(job_class(job, "Good"));
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    if (refused)
        expect_refused(dropping, attack->reason, attack->words);
}

static void expect_a_proper_file_to_be_deployed(struct dropping *dropping)
{
    put_class(dropping, "d/Proper.class", "Proper");
    struct hd_job *job = fake_loop_await_job(&dropping->loop);
    assert_null(job->deployment);
    assert_non_null(job_class(job, "Proper"));
    fake_loop_answer(&dropping->loop, HD_OUTCOME_REDEFINED, HD_REASON_NONE);
    assert_false(exists(&dropping->sandbox, "d/Proper.class"));
}

/* Some are deeper than sandbox_delete can reach. */
static void remove_what_was_taken(const struct dropping *dropping)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf %s/d/.done %s/d/.refused", dropping->sandbox.path,
             dropping->sandbox.path);
    assert_int_equal(system(command), 0);
}

static void try_attack(void **state)
{
    struct dropping *dropping = *state;
    const struct attack *attack = dropping->initial;
    if (attack->outcome == FOREIGN && geteuid() != 0)
        skip();
    dropping->loop.options.max_bundle = MAX_BUNDLE;
    make_outside(dropping);
    open_drop(dropping);
    attack->make(&dropping->sandbox);
    if (attack->outcome == IGNORED)
        fake_loop_expect_no_job(&dropping->loop, 150);
    else
        expect_taken(dropping, attack);
    expect_a_proper_file_to_be_deployed(dropping);
    expect_outside_untouched(dropping);
    remove_what_was_taken(dropping);
}

int main(void)
{
    struct CMUnitTest tests[ATTACKS];
    for (size_t i = 0; i < ATTACKS; i++)
        tests[i] = (struct CMUnitTest){ attacks[i].name, try_attack, start, stop,
                                        (void *)(uintptr_t)&attacks[i] };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
