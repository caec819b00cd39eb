/* SPDX-License-Identifier: MIT */
#include "client/load_report.h"

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "client/deadline.h"

/* From here on the CPU is what limits a thread, and latencies have its own delays in them. */
#define BUSY_SHARE 0.95
#define LATE_SHARE 0.01

enum { COLUMN = 12, SECONDS_IN_LINE = 6, SECONDS_MAX = 60 };

/* A column of the table of latencies. */
struct column {
    const char *name;
    const struct histogram *times;
};

static void print_amounts(const struct load_result *result, FILE *out)
{
    const struct load_counts *counts = result->counts;
    double rate = load_result_rate(counts);

    (void)fprintf(out, "  %-*s%" PRIu64 " in %.1f s: %.1f/s, %.2f MiB/s each way\n", COLUMN,
                  "answers", counts->answered, (double)counts->measured_nsec / 1e9, rate,
                  rate * (double)result->options->plan.size / (1 << 20));
    if (result->options->plan.reconnect)
        (void)fprintf(out, "  %-*s%" PRIu64 "\n", COLUMN, "connections", counts->opened);
}

/* A row of the table: a share of all answers, or what takes its place. */
struct row {
    const char *name;
    double share;
};

static double value_of(const struct row *row, const struct histogram *times)
{
    if (strcmp(row->name, "min") == 0)
        return (double)histogram_min(times);
    if (strcmp(row->name, "mean") == 0)
        return histogram_mean(times);
    return (double)histogram_quantile(times, row->share);
}

static void print_table(const struct column *columns, size_t count, FILE *out)
{
    static const struct row rows[] = {
        {"min", 0},        {"mean", 0},         {"50 %", 0.5},
        {"75 %", 0.75},    {"90 %", 0.9},       {"99 %", 0.99},
        {"99.9 %", 0.999}, {"99.99 %", 0.9999}, {"99.999 %", 0.99999},
        {"max", 1},
    };

    (void)fprintf(out, "\n  %-*s", COLUMN, "ms");
    for (size_t i = 0; i < count; i++)
        (void)fprintf(out, "%14s", columns[i].name);
    (void)fputc('\n', out);
    for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        (void)fprintf(out, "  %-*s", COLUMN, rows[k].name);
        for (size_t i = 0; i < count; i++)
            (void)fprintf(out, "%14.3f", value_of(&rows[k], columns[i].times) / 1e6);
        (void)fputc('\n', out);
    }
}

static void print_latencies(const struct load_result *result, FILE *out)
{
    const struct load_counts *counts = result->counts;
    struct column columns[3];
    size_t count = 0;

    if (result->options->plan.rate > 0)
        columns[count++] = (struct column){"since due", &counts->since_due};
    columns[count++] = (struct column){"since sent", &counts->since_sent};
    if (result->options->plan.reconnect)
        columns[count++] = (struct column){"to connect", &counts->connect};
    if (load_result_times(result)->count > 0)
        print_table(columns, count, out);
}

/* How many seconds are measured whole. */
static unsigned whole_seconds(const struct load_counts *counts)
{
    uint64_t seconds = (uint64_t)(counts->measured_nsec / NSEC_PER_SEC);

    return seconds < counts->seconds_count ? (unsigned)seconds : counts->seconds_count;
}

static void print_extreme_seconds(const struct load_counts *counts, unsigned count, FILE *out)
{
    unsigned least = 0, most = 0;

    for (unsigned i = 1; i < count; i++) {
        if (counts->seconds[i] < counts->seconds[least])
            least = i;
        if (counts->seconds[i] > counts->seconds[most])
            most = i;
    }
    (void)fprintf(out, "%" PRIu64 " (second %u) to %" PRIu64 " (second %u)\n",
                  counts->seconds[least], least + 1, counts->seconds[most], most + 1);
}

