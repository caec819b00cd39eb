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
    bool wants_graph;         /* if OUT is a terminal that can show one */
    struct ping_graph *graph; /* NULL: there is none */
    bool time, quiet, json, json_lines;
    int error; /* 0 or -errno: the first one; those of OUT are left to ferror(3) */
};

/* The lanes stay where they are until ping_view_deinit(). */
void ping_view_begin(struct ping_view *view, const struct ping_lane *const *lanes, size_t count);

/* VIEW is a struct ping_view: see struct ping_run. */
void ping_view_event(void *view, const struct ping_lane *lane, const struct ping_event *event);

void ping_view_end(struct ping_view *view, const struct ping_lane *const *lanes, size_t count);

void ping_view_deinit(struct ping_view *view);

/* How it stands, as text on standard error. */
void ping_view_interim(struct ping_view *view, const struct ping_lane *const *lanes, size_t count);

/* For a graph: when it is to be brought up to date, that it is time, that the window has changed.
 */
int64_t ping_view_deadline(const struct ping_view *view);
void ping_view_advance(struct ping_view *view, int64_t now);
void ping_view_resize(struct ping_view *view);
