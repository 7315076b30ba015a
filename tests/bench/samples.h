/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured of one thing, and how it is told: median, spread, ratio. */
#ifndef HD_BENCH_SAMPLES_H
#define HD_BENCH_SAMPLES_H

#include <stddef.h>

#define BENCH_MAX_SAMPLES 256

struct bench_samples {
    double values[BENCH_MAX_SAMPLES];
    size_t count;
};

/* Negative values (something went wrong) and those past the end are left out. */
void bench_add(struct bench_samples *samples, double value);
/* NAN where there are none. */
double bench_median(const struct bench_samples *samples);

/* One line: what, median, min, max, number of samples; and the ratio of the medians where
 * against is not NULL. */
void bench_print_heading(const char *title, const char *unit);
void bench_print(const char *what, const struct bench_samples *samples,
                 const struct bench_samples *against);

#endif
