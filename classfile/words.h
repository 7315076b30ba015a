/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names, types and modifiers in the words of the Java language, as UTF-8 that is safe to print.
 *
 * struct hd_words gathers text with a sticky error: add what is needed, look once in hd_words_take.
 * Belongs to one thread.
 */
#ifndef HD_CLASSFILE_WORDS_H
#define HD_CLASSFILE_WORDS_H

#include "core/buffer.h"

/* A name of 64 KB is legal in a class file. What is longer than this, in bytes, ends in "...". */
#define HD_WORDS_MAX      4000
#define HD_WORDS_NAME_MAX 500

struct hd_words {
    struct hd_buffer text;
    struct hd_error *err;
    bool failed; /* memory ran out */
    bool is_cut; /* HD_WORDS_MAX was reached */
};

static inline struct hd_words hd_words_begin(struct hd_error *err)
{
    return (struct hd_words){ HD_BUFFER_INIT, err, false, false };
}

void hd_words_add(struct hd_words *words, const char *text);
void hd_words_add_format(struct hd_words *words, const char *format, ...) HD_PRINTF(2, 3);
/* Modified UTF-8, as it stands in a class file. */
void hd_words_add_modified(struct hd_words *words, struct hd_bytes text);

/* Internal form to Java form: com/example/Foo$Bar to com.example.Foo$Bar; array descriptors to
 * "int[]". */
void hd_words_add_class(struct hd_words *words, struct hd_bytes name);

/* How much of a type's name is written: "String" or "java.lang.String". */
enum hd_naming { HD_NAMING_SIMPLE, HD_NAMING_FULL };
/* A field descriptor: "int", "String[]". */
void hd_words_add_type(struct hd_words *words, struct hd_bytes descriptor, enum hd_naming naming);
/* "bar(int, String)"; with full names also what it returns, "bar(java.util.Date): void", so that no
 * two methods of a class read alike. */
void hd_words_add_method(struct hd_words *words, struct hd_bytes name, struct hd_bytes descriptor,
                         enum hd_naming naming);

/* Do the parameters of two method descriptors read the same with simple names? */
bool hd_words_read_alike(struct hd_bytes a, struct hd_bytes b);

enum hd_modifier_owner { HD_MODIFIERS_OF_CLASS, HD_MODIFIERS_OF_FIELD, HD_MODIFIERS_OF_METHOD };
/* "private static final"; "package-private" where no access flag is set and nothing else either. */
void hd_words_add_modifiers(struct hd_words *words, uint16_t access, enum hd_modifier_owner owner);

/* Moves the text out: the caller frees it with hd_free. NULL with the error set when memory ran
 * out. */
char *hd_words_take(struct hd_words *words);

#endif
