/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Cuts a flood of like messages short: in each interval the first FOLD_BURST pass, the others are
 * counted, and when the interval is over, the count is there to be said. All times in milliseconds.
 */
enum { FOLD_BURST = 10, FOLD_INTERVAL_MS = 10000 };

struct fold {
    uint64_t began;
    unsigned passed;
    unsigned held;
};

/* Whether a message passes now; if not, it was counted. */
bool fold_pass(struct fold *fold, uint64_t now);

/* The messages held back in an interval that is over, which are no longer counted; else 0. */
unsigned fold_take(struct fold *fold, uint64_t now);

/* Until fold_take() will have something to give; -1 while nothing is held back. */
int fold_wait(const struct fold *fold, uint64_t now);
