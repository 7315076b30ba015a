/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed bundles for tests: a jar of two classes, its manifest, and signatures by the real
 * ssh-keygen. Needs cmocka's header before this one.
 */
#ifndef HD_TESTS_SEALING_H
#define HD_TESTS_SEALING_H

#include "core/manifest.h"

#include "tests/unit/bundle_reader.h"
#include "tests/unit/ssh_keygen.h"

#define FOO_CONTENTS "foo's bytes"
#define BAR_CONTENTS "bar's bytes"

static const struct jar_entry sealing_entries[] = {
    { "org/example/Foo.class", FOO_CONTENTS, ZIP_CM_DEFLATE },
    { "org/example/Bar.class", BAR_CONTENTS, ZIP_CM_STORE },
    { "notes.txt", "no class", ZIP_CM_STORE },
    { NULL, NULL, 0 },
};

static inline const char *sealing_hex(const char *contents, char out[HD_DIGEST_HEX_SIZE])
{
    struct hd_digest digest;
    assert_int_equal(hd_digest_of(contents, strlen(contents), &digest, NULL), 0);
    hd_digest_to_hex(&digest, out);
    return out;
}

/* members: more members of the object, each with a comma behind it; "" for none. */
static inline const char *sealing_manifest(const char *members)
{
    static char text[2048];
    char foo[HD_DIGEST_HEX_SIZE], bar[HD_DIGEST_HEX_SIZE];
    snprintf(text, sizeof text,
             "{\"hotdrop\":1,%s\"sequence\":7,\"classes\":{\"org/example/Foo.class\":{\"sha256\":"
             "\"%s\"},\"org/example/Bar.class\":{\"sha256\":\"%s\"}}}",
             members, sealing_hex(FOO_CONTENTS, foo), sealing_hex(BAR_CONTENTS, bar));
    return text;
}

static inline struct hd_bytes sealing_text(const char *text)
{
    return (struct hd_bytes){ (const uint8_t *)text, strlen(text) };
}

/* The entries with that manifest and those signatures, read back as an agent does. */
static inline struct hd_bundle *sealed_of(const struct jar_entry *entries, const char *manifest,
                                          const char *signatures)
{
    struct hd_error err = HD_ERROR_INIT;
    struct jar jar;
    struct hd_bundle *plain = opened(make_jar(entries), 17);
    if (hd_bundle_seal(plain, sealing_text(manifest), sealing_text(signatures), &jar.data,
                       &jar.length, &err) != 0)
        fail_msg("%s", err.text);
    hd_bundle_free(plain);
    return opened(jar, 17);
}

static inline struct hd_bundle *sealed(const char *manifest, const char *signatures)
{
    return sealed_of(sealing_entries, manifest, signatures);
}

/* Signatures of manifest by these keys, "" between them; a borrow until the next call. */
static inline const char *sealing_sign(const struct ssh_keys *keys, const char *manifest,
                                       const char *first, const char *second)
{
    static char text[16384];
    struct hd_bytes one = ssh_sign(keys, first, "hotdrop", manifest);
    size_t length = (size_t)snprintf(text, sizeof text, "%.*s", (int)one.length, one.data);
    if (second != NULL) {
        one = ssh_sign(keys, second, "hotdrop", manifest);
        snprintf(text + length, sizeof text - length, "%.*s", (int)one.length, one.data);
    }
    return text;
}

#endif
