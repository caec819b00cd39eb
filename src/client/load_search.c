/* SPDX-License-Identifier: MIT */
#include "client/load_search.h"

#include <math.h>

/* How close is close. */
#define PRECISION 0.02

struct load_search load_search_begin(double first, double max)
{
    return (struct load_search){.rate = first, .max = max};
}

/* Of three runs. */
enum { MAJORITY = 2 };

static double next_rate(const struct load_search *search)
{
    if (search->broken == 0)
        return fmin(search->kept * 2, search->max);
    if (search->kept == 0)
        return floor(search->broken / 2);
    return floor((search->kept + search->broken) / 2);
}

static bool is_over(const struct load_search *search)
{
    if (search->kept == 0)
        return search->broken <= 1;
    if (search->broken == 0)
        return search->kept >= search->max;
    return search->broken - search->kept <= fmax(search->kept * PRECISION, 1);
}

bool load_search_go_on(struct load_search *search, bool kept)
{
    search->successes += kept;
    search->failures += !kept;
    if (search->successes < MAJORITY && search->failures < MAJORITY)
        return true;
    search->successes = search->failures = 0;
    if (kept) /* This run has decided it. */
        search->kept = search->rate;
    else
        search->broken = search->rate;
    if (is_over(search))
        return false;
    search->rate = next_rate(search);
    return true;
}
