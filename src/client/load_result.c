/* SPDX-License-Identifier: MIT */
#include "client/load_result.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/deadline.h"

void load_result_deinit(struct load_result *result)
{
    result->counts = load_counts_free(result->counts);
    free(result->steps);
    result->steps = NULL;
}

bool load_result_is_good(const struct load_result *result)
{
    const struct load_counts *counts = result->counts;

    if (result->options->promise.text)
        return result->found > 0;
    return counts->answered > 0 && counts->lost == 0 && counts->unsent == 0 &&
           load_counts_errors(counts) == 0;
}

double load_result_rate(const struct load_counts *counts)
{
    if (counts->measured_nsec == 0)
        return 0;
    return (double)counts->answered * (double)NSEC_PER_SEC / (double)counts->measured_nsec;
}

const struct histogram *load_result_times(const struct load_result *result)
{
    bool open_loop = result->options->plan.rate > 0;

    return open_loop ? &result->counts->since_due : &result->counts->since_sent;
}

const char *load_result_title(const struct load_result *result, char title[static LOAD_TITLE_MAX])
{
    const struct load_plan *plan = &result->options->plan;
    int n = snprintf(title, LOAD_TITLE_MAX, "%s: %u connection%s, %" PRIu64 " byte%s",
                     result->options->common.target.at[0].text, plan->connections,
                     plan->connections == 1 ? "" : "s", plan->size, plan->size == 1 ? "" : "s");

    if (plan->rate > 0 && n > 0 && n < LOAD_TITLE_MAX)
        (void)snprintf(title + n, LOAD_TITLE_MAX - (size_t)n, ", %.0f/s", plan->rate);
    return title;
}
