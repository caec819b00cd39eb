/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * The open loop: when messages should leave, whatever has become of those before. They are due at
 * even distances, and the connections take turns: connection I has turns I, I + CONNECTIONS, and so
 * on of the whole. Nothing is stored, so what cannot leave when it is due loses nothing of its
 * time.
 */
struct load_schedule {
    int64_t start;       /* when the first message of all is due, see deadline.h */
    double spacing_nsec; /* between two messages */
    unsigned connections;
};

/* RATE is in messages a second, more than 0. */
struct load_schedule load_schedule_make(int64_t start, double rate, unsigned connections);

/* When TURN of a CONNECTION is due; both are counted from 0. */
int64_t load_schedule_due(const struct load_schedule *schedule, unsigned connection, uint64_t turn);

/* The first turn of a CONNECTION that is not due before TIME. */
uint64_t load_schedule_turn(const struct load_schedule *schedule, unsigned connection,
                            int64_t time);
