/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/service.h"

/*
 * The descriptors that this process was started with, LISTEN_FDS of sd_listen_fds(3): from socket
 * units, from the service manager's store, or from the image before execve(2) that was this
 * process. Which is which is in their names. Those of ours:
 *
 *     echod-arena        the memory that all processes share
 *     echod-box-N        copies of connections
 *     echod-listener-N   a listening socket that we opened; of one that has a file "-" and which
 *                        file follow, see store.h
 *     echod-worker-N-P   across execve(2): the channel of the worker in place N, whose pid is P
 *     echod-pidfile      across execve(2)
 *
 * All others count as listeners of the service manager, also where such a name is on something
 * else.
 */

struct handed_fd {
    int fd;             /* who takes it over sets it to -1 */
    uint32_t number;    /* N in its name, else 0 */
    const char *detail; /* of a listener or a worker: what follows N and "-", or "" */
    const char *name;   /* as long as the struct handed lives */
};

struct handed_list {
    struct handed_fd *list;
    size_t count;
};

struct handed {
    int arena;   /* -1: none, or taken over */
    int pidfile; /* the same */
    struct handed_list boxes;
    struct handed_list listeners; /* our own */
    struct handed_list workers;   /* number: the place */
    struct handed_list passed;    /* the service manager's */
    uint32_t next_number;         /* of a box or listener to come: above all that are here, not 0 */
    struct service_fds fds;       /* the names */
};

#define HANDED_NOTHING ((struct handed){.arena = -1, .pidfile = -1, .next_number = 1})

/* What those names begin with, and the whole name, which is returned. */
#define HANDED_PREFIX "echod-"
#define HANDED_ARENA HANDED_PREFIX "arena"
#define HANDED_PIDFILE HANDED_PREFIX "pidfile"
#define HANDED_BOX HANDED_PREFIX "box-"
#define HANDED_LISTENER HANDED_PREFIX "listener-"
#define HANDED_WORKER HANDED_PREFIX "worker-"

enum { HANDED_NAME_SIZE = 64 };

const char *handed_name(const char *stem, uint32_t number, char text[static HANDED_NAME_SIZE]);

/* Takes them all over; the environment is cleared of them. 0 or -errno. */
int handed_take(struct handed *ret);

/* Closes what nobody took over. What is in the store stays there. */
void handed_deinit(struct handed *handed);

/* Says that one is of no use and why, closes it, and removes what has its name from the store. */
void handed_drop(struct handed_fd *one, const char *why);
