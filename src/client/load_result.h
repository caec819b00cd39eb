/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "client/load_counts.h"
#include "client/load_options.h"

/* How a load went: what the reports are made of. */

/* A rate that a search has tried. */
struct load_step {
    double rate;          /* messages a second */
    double measured_nsec; /* of what is promised */
    double answered;      /* a second */
    bool kept;            /* the promise */
};

struct load_result {
    const struct load_options *options;
    const char *error;          /* why there was no load at all (static); NULL: there was one */
    struct load_counts *counts; /* of a search, those of the rate that it found, else of the last */
    bool interrupted;
    struct load_step *steps; /* of a search, on the heap; each rate is tried thrice at most */
    size_t step_count;
    double found; /* the rate; 0: none */
};

void load_result_deinit(struct load_result *result);

/* Whether every message had its answer; of a search, whether it found a rate. */
bool load_result_is_good(const struct load_result *result);

/* Answers in a second measured. */
double load_result_rate(const struct load_counts *counts);

/* The times that count: from when messages were due, where that is known. */
const struct histogram *load_result_times(const struct load_result *result);

/* "127.0.0.1:7: 50 connections, 64 bytes, 20000/s". */
enum { LOAD_TITLE_MAX = 512 };
const char *load_result_title(const struct load_result *result, char title[static LOAD_TITLE_MAX]);
