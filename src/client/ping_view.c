/* SPDX-License-Identifier: MIT */
#include "client/ping_view.h"

#include <errno.h>

#include "client/ping_graph.h"
#include "client/ping_json.h"
#include "client/ping_print.h"
#include "client/terminal.h"

static void note(struct ping_view *view, int r)
{
    if (r < 0 && view->error == 0)
        view->error = r;
}

static bool is_text(const struct ping_view *view)
{
    return !view->json && !view->json_lines;
}

static void begin_graph(struct ping_view *view, const struct ping_lane *const *lanes, size_t count)
{
    struct terminal terminal;

    if (!view->wants_graph || !terminal_look(fileno(view->out), &terminal))
        return;
    view->graph = ping_graph_new(view->out, &terminal, lanes, count);
    note(view, view->graph ? 0 : -ENOMEM);
}

void ping_view_begin(struct ping_view *view, const struct ping_lane *const *lanes, size_t count)
{
    for (size_t i = 0; is_text(view) && i < count; i++)
        ping_print_begin(view->out, lanes[i]);
    begin_graph(view, lanes, count);
}

void ping_view_deinit(struct ping_view *view)
{
    ping_graph_free(view->graph);
    view->graph = NULL;
}

void ping_view_event(void *context, const struct ping_lane *lane, const struct ping_event *event)
{
    struct ping_view *view = context;

    if (view->graph)
        ping_graph_event(view->graph, lane, event);
    else if (view->json_lines)
        note(view, ping_json_event(view->out, lane, event));
    else if (!view->json && !view->quiet)
        ping_print_event(view->out, view->time, lane, event);
}

static void print_summaries(FILE *out, const struct ping_lane *const *lanes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ping_print_summary(out, lanes[i]);
}

void ping_view_interim(struct ping_view *view, const struct ping_lane *const *lanes, size_t count)
{
    print_summaries(stderr, lanes, count);
    if (view->graph)
        ping_graph_leave(view->graph);
}

void ping_view_end(struct ping_view *view, const struct ping_lane *const *lanes, size_t count)
{
    if (view->graph)
        note(view, ping_graph_draw(view->graph));
    if (is_text(view))
        print_summaries(view->out, lanes, count);
    else if (view->json)
        note(view, ping_json_summary(view->out, lanes, count));
}

int64_t ping_view_deadline(const struct ping_view *view)
{
    return view->graph ? ping_graph_deadline(view->graph) : INT64_MAX;
}

void ping_view_advance(struct ping_view *view, int64_t now)
{
    if (now >= ping_view_deadline(view))
        note(view, ping_graph_draw(view->graph));
}

void ping_view_resize(struct ping_view *view)
{
    if (view->graph)
        ping_graph_resize(view->graph);
}
