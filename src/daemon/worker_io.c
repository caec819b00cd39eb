/* SPDX-License-Identifier: MIT */
#include "daemon/worker_state.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

int worker_watch(struct worker *worker, int operation, int fd, uint32_t events,
                 enum worker_source source, uint32_t number)
{
    struct epoll_event event = {.events = events, .data.u64 = (uint64_t)source << 32 | number};

    return epoll_ctl(worker->epoll, operation, fd, &event) < 0 ? -errno : 0;
}

/* Until the channel takes a message again, or, unix(7), fewer descriptors are under way. */
static bool await_room(const struct worker *worker, int error)
{
    enum { PAUSE_MS = 1 };
    struct pollfd room = {.fd = worker->setup->channel, .events = POLLOUT};

    if (error == -ETOOMANYREFS)
        return poll(NULL, 0, PAUSE_MS) == 0 || errno == EINTR;
    return error == -EAGAIN && (poll(&room, 1, -1) > 0 || errno == EINTR);
}

void worker_send(struct worker *worker, const struct message *message, const int *fds)
{
    int r;

    do
        r = channel_send(worker->setup->channel, message, fds);
    while (r < 0 && await_room(worker, r));
    if (r < 0)
        worker->done = true;
}

void worker_report(struct worker *worker, const struct report *report)
{
    struct message message = {.kind = MESSAGE_REPORT, .report = *report};

    if (channel_send(worker->setup->channel, &message, NULL) < 0)
        stats_add(&worker->io.stats->unreported, 1);
}
