/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* How a connection behaves. A row of the table in habit.c for each kind. */
struct habit {
    const char *name;
    size_t size_min, size_max;               /* bytes of a message */
    unsigned pause_min_usec, pause_max_usec; /* between two messages */
    size_t window;                           /* at most so many bytes sent and not come back */
    size_t read_most;                        /* bytes at a time */
    unsigned read_pause_usec;                /* after each of them */
    int receive_buffer;                      /* SO_RCVBUF, 0: as the kernel has it */
    int segment;                       /* TCP_MAXSEG; small ones keep the server's buffer small */
    unsigned life_min_ms, life_max_ms; /* then it half-closes, reads to the end, comes again */
    bool pipelined;                    /* the next message does not wait for the answer */
    bool prompt;                       /* it reads at once: its waiting is the server's doing */
};

/* The one of this name (LENGTH bytes), or NULL. */
const struct habit *habit_find(const char *name, size_t length);
