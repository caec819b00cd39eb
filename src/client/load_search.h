/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * The search for the highest rate that keeps a promise: doubled until one does not, or halved until
 * one does, then the middle between the two, until they are close. A rate counts by the best of
 * three runs, of which the third is left out where two agree: neither a stall of the machine nor a
 * lucky moment must decide the search.
 */
struct load_search {
    double rate;                  /* to try next, a whole number */
    double max;                   /* higher is not tried */
    double kept;                  /* the highest rate known to keep the promise; 0: none */
    double broken;                /* the lowest known to break it; 0: none */
    unsigned successes, failures; /* of the rate, so far */
};

struct load_search load_search_begin(double first, double max);

/* Takes how the rate did. False: the search is over, and its result is "kept". */
bool load_search_go_on(struct load_search *search, bool kept);
