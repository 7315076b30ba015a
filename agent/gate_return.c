/* SPDX-License-Identifier: Apache-2.0 */
/* Before a rollback: what it would make live again came in a signed bundle, and whoever signed that
 * may have been dismissed since. What the application came with is nobody's to vouch for. */
#include "agent/plan.h"

#include "core/alloc.h"
#include "core/log.h"
#include "core/map.h"
#include "core/text.h"

static const char way_out[] =
    "Nothing was changed. 'hotdrop rollback 0' returns to what the application came with, whoever "
    "may sign; so does a rollback to any state whose signers still may. Or push a bundle that is "
    "signed.";

struct asking {
    struct hd_plan *plan;
    uint64_t state;
    bool promised;
    bool blind;             /* nobody's signature can be judged */
    bool told;              /* in the log, that a promise is kept unasked */
    struct hd_map passed;   /* digests of bundles that need not be judged again; borrowed */
    enum hd_reason reason;  /* NONE: nothing stands in the way so far */
    const char *class_name; /* then: internal; borrowed */
    struct hd_error why;
};

/* What cannot be found out is no reason to break a promise. */
static bool is_unknown(enum hd_reason reason)
{
    return reason == HD_REASON_STORE_UNAVAILABLE || reason == HD_REASON_JVM_ERROR;
}

/* unknown: it could not be found out. */
static void object(struct asking *asking, const char *class_name, enum hd_reason reason,
                   bool unknown)
{
    if (!asking->promised || !unknown) {
        asking->reason = reason;
        asking->class_name = class_name;
        return;
    }
    if (!asking->told)
        hd_log(HD_LOG_WARN,
               "code becomes live again as was promised, though nobody can say whether its signers "
               "still may sign: %s: %s",
               class_name, asking->why.text);
    asking->told = true;
    hd_error_clear(&asking->why);
}

static void ask_of_bundle(struct asking *asking, const char *class_name, const char *bundle)
{
    struct hd_road *road = asking->plan->road;
    struct hd_bundle *opened = NULL;
    struct hd_error ignored = HD_ERROR_INIT;
    size_t seen;
    if (hd_map_find(&asking->passed, hd_map_key(bundle), &seen))
        return;
    enum hd_reason reason =
        hd_gate_judge_stored(&road->gate, road->options, road->archive,
                             road->jvm->rules.feature_release, bundle, &opened, &asking->why);
    hd_bundle_free(opened);
    if (reason != HD_REASON_NONE)
        object(asking, class_name, reason, is_unknown(reason));
    if (asking->reason == HD_REASON_NONE) /* without memory it is judged again */
        (void)!hd_map_put(&asking->passed, hd_map_key(bundle), 0, &ignored);
}

/* False, with why: the file's digest cannot be worked out. *bundle may be NULL. */
static bool find_bundle(struct asking *asking, struct hd_blob *file, const char **bundle)
{
    struct hd_digest digest;
    if (hd_blob_digest(file, &digest, &asking->why) != 0)
        return false;
    *bundle = hd_gate_find_bundle(&asking->plan->road->gate, &digest);
    return true;
}

static void ask(struct asking *asking, const char *class_name, struct hd_blob *file)
{
    struct hd_road *road = asking->plan->road;
    const char *bundle = NULL;
    if (asking->blind)
        return;
    asking->blind =
        hd_gate_know_signers(&road->gate, road->options->allowed_signers, &asking->why) != 0;
    if (asking->blind) {
        object(asking, class_name, HD_REASON_SIGNATURE_REQUIRED, true);
    } else if (!find_bundle(asking, file, &bundle)) {
        object(asking, class_name, HD_REASON_JVM_ERROR, true);
    } else if (bundle == NULL) {
        hd_error_set(&asking->why, HD_E_NOT_FOUND, "which signed bundle it came in is not known");
        object(asking, class_name, HD_REASON_SIGNATURE_REQUIRED, true);
    } else {
        ask_of_bundle(asking, class_name, bundle);
    }
}

static void ask_of_known(struct hd_live *live, void *context)
{
    struct asking *asking = context;
    const struct hd_plan *plan = asking->plan;
    struct hd_blob *content;
    if (asking->reason != HD_REASON_NONE || live->state == HD_LIVE_WRONG_BASE ||
        !hd_road_content_in(plan->road, plan->jni, asking->state, live, &content))
        return;
    bool original = content == NULL || hd_blob_same(content, live->base);
    if (!original && !hd_blob_same(content, live->file))
        ask(asking, live->internal_name, content);
}

/* A file's contents are held once, so its address tells it from all others. */
static struct hd_bytes key_of(const struct hd_patch *offer)
{
    return (struct hd_bytes){ (const uint8_t *)&offer->file, sizeof offer->file };
}

static int index_files(const struct hd_offers *offers, struct hd_map *out, struct hd_error *err)
{
    for (size_t i = 0; i < offers->count; i++) {
        if (hd_map_put(out, key_of(offers->items[i]), i, err) != 0)
            return -1;
    }
    return 0;
}

/* What loaders would get that come later, and do not get now. */
static int ask_of_offers(struct asking *asking, struct hd_error *err)
{
    const struct hd_plan *plan = asking->plan;
    struct hd_states *states = plan->road->states;
    const struct hd_offers *now, *then;
    struct hd_map offered = HD_MAP_INIT;
    size_t at;
    if (hd_states_offers(states, plan->jni, false, &now, err) != 0 ||
        hd_states_offers(states, plan->jni, true, &then, err) != 0)
        return -1;
    int status = index_files(now, &offered, err);
    for (size_t i = 0; status == 0 && i < then->count && asking->reason == HD_REASON_NONE; i++) {
        const struct hd_patch *offer = then->items[i];
        if (!hd_patch_is_base(offer) && !hd_map_find(&offered, key_of(offer), &at))
            ask(asking, offer->class_name, offer->file);
    }
    hd_map_close(&offered);
    return status;
}

static void refuse(const struct asking *asking)
{
    struct hd_deployment *deployment = asking->plan->deployment;
    char *name = hd_text_class_name(hd_map_key(asking->class_name));
    hd_deployment_fail(deployment, asking->reason,
                       "what would become live again cannot be vouched for: %s: %s",
                       name != NULL ? name : asking->class_name, asking->why.text);
    if (deployment->error_remedy == NULL)
        deployment->error_remedy = hd_strdup(way_out);
    hd_free(name);
}

bool hd_plan_may_return(struct hd_plan *plan, bool promised)
{
    struct hd_error err = HD_ERROR_INIT;
    struct asking asking = { .plan = plan,
                             .state = plan->deployment->returns_to,
                             .promised = promised,
                             .passed = HD_MAP_INIT };
    if (plan->road->options->allowed_signers == NULL)
        return true;
    hd_registry_each(plan->road->registry, ask_of_known, &asking);
    bool failed = asking.reason == HD_REASON_NONE && ask_of_offers(&asking, &err) != 0;
    if (failed)
        hd_deployment_fail(plan->deployment, HD_REASON_JVM_ERROR, "%s", err.text);
    else if (asking.reason != HD_REASON_NONE)
        refuse(&asking);
    hd_map_close(&asking.passed);
    return !failed && asking.reason == HD_REASON_NONE;
}
