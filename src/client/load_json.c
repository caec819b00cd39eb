/* SPDX-License-Identifier: MIT */
#include "client/load_json.h"

#include "client/record.h"

static const char *const verify_names[] = {
    [LOAD_VERIFY_NONE] = "none",
    [LOAD_VERIFY_SAMPLE] = "sample",
    [LOAD_VERIFY_FULL] = "full",
};

static void add_text(struct record *record, const char *name, const char *text)
{
    if (text)
        record_text(record, name, text);
    else
        record_null(record, name);
}

static void add_rate(struct record *record, const char *name, double rate)
{
    if (rate > 0)
        record_number(record, name, rate);
    else
        record_null(record, name);
}

static void add_plan(struct record *record, const struct load_result *result)
{
    const struct load_options *options = result->options;
    const struct load_plan *plan = &options->plan;
    char peer[ADDR_TEXT_MAX];

    record_text(record, "mode", "load");
    record_text(record, "target", options->common.target.at[0].text);
    add_text(record, "peer", plan->peer.len > 0 ? addr_format(&plan->peer, peer) : NULL);
    add_text(record, "error", result->error);
    record_integer(record, "connections", plan->connections);
    record_integer(record, "threads", plan->threads);
    record_integer(record, "depth", plan->depth);
    record_integer(record, "size_bytes", (int64_t)plan->size);
    add_rate(record, "rate_per_s", plan->rate);
    record_truth(record, "reconnect", plan->reconnect);
    record_text(record, "verify", verify_names[plan->verify]);
}

static void add_amounts(struct record *record, const struct load_result *result)
{
    const struct load_counts *counts = result->counts;
    double rate = load_result_rate(counts);

    record_usec(record, "duration_us", counts->measured_nsec);
    record_truth(record, "interrupted", result->interrupted);
    record_integer(record, "answers", (int64_t)counts->answered);
    record_number(record, "answers_per_s", rate);
    record_number(record, "bytes_per_s", rate * (double)result->options->plan.size);
    record_integer(record, "connections_opened", (int64_t)counts->opened);
    record_integer(record, "lost", (int64_t)counts->lost);
    record_integer(record, "unsent", (int64_t)counts->unsent);
    record_integer(record, "late", (int64_t)counts->late);
    record_number(record, "cpu_share", counts->busiest);
}

static void add_times(struct record *record, const char *name, const struct histogram *times)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {
        {"p50_us", 0.5},     {"p75_us", 0.75},      {"p90_us", 0.9},         {"p99_us", 0.99},
        {"p99_9_us", 0.999}, {"p99_99_us", 0.9999}, {"p99_999_us", 0.99999},
    };

    if (times->count == 0) {
        record_null(record, name);
        return;
    }
    record_open_object(record, name);
    record_integer(record, "count", (int64_t)times->count);
    record_usec(record, "min_us", (int64_t)histogram_min(times));
    record_number(record, "mean_us", histogram_mean(times) / 1e3);
    record_number(record, "stddev_us", histogram_deviation(times) / 1e3);
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
        record_usec(record, quantiles[i].name,
                    (int64_t)histogram_quantile(times, quantiles[i].share));
    record_usec(record, "max_us", (int64_t)histogram_max(times));
    record_close(record);
}

static void add_errors(struct record *record, const struct load_counts *counts)
{
    record_open_object(record, "errors");
    for (unsigned i = 0; i < LOAD_ERRORS; i++)
        record_integer(record, load_error_name((enum load_error)i), (int64_t)counts->errors[i]);
    record_close(record);
}

static void add_seconds(struct record *record, const struct load_counts *counts)
{
    record_open_array(record, "answers_by_second");
    for (unsigned i = 0; i < counts->seconds_count; i++)
        record_integer(record, NULL, (int64_t)counts->seconds[i]);
    record_close(record);
}

static void add_steps(struct record *record, const struct load_result *result)
{
    record_open_array(record, "steps");
    for (size_t i = 0; i < result->step_count; i++) {
        const struct load_step *step = &result->steps[i];

        record_open_object(record, NULL);
        record_number(record, "rate_per_s", step->rate);
        record_number(record, "promised_us", step->measured_nsec / 1e3);
        record_number(record, "answers_per_s", step->answered);
        record_truth(record, "kept", step->kept);
        record_close(record);
    }
    record_close(record);
}

static void add_search(struct record *record, const struct load_result *result)
{
    const char *promise = result->options->promise.text;

    add_text(record, "promise", promise);
    add_rate(record, "found_rate_per_s", result->found);
    if (promise)
        add_steps(record, result);
    else
        record_null(record, "steps");
}

int load_json(const struct load_result *result, FILE *out)
{
    struct record *record = record_new();

    add_plan(record, result);
    add_amounts(record, result);
    add_times(record, "since_due", &result->counts->since_due);
    add_times(record, "since_sent", &result->counts->since_sent);
    add_times(record, "connect", &result->counts->connect);
    add_errors(record, result->counts);
    add_seconds(record, result->counts);
    add_search(record, result);
    return record_finish(record, out);
}
