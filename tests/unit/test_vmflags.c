/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/vmflags.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void without_a_jvm_nothing_is_known(void **state)
{
    (void)state;
    assert_int_equal(hd_vmflags_boolean("BytecodeVerificationRemote"), HD_VMFLAG_UNKNOWN);
}

/* libjvm's tables are there as soon as it is loaded; no JVM need be started. A process of its
 * own for each, so that only one is. */
static bool defaults_are_read_from(const char *libjvm)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool right = dlopen(libjvm, RTLD_NOW | RTLD_LOCAL) != NULL &&
                     hd_vmflags_boolean("BytecodeVerificationRemote") == HD_VMFLAG_TRUE &&
                     hd_vmflags_boolean("PrintCompilation") == HD_VMFLAG_FALSE &&
                     hd_vmflags_boolean("NoSuchFlag") == HD_VMFLAG_UNKNOWN &&
                     hd_vmflags_boolean("BytecodeVerification") == HD_VMFLAG_UNKNOWN &&
                     hd_vmflags_boolean("") == HD_VMFLAG_UNKNOWN;
        _exit(right ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void the_flags_of_every_jdk_here_are_read_in_place(void **state)
{
    (void)state;
    glob_t found = { 0 };
    glob("/usr/lib/jvm/*/lib/server/libjvm.so", 0, NULL, &found);
    glob("/usr/lib/jvm/*/jre/lib/amd64/server/libjvm.so", GLOB_APPEND, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        if (!defaults_are_read_from(found.gl_pathv[i]))
            fail_msg("flags of %s", found.gl_pathv[i]);
    }
    size_t count = found.gl_pathc;
    globfree(&found);
    if (count == 0)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_jvm_nothing_is_known),
        cmocka_unit_test(the_flags_of_every_jdk_here_are_read_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
