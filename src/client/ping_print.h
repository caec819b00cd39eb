/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "client/ping_event.h"
#include "client/ping_lane.h"

/* Pings as text for people. Errors of OUT are left to ferror(3). */

/* The first line: where probes go. */
void ping_print_begin(FILE *out, const struct ping_lane *lane);

/* One line. TIME: begins with the time of day. */
void ping_print_event(FILE *out, bool time, const struct ping_lane *lane,
                      const struct ping_event *event);

void ping_print_summary(FILE *out, const struct ping_lane *lane);
