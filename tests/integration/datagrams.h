/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#include "harness.h"

/* The other side of echod's datagrams: blocking sockets that give up after DEADLINE_MS. */

/* An address for humans: "127.0.0.1", "::1". */
struct addr datagram_addr(const char *host, int port);

/* A socket that is bound there; port 0 is any. */
int datagram_open(const char *host, int port);

/* One that is bound to any port of SOURCE (NULL: whatever suits), and sends to and hears e alone.
 */
int datagram_connect(const struct echod *e);
int datagram_connect_from(const char *source, const char *host, int port);

/* The bytes of datagram NUMBER: all that are sent, up to 65,507, begin with its number. */
void datagram_fill(uint8_t *bytes, size_t size, unsigned number);

/* On a connected socket. */
void datagram_send(int fd, size_t size, unsigned number);
void datagram_expect(int fd, size_t size, unsigned number);
void datagram_exchange(int fd, size_t size, unsigned number);

/* The same, sent again as often as no answer comes: for times when datagrams may get lost. */
void datagram_insist(int fd, size_t size, unsigned number);

/* Takes what has come already: the number of datagrams. */
unsigned datagram_count(int fd);

/*
 * Asserts that FD, which sent something, has got nothing back, now that a worker, if there is one,
 * has answered what another client of e sent later.
 */
void datagram_expect_nothing(const struct echod *e, int fd);
