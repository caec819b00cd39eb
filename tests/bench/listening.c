/* SPDX-License-Identifier: MIT */
#include "listening.h"

#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void print_port(int fd)
{
    struct sockaddr_in addr;
    socklen_t size = sizeof(addr);

    if (getsockname(fd, (struct sockaddr *)&addr, &size) < 0)
        err(1, "getsockname");
    printf("%d\n", ntohs(addr.sin_port));
    fflush(stdout);
}

static void bind_loopback(int fd, int argc, char **argv)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0))};

    if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
        err(1, "bind");
}

int listening_socket(int argc, char **argv, int flags)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

    if (fd < 0)
        err(1, "socket");
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0)
        err(1, "setsockopt");
    bind_loopback(fd, argc, argv);
    if (listen(fd, SOMAXCONN) < 0)
        err(1, "listen");
    print_port(fd);
    return fd;
}

int datagram_socket(int argc, char **argv)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        err(1, "socket");
    bind_loopback(fd, argc, argv);
    print_port(fd);
    return fd;
}
