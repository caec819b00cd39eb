/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * Whether a worker that has nothing to do looks again before it sleeps. Going to sleep and being
 * woken costs more time than an echo does, so where the next message is near it pays to wait for
 * it awake. Where it is not, it costs CPU and brings nothing: so each look in vain lets twice as
 * many waits pass before it is tried again, and one that found something makes it worth trying
 * every time.
 */
struct busy_poll {
    unsigned vain;    /* looks in a row that found nothing, up to a limit */
    unsigned waiting; /* waits that are still to pass before the next look */
};

enum { BUSY_POLL_MOST_WAITS = 63 }; /* that pass between two looks */

/* Asked before each wait: whether to look first. */
bool busy_poll_wanted(struct busy_poll *poll);

/* What came of it. */
void busy_poll_found(struct busy_poll *poll, bool something);
