/* SPDX-License-Identifier: MIT */
#include "base/rights.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(RIGHTS_MAX * sizeof(int))];
};

int rights_send(int fd, const void *bytes, size_t size, const int *fds, uint32_t count)
{
    struct iovec body = {.iov_base = (void *)bytes, .iov_len = size};
    struct msghdr header = {.msg_iov = &body, .msg_iovlen = 1};
    union control control = {.bytes = ""}; /* the padding travels, too */
    ssize_t n;

    if (count > 0) {
        control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
                                          .cmsg_type = SCM_RIGHTS,
                                          .cmsg_len = CMSG_LEN(count * sizeof(int))};
        memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(count * sizeof(int));
    }
    do
        n = sendmsg(fd, &header, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

static void take_descriptors(struct msghdr *header, int fds[static RIGHTS_MAX])
{
    struct cmsghdr *c = CMSG_FIRSTHDR(header);

    memset(fds, 0xff, RIGHTS_MAX * sizeof(int)); /* -1 each */
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
}

ssize_t rights_receive(int fd, void *bytes, size_t size, int flags, int fds[static RIGHTS_MAX])
{
    struct iovec body = {.iov_base = bytes, .iov_len = size};
    union control control;
    struct msghdr header = {
        .msg_iov = &body,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t n;

    /* ECONNRESET is said once, when the other side ended with messages of ours unread; what it
     * sent before is still there to be read. */
    do
        n = recvmsg(fd, &header, flags | MSG_CMSG_CLOEXEC);
    while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n > 0)
        take_descriptors(&header, fds);
    return n < 0 ? -errno : n;
}

void rights_close(int fds[static RIGHTS_MAX])
{
    for (unsigned i = 0; i < RIGHTS_MAX; i++)
        closep(&fds[i]);
}
