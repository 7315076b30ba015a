/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reason.h"

#include <stddef.h>
#include <string.h>

static const char *const outcome_words[HD_OUTCOME_COUNT] = {
    [HD_OUTCOME_REDEFINED] = "redefined",     [HD_OUTCOME_DEFINED] = "defined",
    [HD_OUTCOME_PENDING] = "pending",         [HD_OUTCOME_UNCHANGED] = "unchanged",
    [HD_OUTCOME_REFUSED] = "refused",         [HD_OUTCOME_WITHHELD] = "withheld",
    [HD_OUTCOME_ROLLED_BACK] = "rolled-back",
};

struct reason_words {
    const char *word;
    const char *sentence;
    const char *remedy;
};

static const struct reason_words reasons[HD_REASON_COUNT] = {
    [HD_REASON_METHOD_ADDED] = {
        "method-added",
        "The new class has a method that the live class does not have.",
        "Restart the JVM to add methods, or move the new code into an existing method or a new "
        "class (a lambda or a method reference in the new code counts as a method, too).",
    },
    [HD_REASON_METHOD_REMOVED] = {
        "method-removed",
        "The new class lacks a method that the live class has.",
        "Keep the method (its body may be empty, or throw) until the next restart. A lambda that "
        "went away counts as a method, too.",
    },
    [HD_REASON_METHOD_MODIFIERS_CHANGED] = {
        "method-modifiers-changed",
        "A method's modifiers (public, static, final, synchronized, …) differ from the live "
        "method's.",
        "Put the modifiers back, or restart the JVM.",
    },
    [HD_REASON_FIELD_ADDED] = {
        "field-added",
        "The new class has a field that the live class does not have.",
        "Restart the JVM, or keep the new state outside this class: in a new class, or in a "
        "static map there.",
    },
    [HD_REASON_FIELD_REMOVED] = {
        "field-removed",
        "The new class lacks a field that the live class has.",
        "Leave the field in place, unused, until the next restart.",
    },
    [HD_REASON_FIELD_CHANGED] = {
        "field-changed",
        "A field's type or modifiers, or the order of the fields, differ from the live class.",
        "Put the field back as it was, or restart the JVM.",
    },
    [HD_REASON_SUPERCLASS_CHANGED] = {
        "superclass-changed",
        "The new class extends another class than the live one.",
        "Restart the JVM: no JVM moves a loaded class to another place in the hierarchy.",
    },
    [HD_REASON_INTERFACES_CHANGED] = {
        "interfaces-changed",
        "The new class implements other interfaces than the live one, or the same in another "
        "order.",
        "Put the list of interfaces back as it was, or restart the JVM.",
    },
    [HD_REASON_CLASS_MODIFIERS_CHANGED] = {
        "class-modifiers-changed",
        "The class's own modifiers (public, final, abstract, …) differ from the live class's.",
        "Put the modifiers back, or restart the JVM.",
    },
    [HD_REASON_NEST_CHANGED] = {
        "nest-changed",
        "The nest of the class (its inner, anonymous and local classes) differs from the live "
        "one.",
        "Make the new class a top-level class instead of an inner or anonymous one, or restart "
        "the JVM.",
    },
    [HD_REASON_RECORD_CHANGED] = {
        "record-changed",
        "The components of the record differ from the live ones.",
        "Put the record's components back as they were (method bodies may change), or restart the "
        "JVM.",
    },
    [HD_REASON_PERMITTED_CHANGED] = {
        "permitted-changed",
        "The list of permitted subclasses of the sealed class differs from the live one.",
        "Put the permits clause back as it was, or restart the JVM.",
    },
    [HD_REASON_ENUM_CONSTANT_ADDED] = {
        "enum-constant-added",
        "The enum has a constant that the live one does not have.",
        "Restart the JVM: a constant is a static field, and values() is computed once when the "
        "class is initialised.",
    },
    [HD_REASON_MALFORMED_CLASS] = {
        "malformed-class",
        "The file is not a sound class file: a length, an index or a table in it is wrong.",
        "Compile the class again and push the fresh file; if it comes from a bytecode tool, "
        "update or leave out that tool.",
    },
    [HD_REASON_VERIFY_ERROR] = {
        "verify-error",
        "The JVM's verifier rejects the new bytecode.",
        "Compile the class together with the classes it uses, against the versions that are live; "
        "if a bytecode tool wrote it, look there.",
    },
    [HD_REASON_VERSION_UNSUPPORTED] = {
        "version-unsupported",
        "The class file is made for a newer Java than this JVM is.",
        "Compile with --release set to this JVM's version, without --enable-preview unless the "
        "JVM runs with it.",
    },
    [HD_REASON_NAME_MISMATCH] = {
        "name-mismatch",
        "The class inside the file has another name than its path says.",
        "Put the file at the path of its package (com/example/Foo.class), or push the directory "
        "above the packages.",
    },
    [HD_REASON_NOT_MODIFIABLE] = {
        "not-modifiable",
        "The JVM does not allow this class to be redefined (a hidden class, an array, a "
        "primitive).",
        "Change the class that generates it, or restart the JVM.",
    },
    [HD_REASON_DENIED] = {
        "denied",
        "The agent's allow= and deny= options do not let this class be swapped.",
        "Add a matching allow= pattern to the agent's options (or take away the deny= that "
        "matches) and restart the JVM; classes of the JDK must be allowed by name.",
    },
    [HD_REASON_AMBIGUOUS_LOADER] = {
        "ambiguous-loader",
        "Several class loaders hold this class with different code.",
        "Say which with --loader TEXT (part of its label), or push to all with --all-loaders.",
    },
    [HD_REASON_FOREIGN_EDIT] = {
        "foreign-edit",
        "What the JVM refuses was not changed by this push but by another agent that edits the "
        "class.",
        "Put Hotdrop's -agentpath before any -javaagent, or leave the class out of the other "
        "agent's instrumentation.",
    },
    [HD_REASON_WRONG_BASE] = {
        "wrong-base",
        "What is live is not what this push was made for.",
        "Look at what is live with \"hotdrop status\", build against that, and push again.",
    },
    [HD_REASON_NO_WAY_BACK] = {
        "no-way-back",
        "What was there before cannot be had, so it cannot be brought back exactly.",
        "Restart the JVM to go back, or push the class file that is wanted.",
    },
    [HD_REASON_NOT_AUTHORISED] = {
        "not-authorised",
        "Whoever sent this may not do it.",
        "Use the JVM's own user or root on the local socket, or the agent's token or a certificate "
        "it knows over the network; where the agent has authorized=, its file says who may what.",
    },
    [HD_REASON_RATE_LIMITED] = {
        "rate-limited",
        "More deployments arrived within a minute than the agent accepts.",
        "Wait as long as the message says and push again, push several files together, or raise "
        "max-rate=.",
    },
    [HD_REASON_TOO_LARGE] = {
        "too-large",
        "The bundle, or something in it, is larger than the agent accepts.",
        "Push only the classes that changed, or raise max-bundle= in the agent's options.",
    },
    [HD_REASON_MISSING_MEMBER] = {
        "missing-member",
        "The class refers to a class, method or field that neither the watched tree nor the JVM "
        "has.",
        "Finish the compile, or compile the class together with what it uses.",
    },
    [HD_REASON_MALFORMED_BUNDLE] = {
        "malformed-bundle",
        "The bundle is not a jar that can be deployed: damaged, encrypted, with the same class "
        "twice or with none.",
        "Make the jar again (jar --create, or your build) with each class once, at the path of "
        "its package.",
    },
    [HD_REASON_SIGNATURE_REQUIRED] = {
        "signature-required",
        "This agent takes signed bundles only, and this one is not signed.",
        "Sign it with a key of the agent's allowed-signers= file: hotdrop sign -k KEY BUNDLE.",
    },
    [HD_REASON_SIGNATURE_INVALID] = {
        "signature-invalid",
        "The signature is not that of an allowed signer for just this bundle.",
        "Make the bundle and sign it again (hotdrop sign); hotdrop verify shows what is wrong.",
    },
    [HD_REASON_APPROVALS_MISSING] = {
        "approvals-missing",
        "Fewer people have signed the bundle than this agent asks for.",
        "Let another allowed signer sign the same bundle: hotdrop sign adds a signature.",
    },
    [HD_REASON_REPLAYED] = {
        "replayed",
        "This bundle, or a later one of its name, has been deployed here already.",
        "Make and sign the bundle again: it then has a later sequence number.",
    },
    [HD_REASON_EXPIRED] = {
        "expired",
        "The bundle was signed for another time than now.",
        "Sign it again with other times (hotdrop sign --not-before, --expires), or correct the "
        "clock of the JVM's machine.",
    },
    [HD_REASON_WRONG_TARGET] = {
        "wrong-target",
        "The bundle was signed for another application than this agent's.",
        "Push it to the application that it names, or sign it for this one (hotdrop sign "
        "--target).",
    },
    [HD_REASON_JVM_ERROR] = {
        "jvm-error",
        "The JVM, or Hotdrop itself inside it, could not do it.",
        "Read the message for the JVM's own words and the agent's log for more, and try again; "
        "otherwise restart the JVM.",
    },
    [HD_REASON_STORE_UNAVAILABLE] = {
        "store-unavailable",
        "The store could not take the deployment down, so nothing was changed.",
        "Make room on the store's disk, or put right what the message names, and try again; a "
        "store that could not be opened needs a restart of the JVM.",
    },
    [HD_REASON_INTERRUPTED] = {
        "interrupted",
        "The JVM ended in the middle of this deployment, and what was live ended with it.",
        "Push it again if it is still wanted.",
    },
    [HD_REASON_CANNOT_KEEP] = {
        "cannot-keep",
        "This state cannot be made permanent.",
        "Read the message; without a store (store=DIR in the agent's options) nothing is kept.",
    },
    [HD_REASON_TRIAL_OPEN] = {
        "trial-open",
        "An earlier deployment is on trial, and nothing else is deployed until that is over.",
        "Confirm it (\"hotdrop confirm\"), undo it (\"hotdrop rollback\"), or wait as long as the "
        "message says, and push again.",
    },
    [HD_REASON_NO_TRIAL] = {
        "no-trial",
        "There is no such deployment on trial (any more).",
        "Look at \"hotdrop status\" for what is on trial, and at \"hotdrop history\" for how a "
        "trial ended.",
    },
    [HD_REASON_SMOKE_FAILED] = {
        "smoke-failed",
        "The smoke test did not pass, so the deployment was rolled back.",
        "Look at what the command printed, correct the code, and push again.",
    },
};

