/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/patch.h"

#include "classfile/fingerprint.h"
#include "core/alloc.h"

#include <string.h>

static bool same_bytes(const struct hd_blob *blob, struct hd_bytes file)
{
    return blob->bytes.length == file.length &&
           memcmp(blob->bytes.data, file.data, file.length) == 0;
}

/* The texts are const to everybody else. */
static void free_text(const char *text)
{
    hd_free((void *)(uintptr_t)text);
}

static void free_patch(struct hd_patch *patch, JNIEnv *jni)
{
    if (patch->loader != NULL)
        (*jni)->DeleteWeakGlobalRef(jni, patch->loader);
    for (size_t i = 0; i < HD_PATCH_EARLIER; i++)
        hd_blob_release(patch->earlier[i]);
    hd_blob_release(patch->base);
    hd_blob_release(patch->file);
    hd_blob_release(atomic_load(&patch->taken));
    free_text(patch->class_name);
    free_text(patch->loader_text);
    hd_free(patch);
}

static bool copy_loader(JNIEnv *jni, jobject loader, struct hd_patch *patch)
{
    if (loader == NULL)
        return true;
    patch->loader = (*jni)->NewWeakGlobalRef(jni, loader);
    if (patch->loader != NULL)
        return true;
    (*jni)->ExceptionClear(jni);
    return false;
}

int hd_patch_new(JNIEnv *jni, const struct hd_patch *like, struct hd_patch **out,
                 struct hd_error *err)
{
    struct hd_patch *patch = hd_alloc_zeroed(1, sizeof *patch);
    if (patch == NULL)
        return hd_error_set_memory(err);
    atomic_init(&patch->references, 1);
    atomic_init(&patch->taken, NULL);
    atomic_init(&patch->edited, 0);
    patch->place = like->place;
    patch->base = hd_blob_keep(like->base);
    patch->file = hd_blob_keep(like->file);
    for (size_t i = 0; i < HD_PATCH_EARLIER; i++)
        patch->earlier[i] = hd_blob_keep(like->earlier[i]);
    patch->loader_is_whole = like->loader_is_whole;
    patch->deployment = like->deployment;
    patch->class_name = hd_strdup(like->class_name);
    patch->loader_text = like->loader_text != NULL ? hd_strdup(like->loader_text) : NULL;
    if (patch->class_name == NULL || (like->loader_text != NULL && patch->loader_text == NULL) ||
        !copy_loader(jni, like->loader, patch)) {
        free_patch(patch, jni);
        return hd_error_set_memory(err);
    }
    *out = patch;
    return 0;
}

struct hd_patch *hd_patch_keep(struct hd_patch *patch)
{
    atomic_fetch_add(&patch->references, 1);
    return patch;
}

void hd_patch_forget_edit(struct hd_patch *patch)
{
    if (patch != NULL)
        atomic_store(&patch->edited, 0);
}

void hd_patch_release(struct hd_patch *patch, JNIEnv *jni)
{
    if (patch != NULL && atomic_fetch_sub(&patch->references, 1) == 1)
        free_patch(patch, jni);
}

/* A weak reference to a loader that is gone equals NULL, which is how JNI writes boot. */
bool hd_patch_is_of_loader(const struct hd_patch *patch, JNIEnv *jni, jobject loader)
{
    if (patch->place != HD_PATCH_LOADED && patch->place != HD_PATCH_WAITS)
        return false;
    if (patch->loader == NULL || loader == NULL)
        return patch->loader == NULL && loader == NULL;
    return (*jni)->IsSameObject(jni, patch->loader, loader);
}

/* ---- meaning --------------------------------------------------------------------------------- */

enum knowledge { READ, UNREADABLE, NO_MEMORY };

typedef int printer(const struct hd_class *class_file, struct hd_digest *out, struct hd_error *err);

static enum knowledge print(struct hd_bytes file, printer *with, struct hd_digest *out)
{
    struct hd_error err = HD_ERROR_INIT;
    struct hd_class *class_file = NULL;
    bool read = hd_class_parse(file.data, file.length, &class_file, &err) == 0 &&
                with(class_file, out, &err) == 0;
    hd_class_free(class_file);
    if (read)
        return READ;
    return err.code == HD_E_MEMORY ? NO_MEMORY : UNREADABLE;
}

enum hd_fit hd_patch_fits(const struct hd_blob *base, struct hd_bytes file)
{
    struct hd_digest wanted, found;
    if (same_bytes(base, file))
        return HD_FITS;
    enum knowledge of_base = print(base->bytes, hd_class_fingerprint, &wanted);
    enum knowledge of_file = print(file, hd_class_fingerprint, &found);
    if (of_base == NO_MEMORY || of_file == NO_MEMORY)
        return HD_FIT_UNKNOWN;
    if (of_base != READ || of_file != READ)
        return HD_FITS_NOT;
    return hd_digest_equal(&wanted, &found) ? HD_FITS : HD_FITS_NOT;
}

enum hd_fit hd_patch_fits_loader(const struct hd_patch *patch, struct hd_bytes file)
{
    const struct hd_blob *base =
        patch->place == HD_PATCH_FIRST ? atomic_load(&patch->taken) : patch->base;
    if (same_bytes(patch->file, file))
        return HD_FITS;
    if (base == NULL)
        return patch->place == HD_PATCH_NEWCOMERS ? HD_FITS_NOT : HD_FITS;
    return hd_patch_fits(base, file);
}

enum hd_fit hd_patch_claim(struct hd_patch *patch, struct hd_bytes file)
{
    struct hd_error ignored = HD_ERROR_INIT;
    struct hd_blob *none = NULL, *own = NULL;
    if (patch->place != HD_PATCH_FIRST || atomic_load(&patch->taken) != NULL)
        return HD_FITS;
    if (hd_blob_of(file, &own, &ignored) != 0)
        return HD_FIT_UNKNOWN;
    if (atomic_compare_exchange_strong(&patch->taken, &none, own))
        return HD_FITS;
    hd_blob_release(own);
    return hd_patch_fits(none, file);
}

static bool means(const struct hd_blob *blob, const struct hd_digest *shown)
{
    struct hd_digest digest;
    return blob != NULL && print(blob->bytes, hd_class_fingerprint_rebuilt, &digest) == READ &&
           hd_digest_equal(&digest, shown);
}

static bool is_any(const struct hd_patch *patch, struct hd_bytes file)
{
    if (patch->base != NULL && same_bytes(patch->base, file))
        return true;
    for (size_t i = 0; i < HD_PATCH_EARLIER; i++) {
        if (patch->earlier[i] != NULL && same_bytes(patch->earlier[i], file))
            return true;
    }
    return false;
}

enum hd_shown hd_patch_shown(const struct hd_patch *patch, struct hd_bytes file)
{
    struct hd_digest shown;
    if (same_bytes(patch->file, file))
        return HD_SHOWN_PATCH;
    if (is_any(patch, file))
        return HD_SHOWN_KNOWN;
    if (print(file, hd_class_fingerprint_rebuilt, &shown) != READ)
        return HD_SHOWN_EDITED;
    bool known = !hd_patch_is_base(patch) && means(patch->base, &shown);
    for (size_t i = 0; i < HD_PATCH_EARLIER && !known; i++)
        known = means(patch->earlier[i], &shown);
    if (known)
        return HD_SHOWN_KNOWN;
    return means(patch->file, &shown) ? HD_SHOWN_REBUILT : HD_SHOWN_EDITED;
}
