/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "client/check_report.h"
#include "client/deadline.h"
#include "client/output.h"
#include "client/probe_words.h"

static enum check_state state_of(const struct check_target *t)
{
    return check_judge(&t->stats, &t->options->thresholds);
}

static const struct addr *peer_of(const struct check_target *t)
{
    return t->stats.failure ? &t->stats.failure->peer : &t->result[0].peer;
}

/* The thresholds that were passed, in parentheses. */
static void print_alerts(FILE *out, const struct check_target *t)
{
    const struct check_thresholds *thresholds = &t->options->thresholds;

    for (int metric = 0; metric < CHECK_METRICS; metric++) {
        enum check_state state = check_judge_metric(&t->stats, metric, thresholds);

        if (state == CHECK_OK)
            continue;
        (void)fprintf(out, " (%s: %s is ", check_state_name(state), check_metric_name(metric));
        (void)fprintf(out, metric == CHECK_LOSS ? "%.3g%%, allowed: " : "%.6f s, allowed: ",
                      check_metric_value(&t->stats, metric));
        range_print(out, state == CHECK_CRITICAL ? &thresholds->critical[metric]
                                                 : &thresholds->warning[metric]);
        (void)fputc(')', out);
    }
}

static void print_one_probe(FILE *out, const struct check_target *t)
{
    (void)fputs(" returned ", out);
    output_size(out, (double)t->options->pattern.size);
    (void)fputs(" in ", out);
    output_duration(out, t->result[0].rtt_nsec);
}

static void print_probes(FILE *out, const struct check_target *t)
{
    (void)fprintf(out, ": %zu of %zu probes came back", t->stats.received, t->stats.sent);
    if (t->stats.received > 0) {
        (void)fputs(", p95 ", out);
        output_duration(out, (int64_t)t->stats.p95);
    }
    if (t->stats.received > 1) {
        (void)fputs(", jitter ", out);
        output_duration(out, (int64_t)t->stats.jitter);
    }
}

/* One target in words. */
static void print_target(FILE *out, const struct check_target *t)
{
    probe_words_target(out, t->target, peer_of(t));
    if (t->options->count > 1)
        print_probes(out, t);
    else if (!t->stats.failure)
        print_one_probe(out, t);
    if (t->stats.failure) {
        (void)fputs(": ", out);
        probe_words_cause(out, t->stats.failure);
    }
    print_alerts(out, t);
}

/* How many answer, then those that are not well. */
static void print_targets(FILE *out, const struct check_targets *targets)
{
    size_t answering = 0;

    for (size_t i = 0; i < targets->count; i++)
        answering += targets->at[i].stats.received > 0;
    (void)fprintf(out, "%zu of %zu answer", answering, targets->count);
    for (size_t i = 0; i < targets->count; i++) {
        if (state_of(&targets->at[i]) == CHECK_OK)
            continue;
        (void)fputs("; ", out);
        print_target(out, &targets->at[i]);
    }
}

/*
 * 'label'=value[UOM];warn;crit;min;max. A value that is not known is U, without a unit. Of several
 * targets each has labels of its own.
 */
static void print_label(FILE *out, const struct check_target *t, const char *name)
{
    if (t->options->common.target.count == 1) {
        (void)fprintf(out, " %s=", name);
        return;
    }
    (void)fputs(" '", out);
    for (const char *c = t->target->text; *c; c++)
        (void)fputc(strchr("'=|", *c) ? '_' : *c, out);
    (void)fprintf(out, " %s'=", name);
}

static void print_seconds(FILE *out, double seconds)
{
    if (isnan(seconds))
        (void)fputc('U', out);
    else
        (void)fprintf(out, "%.6fs", seconds);
}

static void print_metric(FILE *out, const struct check_target *t, enum check_metric metric)
{
    double value = check_metric_value(&t->stats, metric);

    print_label(out, t, check_metric_name(metric));
    if (metric == CHECK_LOSS)
        (void)fprintf(out, "%.3g%%", value);
    else
        print_seconds(out, value);
    (void)fputc(';', out);
    range_print(out, &t->options->thresholds.warning[metric]);
    (void)fputc(';', out);
    range_print(out, &t->options->thresholds.critical[metric]);
    if (metric == CHECK_LOSS)
        (void)fputs(";0;100", out);
    else
        (void)fprintf(out, ";0;%.15g",
                      (double)t->options->common.timeout_nsec / (double)NSEC_PER_SEC);
}

/* The same ones for the same command line, whatever happened. */
static void print_performance(FILE *out, const struct check_target *t)
{
    print_metric(out, t, CHECK_TIME);
    print_label(out, t, "connect");
    print_seconds(out, t->stats.connect / (double)NSEC_PER_SEC);
    (void)fputs(";;;0", out);
    print_metric(out, t, CHECK_LOSS);
    if (t->options->count == 1)
        return;
    print_metric(out, t, CHECK_P95);
    print_metric(out, t, CHECK_JITTER);
}

static void print_probe(FILE *out, const struct check_target *t, size_t i)
{
    const struct probe_result *result = &t->result[i];

    (void)fprintf(out, "  probe %zu: ", i + 1);
    if (result->outcome == PROBE_OK)
        output_duration(out, result->rtt_nsec);
    else
        probe_words_cause(out, result);
    if (t->options->verbose > 2) {
        char text[ADDR_TEXT_MAX];

        (void)fprintf(out, "; to %s, connected in ",
                      result->peer.len > 0 ? addr_format(&result->peer, text) : "nobody");
        output_duration(out, result->connect_nsec);
        (void)fprintf(out, ", %" PRIu64 " bytes sent, %" PRIu64 " came back", result->sent,
                      result->received);
    }
    (void)fputc('\n', out);
}

static void print_details(FILE *out, const struct check_target *t)
{
    (void)fprintf(out, "%s: ", check_state_name(state_of(t)));
    print_target(out, t);
    (void)fputc('\n', out);
    for (size_t i = 0; i < t->count && t->options->verbose > 1; i++)
        print_probe(out, t, i);
}

static void print_summary(FILE *out, const struct check_targets *targets)
{
    if (targets->count == 1)
        print_target(out, &targets->at[0]);
    else
        print_targets(out, targets);
}

static void print_all_details(FILE *out, const struct check_targets *targets)
{
    for (size_t i = 0; i < targets->count && targets->at[i].options->verbose > 0; i++)
        print_details(out, &targets->at[i]);
}

/*
 * What PRINT writes, but without "|", which begins the performance data: it may not stand in the
 * text before, nor in the lines after. A path may have it, or a wrong byte be it.
 */
static void print_without_bars(FILE *out, void (*print)(FILE *, const struct check_targets *),
                               const struct check_targets *targets)
{
    _cleanup_(freep) char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    if (!stream)
        return;
    print(stream, targets);
    if (fclose(stream) != 0)
        return;
    for (const char *c = text; *c; c++)
        (void)fputc(*c == '|' ? '/' : *c, out);
}

void check_report_plugin(const struct check_targets *targets, enum check_state state, FILE *out)
{
    if (targets->at[0].options->common.quiet && state == CHECK_OK)
        return;
    (void)fprintf(out, "ECHO %s - ", check_state_name(state));
    print_without_bars(out, print_summary, targets);
    (void)fputs(" |", out);
    for (size_t i = 0; i < targets->count; i++)
        print_performance(out, &targets->at[i]);
    (void)fputc('\n', out);
    print_without_bars(out, print_all_details, targets);
}
