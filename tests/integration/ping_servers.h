/* SPDX-License-Identifier: MIT */
#pragma once

#include <pthread.h>

#include "base/addr.h"

/*
 * Echo servers for ping, each a thread that follows a script. What fails in here fails the running
 * test.
 */

/*
 * Datagrams: a letter for each one that comes, and the last letter for all further ones:
 *   .  answer it                     x  lose it
 *   2  answer it twice               h  hold it back until the next one was answered
 *   c  change its last byte          H  change its first byte
 *   t  answer with half of it        s  answer it, then say something else
 *
 * Streams: a letter for each connection:
 *   .  answer all                    3  answer three messages of 56 bytes, then close
 *   c  change byte 100               s  answer, and say something else after the first message
 *   x  answer nothing                r  reset the connection after a message
 */
struct ping_server {
    const char *script;
    int type;         /* SOCK_STREAM or SOCK_DGRAM */
    struct addr addr; /* 127.0.0.1 when not given */
    int fd, finish[2];
    pthread_t thread;
    char target[ADDR_TEXT_MAX + sizeof("unixgram:")];
};

void ping_server_start(struct ping_server *server);
void ping_server_stop(struct ping_server *server);
