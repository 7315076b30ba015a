/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/texts.h"

#include "classfile/names.h"

static bool is_of_kind(struct hd_bytes text, enum hd_text_kind kind, unsigned *slots)
{
    switch (kind) {
    case HD_TEXT_NOT_EMPTY:
        return text.length > 0;
    case HD_TEXT_NAME:
        return hd_name_is_unqualified(text);
    case HD_TEXT_METHOD_NAME:
        return hd_name_is_method(text);
    case HD_TEXT_CLASS:
        return hd_name_is_class_or_array(text);
    case HD_TEXT_FIELD_TYPE:
        return hd_descriptor_is_field(text);
    case HD_TEXT_METHOD_TYPE:
        return hd_descriptor_is_method(text, slots);
    case HD_TEXT_RETURN_TYPE:
        return hd_bytes_are(text, "V") || hd_descriptor_is_field(text);
    case HD_TEXT_MODULE:
        return hd_name_is_module(text);
    default:
        return true;
    }
}

bool hd_text_look(const struct hd_pool *pool, unsigned index, enum hd_text_kind kind)
{
    struct hd_text_answers *answers = &pool->answers[index];
    unsigned bit = 1u << (kind - 1);
    unsigned slots = 0;
    bool yes = is_of_kind(hd_pool_text(pool, index), kind, &slots);
    answers->asked |= (uint8_t)bit;
    answers->yes |= (uint8_t)(yes ? bit : 0);
    if (kind == HD_TEXT_METHOD_TYPE)
        answers->parameter_slots = (uint8_t)slots;
    return yes;
}

unsigned hd_text_parameter_slots(const struct hd_pool *pool, unsigned index)
{
    return hd_text_is(pool, index, HD_TEXT_METHOD_TYPE) ? pool->answers[index].parameter_slots : 0;
}
