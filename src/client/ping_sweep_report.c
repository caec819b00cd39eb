/* SPDX-License-Identifier: MIT */
#include "client/ping_sweep_report.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "client/deadline.h"
#include "client/ping_find.h"
#include "client/ping_sweep.h"
#include "client/record.h"

/* Each size is tried so often, unless told otherwise. */
enum { TRIES = 3 };

#define FIND_NSEC (10 * NSEC_PER_SEC)

/* Who is told of the steps. */
struct table {
    FILE *out;
    struct record *record; /* NULL: text */
    size_t headers;        /* bytes of them in a packet */
};

static void print_passed(FILE *out, const struct ping_sweep_step *step)
{
    (void)fprintf(out, "%.3f ms", (double)step->rtt_nsec / (double)NSEC_PER_MSEC);
    if (step->fragment)
        (void)fprintf(out, ", the answer in fragments of up to %zu bytes", step->fragment);
}

static void print_too_long(FILE *out, const struct ping_sweep_step *step)
{
    (void)fputs("too long", out);
    if (step->mtu)
        (void)fprintf(out, " for an MTU of %u", step->mtu);
    (void)fputs(step->from_afar ? ", says a router on the way" : " of this machine", out);
}

static void print_step(const struct table *table, const struct ping_sweep_step *step)
{
    FILE *out = table->out;

    (void)fprintf(out, "%7zu %7zu  ", step->size, step->size + table->headers);
    switch (step->outcome) {
    case PING_SWEEP_PASSED:
        print_passed(out, step);
        break;
    case PING_SWEEP_SILENT:
        (void)fprintf(out, "no answer (%u tries)", step->tries);
        break;
    case PING_SWEEP_TOO_LONG:
        print_too_long(out, step);
        break;
    case PING_SWEEP_CUT:
        (void)fprintf(out, "the server sends back only %zu bytes", step->received);
        break;
    case PING_SWEEP_WRONG:
        (void)fputs("other bytes came back", out);
        break;
    case PING_SWEEP_FAILED:
        (void)fputs(strerror(-step->error), out);
        break;
    }
    (void)fputc('\n', out);
}

static void record_step(const struct table *table, const struct ping_sweep_step *step)
{
    static const char *const results[] = {
        [PING_SWEEP_PASSED] = "passed",     [PING_SWEEP_SILENT] = "silent",
        [PING_SWEEP_TOO_LONG] = "too_long", [PING_SWEEP_CUT] = "cut",
        [PING_SWEEP_WRONG] = "wrong",       [PING_SWEEP_FAILED] = "failed",
    };
    struct record *record = table->record;

    record_open_object(record, NULL);
    record_integer(record, "size_bytes", (int64_t)step->size);
    record_text(record, "result", results[step->outcome]);
    record_integer(record, "tries", step->tries);
    if (step->outcome == PING_SWEEP_PASSED)
        record_usec(record, "rtt_us", step->rtt_nsec);
    if (step->outcome == PING_SWEEP_PASSED && step->fragment)
        record_integer(record, "fragment_bytes", (int64_t)step->fragment);
    if (step->outcome == PING_SWEEP_CUT)
        record_integer(record, "received_bytes", (int64_t)step->received);
    if (step->mtu)
        record_integer(record, "mtu_bytes", step->mtu);
    if (step->outcome == PING_SWEEP_FAILED)
        record_text(record, "error", strerror(-step->error));
    record_close(record);
}

static void tell(void *audience, const struct ping_sweep_step *step)
{
    const struct table *table = audience;

    if (table->record)
        record_step(table, step);
    else
        print_step(table, step);
}

static void print_begin(const struct table *table, const struct target *target,
                        const struct ping_sweep *sweep)
{
    char text[ADDR_TEXT_MAX];

    (void)fprintf(table->out, "SWEEP %s (%s)%s\n  bytes  packet  result\n", target->text,
                  addr_format(&sweep->addr, text),
                  sweep->dial->path.dont_fragment ? ", unfragmented" : "");
}

