/* SPDX-License-Identifier: MIT */
#include "client/ping_search.h"

static bool is_between(const struct ping_search *search, size_t size)
{
    return size > search->passes && size < search->fails;
}

size_t ping_search_next(const struct ping_search *search)
{
    size_t middle = search->passes + (search->fails - search->passes) / 2;

    if (search->fails == search->min)
        return 0;
    if (search->passes == 0)
        return search->min;
    if (search->passes == search->max)
        return 0;
    if (search->fails == 0)
        return search->max;
    if (is_between(search, search->hint))
        return search->hint;
    /* It passes, as was said: is it the largest? */
    if (search->hint == search->passes && is_between(search, search->hint + 1))
        return search->hint + 1;
    return is_between(search, middle) ? middle : 0;
}

void ping_search_tell(struct ping_search *search, size_t size, bool passed, size_t hint)
{
    if (passed)
        search->passes = size;
    else
        search->fails = size;
    if (hint)
        search->hint = hint;
}
