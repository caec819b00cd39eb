/* SPDX-License-Identifier: MIT */
#pragma once

#include <pthread.h>
#include <stddef.h>

#include "base/addr.h"

/*
 * Echo servers that misbehave, each a thread that serves one connection on a port of the kernel's
 * choice. What fails in here fails the running test.
 */

struct server {
    void (*serve)(const struct server *server, int fd);
    struct addr addr; /* 127.0.0.1 when not given */
    size_t at;        /* where it goes wrong: bytes from the beginning */
    int listener;
    int finish[2]; /* a pipe: its end tells a server that holds on to let go */
    pthread_t thread;
    char target[ADDR_TEXT_MAX];
};

/* Binds to ADDR and listens, unless BACKLOG is negative; writes where: for the command line. */
int listen_on(struct addr addr, int backlog, char target[static ADDR_TEXT_MAX]);

void server_start(struct server *server);
void server_stop(struct server *server);

/* Echoes as it should. */
void serve_echo(const struct server *server, int fd);

/* Reads no more than it writes, in small pieces: the client's bytes pile up both ways. */
void serve_slowly(const struct server *server, int fd);

/* Answers in pieces of one byte. */
void serve_bytewise(const struct server *server, int fd);

/* Flips a bit of the byte at "at". */
void serve_flipped(const struct server *server, int fd);

/* Loses the byte at "at" of twelve. */
void serve_with_a_gap(const struct server *server, int fd);

/* Sends back "at" of twelve bytes and closes. */
void serve_short(const struct server *server, int fd);

/* Reads "at" bytes and resets the connection. */
void serve_reset(const struct server *server, int fd);

/* Sends back twelve bytes and one more. */
void serve_surplus_at_once(const struct server *server, int fd);

/* Echoes, and says one byte more once the client has closed its side. */
void serve_surplus_at_the_end(const struct server *server, int fd);

/* Reads and never answers. */
void serve_silence(const struct server *server, int fd);

/* Does not even read. */
void serve_nothing(const struct server *server, int fd);

/* Echoes, but does not close its side after the client's. */
void serve_echo_and_hold(const struct server *server, int fd);

/* Echoes, then closes with a reset. */
void serve_echo_and_reset(const struct server *server, int fd);

/*
 * The same for datagrams: answers each until it is stopped, as ANSWER has it: that gets the number
 * of the datagram (from 0), may change its bytes, and returns how many to send back, 0 for none.
 */
struct datagram_server {
    size_t (*answer)(unsigned number, unsigned char *data, size_t length);
    struct addr addr; /* 127.0.0.1 when not given */
    int fd;
    int finish[2];
    pthread_t thread;
    char target[ADDR_TEXT_MAX + sizeof("unixgram:")];
};

void datagram_server_start(struct datagram_server *server);
void datagram_server_stop(struct datagram_server *server);

size_t answer_all(unsigned number, unsigned char *data, size_t length);

/* Loses the first and the third. */
size_t answer_some(unsigned number, unsigned char *data, size_t length);

size_t answer_none(unsigned number, unsigned char *data, size_t length);

/* As xinetd does: at most 2048 bytes. */
size_t answer_cut(unsigned number, unsigned char *data, size_t length);

/* Flips a bit of the last byte. */
size_t answer_changed(unsigned number, unsigned char *data, size_t length);

/* One byte more. */
size_t answer_surplus(unsigned number, unsigned char *data, size_t length);
