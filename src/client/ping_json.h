/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "client/ping_event.h"
#include "client/ping_lane.h"

/* Pings as JSON. 0 or -ENOMEM; errors of OUT are left to ferror(3). */

/* One line: what became of a probe, or of the connection. */
int ping_json_event(FILE *out, const struct ping_lane *lane, const struct ping_event *event);

/* One object on one line, of all lanes. */
int ping_json_summary(FILE *out, const struct ping_lane *const *lanes, size_t count);
