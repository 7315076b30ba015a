/* SPDX-License-Identifier: Apache-2.0 */
#include "classfile/describe.h"

#include "core/text.h"

#include <ctype.h>
#include <string.h>

static const char *or_nothing(const char *text)
{
    return text != NULL ? text : "";
}

static void add(struct hd_words *words, const char *first, const char *second, const char *third)
{
    hd_words_add(words, first);
    hd_words_add(words, or_nothing(second));
    hd_words_add(words, third);
}

/* "superclass: A became B", "field count: int became long" */
static void add_change(struct hd_words *words, const char *what,
                       const struct hd_difference *difference)
{
    add(words, what, difference->member, ": ");
    add(words, or_nothing(difference->before), " became ", or_nothing(difference->after));
}

/* The method a lambda stands in: "main" of "lambda$main$0(String)". Length 0 where the name is not
 * javac's. */
static size_t lambda_home(const char *member, const char **home)
{
    const char prefix[] = "lambda$";
    if (strncmp(member, prefix, strlen(prefix)) != 0)
        return 0;
    *home = member + strlen(prefix);
    const char *end = strchr(*home, '(');
    if (end == NULL)
        return 0;
    while (end > *home && isdigit((unsigned char)end[-1]))
        end--;
    return end - *home > 1 && end[-1] == '$' ? (size_t)(end - *home) - 1 : 0;
}

static bool is_text(const char *text, size_t length, const char *wanted)
{
    return length == strlen(wanted) && memcmp(text, wanted, length) == 0;
}

enum { HOME_MAX = 100 }; /* bytes that are shown of a method's name */

static void add_home(struct hd_words *words, const char *home, size_t length)
{
    if (is_text(home, length, "new"))
        hd_words_add(words, "a constructor or field initializer");
    else if (is_text(home, length, "static"))
        hd_words_add(words, "a static initializer");
    else
        hd_words_add_format(words, "%.*s()", (int)hd_text_fit(home, length, HOME_MAX), home);
}

static bool is_compilers(const struct hd_difference *difference)
{
    return (difference->access & HD_ACC_SYNTHETIC) != 0;
}

static bool is_static_initializer(const char *member)
{
    return strncmp(member, "<clinit>", strlen("<clinit>")) == 0;
}

static void describe_method_added(struct hd_words *words, const struct hd_difference *difference)
{
    enum { ACC_BRIDGE = 0x0040 };
    const char *home;
    size_t home_length = lambda_home(difference->member, &home);
    if (is_static_initializer(difference->member)) {
        hd_words_add(words, "method added: a static initializer, where there was none");
    } else if (is_compilers(difference) && home_length > 0) {
        hd_words_add(words, "a lambda was added in ");
        add_home(words, home, home_length);
        add(words, ": the compiler makes it a new private method ", difference->member, "");
    } else if (is_compilers(difference) && strncmp(difference->member, "access$", 7) == 0) {
        add(words, "method added: ", difference->member,
            ", which the compiler makes because a nested class now uses a private member");
    } else if (is_compilers(difference) && (difference->access & ACC_BRIDGE) != 0) {
        add(words, "method added: ", difference->member, ", a bridge that the compiler makes");
    } else {
        add(words, "method added: ", difference->member,
            is_compilers(difference) ? ", made by the compiler" : "");
    }
}

static void describe_method_removed(struct hd_words *words, const struct hd_difference *difference)
{
    const char *home;
    size_t home_length = lambda_home(difference->member, &home);
    if (is_static_initializer(difference->member)) {
        hd_words_add(words, "method removed: the static initializer");
    } else if (is_compilers(difference) && home_length > 0) {
        hd_words_add(words, "a lambda was removed from ");
        add_home(words, home, home_length);
        add(words, ": the method ", difference->member, " that the compiler made of it would go");
    } else {
        add(words, "method removed: ", difference->member,
            is_compilers(difference) ? ", made by the compiler" : "");
    }
}

/* "a nested class was added: Foo$1": an anonymous class has a number for a name. */
static void describe_nest_members(struct hd_words *words, const struct hd_difference *difference)
{
    if (difference->after != NULL) {
        const char *dollar = strrchr(difference->after, '$');
        bool is_anonymous = dollar != NULL && dollar[1] != '\0' &&
                            dollar[1 + strspn(dollar + 1, "0123456789")] == '\0';
        bool are_several = strchr(difference->after, ',') != NULL;
        if (are_several)
            hd_words_add(words, "nested or anonymous classes were added: ");
        else
            hd_words_add(words, is_anonymous ? "an anonymous class was added: "
                                             : "a nested class was added: ");
        hd_words_add(words, difference->after);
    }
    if (difference->before != NULL)
        add(words,
            difference->after != NULL ? "; nested classes were removed: "
                                      : "nested classes were removed: ",
            difference->before, "");
}

