/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A digest of what a class file means: equal for two files that differ only in constant-pool order,
 * method order and in what HotSpot drops or rewrites when it hands a class out again
 * (EnclosingMethod, Deprecated, invisible and type-in-code annotations, line and local-variable
 * tables, SourceFile). Pure; any thread.
 */
#ifndef HD_CLASSFILE_FINGERPRINT_H
#define HD_CLASSFILE_FINGERPRINT_H

#include "classfile/class.h"
#include "core/digest.h"

/* Fails only for want of memory or of the digest library. */
HD_CHECKED int hd_class_fingerprint(const struct hd_class *class_file, struct hd_digest *out,
                                    struct hd_error *err);
/* The same without what some JVMs forget when they rebuild a class file for RetransformClasses
 * (MethodParameters on 8 to 17; nest, record and permitted subclasses on the older of them): equal
 * for a file and for what any of them makes of it. Not to be kept: it may change. */
HD_CHECKED int hd_class_fingerprint_rebuilt(const struct hd_class *class_file,
                                            struct hd_digest *out, struct hd_error *err);

#endif
