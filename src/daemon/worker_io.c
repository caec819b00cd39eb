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

void worker_send(struct worker *worker, const struct message *message, const int *fds)
{
    struct pollfd room = {.fd = worker->setup->channel, .events = POLLOUT};
    int r = channel_send(worker->setup->channel, message, fds);

    while (r == -EAGAIN && (poll(&room, 1, -1) > 0 || errno == EINTR))
        r = channel_send(worker->setup->channel, message, fds);
    if (r < 0)
        worker->done = true;
}

void worker_report(struct worker *worker, const struct report *report)
{
    struct message message = {.kind = MESSAGE_REPORT, .report = *report};

    if (channel_send(worker->setup->channel, &message, NULL) < 0)
        stats_add(&worker->io.stats->unreported, 1);
}
