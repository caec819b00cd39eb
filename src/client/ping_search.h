/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * The search for the largest size that passes, by bisection. It takes for granted that what is
 * smaller than a size that passes does pass, too. Pure: somebody else tries the sizes.
 */
struct ping_search {
    size_t min, max; /* the sizes in question */
    size_t passes;   /* the largest that did, 0: none yet */
    size_t fails;    /* the smallest that did not, 0: none yet */
    size_t hint;     /* somebody says that this one passes, and none larger; 0: nobody does */
};

/* The size to try next: the smallest, the largest, then between. 0: the answer is "passes". */
size_t ping_search_next(const struct ping_search *search);

/* How a size went; HINT as above. */
void ping_search_tell(struct ping_search *search, size_t size, bool passed, size_t hint);
