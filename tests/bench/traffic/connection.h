/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "traffic/options.h"

/* How long a connection, or an answer, may take. */
enum { PATIENCE_S = 5 };

/* A connection, and the one message that is under way on it. */
struct connection {
    int fd;
    uint32_t number;       /* goes into the messages */
    uint64_t message;      /* so does this */
    int64_t begun_nsec;    /* when the message's first byte was sent */
    size_t sent, received; /* bytes of the message */
    uint8_t *bytes;        /* the message */
};

/* COUNT of them, numbered, with room for messages of SIZE bytes, not connected. */
struct connection *connections_new(unsigned count, size_t size);

/* Closes those that are connected. */
void connections_free(struct connection *connections, unsigned count);

/* Connects, with TCP_NODELAY, blocking; neither connect nor send nor recv waits for ever. */
void connection_open(struct connection *connection, const struct options *options);

/* All of OPTIONS, one after the other; each has had an echo, so the server has really taken it. */
struct connection *connections_open(const struct options *options);

/* Makes the next message, which is still to be sent. */
void connection_next(struct connection *connection, size_t size, int64_t now_nsec);

/* Sends of the message what the socket takes. FLAGS as of send(2). */
void connection_send(struct connection *connection, size_t size, int flags);

/* Takes of the answer what is there, verified. Returns whether it is complete. FLAGS as of recv. */
bool connection_receive(struct connection *connection, size_t size, int flags);
