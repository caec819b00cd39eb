/* SPDX-License-Identifier: MIT */
#include "client/ping_view.h"

#include "client/ping_json.h"
#include "client/ping_print.h"

static bool is_text(const struct ping_view *view)
{
    return !view->json && !view->json_lines;
}

void ping_view_begin(struct ping_view *view, const struct ping_lane *const *lanes, size_t count)
{
    for (size_t i = 0; is_text(view) && i < count; i++)
        ping_print_begin(view->out, lanes[i]);
}

void ping_view_event(void *context, const struct ping_lane *lane, const struct ping_event *event)
{
    struct ping_view *view = context;
    int r = 0;

    if (view->json_lines)
        r = ping_json_event(view->out, lane, event);
    else if (!view->json && !view->quiet)
        ping_print_event(view->out, view->time, lane, event);
    if (r < 0 && view->error == 0)
        view->error = r;
}

void ping_view_interim(const struct ping_lane *const *lanes, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++)
        ping_print_summary(out, lanes[i]);
}

void ping_view_end(struct ping_view *view, const struct ping_lane *const *lanes, size_t count)
{
    int r = 0;

    if (is_text(view))
        ping_view_interim(lanes, count, view->out);
    else if (view->json)
        r = ping_json_summary(view->out, lanes, count);
    if (r < 0 && view->error == 0)
        view->error = r;
}