static void describe_permitted(struct hd_words *words, const struct hd_difference *difference)
{
    hd_words_add(words, "permitted subclasses: ");
    if (difference->after != NULL)
        add(words, "", difference->after, " added");
    if (difference->before != NULL)
        add(words, difference->after != NULL ? ", " : "", difference->before, " removed");
}

/* What a difference of members or hierarchy, which a JVM may refuse, is called. */
static void describe_structure(struct hd_words *words, const struct hd_difference *difference)
{
    switch (difference->kind) {
    case HD_DIFFERENCE_NAME:
        add_change(words, "class name", difference);
        return;
    case HD_DIFFERENCE_SUPERCLASS:
        add_change(words, "superclass", difference);
        return;
    case HD_DIFFERENCE_INTERFACES:
        add_change(words, "interfaces", difference);
        return;
    case HD_DIFFERENCE_CLASS_MODIFIERS:
        add_change(words, "class modifiers", difference);
        return;
    case HD_DIFFERENCE_METHOD_ADDED:
        describe_method_added(words, difference);
        return;
    case HD_DIFFERENCE_METHOD_REMOVED:
        describe_method_removed(words, difference);
        return;
    case HD_DIFFERENCE_METHOD_MODIFIERS:
        add_change(words, "method ", difference);
        return;
    case HD_DIFFERENCE_NEST_HOST:
        add_change(words, "nest host", difference);
        return;
    case HD_DIFFERENCE_NEST_MEMBERS:
        describe_nest_members(words, difference);
        return;
    case HD_DIFFERENCE_RECORD:
        add_change(words, "record components", difference);
        return;
    default:
        describe_permitted(words, difference);
        return;
    }
}

static void describe_field(struct hd_words *words, const struct hd_difference *difference)
{
    switch (difference->kind) {
    case HD_DIFFERENCE_FIELD_ADDED:
        add(words, "field added: ", difference->after, " ");
        hd_words_add(words, or_nothing(difference->member));
        return;
    case HD_DIFFERENCE_FIELD_REMOVED:
        add(words, "field removed: ", difference->before, " ");
        hd_words_add(words, or_nothing(difference->member));
        return;
    case HD_DIFFERENCE_FIELD_ORDER:
        hd_words_add(words, "fields stand in another order: ");
        add(words, or_nothing(difference->before), " became ", or_nothing(difference->after));
        return;
    case HD_DIFFERENCE_ENUM_CONSTANT_ADDED:
        add(words, "enum constant added: ", difference->member, "");
        return;
    default:
        add_change(words, "field ", difference);
        return;
    }
}

/* What every JVM takes. */
static void describe_contents(struct hd_words *words, const struct hd_difference *difference)
{
    switch (difference->kind) {
    case HD_DIFFERENCE_METHOD_BODY:
        add(words, "method changed: ", difference->member, "");
        return;
    case HD_DIFFERENCE_INITIALIZER:
        hd_words_add(words, "static initializer changed");
        return;
    case HD_DIFFERENCE_CONSTANT:
        add_change(words, "constant ", difference);
        return;
    case HD_DIFFERENCE_ANNOTATIONS:
        add(words, "annotations changed", difference->member != NULL ? ": " : "",
            or_nothing(difference->member));
        return;
    case HD_DIFFERENCE_SYNTHETIC_RENUMBERED:
        hd_words_add(words, "the compiler numbered its own methods anew");
        return;
    default:
        hd_words_add(words, "line numbers, local variables or other attributes changed");
        return;
    }
}

void hd_describe_difference(struct hd_words *words, const struct hd_difference *difference)
{
    if (difference->kind >= HD_DIFFERENCE_METHOD_BODY)
        describe_contents(words, difference);
    else if (difference->kind >= HD_DIFFERENCE_FIELD_ADDED &&
             difference->kind <= HD_DIFFERENCE_ENUM_CONSTANT_ADDED)
        describe_field(words, difference);
    else
        describe_structure(words, difference);
}