static void print_end(const struct table *table, const struct ping_sweep *sweep, size_t largest)
{
    if (largest == 0)
        (void)fputs("no datagram came back\n", table->out);
    else
        (void)fprintf(
            table->out, "the largest datagram that %s: %zu bytes, %zu with IP and UDP headers\n",
            sweep->dial->path.dont_fragment ? "went unfragmented and came back" : "came back",
            largest, largest + table->headers);
}

static void record_begin(struct record *record, const struct target *target,
                         const struct ping_sweep *sweep)
{
    char text[ADDR_TEXT_MAX];

    record_open_object(record, NULL);
    record_text(record, "target", target->text);
    record_text(record, "peer", addr_format(&sweep->addr, text));
    record_truth(record, "dont_fragment", sweep->dial->path.dont_fragment);
    record_open_array(record, "sizes");
}

static void record_end(const struct table *table, size_t largest)
{
    struct record *record = table->record;

    record_close(record);
    record_integer(record, "largest_bytes", (int64_t)largest);
    record_integer(record, "largest_packet_bytes",
                   largest ? (int64_t)(largest + table->headers) : 0);
    record_close(record);
}

static int sweep_addr(struct table *table, const struct target *target,
                      const struct ping_sweep *sweep, size_t *ret_largest)
{
    int r;

    table->headers = ping_sweep_headers(&sweep->addr);
    if (table->record)
        record_begin(table->record, target, sweep);
    else
        print_begin(table, target, sweep);
    r = ping_sweep_run(sweep, ret_largest);
    if (table->record)
        record_end(table, *ret_largest);
    else
        print_end(table, sweep, *ret_largest);
    return r;
}

static struct ping_sweep sweep_of(const struct ping_options *options, const struct addr *addr,
                                  int64_t deadline, struct table *table)
{
    return (struct ping_sweep){
        .addr = *addr,
        .dial = &options->common.dial,
        .size_max = (size_t)options->size,
        .tries = options->count ? (unsigned)options->count : TRIES,
        .wait_nsec = options->wait_nsec,
        .deadline = deadline,
        .tell = tell,
        .audience = table,
    };
}

static int sweep_target(struct table *table, const struct ping_options *options,
                        const struct target *target, int64_t deadline, size_t *ret_largest)
{
    int64_t limit = clock_nsec() + FIND_NSEC;
    struct ping_sweep sweep;
    struct ping_place place;
    int r = ping_find_one(&options->common, target, limit < deadline ? limit : deadline, &place);

    closep(&place.connection.fd); /* Each probe has a socket of its own. */
    if (r != 0) {
        (void)fprintf(stderr, "echo-client: cannot look up %s: %s\n", target->text,
                      resolve_strerror(r));
        return r;
    }
    sweep = sweep_of(options, &place.connection.peer, deadline, table);
    r = sweep_addr(table, target, &sweep, ret_largest);
    if (r < 0)
        (void)fprintf(stderr, "echo-client: %s: %s\n", target->text,
                      r == -ETIMEDOUT ? "the time of --timeout is over" : strerror(-r));
    return r;
}

int ping_sweep_report(const struct ping_options *options)
{
    struct table table = {.out = stdout, .record = options->common.json ? record_new() : NULL};
    int64_t limit = options->common.timeout_nsec;
    int64_t deadline = limit > 0 ? clock_nsec() + limit : INT64_MAX;
    int r = options->common.json && !table.record ? -ENOMEM : 0;
    bool any = false;

    record_text(table.record, "mode", "ping");
    record_open_array(table.record, "sweeps");
    for (size_t i = 0; r == 0 && i < options->common.target.count; i++) {
        size_t largest = 0;

        r = sweep_target(&table, options, &options->common.target.at[i], deadline, &largest);
        any = any || largest > 0;
    }
    record_close(table.record);
    if (options->common.json && record_finish(table.record, stdout) < 0)
        r = -ENOMEM;
    if (r != 0)
        return 2;
    return any ? 0 : 1;
}
