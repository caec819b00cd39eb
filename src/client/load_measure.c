/* SPDX-License-Identifier: MIT */
#include "client/load_measure.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "client/load_progress.h"
#include "client/load_report.h"
#include "client/load_run.h"
#include "client/load_search.h"

/* Where a search begins, without --rate: messages a second. */
#define FIRST_RATE 1000

/* One run at the plan's rate. */
static int run(const struct load_options *options, struct load_counts **ret_counts,
               bool *ret_interrupted)
{
    struct load_progress_line line = load_progress_begin(stderr);
    int r = load_run(&options->plan, options->common.quiet ? NULL : load_progress_show, &line,
                     ret_counts, ret_interrupted);

    load_progress_clear(&line);
    return r;
}

static int add_step(struct load_result *result, const struct load_step *step)
{
    struct load_step *steps =
        realloc(result->steps, (result->step_count + 1) * sizeof(*result->steps));

    if (!steps)
        return -ENOMEM;
    steps[result->step_count++] = *step;
    result->steps = steps;
    return 0;
}

/* Runs at the rate of a step, and says how that went. */
static int run_step(const struct load_options *options, struct load_result *result,
                    struct load_step *step, struct load_counts **ret_counts)
{
    const struct load_promise *promise = &options->promise;
    int r = run(options, ret_counts, &result->interrupted);

    if (r < 0 || result->interrupted)
        return r;
    step->measured_nsec = load_promise_measured(promise, &(*ret_counts)->since_due);
    step->answered = load_result_rate(*ret_counts);
    step->kept = load_promise_kept(promise, *ret_counts);
    if (!options->common.json && !options->common.quiet)
        load_report_step(promise, step, stdout);
    return add_step(result, step);
}

/* What is reported is the run at the rate that was found, or, without one, the last. */
static void replace_counts(struct load_result *result, struct load_counts **counts)
{
    load_counts_free(result->counts);
    result->counts = *counts;
    *counts = NULL;
}

static int search(struct load_options *options, struct load_result *result)
{
    struct load_plan *plan = &options->plan;
    struct load_search state =
        load_search_begin(plan->rate > 0 ? plan->rate : FIRST_RATE, LOAD_RATE_MAX);
    struct load_step step;

    bool more;

    do {
        _cleanup_(load_counts_freep) struct load_counts *counts = NULL;
        int r;

        plan->rate = state.rate;
        step = (struct load_step){.rate = state.rate};
        r = run_step(options, result, &step, &counts);
        if (r < 0)
            return r;
        /* Who cannot read the steps does not wait for the end; it is said where standard output is
         * flushed. */
        more = !result->interrupted && load_search_go_on(&state, step.kept) && !ferror(stdout);
        if (state.kept == step.rate || state.kept == 0)
            replace_counts(result, &counts);
    } while (more);
    result->found = state.kept;
    if (result->found > 0)
        plan->rate = result->found;
    return 0;
}

int load_measure(struct load_options *options, struct load_result *result)
{
    if (options->promise.text)
        return search(options, result);
    return run(options, &result->counts, &result->interrupted);
}