struct warning_words {
    const char *word;
    const char *sentence;
};

/* Indexed by the number of the bit. */
static const struct warning_words warnings[HD_WARNING_BIT_COUNT] = {
    {
        "constant-changed",
        "A static final constant changed: the field keeps its old value, and so do classes that "
        "inlined it.",
    },
    {
        "initializer-changed",
        "The static initializer changed, and it does not run again.",
    },
    {
        "annotations-changed",
        "Annotations changed: a framework that has read them may go on with the old ones.",
    },
    {
        "synthetic-renumbered",
        "Lambdas or other synthetic members are numbered differently: the class comes from "
        "another compiler, or from other options.",
    },
    {
        "old-frames",
        "Threads are still running the old code; they leave it when the method returns.",
    },
    {
        "no-way-back",
        "The code that was live before is not known exactly, so this swap could not be undone "
        "exactly.",
    },
    {
        "not-verified",
        "This JVM runs without its bytecode verifier: nobody but Hotdrop's own structural check "
        "looked at the class.",
    },
    {
        "not-journalled",
        "It is live, but the store failed before its end was written; nothing more is deployed "
        "until the store works again.",
    },
};

static bool same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static const struct reason_words *words_of(enum hd_reason reason)
{
    static const struct reason_words none = { NULL, NULL, NULL };
    return (unsigned)reason < HD_REASON_COUNT ? &reasons[reason] : &none;
}

