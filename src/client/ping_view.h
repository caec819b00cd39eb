/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "client/ping_event.h"
#include "client/ping_lane.h"

/* What is seen of pings, in the way that was asked for. */
struct ping_view {
    FILE *out;
    bool time, quiet, json, json_lines;
    int error; /* 0 or -errno: the first one; those of OUT are left to ferror(3) */
};

void ping_view_begin(struct ping_view *view, const struct ping_lane *const *lanes, size_t count);

/* VIEW is a struct ping_view: see struct ping_run. */
void ping_view_event(void *view, const struct ping_lane *lane, const struct ping_event *event);

void ping_view_end(struct ping_view *view, const struct ping_lane *const *lanes, size_t count);

/* Text, where it is in nobody's way. */
void ping_view_interim(const struct ping_lane *const *lanes, size_t count, FILE *out);
