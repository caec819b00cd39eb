/* SPDX-License-Identifier: MIT */
#include "daemon/channel.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

int channel_pair(int ret[static 2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ret) < 0 ? -errno
                                                                                          : 0;
}

/* Only what the kind uses travels. */
static size_t message_size(const struct message *message)
{
    if (message->kind == MESSAGE_REPORT)
        return offsetof(struct message, report) + sizeof(message->report);
    if (message->kind == MESSAGE_GIVE || message->kind == MESSAGE_SHARE)
        return offsetof(struct message, slots);
    return offsetof(struct message, slots) + message->count * sizeof(message->slots[0]);
}

static bool is_whole(const struct message *message, size_t size)
{
    return size >= offsetof(struct message, slots) && message->count <= MESSAGE_SLOTS_MAX &&
           size == message_size(message);
}

int channel_send(int fd, const struct message *message, const int *fds)
{
    return rights_send(fd, message, message_size(message), fds, fds ? message->count : 0);
}

/* Whoever wrote it: text ends, and addresses are no longer than they can be. */
static void sanitize(struct report *report)
{
    report->reason[sizeof(report->reason) - 1] = '\0';
    if (report->peer.len > sizeof(report->peer.un))
        report->peer.len = sizeof(report->peer.un);
    if (report->local.len > sizeof(report->local.un))
        report->local.len = sizeof(report->local.un);
}

int channel_receive(int fd, struct message *ret, int fds[static MESSAGE_SLOTS_MAX])
{
    ssize_t n = rights_receive(fd, ret, sizeof(*ret), 0, fds);

    if (n <= 0)
        return (int)n;
    if (!is_whole(ret, (size_t)n)) {
        rights_close(fds);
        return -EBADMSG;
    }
    if (ret->kind == MESSAGE_REPORT)
        sanitize(&ret->report);
    return 1;
}
