/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "client/terminal.h"

/*
 * A chart of durations over sequence numbers, the newest at the right: lines of dots, in Braille
 * characters where the terminal has them, else a letter for each point. Pure text: nothing here
 * knows of time or a cursor.
 */

/* So many of the newest samples are kept: two for each column of a wide terminal. */
enum { CHART_SAMPLES = 1024 };

/* Samples that are no duration. */
enum { CHART_NOTHING = 0, CHART_LOST = -1 };

struct chart_series {
    int64_t sample[CHART_SAMPLES]; /* nanoseconds; of number N at N % CHART_SAMPLES */
    uint64_t last;                 /* the newest number, 0: none yet */
};

/* Puts a sample in its place. What lies between it and the one before has nothing. */
void chart_add(struct chart_series *series, uint64_t number, int64_t sample);

/* How many lines chart_draw() makes of HEIGHT: those, and one for what was lost. */
enum { CHART_EXTRA_LINES = 1 };

/*
 * Draws COUNT series, as wide as the terminal and HEIGHT lines high. Each line ends in END. 0 or
 * -ENOMEM; errors of OUT are left to ferror(3).
 */
int chart_draw(FILE *out, const struct terminal *terminal, unsigned height, const char *end,
               const struct chart_series *const *series, size_t count);

/* How series number I is marked: the colour, and the sign before its name. */
void chart_begin_colour(FILE *out, const struct terminal *terminal, size_t i);
void chart_end_colour(FILE *out, const struct terminal *terminal);
void chart_print_sign(FILE *out, const struct terminal *terminal, size_t i, size_t count);
