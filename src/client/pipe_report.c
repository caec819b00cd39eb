/* SPDX-License-Identifier: MIT */
#include "client/pipe_report.h"

#include <string.h>

#include "client/deadline.h"
#include "client/output.h"
#include "client/probe_record.h"
#include "client/probe_words.h"
#include "client/record.h"

/* The cause, as a probe would have it, but for what only a pipe knows. */
static void print_cause(FILE *out, const void *context)
{
    const struct pipe_result *result = context;

    if (result->trouble)
        (void)fprintf(out, "%s: %s", result->trouble, strerror(-result->probe.error));
    else
        probe_words_cause(out, &result->probe);
    if (result->probe.outcome == PROBE_CLOSED_EARLY && result->half_closed)
        (void)fputs(" (the rest was lost when our side closed: ncat --exec, say, does not serve "
                    "a half-closed connection)",
                    out);
}

static void print_failure(const struct pipe_options *options, const struct pipe_result *result,
                          FILE *out)
{
    (void)fputs("echo-client: ", out);
    probe_words_target(out, &options->common.target.at[0], &result->probe.peer);
    (void)fputs(": ", out);
    print_cause(out, result);
    (void)fputc('\n', out);
}

static void print_success(const struct pipe_options *options, const struct pipe_result *result,
                          FILE *out)
{
    double seconds = (double)result->duration_nsec / (double)NSEC_PER_SEC;

    output_size(out, (double)result->probe.received);
    (void)fputs(" came back from ", out);
    probe_words_target(out, &options->common.target.at[0], &result->probe.peer);
    (void)fputs(options->verify ? " intact in " : " in ", out);
    output_duration(out, result->duration_nsec);
    if (seconds > 0) {
        (void)fputs(" (", out);
        output_size(out, (double)result->probe.received / seconds);
        (void)fputs("/s)", out);
    }
    (void)fputc('\n', out);
}

static void print_json(const struct pipe_options *options, const struct pipe_result *result,
                       FILE *out)
{
    struct record *record = record_new();

    record_text(record, "mode", "pipe");
    record_text(record, "target", options->common.target.at[0].text);
    record_truth(record, "verified", options->verify);
    record_usec(record, "duration_us", result->duration_nsec);
    probe_record(record, &result->probe, print_cause, result);
    if (record_finish(record, out) < 0)
        (void)fputs("echo-client: no memory for JSON\n", out);
}

void pipe_report(const struct pipe_options *options, const struct pipe_result *result, FILE *out)
{
    if (options->common.json)
        print_json(options, result, out);
    else if (result->probe.outcome != PROBE_OK)
        print_failure(options, result, out);
    else if (options->verbose)
        print_success(options, result, out);
}
