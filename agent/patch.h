/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hook gives a class: an immutable thing with a count of references, shared by registry,
 * states, every published set and the events that tell of it. Publishing anew a thousand patches
 * copies a thousand pointers.
 *
 * Made on the engine thread; kept and released on any thread that has a JNIEnv.
 */
#ifndef HD_AGENT_PATCH_H
#define HD_AGENT_PATCH_H

#include "core/blob.h"

#include <jni.h>
#include <stdatomic.h>
#include <stdbool.h>

#define HD_PATCH_EARLIER 4

enum hd_patch_place {
    HD_PATCH_LOADED,    /* one loader's class, which is loaded: it stays what file says */
    HD_PATCH_WAITS,     /* one loader, which has not loaded the class yet */
    HD_PATCH_FIRST,     /* whichever loader loads the class first, and those with the same file */
    HD_PATCH_NEWCOMERS, /* loaders that are not known yet: those whose own file is the base */
    HD_PATCH_WATCH      /* no patch: the class is being deployed. Has neither file nor base */
};

struct hd_patch {
    enum hd_patch_place place;
    const char *class_name; /* internal form */
    jweak loader;           /* LOADED, WAITS: NULL is boot; else NULL */
    /* the file the patch was made for; NULL: not known. WAITS and FIRST take any file then,
     * NEWCOMERS none */
    struct hd_blob *base;
    struct hd_blob *file;
    /* LOADED: what the class was between base and file, latest first; a JVM may show them again */
    struct hd_blob *earlier[HD_PATCH_EARLIER];
    /* NEWCOMERS: only loaders whose label has this in it, or is it; NULL: all */
    const char *loader_text;
    bool loader_is_whole;
    uint64_t deployment;
    /* its own */
    _Atomic(struct hd_blob *)
        taken; /* FIRST: the file of the loader that it has found; NULL: none */
    /* LOADED: the hash of what agents before us made of it when it was redefined; 0:
     * nothing, or not known */
    _Atomic uint64_t edited;
    atomic_uint references;
};

/* Copies what it is given: names as text, blobs as one more reference, loader (any reference) as a
 * weak one. The caller owns one reference. HD_E_MEMORY. */
HD_CHECKED int hd_patch_new(JNIEnv *jni, const struct hd_patch *like, struct hd_patch **out,
                            struct hd_error *err);
/* One more reference to the same. */
struct hd_patch *hd_patch_keep(struct hd_patch *patch);
/* It is about to be redefined again, perhaps without the agents that edited it. Accepts NULL. */
void hd_patch_forget_edit(struct hd_patch *patch);
/* Accepts NULL. */
void hd_patch_release(struct hd_patch *patch, JNIEnv *jni);

/* True where the file is what the loader itself would give: nothing is patched, but a JVM that
 * remembers a patch must not bring it back. */
static inline bool hd_patch_is_base(const struct hd_patch *patch)
{
    return hd_blob_same(patch->base, patch->file);
}

/* Is this the loader of the patch? NULL is the boot loader; one that is gone is nobody's. */
bool hd_patch_is_of_loader(const struct hd_patch *patch, JNIEnv *jni, jobject loader);

enum hd_fit { HD_FITS, HD_FITS_NOT, HD_FIT_UNKNOWN /* no memory to tell */ };
/* Does a loader's file mean what that base means? */
enum hd_fit hd_patch_fits(const struct hd_blob *base, struct hd_bytes file);

/* The same for a loader that the patch may be for, whatever its place. */
enum hd_fit hd_patch_fits_loader(const struct hd_patch *patch, struct hd_bytes file);
/* FIRST: this loader's file is what it was made for, unless another's was a moment before. Else
 * true. */
enum hd_fit hd_patch_claim(struct hd_patch *patch, struct hd_bytes file);

enum hd_shown {
    HD_SHOWN_PATCH,   /* byte for byte */
    HD_SHOWN_REBUILT, /* the patch, and nothing else, as the JVM rebuilds it */
    HD_SHOWN_KNOWN,   /* the base or an earlier patch, or one of these as rebuilt */
    HD_SHOWN_EDITED   /* something else, or no memory to tell */
};
/* What a retransformation begins with. */
enum hd_shown hd_patch_shown(const struct hd_patch *patch, struct hd_bytes file);

#endif
