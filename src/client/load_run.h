/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client/load_counts.h"
#include "client/load_plan.h"

/* Runs a plan: all its threads, from the first connection to the last answer. */

/* What can be said of a run while it goes on. */
struct load_progress {
    int64_t elapsed_nsec, total_nsec;
    uint64_t answered; /* so far, what is not measured included */
};

/* Called about once a second; may be NULL. */
typedef void (*load_progress_fn)(const struct load_progress *progress, void *context);

/*
 * Returns 0 or -errno, and what was counted for load_counts_free(). *ret_interrupted: SIGINT or
 * SIGTERM ended it early; a second one also ends the wait for answers. Both signals are blocked
 * while it runs.
 */
int load_run(const struct load_plan *plan, load_progress_fn progress, void *context,
             struct load_counts **ret_counts, bool *ret_interrupted);
