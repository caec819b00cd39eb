/* SPDX-License-Identifier: MIT */
#include "client/deadline.h"

#include <errno.h>
#include <time.h>

int64_t clock_nsec(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* Cannot fail for this clock. */
    return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

int deadline_wait(struct pollfd *pollfd, size_t count, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - clock_nsec();
        struct timespec timeout = {0};
        int r;

        if (left > 0)
            timeout = (struct timespec){left / NSEC_PER_SEC, left % NSEC_PER_SEC};
        r = ppoll(pollfd, count, &timeout, NULL);
        if (r > 0)
            return r;
        if (r < 0 && errno != EINTR)
            return -errno;
        if (r == 0 && left <= 0)
            return -ETIMEDOUT;
    }
}

int deadline_poll(int fd, short events, int64_t deadline)
{
    struct pollfd pollfd = {.fd = fd, .events = events};
    int r = clock_nsec() < deadline ? deadline_wait(&pollfd, 1, deadline) : -ETIMEDOUT;

    return r < 0 ? r : pollfd.revents;
}
