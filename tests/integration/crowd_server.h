/* SPDX-License-Identifier: MIT */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/*
 * An echo server for many connections, or for datagrams, that misbehaves as it is told: a thread on
 * a port of the kernel's choice. What fails in here fails the running test.
 */

enum { CROWD_MAX = 256 };

/* What it does with a message that came, or, of a stream, with what came at once. */
enum crowd_answer {
    CROWD_ECHO,
    CROWD_FLIP,  /* a bit of the last byte */
    CROWD_TWICE, /* datagrams: answer twice; streams: that is more than was sent */
    CROWD_DROP,  /* no answer */
    CROWD_CUT,   /* a datagram of half the length */
    CROWD_CLOSE, /* the connection */
    CROWD_RESET, /* the connection */
    CROWD_LEAVE, /* the connection, and the listener: nobody can come again */
    CROWD_STALL, /* for STALL_MS; then echo */
    CROWD_MUTE,  /* no message: each connection, of which its side is closed at once */
};

enum { CROWD_STALL_MS = 200 };

struct crowd_server {
    /* May be set before crowd_server_start(). */
    struct addr addr;         /* 127.0.0.1 when not given */
    int type;                 /* SOCK_STREAM when not given */
    enum crowd_answer answer; /* what it does to every one of PERIOD messages, first the PERIODth */
    unsigned period;          /* 0: to none */
    unsigned limit;           /* how often at most; 0: no limit */

    char target[ADDR_TEXT_MAX + 16]; /* for the command line */
    _Atomic unsigned messages;       /* that came */
    _Atomic unsigned connections;    /* that were accepted */

    int listener;
    int finish[2]; /* a pipe: its end tells the thread to end */
    int peers[CROWD_MAX];
    unsigned count, done;
    pthread_t thread;
};

void crowd_server_start(struct crowd_server *server);
void crowd_server_stop(struct crowd_server *server);
