/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sources.h"

#include "agent/drop.h"
#include "agent/tree.h"
#include "core/alloc.h"

struct hd_sources {
    struct hd_drop **drops;
    size_t drop_count;
    struct hd_tree **trees;
    size_t tree_count;
};

/* ---- drop= ----------------------------------------------------------------------------------- */

static void open_drop(struct hd_sources *sources, struct hd_loop *loop, const char *directory)
{
    struct hd_error err = HD_ERROR_INIT;
    if (hd_drop_open(loop, directory, &sources->drops[sources->drop_count], &err) != 0) {
        hd_log(HD_LOG_ERROR, "%s; what is put there is not deployed", err.text);
        return;
    }
    sources->drop_count++;
    hd_log(HD_LOG_INFO, "what is put into %s is deployed", directory);
}

/* ---- watch= ---------------------------------------------------------------------------------- */

struct remembering {
    struct hd_engine *engine;
    size_t count;
    struct hd_error err;
};

static void remember(void *context, const char *internal_name, struct hd_bytes file)
{
    struct remembering *remembering = context;
    if (hd_engine_remember(remembering->engine, internal_name, file, &remembering->err) == 0)
        remembering->count++;
}

static int open_watched(struct hd_loop *loop, struct hd_engine *engine, const char *directory,
                        struct hd_tree **out, struct hd_error *err)
{
    struct remembering remembering = { .engine = engine, .err = HD_ERROR_INIT };
    struct hd_tree *tree = NULL;
    if (hd_tree_remember(directory, remember, &remembering, &tree, err) != 0)
        return -1;
    if (hd_error_is_set(&remembering.err))
        hd_log(HD_LOG_WARN, "watch=%s: not all of it is remembered: %s", directory,
               remembering.err.text);
    if (hd_tree_open(tree, loop, err) != 0) {
        hd_tree_close(tree);
        return -1;
    }
    hd_log(HD_LOG_INFO, "watching %s for what a compiler writes (%zu classes there now)", directory,
           remembering.count);
    *out = tree;
    return 0;
}

static void open_tree(struct hd_sources *sources, struct hd_loop *loop, struct hd_engine *engine,
                      const char *directory)
{
    struct hd_error err = HD_ERROR_INIT;
    if (open_watched(loop, engine, directory, &sources->trees[sources->tree_count], &err) == 0)
        sources->tree_count++;
    else
        hd_log(HD_LOG_ERROR, "watch=%s: %s; what is compiled there is not deployed", directory,
               err.text);
}

/* ---- both ------------------------------------------------------------------------------------ */

static void free_sources(struct hd_sources *sources)
{
    hd_free(sources->drops);
    hd_free(sources->trees);
    hd_free(sources);
}

int hd_sources_open(struct hd_loop *loop, struct hd_engine *engine, struct hd_sources **out,
                    struct hd_error *err)
{
    const struct hd_options *options = hd_loop_options(loop);
    struct hd_sources *sources = hd_alloc_zeroed(1, sizeof *sources);
    if (sources == NULL)
        return hd_error_set_memory(err);
    sources->drops = hd_alloc_zeroed(options->drops.count + 1, sizeof(struct hd_drop *));
    sources->trees = hd_alloc_zeroed(options->watches.count + 1, sizeof(struct hd_tree *));
    if (sources->drops == NULL || sources->trees == NULL) {
        free_sources(sources);
        return hd_error_set_memory(err);
    }
    for (size_t i = 0; i < options->watches.count; i++)
        open_tree(sources, loop, engine, options->watches.items[i]);
    for (size_t i = 0; i < options->drops.count; i++)
        open_drop(sources, loop, options->drops.items[i]);
    *out = sources;
    return 0;
}

void hd_sources_try_again(struct hd_sources *sources)
{
    for (size_t i = 0; sources != NULL && i < sources->tree_count; i++)
        hd_tree_try_again(sources->trees[i]);
}

void hd_sources_close(struct hd_sources *sources)
{
    if (sources == NULL)
        return;
    for (size_t i = 0; i < sources->drop_count; i++)
        hd_drop_close(sources->drops[i]);
    for (size_t i = 0; i < sources->tree_count; i++)
        hd_tree_close(sources->trees[i]);
    free_sources(sources);
}
