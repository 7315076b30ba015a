/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/e2e/signed.h"

#include <stdio.h>
#include <stdlib.h>

/* In the test's directory; must succeed. */
void signed_run(const struct e2e *e2e, const char *format, ...)
{
    char command[2048], line[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    snprintf(line, sizeof line, "cd %s && { %s; } >>commands 2>&1", e2e->directory, command);
    if (system(line) != 0)
        fail_msg("failed: %s", command);
}

void signed_make_keys(const struct e2e *e2e)
{
    signed_run(
        e2e, "for name in ann ben eve; do ssh-keygen -q -t ed25519 -N '' -C $name -f $name; done");
    signed_run(e2e,
               "for name in ann ben; do printf '%%s namespaces=\"hotdrop\" ' $name; cat $name.pub; "
               "done >allowed");
}

void signed_open_shop(struct e2e *e2e, const char *more_options)
{
    char options[512];
    snprintf(options, sizeof options, "app=shop,allowed-signers=%s%s", e2e_path(e2e, "allowed"),
             more_options);
    shop_open_with(e2e, NULL, options, NULL);
    e2e_expect(e2e, "call demo.Shop run", "start");
}

/* Keys, an initialised store and a JVM. */
void signed_start(struct e2e *e2e, const char *more_options)
{
    signed_make_keys(e2e);
    signed_run(e2e, "%s journal init store", HD_E2E_CLIENT);
    signed_open_shop(e2e, more_options);
}

/* NAME.jar with a shop that answers NAME, signed by key with these options of hotdrop sign. key
 * NULL: unsigned. */
void signed_make_bundle(const struct e2e *e2e, const char *name, const char *key,
                        const char *options)
{
    char jar[64];
    shop_compile(e2e, name, "after");
    snprintf(jar, sizeof jar, "%s.jar", name);
    e2e_jar(e2e, "after", jar);
    if (key != NULL)
        signed_run(e2e, "%s sign -k %s %s %s", HD_E2E_CLIENT, key, options, jar);
}

void signed_expect_live(struct e2e *e2e, const char *jar, const char *word)
{
    struct e2e_answer answer;
    e2e_deploy(e2e, &answer, "push", jar);
    if (answer.status != 0)
        fail_msg("%s: %s", jar, answer.output);
    e2e_answer_close(&answer);
    e2e_expect(e2e, "call demo.Shop run", word);
}
