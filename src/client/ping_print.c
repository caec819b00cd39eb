/* SPDX-License-Identifier: MIT */
#include "client/ping_print.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "client/deadline.h"
#include "client/probe_words.h"

static double msec(double nsec)
{
    return nsec / (double)NSEC_PER_MSEC;
}

/* The target as it was named, and its address where that is not the same. */
static void print_target(FILE *out, const struct ping_lane *lane)
{
    char text[ADDR_TEXT_MAX];

    (void)fputs(lane->target->text, out);
    if (target_has_host(lane->target->kind) &&
        !strstr(lane->target->text, addr_format(&lane->link.addr, text)))
        (void)fprintf(out, " (%s)", text);
}

void ping_print_begin(FILE *out, const struct ping_lane *lane)
{
    (void)fputs("PING ", out);
    print_target(out, lane);
    (void)fprintf(out, ": %zu bytes%s\n", lane->run->size,
                  lane->run->connect_each ? ", a connection for each probe" : "");
}

/* As ping(8) -D has it. */
static void print_time(FILE *out)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); /* Cannot fail for this clock. */
    (void)fprintf(out, "[%lld.%06ld] ", (long long)now.tv_sec, now.tv_nsec / 1000);
}

static void print_answer(FILE *out, const struct ping_event *event)
{
    static const char *const remarks[] = {
        [PING_EVENT_ANSWER] = "",
        [PING_EVENT_DUPLICATE] = " (duplicate)",
        [PING_EVENT_LATE] = " (late: counted as lost)",
    };

    if (event->connect_nsec >= 0)
        (void)fprintf(out, " connect=%.3f ms", msec((double)event->connect_nsec));
    (void)fprintf(out, " time=%.3f ms%s%s", msec((double)event->rtt_nsec), remarks[event->kind],
                  event->reordered ? " (overtaken by a later one)" : "");
}

static void print_cut(FILE *out, const struct ping_lane *lane, size_t size)
{
    const char *whose = probe_words_limit(size);

    (void)fprintf(out, " corrupted: cut to %zu of %zu bytes", size, lane->run->size);
    if (whose)
        (void)fprintf(out, " (the limit of %s)", whose);
}

static void print_corrupted(FILE *out, const struct ping_lane *lane, const struct ping_event *event)
{
    if (event->offset < event->size && event->offset < lane->run->size)
        (void)fprintf(out, " corrupted: wrong byte at offset %zu", event->offset);
    else if (event->size < lane->run->size)
        print_cut(out, lane, event->size);
    else
        (void)fprintf(out, " corrupted: %zu bytes instead of %zu", event->size, lane->run->size);
}

static void print_what(FILE *out, const struct ping_lane *lane, const struct ping_event *event)
{
    switch (event->kind) {
    case PING_EVENT_ANSWER:
    case PING_EVENT_DUPLICATE:
    case PING_EVENT_LATE:
        print_answer(out, event);
        break;
    case PING_EVENT_LOST:
        (void)fputs(" no answer", out);
        break;
    case PING_EVENT_CORRUPTED:
        print_corrupted(out, lane, event);
        break;
    case PING_EVENT_STRAY:
        (void)fprintf(out, " %zu bytes that answer no probe", event->size);
        break;
    case PING_EVENT_FAILED:
    case PING_EVENT_ERROR:
        (void)fprintf(out, " %s", event->why);
        break;
    case PING_EVENT_BROKEN:
        (void)fprintf(out, " connection lost: %s", event->why);
        break;
    case PING_EVENT_CONNECTED:
        (void)fprintf(out, " connected again, in %.3f ms", msec((double)event->connect_nsec));
        break;
    }
}

void ping_print_event(FILE *out, bool time, const struct ping_lane *lane,
                      const struct ping_event *event)
{
    if (time)
        print_time(out);
    if (event->kind <= PING_EVENT_LATE)
        (void)fprintf(out, "%zu bytes from ", event->size);
    (void)fprintf(out, "%s:", lane->target->text);
    if (event->sequence)
        (void)fprintf(out, " seq=%" PRIu64, event->sequence);
    print_what(out, lane, event);
    (void)fputc('\n', out);
}

/* What does not happen every day is named when it has happened. */
static void print_oddities(FILE *out, const struct ping_stats *stats)
{
    const struct {
        uint64_t count;
        const char *name;
    } oddities[] = {
        {stats->reordered, "reordered"}, {stats->late, "of the lost came late"},
        {stats->corrupted, "corrupted"}, {stats->strays, "answered no probe"},
        {stats->errors, "errors"},       {ping_stats_pending(stats), "under way"},
    };

    for (size_t i = 0; i < sizeof(oddities) / sizeof(oddities[0]); i++)
        if (oddities[i].count > 0)
            (void)fprintf(out, ", %" PRIu64 " %s", oddities[i].count, oddities[i].name);
}

static void print_rtt(FILE *out, const struct ping_stats *stats)
{
    const struct histogram *rtt = &stats->rtt;
    static const double shares[] = {0.5, 0.95, 0.99};

    (void)fprintf(out, "rtt min/mean/p50/p95/p99/max/mdev/jitter = %.3f/%.3f",
                  msec((double)histogram_min(rtt)), msec(histogram_mean(rtt)));
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
        (void)fprintf(out, "/%.3f", msec((double)histogram_quantile(rtt, shares[i])));
    (void)fprintf(out, "/%.3f/%.3f/%.3f ms", msec((double)histogram_max(rtt)),
                  msec(histogram_deviation(rtt)), msec(stats->jitter_nsec));
    if (stats->by_kernel == stats->received)
        (void)fputs(" (kernel time stamps)\n", out);
    else if (stats->by_kernel == 0)
        (void)fputs(" (monotonic clock)\n", out);
    else
        (void)fprintf(out, " (%" PRIu64 " of %" PRIu64 " by kernel time stamps)\n",
                      stats->by_kernel, stats->received);
}

static void print_connect(FILE *out, const struct histogram *connect)
{
    (void)fprintf(out, "connect min/mean/p50/max = %.3f/%.3f/%.3f/%.3f ms\n",
                  msec((double)histogram_min(connect)), msec(histogram_mean(connect)),
                  msec((double)histogram_quantile(connect, 0.5)),
                  msec((double)histogram_max(connect)));
}

void ping_print_summary(FILE *out, const struct ping_lane *lane)
{
    const struct ping_stats *stats = &lane->stats;
    bool is_stream = target_socket_type(lane->target->kind) == SOCK_STREAM;

    (void)fputs("\n--- ", out);
    print_target(out, lane);
    (void)fprintf(out,
                  " ---\n%" PRIu64 " sent, %" PRIu64 " received, %" PRIu64
                  " lost (%.4g%%), %" PRIu64 " duplicates",
                  stats->sent, stats->received, stats->lost, ping_stats_loss_percent(stats),
                  stats->duplicates);
    print_oddities(out, stats);
    (void)fputc('\n', out);
    if (stats->received > 0)
        print_rtt(out, stats);
    if (is_stream && stats->connections > 0 && lane->run->connect_each)
        print_connect(out, &stats->connect);
    else if (is_stream && stats->connections > 1)
        (void)fprintf(out, "%" PRIu64 " connections\n", stats->connections);
}
