/* SPDX-License-Identifier: Apache-2.0 */
/* The road's first steps for a rollback: what has to become live again comes from the states
 * instead of from a bundle. Everything after that is the road of every deployment. */
#include "agent/plan.h"

#include "core/alloc.h"
#include "core/map.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

enum return_kind {
    RETURN_FILE,   /* another file becomes live, or what the loader will get */
    RETURN_FORGET, /* a patch that waits is taken back */
    RETURN_STAYS,  /* a class that a deployment defined: no JVM takes one back */
    RETURN_CANNOT, /* what was there before is not known */
    RETURN_OFFER   /* loaders that the state was not made for, but is meant for: born since */
};

struct hd_way_back {
    struct hd_live *live;   /* borrowed from the registry; NULL: an offer */
    struct hd_patch *offer; /* one reference: the plan's names and bytes are borrowed of it */
    enum return_kind kind;
    struct hd_bundle_class file; /* what the plan's class is from; borrows names and bytes */
};

/* What is to become something else, as it is found. */
struct search {
    struct hd_plan *plan;
    uint64_t state;
    size_t capacity;
    struct hd_error *err;
    bool failed;
};

static enum return_kind kind_of(const struct hd_live *live, const struct hd_blob *content,
                                const struct hd_blob *wanted)
{
    bool defined = live->state == HD_LIVE_DEFINED || live->was_defined;
    if (content == NULL && live->state == HD_LIVE_PENDING)
        return RETURN_FORGET;
    if (content == NULL && defined)
        return RETURN_STAYS;
    return wanted != NULL ? RETURN_FILE : RETURN_CANNOT;
}

static int add(struct search *search, const struct hd_way_back *way)
{
    struct hd_plan *plan = search->plan;
    if (plan->class_count == search->capacity) {
        size_t capacity = search->capacity > 0 ? search->capacity * 2 : 16;
        struct hd_way_back *grown =
            hd_realloc_array(plan->way_back, capacity, sizeof *plan->way_back);
        if (grown == NULL)
            return hd_error_set_memory(search->err);
        plan->way_back = grown;
        search->capacity = capacity;
    }
    plan->way_back[plan->class_count++] = *way;
    return 0;
}

static void consider(struct hd_live *live, void *context)
{
    struct search *search = context;
    const struct hd_plan *plan = search->plan;
    struct hd_blob *content;
    if (search->failed || !hd_road_content_in(plan->road, plan->jni, search->state, live, &content))
        return;
    struct hd_blob *wanted = content != NULL ? content : live->base;
    enum return_kind kind = kind_of(live, content, wanted);
    if (live->state == HD_LIVE_WRONG_BASE || (kind == RETURN_FILE && wanted == live->file))
        return;
    const struct hd_way_back way = {
        .live = live,
        .kind = kind,
        .file = { live->internal_name, live->internal_name,
                  (kind == RETURN_FILE ? wanted : live->file)->bytes },
    };
    search->failed = add(search, &way) != 0;
}

static int by_class(const void *a, const void *b)
{
    const struct hd_patch *left = *(struct hd_patch *const *)a;
    const struct hd_patch *right = *(struct hd_patch *const *)b;
    return strcmp(left->class_name, right->class_name);
}

/* The same offers, ordered; the caller frees the items, and the offers are borrowed. */
static int order_by_class(const struct hd_offers *offers, struct hd_offers *out,
                          struct hd_error *err)
{
    struct hd_patch **items = hd_alloc_zeroed(offers->count + 1, sizeof *items);
    if (items == NULL)
        return hd_error_set_memory(err);
    for (size_t i = 0; i < offers->count; i++)
        items[i] = offers->items[i];
    qsort(items, offers->count, sizeof *items, by_class);
    *out = (struct hd_offers){ items, offers->count };
    return 0;
}

