/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/samples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_add(struct bench_samples *samples, double value)
{
    if (value >= 0 && samples->count < BENCH_MAX_SAMPLES)
        samples->values[samples->count++] = value;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static struct bench_samples sorted(const struct bench_samples *samples)
{
    struct bench_samples copy = *samples;
    qsort(copy.values, copy.count, sizeof copy.values[0], by_value);
    return copy;
}

double bench_median(const struct bench_samples *samples)
{
    struct bench_samples ordered = sorted(samples);
    size_t middle = ordered.count / 2;
    if (ordered.count == 0)
        return NAN;
    return ordered.count % 2 == 1 ? ordered.values[middle]
                                  : (ordered.values[middle - 1] + ordered.values[middle]) / 2;
}

void bench_print_heading(const char *title, const char *unit)
{
    printf("\n%s\n  %-44s %10s %10s %10s %5s %8s\n", title, unit, "median", "min", "max", "n",
           "ratio");
    fflush(stdout);
}

void bench_print(const char *what, const struct bench_samples *samples,
                 const struct bench_samples *against)
{
    struct bench_samples ordered = sorted(samples);
    if (ordered.count == 0) {
        printf("  %-44s %10s\n", what, "none");
        return;
    }
    printf("  %-44s %10.2f %10.2f %10.2f %5zu", what, bench_median(&ordered), ordered.values[0],
           ordered.values[ordered.count - 1], ordered.count);
    if (against != NULL && against->count > 0)
        printf(" %8.2f", bench_median(&ordered) / bench_median(against));
    printf("\n");
    fflush(stdout);
}
