/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listening.h"

/*
 * The shortest server for many connections: level-triggered epoll, one recv, one send, nothing
 * else. It has no buffer for what send does not take: then, and only then, it sleeps in send; so
 * a peer that sends and does not read stops it for all others. No server for real use.
 */

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        err(1, "epoll_ctl");
}

static void accept_one(int epoll, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0)
        watch(epoll, fd);
    else if (errno != EAGAIN && errno != ECONNABORTED)
        err(1, "accept4");
}

static void echo(int fd)
{
    static char buffer[65536];
    ssize_t got = recv(fd, buffer, sizeof(buffer), 0);

    if (got <= 0 || send(fd, buffer, (size_t)got, MSG_NOSIGNAL) != got)
        close(fd);
}

static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* Else accept4 says so. */
    }
}

int main(int argc, char **argv)
{
    int listener = listening_socket(argc, argv, SOCK_NONBLOCK);
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    if (epoll < 0)
        err(1, "epoll_create1");
    raise_descriptors();
    watch(epoll, listener);
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(epoll, events, 256, -1);

        for (int i = 0; i < count; i++)
            if (events[i].data.fd == listener)
                accept_one(epoll, listener);
            else
                echo(events[i].data.fd);
    }
}
