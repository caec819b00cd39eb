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

int listening_socket(int argc, char **argv, int flags)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                               .sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

    if (fd < 0)
        err(1, "socket");
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0)
        err(1, "setsockopt");
    if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
        err(1, "bind");
    if (listen(fd, SOMAXCONN) < 0)
        err(1, "listen");
    print_port(fd);
    return fd;
}
