/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "client/ping_event.h"
#include "client/ping_lane.h"
#include "client/terminal.h"

/* Pings as a chart that is drawn over itself, on a terminal. */
struct ping_graph;

/* NULL without memory. The lanes are as many as there will be. */
struct ping_graph *ping_graph_new(FILE *out, const struct terminal *terminal,
                                  const struct ping_lane *const *lanes, size_t count);
void ping_graph_free(struct ping_graph *graph);

void ping_graph_event(struct ping_graph *graph, const struct ping_lane *lane,
                      const struct ping_event *event);

/* When ping_graph_draw() should be called: not for each event. INT64_MAX: nothing is new. */
int64_t ping_graph_deadline(const struct ping_graph *graph);

/* Draws it, over what was drawn before. 0 or -ENOMEM; errors of OUT are left to ferror(3). */
int ping_graph_draw(struct ping_graph *graph);

/* The terminal's size has changed. */
void ping_graph_resize(struct ping_graph *graph);

/* Something else was printed: what was drawn stays where it is. */
void ping_graph_leave(struct ping_graph *graph);
