/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listening.h"

/*
 * The shortest server that echoes: one connection, recv and send, each of which sleeps until it
 * can. No server that sleeps in the kernel answers one connection sooner.
 */

static void echo(int fd)
{
    static char buffer[65536];
    ssize_t got, sent, n;

    while ((got = recv(fd, buffer, sizeof(buffer), 0)) > 0)
        for (sent = 0; sent < got; sent += n) {
            n = send(fd, buffer + sent, (size_t)(got - sent), MSG_NOSIGNAL);
            if (n < 0)
                return;
        }
}

int main(int argc, char **argv)
{
    int listener = listening_socket(argc, argv, 0);

    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0)
            err(1, "accept4");
        echo(fd);
        close(fd);
    }
}