static size_t first_of(const struct hd_offers *ordered, const char *class_name)
{
    size_t low = 0, high = ordered->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(ordered->items[middle]->class_name, class_name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Says the current state the same class's loaders something already? Then the hook has told those
 * that came since, and the registry knows them. */
static bool is_offered(const struct hd_offers *now, const struct hd_patch *offer)
{
    for (size_t i = first_of(now, offer->class_name); i < now->count; i++) {
        const struct hd_patch *current = now->items[i];
        if (strcmp(current->class_name, offer->class_name) != 0)
            return false;
        bool for_as_many =
            current->loader_text == NULL ||
            (offer->loader_text != NULL && current->loader_is_whole == offer->loader_is_whole &&
             strcmp(current->loader_text, offer->loader_text) == 0);
        if (current->base == offer->base && for_as_many)
            return true;
    }
    return false;
}

static int add_offers(struct search *search, const struct hd_offers *now,
                      const struct hd_offers *then)
{
    for (size_t i = 0; i < then->count; i++) {
        struct hd_patch *offer = then->items[i];
        const struct hd_way_back way = {
            .offer = offer,
            .kind = RETURN_OFFER,
            .file = { offer->class_name, offer->class_name, offer->file->bytes },
        };
        if (offer->base == NULL || is_offered(now, offer))
            continue;
        if (add(search, &way) != 0)
            return -1;
        (void)hd_patch_keep(offer);
    }
    return 0;
}

static int consider_offers(struct search *search)
{
    struct hd_plan *plan = search->plan;
    struct hd_states *states = plan->road->states;
    const struct hd_offers *now, *then;
    struct hd_offers ordered = { NULL, 0 };
    hd_states_aim(states, plan->jni, search->state);
    if (hd_states_offers(states, plan->jni, false, &now, search->err) != 0 ||
        hd_states_offers(states, plan->jni, true, &then, search->err) != 0 ||
        order_by_class(now, &ordered, search->err) != 0)
        return -1;
    int status = add_offers(search, &ordered, then);
    hd_free(ordered.items);
    return status;
}

void hd_way_back_free(struct hd_way_back *ways, size_t count, JNIEnv *jni)
{
    for (size_t i = 0; ways != NULL && i < count; i++)
        hd_patch_release(ways[i].offer, jni);
    hd_free(ways);
}

static int by_name(const void *a, const void *b)
{
    const struct hd_way_back *left = a, *right = b;
    int order = strcmp(left->file.name, right->file.name);
    if (order != 0 || left->offer == NULL || right->offer == NULL)
        return order;
    return left->offer->deployment > right->offer->deployment ? -1 : 1;
}

static int find_state(const struct hd_plan *plan, uint64_t *out, struct hd_error *err)
{
    const struct hd_states *states = plan->road->states;
    const struct hd_job *job = plan->job;
    if (job->to_given && job->to > 0 && job->to <= plan->road->earlier_number)
        return hd_error_set(err, HD_E_NOT_FOUND,
                            "deployment %llu was before this JVM started, and what was live then "
                            "ended with that JVM; push its bundle again",
                            (unsigned long long)job->to);
    return job->to_given ? hd_states_find(states, job->to, out, err)
                         : hd_states_before_current(states, out, err);
}

/* From the current state up to the one that is common to both. */
static int list_undone(struct hd_plan *plan, uint64_t state, struct hd_error *err)
{
    struct hd_deployment *deployment = plan->deployment;
    const struct hd_states *states = plan->road->states;
    uint64_t number = hd_states_current(states);
    while (number != 0 && !hd_states_is_ancestor(states, number, state)) {
        uint64_t *grown = hd_realloc_array(deployment->undone, deployment->undone_count + 1,
                                           sizeof *deployment->undone);
        if (grown == NULL)
            return hd_error_set_memory(err);
        deployment->undone = grown;
        deployment->undone[deployment->undone_count++] = number;
        number = hd_states_parent(states, number);
    }
    return 0;
}

static int name_classes(struct hd_plan *plan, struct hd_error *err)
{
    plan->classes = hd_alloc_zeroed(plan->class_count, sizeof *plan->classes);
    plan->names = hd_alloc_zeroed(plan->class_count, sizeof *plan->names);
    if (plan->classes == NULL || plan->names == NULL)
        return hd_error_set_memory(err);
    for (size_t i = 0; i < plan->class_count; i++) {
        struct hd_plan_class *class = &plan->classes[i];
        class->from = &plan->way_back[i].file;
        class->java_name = hd_text_class_name(hd_map_key(class->from->name));
        if (class->java_name == NULL)
            return hd_error_set_memory(err);
        plan->names[i] = class->from->name;
    }
    return 0;
}

int hd_plan_open_way_back(struct hd_plan *plan, struct hd_road *road, JNIEnv *jni,
                          const struct hd_job *job, struct hd_error *err)
{
    *plan = (struct hd_plan){ .road = road, .jni = jni, .job = job, .deployment = job->deployment };
    uint64_t state = 0;
    struct search search = { .plan = plan, .err = err };
    if (find_state(plan, &state, err) != 0 || list_undone(plan, state, err) != 0)
        return -1;
    search.state = state;
    plan->deployment->returns_to = state;
    hd_registry_each(road->registry, consider, &search);
    search.failed = search.failed || consider_offers(&search) != 0;
    if (!search.failed && plan->class_count > 0)
        qsort(plan->way_back, plan->class_count, sizeof *plan->way_back, by_name);
    if (!search.failed && name_classes(plan, err) == 0)
        return 0;
    hd_plan_close(plan);
    return -1;
}

/* ---- targets --------------------------------------------------------------------------------- */

/* A class that two loaders hold is there twice; the walk over the loaded classes answers for the
 * last of them. */
static size_t last_of_same_name(const struct hd_plan *plan, size_t index)
{
    while (index + 1 < plan->class_count && strcmp(plan->names[index], plan->names[index + 1]) == 0)
        index++;
    return index;
}

/* The class of that entry among those that are loaded; NULL when it is not. */
static const struct hd_resolved_class *find_loaded(const struct hd_plan *plan,
                                                   const struct hd_live *live, size_t index)
{
    const struct hd_resolved_name *name = &plan->resolution.names[last_of_same_name(plan, index)];
    JNIEnv *jni = plan->jni;
    for (size_t i = 0; i < name->class_count; i++) {
        jobject loader = name->classes[i].loader;
        bool same = (loader == NULL) == (live->loader == NULL) && !live->any_loader &&
                    (loader == NULL || (*jni)->IsSameObject(jni, loader, live->loader));
        if (same)
            return &name->classes[i];
    }
    return NULL;
}

static int add_target(struct hd_plan *plan, size_t index, struct hd_error *err)
{
    const struct hd_way_back *way = &plan->way_back[index];
    struct hd_live *live = way->live;
    const struct hd_resolved_class *loaded = find_loaded(plan, live, index);
    struct hd_target *target = hd_plan_add_target(plan, &plan->classes[index], live->label, err);
    if (target == NULL)
        return -1;
    target->known = live;
    target->any_loader = live->any_loader;
    if (loaded != NULL) {
        target->loaded = loaded->class;
        target->loader = loaded->loader;
        target->modifiable = loaded->modifiable;
    } else if (live->loader != NULL) {
        target->own_loader = (*plan->jni)->NewGlobalRef(plan->jni, live->loader);
        target->loader = target->own_loader;
    }
    return 0;
}

/* Is that class one that the offer was made for? Runs the loader's findResource. */
static int is_for(struct hd_plan *plan, const struct hd_patch *offer,
                  const struct hd_resolved_class *class, const char *label, bool *out,
                  struct hd_error *err)
{
    struct hd_base base;
    const char *text = offer->loader_text;
    *out = false;
    if (text != NULL &&
        !(offer->loader_is_whole ? strcmp(label, text) == 0 : strstr(label, text) != NULL))
        return 0;
    if (hd_base_find(plan->road->finder, plan->jni, class->class, class->loader, offer->class_name,
                     &base, err) != 0)
        return -1;
    *out = base.file != NULL &&
           hd_patch_fits(offer->base, (struct hd_bytes){ base.file, base.length }) == HD_FITS;
    hd_base_close(&base);
    return 0;
}

/* Known to the registry, or taken by a later offer. */
static bool is_answered_for(const struct hd_plan *plan, const struct hd_patch *offer,
                            const struct hd_resolved_class *class)
{
    const struct hd_live *live =
        hd_registry_find(plan->road->registry, plan->jni, offer->class_name, class->loader);
    bool found = live != NULL && live->state != HD_LIVE_WRONG_BASE;
    for (size_t i = 0; i < plan->target_count && !found; i++)
        found = plan->targets[i].loaded == class->class;
    return found;
}

static int add_newcomers(struct hd_plan *plan, size_t index, struct hd_error *err)
{
    const struct hd_patch *offer = plan->way_back[index].offer;
    const struct hd_resolved_name *name = &plan->resolution.names[last_of_same_name(plan, index)];
    for (size_t i = 0; i < name->class_count; i++) {
        const struct hd_resolved_class *class = &name->classes[i];
        const char *label = hd_labels_of(plan->road->labels, plan->jni, class->loader);
        bool meant = false;
        if (label == NULL)
            return hd_error_set_memory(err);
        if (is_answered_for(plan, offer, class))
            continue;
        if (is_for(plan, offer, class, label, &meant, err) != 0)
            return -1;
        struct hd_target *target =
            meant ? hd_plan_add_target(plan, &plan->classes[index], label, err) : NULL;
        if (meant && target == NULL)
            return -1;
        if (target != NULL) {
            target->loaded = class->class;
            target->loader = class->loader;
            target->modifiable = class->modifiable;
        }
    }
    return 0;
}

static void answer(struct hd_plan *plan, struct hd_target *target, const struct hd_way_back *way)
{
    struct hd_row *row = hd_plan_row(plan, target);
    if (row->outcome == HD_OUTCOME_REFUSED)
        return;
    if (way->kind == RETURN_STAYS)
        row->message = hd_asprintf("defined by deployment %llu; no JVM takes a class back, so it "
                                   "stays, unused once its users are as before",
                                   (unsigned long long)way->live->deployment);
    if (way->kind == RETURN_CANNOT)
        hd_plan_refuse(plan, target, HD_REASON_NO_WAY_BACK,
                       "no file was found that proves what %s was before deployment %llu",
                       target->class->java_name, (unsigned long long)way->live->deployment);
    if (way->kind == RETURN_FORGET) {
        target->action = HD_ACTION_FORGET;
        row->outcome = HD_OUTCOME_ROLLED_BACK;
    }
    target->settled = way->kind != RETURN_FILE && way->kind != RETURN_OFFER;
}

int hd_plan_find_way_back_targets(struct hd_plan *plan, struct hd_error *err)
{
    hd_road_doing(plan->road, "looking for the loaded classes");
    if (plan->class_count == 0)
        return 0;
    if (hd_plan_watch(plan, err) != 0)
        return -1;
    if (hd_resolve(plan->road->jvm, plan->jni, plan->road->loaded, plan->names, plan->class_count,
                   &plan->resolution, err) != 0)
        return -1;
    for (size_t i = 0; i < plan->class_count; i++) {
        bool offer = plan->way_back[i].kind == RETURN_OFFER;
        if ((offer ? add_newcomers(plan, i, err) : add_target(plan, i, err)) != 0)
            return -1;
    }
    if (hd_plan_add_rows(plan, err) != 0)
        return -1;
    for (size_t i = 0; i < plan->target_count; i++)
        answer(plan, &plan->targets[i], &plan->way_back[plan->targets[i].class - plan->classes]);
    return 0;
}

void hd_plan_call_it_rolled_back(struct hd_plan *plan)
{
    for (size_t i = 0; i < plan->target_count; i++) {
        struct hd_target *target = &plan->targets[i];
        struct hd_row *row = hd_plan_row(plan, target);
        row->warnings &= ~(unsigned)HD_WARNING_NO_WAY_BACK;
        if (target->action != HD_ACTION_NONE && row->outcome != HD_OUTCOME_REFUSED)
            row->outcome = HD_OUTCOME_ROLLED_BACK;
    }
}
