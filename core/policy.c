/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy.h"

#include "core/alloc.h"

#include <string.h>

#define WINDOW_MICROSECONDS INT64_C(60000000)

/* A place to come back to: the pattern after a star, and how much of the name the star has taken so
 * far. */
struct star {
    const char *pattern;
    const char *name;
};

/* Lets the innermost star that can take one more character do so. A single star never takes the '.'
 * that ends a segment; a star before the last of its kind never needs to be tried again. */
static bool retry_longer(struct star *single, struct star *twin, const char **pattern,
                         const char **name)
{
    if (single->pattern != NULL && *single->name != '\0' && *single->name != '.') {
        *pattern = single->pattern;
        *name = ++single->name;
        return true;
    }
    single->pattern = NULL;
    if (twin->pattern == NULL || *twin->name == '\0')
        return false;
    *pattern = twin->pattern;
    *name = ++twin->name;
    return true;
}

bool hd_policy_matches(const char *pattern, const char *class_name)
{
    struct star single = { NULL, NULL };
    struct star twin = { NULL, NULL };
    const char *name = class_name;
    while (*pattern != '\0' || *name != '\0') {
        if (pattern[0] == '*' && pattern[1] == '*') {
            pattern += 2;
            twin = (struct star){ pattern, name };
            single.pattern = NULL;
        } else if (*pattern == '*') {
            pattern++;
            single = (struct star){ pattern, name };
        } else if (*pattern != '\0' && *pattern == *name) {
            pattern++;
            name++;
        } else if (!retry_longer(&single, &twin, &pattern, &name)) {
            return false;
        }
    }
    return true;
}

static const char *first_match(const struct hd_string_list *patterns, const char *class_name)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (hd_policy_matches(patterns->items[i], class_name))
            return patterns->items[i];
    }
    return NULL;
}

static const char *const platform_patterns[] = { "java.**", "javax.**", "jdk.**", "sun.**" };
#define PLATFORM_PATTERN_COUNT (sizeof platform_patterns / sizeof platform_patterns[0])

/* The pattern of the JDK's own names that text (a class name, or a pattern) begins like, or NULL.
 */
static const char *platform_pattern_of(const char *text)
{
    for (size_t i = 0; i < PLATFORM_PATTERN_COUNT; i++) {
        size_t prefix_length = strlen(platform_patterns[i]) - strlen("**");
        if (strncmp(text, platform_patterns[i], prefix_length) == 0)
            return platform_patterns[i];
    }
    return NULL;
}

static const char *first_platform_match(const struct hd_string_list *patterns,
                                        const char *class_name)
{
    for (size_t i = 0; i < patterns->count; i++) {
        const char *pattern = patterns->items[i];
        if (platform_pattern_of(pattern) != NULL && hd_policy_matches(pattern, class_name))
            return pattern;
    }
    return NULL;
}

static bool decide(const struct hd_options *options, const char *class_name, const char **rule)
{
    *rule = first_match(&options->deny, class_name);
    if (*rule != NULL)
        return false;

    const char *platform = platform_pattern_of(class_name);
    if (platform != NULL) {
        const char *by_name = first_platform_match(&options->allow, class_name);
        *rule = by_name != NULL ? by_name : platform;
        return by_name != NULL;
    }

    if (options->allow.count == 0) {
        *rule = "**";
        return true;
    }
    *rule = first_match(&options->allow, class_name);
    if (*rule != NULL)
        return true;
    *rule = HD_POLICY_NO_RULE;
    return false;
}

bool hd_policy_allows(const struct hd_options *options, const char *class_name, const char **rule)
{
    const char *ignored;
    return decide(options, class_name, rule != NULL ? rule : &ignored);
}

int hd_rate_init(struct hd_rate *rate, uint64_t per_minute, struct hd_error *err)
{
    if (per_minute > SIZE_MAX / sizeof(int64_t))
        return hd_error_set_memory(err);
    int64_t *times = hd_alloc_zeroed((size_t)per_minute, sizeof *times);
    if (times == NULL)
        return hd_error_set_memory(err);
    *rate = (struct hd_rate){ .per_minute = per_minute, .times = times };
    return 0;
}

static unsigned seconds_rounded_up(int64_t microseconds)
{
    return (unsigned)((microseconds + 999999) / 1000000);
}

/* How long until the oldest of a full minute's admissions leaves the window; a clock that went back
 * counts as standing still. */
static int64_t time_to_wait(const struct hd_rate *rate, int64_t now)
{
    if (rate->count < rate->per_minute)
        return 0;
    if (rate->per_minute == 0)
        return WINDOW_MICROSECONDS;
    int64_t elapsed = now > rate->times[rate->next] ? now - rate->times[rate->next] : 0;
    return elapsed >= WINDOW_MICROSECONDS ? 0 : WINDOW_MICROSECONDS - elapsed;
}

bool hd_rate_admit(struct hd_rate *rate, int64_t now_microseconds, unsigned *retry_after)
{
    int64_t wait = time_to_wait(rate, now_microseconds);
    if (wait > 0) {
        *retry_after = seconds_rounded_up(wait);
        return false;
    }
    rate->times[rate->next] = now_microseconds;
    rate->next = (rate->next + 1) % (size_t)rate->per_minute;
    if (rate->count < rate->per_minute)
        rate->count++;
    return true;
}

void hd_rate_close(struct hd_rate *rate)
{
    hd_free(rate->times);
    *rate = (struct hd_rate){ 0 };
}
