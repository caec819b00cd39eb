/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "client/check_report.h"
#include "client/deadline.h"
#include "client/probe_record.h"
#include "client/probe_words.h"

static void print_cause(FILE *out, const void *context)
{
    probe_words_cause(out, context);
}

static void record_probe(struct record *record, const struct probe_result *result)
{
    record_open_object(record, NULL);
    probe_record(record, result, print_cause, result);
    if (result->outcome == PROBE_OK)
        record_usec(record, "rtt_us", result->rtt_nsec);
    else
        record_null(record, "rtt_us");
    record_close(record);
}

/* Nanoseconds, or NAN. */
static void record_time(struct record *record, const char *name, double nsec)
{
    if (isnan(nsec))
        record_null(record, name);
    else
        record_usec(record, name, (int64_t)(nsec + 0.5));
}

static void record_stats(struct record *record, const struct check_stats *stats)
{
    record_integer(record, "sent", (int64_t)stats->sent);
    record_integer(record, "received", (int64_t)stats->received);
    record_number(record, "loss_percent", stats->loss);
    record_time(record, "connect_mean_us", stats->connect);
    record_time(record, "rtt_min_us", stats->min);
    record_time(record, "rtt_mean_us", stats->mean);
    record_time(record, "rtt_p95_us", stats->p95);
    record_time(record, "rtt_max_us", stats->max);
    record_time(record, "jitter_us", stats->jitter);
}

static void record_target(struct record *record, const struct check_target *t)
{
    enum check_state state = check_judge(&t->stats, &t->options->thresholds);

    record_open_object(record, NULL);
    record_text(record, "target", t->target->text);
    record_text(record, "state", check_state_name(state));
    record_stats(record, &t->stats);
    record_open_array(record, "probes");
    for (size_t i = 0; i < t->count; i++)
        record_probe(record, &t->result[i]);
    record_close(record);
    record_close(record);
}

int check_report_json(const struct check_targets *targets, enum check_state state, FILE *out)
{
    const struct check_options *options = targets->at[0].options;
    struct record *record = record_new();

    record_text(record, "mode", "check");
    record_text(record, "state", check_state_name(state));
    record_integer(record, "size_bytes", (int64_t)options->pattern.size);
    record_usec(record, "timeout_us", options->common.timeout_nsec);
    record_open_array(record, "targets");
    for (size_t i = 0; i < targets->count; i++)
        record_target(record, &targets->at[i]);
    return record_finish(record, out);
}
