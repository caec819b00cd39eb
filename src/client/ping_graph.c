/* SPDX-License-Identifier: MIT */
#include "client/ping_graph.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/chart.h"
#include "client/deadline.h"
#include "client/ping_print.h"

/* Twenty times a second is enough for the eye, and little for a slow line. */
#define DRAW_NSEC (50 * NSEC_PER_MSEC)

/* A remark, such as that a connection broke. */
enum { REMARK_MAX = 256 };

struct ping_graph {
    FILE *out;
    struct terminal terminal;
    const struct ping_lane *const *lanes;
    size_t count;
    struct chart_series *series; /* of each lane */
    const struct chart_series **order;
    int64_t *last_rtt;
    char remark[REMARK_MAX];
    int64_t drawn_nsec;
    unsigned lines; /* above the cursor that are ours */
    bool is_new, clear;
};

void ping_graph_free(struct ping_graph *graph)
{
    if (!graph)
        return;
    free(graph->series);
    free(graph->order);
    free(graph->last_rtt);
    free(graph);
}

struct ping_graph *ping_graph_new(FILE *out, const struct terminal *terminal,
                                  const struct ping_lane *const *lanes, size_t count)
{
    struct ping_graph *graph = calloc(1, sizeof(*graph));

    if (!graph)
        return NULL;
    *graph = (struct ping_graph){
        .out = out, .terminal = *terminal, .lanes = lanes, .count = count, .is_new = true};
    graph->series = calloc(count + 1, sizeof(*graph->series));
    graph->order = calloc(count + 1, sizeof(*graph->order));
    graph->last_rtt = calloc(count + 1, sizeof(*graph->last_rtt));
    if (!graph->series || !graph->order || !graph->last_rtt) {
        ping_graph_free(graph);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        graph->order[i] = &graph->series[i];
    return graph;
}

static size_t index_of(const struct ping_graph *graph, const struct ping_lane *lane)
{
    size_t i = 0;

    while (graph->lanes[i] != lane)
        i++;
    return i;
}

/* What is neither an answer nor silence is said in words, without the end of the line. */
static void take_remark(struct ping_graph *graph, const struct ping_lane *lane,
                        const struct ping_event *event)
{
    FILE *out = fmemopen(graph->remark, sizeof(graph->remark), "w");

    if (!out)
        return; /* It is only a remark. */
    ping_print_event(out, false, lane, event);
    (void)fclose(out);
    graph->remark[strcspn(graph->remark, "\n")] = '\0';
}

void ping_graph_event(struct ping_graph *graph, const struct ping_lane *lane,
                      const struct ping_event *event)
{
    size_t i = index_of(graph, lane);

    graph->is_new = true;
    switch (event->kind) {
    case PING_EVENT_ANSWER:
        graph->last_rtt[i] = event->rtt_nsec;
        /* Zero stands for nothing. */
        chart_add(&graph->series[i], event->sequence, event->rtt_nsec ? event->rtt_nsec : 1);
        return;
    case PING_EVENT_LOST:
    case PING_EVENT_FAILED:
    case PING_EVENT_CORRUPTED:
        chart_add(&graph->series[i], event->sequence, CHART_LOST);
        break;
    default:
        break;
    }
    if (event->kind != PING_EVENT_LOST)
        take_remark(graph, lane, event);
}

int64_t ping_graph_deadline(const struct ping_graph *graph)
{
    return graph->is_new ? graph->drawn_nsec + DRAW_NSEC : INT64_MAX;
}

void ping_graph_resize(struct ping_graph *graph)
{
    terminal_measure(fileno(graph->out), &graph->terminal);
    graph->is_new = graph->clear = true; /* lines may have been wrapped */
}

void ping_graph_leave(struct ping_graph *graph)
{
    graph->lines = 0;
}

/* Text that fits the line. */
static void print_cut(FILE *out, const char *text, size_t columns, const char *end)
{
    (void)fprintf(out, "%.*s%s", (int)columns, text, end);
}

static double msec(int64_t nsec)
{
    return (double)nsec / (double)NSEC_PER_MSEC;
}

static void print_legend(const struct ping_graph *graph, FILE *out, size_t i, const char *end)
{
    const struct ping_stats *stats = &graph->lanes[i]->stats;
    const struct histogram *rtt = &stats->rtt;
    unsigned columns = graph->terminal.columns;
    char text[512];

    (void)snprintf(text, sizeof(text),
                   "%s: %.3f ms, %" PRIu64
                   " sent, %.4g%% lost, min/p50/p99/max %.3f/%.3f/%.3f/%.3f",
                   graph->lanes[i]->target->text, msec(graph->last_rtt[i]), stats->sent,
                   ping_stats_loss_percent(stats), msec((int64_t)histogram_min(rtt)),
                   msec((int64_t)histogram_quantile(rtt, 0.5)),
                   msec((int64_t)histogram_quantile(rtt, 0.99)), msec((int64_t)histogram_max(rtt)));
    chart_print_sign(out, &graph->terminal, i, graph->count);
    (void)fputc(' ', out);
    print_cut(out, text, columns > 3 ? columns - 3 : 0, end);
}

/* How the terminal's lines are shared out. */
struct layout {
    unsigned chart, legends; /* lines */
};

static struct layout lay_out(const struct ping_graph *graph)
{
    unsigned rows = graph->terminal.rows, half = rows / 2;
    struct layout layout = {.legends = graph->count < half ? (unsigned)graph->count : half};
    /* The remark, and the line of the cursor. */
    unsigned taken = layout.legends + CHART_EXTRA_LINES + 2;

    layout.chart = rows > taken ? rows - taken : 1;
    return layout;
}

/* A whole picture, so that it is written at once. */
static int compose(const struct ping_graph *graph, FILE *out, unsigned *ret_lines)
{
    static const char end[] = "\033[K\n"; /* and nothing of what was there before */
    struct layout layout = lay_out(graph);
    int r;

    if (graph->clear)
        (void)fputs("\033[H\033[2J", out);
    else if (graph->lines > 0)
        (void)fprintf(out, "\033[%uA\r", graph->lines);
    r = chart_draw(out, &graph->terminal, layout.chart, end, graph->order, graph->count);
    for (unsigned i = 0; i < layout.legends; i++)
        print_legend(graph, out, i, end);
    print_cut(out, graph->remark, graph->terminal.columns - 1, end);
    *ret_lines = layout.chart + CHART_EXTRA_LINES + layout.legends + 1;
    return r;
}

int ping_graph_draw(struct ping_graph *graph)
{
    char *picture = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&picture, &size);
    unsigned lines = 0;
    int r;

    if (!out)
        return -ENOMEM;
    r = compose(graph, out, &lines);
    if (fclose(out) != 0)
        r = -ENOMEM;
    if (r == 0) {
        (void)fwrite(picture, 1, size, graph->out);
        (void)fflush(graph->out); /* Its errors stay in ferror(3). */
        graph->lines = lines;
        graph->is_new = graph->clear = false;
        graph->drawn_nsec = clock_nsec();
    }
    free(picture);
    return r;
}
