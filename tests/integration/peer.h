/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness.h"

/* The other side of echod's connections: blocking sockets that give up after DEADLINE_MS. */

/* Connects to where e listens. */
int peer_connect(const struct echod *e);
int peer_connect_to(const char *host, int port);

/* The same without waiting until it is connected. */
int peer_begin_connect(const struct echod *e);
bool peer_is_connected(int fd, int within_ms);

/* A socket that listens there. */
int peer_listen(const char *host, int port);

/* The same for Unix stream sockets. */
int peer_listen_unix(const char *path);
int peer_connect_unix(const char *path);

/* connect(2)'s errno, or 0 and a descriptor. */
int peer_try(const char *host, int port, int *ret_fd);

/* The same from an address of our own. */
int peer_try_from(const char *source, const char *host, int port, int *ret_fd);

/*
 * Connects, from an address of our own or from any (NULL), and expects to be reset at once, which
 * may be seen before connect(2) has returned.
 */
void peer_expect_refusal_from(const char *source, const char *host, int port);
void peer_expect_refusal(const struct echod *e);

/* Waits until connects to there are refused. */
void peer_await_refusal(const char *host, int port);

void peer_send(int fd, const char *text);
void peer_expect(int fd, const char *text);

/* Sends TEXT and expects it back. */
void peer_exchange(int fd, const char *text);

/* The same, but false when the connection has ended. */
bool peer_tries_exchange(int fd, const char *text);

/* Expects the end of the connection, a FIN; closes. */
void peer_expect_end(int fd);

/* Expects a reset; closes. */
void peer_expect_reset(int fd);

/* Expects either. */
void peer_expect_loss(int fd);

/* Whether something can be read now, or within this time: data, end, reset. */
bool peer_is_readable(int fd, int within_ms);

/* Closes with a reset. */
void peer_reset(int fd);

/* Ends our side, expects echod to end its own; closes. */
void peer_finish(int fd);

/* Lets this process and its children have this many descriptors and some more. */
void peer_allow_descriptors(unsigned count);

/*
 * A long stream whose bytes are checked as they come back. It never waits for an answer: as many
 * bytes as the sockets hold are under way.
 */
struct flow {
    int fd;
    uint64_t sent, received;
};

/* Begins one on a connection, which is non-blocking from here on. */
struct flow flow_begin(int fd);

/* Sends up to LIMIT bytes in all and takes what comes back; waits up to WAIT_MS for either. */
void flow_step(struct flow *flow, uint64_t limit, int wait_ms);

/* Sends on each of them until none has taken a byte for a while or LIMIT is reached; reads nothing.
 */
void flow_stuff(struct flow *flows, unsigned count, uint64_t limit);

/* Sends the rest up to TOTAL, half-closes, and expects all of it back and then the end; closes. */
void flow_finish(struct flow *flow, uint64_t total);
