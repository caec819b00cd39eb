/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client/load_counts.h"

/* What is promised of answers: 'p99<1ms', that 99 percent of them take less than a millisecond. */

#define LOAD_PROMISE_ALLOWED "mean, max or pN (N a percentage), <, a time: p99.9<1ms"

struct load_promise {
    const char *text; /* as it was typed; NULL: none */
    bool is_mean;
    double share;       /* of all answers, where it is no mean: 0.99 */
    int64_t limit_nsec; /* which is not reached */
};

/* Returns NULL, or what is wrong with TEXT (static), with ret_promise untouched. */
const char *load_promise_parse(const char *text, struct load_promise *ret_promise);

/* The time that the promise is about, in ns. */
double load_promise_measured(const struct load_promise *promise, const struct histogram *times);

/* Whether a run kept it: every message was sent and answered, and within that time. */
bool load_promise_kept(const struct load_promise *promise, const struct load_counts *counts);