static void print_seconds(const struct load_counts *counts, FILE *out)
{
    unsigned count = whole_seconds(counts);

    if (count < 2)
        return;
    (void)fprintf(out, "\n  %-*s", COLUMN, "by second");
    if (count > SECONDS_MAX) {
        print_extreme_seconds(counts, count, out);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        if (i > 0 && i % SECONDS_IN_LINE == 0)
            (void)fprintf(out, "\n  %*s", COLUMN, "");
        (void)fprintf(out, "%10" PRIu64, counts->seconds[i]);
    }
    (void)fputc('\n', out);
}

static void print_errors(const struct load_counts *counts, FILE *out)
{
    if (load_counts_errors(counts) == 0)
        (void)fprintf(out, "  %-*snone\n", COLUMN, "errors");
    for (unsigned i = 0; i < LOAD_ERRORS; i++) {
        if (counts->errors[i] == 0)
            continue;
        (void)fprintf(out, "  %-*s%s: %" PRIu64, COLUMN, "errors",
                      load_error_words((enum load_error)i), counts->errors[i]);
        if (counts->last_errno[i])
            (void)fprintf(out, " (%s)", strerror(-counts->last_errno[i]));
        (void)fputc('\n', out);
    }
}

static void print_failures(const struct load_counts *counts, FILE *out)
{
    (void)fputc('\n', out);
    print_errors(counts, out);
    if (counts->lost > 0)
        (void)fprintf(out, "  %-*s%" PRIu64 " sent, and not answered\n", COLUMN, "lost",
                      counts->lost);
    if (counts->unsent > 0)
        (void)fprintf(out, "  %-*s%" PRIu64 " due, and not sent before the end\n", COLUMN, "unsent",
                      counts->unsent);
}

static void print_search(const struct load_result *result, FILE *out)
{
    const struct load_promise *promise = &result->options->promise;

    if (result->found > 0)
        (void)fprintf(out, "\nThe highest rate that keeps %s is %.0f/s%s.\n\n", promise->text,
                      result->found, result->interrupted ? " or more" : "");
    else
        (void)fprintf(out, "\nNo rate keeps %s.\n\n", promise->text);
}

void load_report(const struct load_result *result, FILE *out)
{
    char title[LOAD_TITLE_MAX];

    if (result->options->promise.text)
        print_search(result, out);
    (void)fprintf(out, "%s\n\n", load_result_title(result, title));
    print_amounts(result, out);
    print_latencies(result, out);
    print_seconds(result->counts, out);
    print_failures(result->counts, out);
}

void load_report_step(const struct load_promise *promise, const struct load_step *step, FILE *out)
{
    const char *name = promise->text;

    (void)fprintf(out, "%12.0f/s  %.*s %.3f ms, %.0f/s answered: %s\n", step->rate,
                  (int)strcspn(name, "<"), name, step->measured_nsec / 1e6, step->answered,
                  step->kept ? "kept" : "not kept");
    (void)fflush(out); /* Errors stay in ferror(3). */
}

void load_report_warnings(const struct load_result *result, FILE *err)
{
    const struct load_plan *plan = &result->options->plan;
    const struct load_counts *counts = result->counts;

    if (counts->busiest > BUSY_SHARE)
        (void)fprintf(err,
                      "echo-client: a thread used %.0f %% of a CPU: the server may be able to do "
                      "more (see --threads)\n",
                      counts->busiest * 100);
    if ((double)counts->late > LATE_SHARE * (double)counts->since_due.count)
        (void)fprintf(err,
                      "echo-client: %" PRIu64 " messages left late, for want of CPU time here: the "
                      "server answers faster than \"since due\" says\n",
                      counts->late);
    if (plan->type == SOCK_DGRAM && counts->answered > 0 && counts->errors[LOAD_TIMED_OUT] > 0)
        (void)fputs(
            "echo-client: datagrams had no answer: they were lost on the way, or are more than "
            "the server answers a source (of echod: limits.datagram_rate_per_source)\n",
            err);
    if (result->interrupted)
        (void)fputs("echo-client: interrupted: this is what was measured until then\n", err);
}