static const struct warning_words *warning_of(enum hd_warning one_bit)
{
    static const struct warning_words none = { NULL, NULL };
    for (unsigned bit = 0; bit < HD_WARNING_BIT_COUNT; bit++) {
        if ((unsigned)one_bit == 1u << bit)
            return &warnings[bit];
    }
    return &none;
}

const char *hd_outcome_word(enum hd_outcome outcome)
{
    return (unsigned)outcome < HD_OUTCOME_COUNT ? outcome_words[outcome] : NULL;
}

const char *hd_reason_word(enum hd_reason reason)
{
    return words_of(reason)->word;
}

const char *hd_reason_sentence(enum hd_reason reason)
{
    return words_of(reason)->sentence;
}

const char *hd_reason_remedy(enum hd_reason reason)
{
    return words_of(reason)->remedy;
}

const char *hd_warning_word(enum hd_warning one_bit)
{
    return warning_of(one_bit)->word;
}

const char *hd_warning_sentence(enum hd_warning one_bit)
{
    return warning_of(one_bit)->sentence;
}

bool hd_outcome_from_word(const char *word, enum hd_outcome *out)
{
    for (unsigned i = 0; i < HD_OUTCOME_COUNT; i++) {
        if (same(outcome_words[i], word)) {
            *out = (enum hd_outcome)i;
            return true;
        }
    }
    return false;
}

bool hd_reason_from_word(const char *word, enum hd_reason *out)
{
    for (unsigned i = 0; i < HD_REASON_COUNT; i++) {
        if (same(reasons[i].word, word)) {
            *out = (enum hd_reason)i;
            return true;
        }
    }
    return false;
}
