/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/prepare.h"

#include "classfile/dynamics.h"
#include "classfile/poolgrowth.h"
#include "core/alloc.h"
#include "core/text.h"

#include <string.h>

/* For want of memory the message stays NULL. */
static void refuse(struct hd_prepared *prepared, enum hd_reason reason, char *message)
{
    prepared->reason = reason;
    prepared->message = message;
    hd_prepared_forget(prepared);
}

static enum hd_reason reason_of(enum hd_error_code code)
{
    switch (code) {
    case HD_E_VERSION:
        return HD_REASON_VERSION_UNSUPPORTED;
    case HD_E_LIMIT:
        return HD_REASON_JVM_ERROR; /* sound, and yet nothing that HotSpot survives */
    default:
        return HD_REASON_MALFORMED_CLASS;
    }
}

static int check_file(struct hd_bytes file, struct hd_prepared *prepared, struct hd_error *err)
{
    struct hd_error own = HD_ERROR_INIT;
    if (hd_class_parse(file.data, file.length, &prepared->file, &own) == 0 &&
        hd_dynamics_put_in_order(prepared->file, &prepared->ordered, &own) == 0)
        return 0;
    if (own.code == HD_E_MEMORY)
        return hd_error_set_memory(err);
    refuse(prepared, reason_of(own.code), hd_strdup(own.text));
    return 0;
}

static void check_version(const struct hd_jvm_rules *rules, struct hd_prepared *prepared)
{
    char *message = NULL;
    enum hd_reason reason = hd_verdict_version(prepared->file, rules, &message);
    if (reason != HD_REASON_NONE)
        refuse(prepared, reason, message);
}

static void check_name(const struct hd_bundle_class *from, struct hd_prepared *prepared)
{
    struct hd_bytes name = prepared->file->name;
    if (name.length == strlen(from->name) && memcmp(name.data, from->name, name.length) == 0)
        return;
    char *found = hd_text_class_name(name);
    refuse(prepared, HD_REASON_NAME_MISMATCH,
           hd_asprintf("the file %s holds the class %s", from->entry,
                       found != NULL ? found : "of another name"));
    hd_free(found);
}

int hd_prepare(const struct hd_bundle_class *from, const struct hd_jvm_rules *rules,
               struct hd_prepared *prepared, struct hd_error *err)
{
    if (check_file(from->file, prepared, err) != 0)
        return -1;
    if (prepared->reason == HD_REASON_NONE)
        check_version(rules, prepared);
    if (prepared->reason == HD_REASON_NONE)
        check_name(from, prepared);
    if (prepared->reason == HD_REASON_NONE)
        prepared->pool_slots = hd_pool_slots(prepared->file);
    return 0;
}

int hd_prepared_read(struct hd_prepared *prepared, const struct hd_bundle_class *from,
                     struct hd_error *err)
{
    if (prepared->file != NULL)
        return 0;
    return hd_class_parse_again(from->file.data, from->file.length, &prepared->file, err);
}

void hd_prepared_forget(struct hd_prepared *prepared)
{
    hd_class_free(prepared->file);
    prepared->file = NULL;
}

void hd_prepared_close(struct hd_prepared *prepared)
{
    hd_prepared_forget(prepared);
    hd_free(prepared->message);
    hd_free(prepared->ordered);
    hd_blob_release(prepared->blob);
    hd_foreseen_close(&prepared->foreseen);
    *prepared = (struct hd_prepared)HD_PREPARED_INIT;
}
