/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "traffic/connection.h"
#include "traffic/fail.h"
#include "traffic/modes.h"
#include "traffic/window.h"

static void check_open(const struct connection *connection)
{
    char byte;

    if (recv(connection->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) >= 0)
        fail("connection %u did not stay idle", connection->number);
    if (errno != EAGAIN)
        fail("connection %u: %s", connection->number, strerror(errno));
}

void idle(const struct options *options)
{
    struct connection *connections;
    int64_t begun;

    wait_until_told(options);
    begun = now_nsec();
    connections = connections_open(options);
    printf("{\"mode\": \"idle\", \"connections\": %u, \"opened_in_seconds\": %.6f}\n",
           options->connections, (double)(now_nsec() - begun) / 1e9);
    if (fflush(stdout) != 0)
        fail("cannot write to standard output");
    while (getchar() != EOF)
        ;
    for (unsigned i = 0; i < options->connections; i++)
        check_open(&connections[i]);
    connections_free(connections, options->connections);
}
