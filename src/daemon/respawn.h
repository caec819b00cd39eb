/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * When to replace a worker that died: the first one at once, then after pauses that double, for
 * as long as workers keep dying young. All in milliseconds.
 */
enum {
    RESPAWN_FIRST_PAUSE_MS = 100,
    RESPAWN_LONGEST_PAUSE_MS = 1000, /* nobody may be serving meanwhile */
    RESPAWN_GROWN_UP_MS = 10000,     /* who lived this long did not die of being started */
};

struct respawn {
    unsigned young_deaths; /* in a row */
};

/* A worker died that lived this long: the pause before its replacement. */
uint64_t respawn_pause(struct respawn *respawn, uint64_t lived);
