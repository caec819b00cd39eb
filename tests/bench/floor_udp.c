/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "listening.h"

/*
 * The shortest server for datagrams: recvfrom, which sleeps until there is one, and sendto. It
 * answers from whichever address the kernel chooses, and whoever asks.
 */

int main(int argc, char **argv)
{
    static char buffer[65536];
    int fd = datagram_socket(argc, argv);

    for (;;) {
        struct sockaddr_in from;
        socklen_t from_size = sizeof(from);
        ssize_t got = recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &from_size);

        if (got < 0 && errno != EINTR)
            err(1, "recvfrom");
        if (got >= 0) /* An answer that cannot be sent is lost, as others are on the way. */
            (void)sendto(fd, buffer, (size_t)got, 0, (const struct sockaddr *)&from, from_size);
    }
}
