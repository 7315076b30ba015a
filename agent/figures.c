/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/figures.h"

#include "core/json.h"
#include "core/map.h"

struct count {
    struct hd_map seen; /* by address: the same contents are one blob */
    uint64_t originals;
    bool failed;
};

static void add_base(struct hd_live *live, void *context)
{
    struct count *count = context;
    struct hd_error ignored = HD_ERROR_INIT;
    size_t before;
    if (live->base == NULL)
        return;
    struct hd_bytes key = { (const uint8_t *)&live->base, sizeof live->base };
    if (hd_map_find(&count->seen, key, &before))
        return;
    count->originals += live->base->bytes.length;
    count->failed |= hd_map_put(&count->seen, key, 0, &ignored) != 0;
}

json_t *hd_figures_of_memory(const struct hd_registry *registry, const struct hd_loaded *loaded)
{
    struct count count = { .seen = HD_MAP_INIT };
    hd_registry_each(registry, add_base, &count);
    hd_map_close(&count.seen);
    uint64_t all = hd_blobs_size();
    json_t *json = json_object();
    bool complete =
        !count.failed && hd_json_put(json, "originals", hd_json_number(count.originals)) &&
        hd_json_put(json, "patches",
                    hd_json_number(all > count.originals ? all - count.originals : 0)) &&
        hd_json_put(json, "index", hd_json_number(hd_loaded_size(loaded)));
    return hd_json_finish(json, complete);
}
