/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "client/load_run.h"

/* A line on a terminal that says how a run goes, and leaves nothing behind. */
struct load_progress_line {
    FILE *out; /* NULL: there is no terminal */
    int64_t last_nsec;
    uint64_t last_answered;
};

/* For OUT, if it is a terminal. */
struct load_progress_line load_progress_begin(FILE *out);

/* A load_progress_fn. */
void load_progress_show(const struct load_progress *progress, void *line);

void load_progress_clear(struct load_progress_line *line);
