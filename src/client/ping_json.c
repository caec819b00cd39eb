/* SPDX-License-Identifier: MIT */
#include "client/ping_json.h"

#include <time.h>

#include "client/record.h"

static const char *const event_names[] = {
    [PING_EVENT_ANSWER] = "answer",       [PING_EVENT_DUPLICATE] = "duplicate",
    [PING_EVENT_LATE] = "late",           [PING_EVENT_LOST] = "lost",
    [PING_EVENT_CORRUPTED] = "corrupted", [PING_EVENT_STRAY] = "stray",
    [PING_EVENT_FAILED] = "failed",       [PING_EVENT_ERROR] = "error",
    [PING_EVENT_BROKEN] = "broken",       [PING_EVENT_CONNECTED] = "connected",
};

/* Since 1970. */
static int64_t now_usec(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); /* Cannot fail for this clock. */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int ping_json_event(FILE *out, const struct ping_lane *lane, const struct ping_event *event)
{
    struct record *record = record_new();

    record_integer(record, "time_us", now_usec());
    record_text(record, "target", lane->target->text);
    record_text(record, "event", event_names[event->kind]);
    if (event->sequence)
        record_integer(record, "sequence", (int64_t)event->sequence);
    if (event->size)
        record_integer(record, "received_bytes", (int64_t)event->size);
    if (event->connect_nsec >= 0)
        record_usec(record, "connect_us", event->connect_nsec);
    if (event->kind <= PING_EVENT_LATE) {
        record_usec(record, "rtt_us", event->rtt_nsec);
        record_truth(record, "kernel_time", event->by_kernel);
        record_truth(record, "reordered", event->reordered);
    }
    if (event->kind == PING_EVENT_CORRUPTED)
        record_integer(record, "wrong_offset_bytes", (int64_t)event->offset);
    if (event->why)
        record_text(record, "error", event->why);
    return record_finish(record, out);
}

static void add_counts(struct record *record, const struct ping_stats *stats)
{
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {
        {"sent", stats->sent},
        {"received", stats->received},
        {"lost", stats->lost},
        {"corrupted", stats->corrupted},
        {"pending", ping_stats_pending(stats)},
        {"duplicates", stats->duplicates},
        {"reordered", stats->reordered},
        {"late", stats->late},
        {"strays", stats->strays},
        {"errors", stats->errors},
        {"connections", stats->connections},
        {"kernel_times", stats->by_kernel},
    };

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        record_integer(record, counts[i].name, (int64_t)counts[i].count);
    record_number(record, "loss_percent", ping_stats_loss_percent(stats));
}

/* Without values: null. */
static void add_usec(struct record *record, const char *name, const struct histogram *histogram,
                     double nsec)
{
    if (histogram->count > 0)
        record_number(record, name, nsec / 1000);
    else
        record_null(record, name);
}

static void add_rtt(struct record *record, const struct ping_stats *stats)
{
    const struct histogram *rtt = &stats->rtt;

    add_usec(record, "rtt_min_us", rtt, (double)histogram_min(rtt));
    add_usec(record, "rtt_mean_us", rtt, histogram_mean(rtt));
    add_usec(record, "rtt_p50_us", rtt, (double)histogram_quantile(rtt, 0.5));
    add_usec(record, "rtt_p95_us", rtt, (double)histogram_quantile(rtt, 0.95));
    add_usec(record, "rtt_p99_us", rtt, (double)histogram_quantile(rtt, 0.99));
    add_usec(record, "rtt_max_us", rtt, (double)histogram_max(rtt));
    add_usec(record, "rtt_mdev_us", rtt, histogram_deviation(rtt));
    add_usec(record, "jitter_us", rtt, stats->jitter_nsec);
}

static void add_connect(struct record *record, const struct histogram *connect)
{
    add_usec(record, "connect_min_us", connect, (double)histogram_min(connect));
    add_usec(record, "connect_mean_us", connect, histogram_mean(connect));
    add_usec(record, "connect_p50_us", connect, (double)histogram_quantile(connect, 0.5));
    add_usec(record, "connect_max_us", connect, (double)histogram_max(connect));
}

static void add_lane(struct record *record, const struct ping_lane *lane)
{
    char address[ADDR_TEXT_MAX];

    record_open_object(record, NULL);
    record_text(record, "target", lane->target->text);
    record_text(record, "peer", addr_format(&lane->link.addr, address));
    record_integer(record, "size_bytes", (int64_t)lane->run->size);
    add_counts(record, &lane->stats);
    add_rtt(record, &lane->stats);
    add_connect(record, &lane->stats.connect);
    record_close(record);
}

int ping_json_summary(FILE *out, const struct ping_lane *const *lanes, size_t count)
{
    struct record *record = record_new();

    record_text(record, "mode", "ping");
    record_open_array(record, "targets");
    for (size_t i = 0; i < count; i++)
        add_lane(record, lanes[i]);
    record_close(record);
    return record_finish(record, out);
}
