/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the texts of a constant pool are fit for (classfile/names.h), each looked at once a
 * question, however many constants, members and tables refer to it: a text may be 64 KB long and be
 * referred to a million times.
 *
 * The answers are kept in the pool: only while it is parsed, and its class with it, on one thread.
 */
#ifndef HD_CLASSFILE_TEXTS_H
#define HD_CLASSFILE_TEXTS_H

#include "classfile/pool.h"

enum hd_text_kind {
    HD_TEXT_ANY, /* is not asked */
    HD_TEXT_NOT_EMPTY,
    HD_TEXT_NAME, /* of a field, variable or annotation element (JVMS §4.2.2) */
    HD_TEXT_METHOD_NAME,
    HD_TEXT_CLASS,       /* or array (§4.4.1) */
    HD_TEXT_FIELD_TYPE,  /* §4.3.2 */
    HD_TEXT_METHOD_TYPE, /* §4.3.3 */
    HD_TEXT_RETURN_TYPE, /* a field type, or V */
    HD_TEXT_MODULE       /* §4.2.3 */
};

/* Looks at the text, and keeps the answer. */
bool hd_text_look(const struct hd_pool *pool, unsigned index, enum hd_text_kind kind);

/* index is that of a Utf8. */
static inline bool hd_text_is(const struct hd_pool *pool, unsigned index, enum hd_text_kind kind)
{
    if (kind == HD_TEXT_ANY)
        return true;
    const struct hd_text_answers *answers = &pool->answers[index];
    unsigned bit = 1u << (kind - 1);
    return (answers->asked & bit) != 0 ? (answers->yes & bit) != 0
                                       : hd_text_look(pool, index, kind);
}

/* How many local variables the parameters of a method type take, as in hd_descriptor_is_method; 0
 * for a text that is none. */
unsigned hd_text_parameter_slots(const struct hd_pool *pool, unsigned index);

#endif
