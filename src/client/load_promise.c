/* SPDX-License-Identifier: MIT */
#include "client/load_promise.h"

#include <stdlib.h>
#include <string.h>

#include "client/deadline.h"
#include "client/value.h"

/* What stands before the "<", LENGTH characters. */
static const char *parse_measure(const char *text, size_t length, struct load_promise *promise)
{
    const char *digits = text + 1;
    char *end;

    promise->is_mean = length == 4 && strncmp(text, "mean", length) == 0;
    promise->share = 1;
    if (promise->is_mean || (length == 3 && strncmp(text, "max", length) == 0))
        return NULL;
    if (text[0] != 'p' || length < 2 || strspn(digits, "0123456789.") != length - 1)
        return "neither mean nor max nor a percentile";
    promise->share = strtod(digits, &end) / 100;
    if (end != text + length)
        return "not a percentile";
    return promise->share > 0 && promise->share <= 1 ? NULL : "a percentile is more than 0, to 100";
}

const char *load_promise_parse(const char *text, struct load_promise *ret_promise)
{
    struct load_promise promise = {.text = text};
    const char *sign = strchr(text, '<'), *problem;

    if (!sign)
        return "without a <";
    problem = parse_measure(text, (size_t)(sign - text), &promise);
    if (problem)
        return problem;
    if (value_duration(sign + 1, 1000, 3600 * NSEC_PER_SEC, &promise.limit_nsec))
        return "the time is not 1us to 1h";
    *ret_promise = promise;
    return NULL;
}

double load_promise_measured(const struct load_promise *promise, const struct histogram *times)
{
    return promise->is_mean ? histogram_mean(times)
                            : (double)histogram_quantile(times, promise->share);
}

bool load_promise_kept(const struct load_promise *promise, const struct load_counts *counts)
{
    return counts->since_due.count > 0 && counts->lost == 0 && counts->unsent == 0 &&
           load_counts_errors(counts) == 0 &&
           load_promise_measured(promise, &counts->since_due) < (double)promise->limit_nsec;
}
