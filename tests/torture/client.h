/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "torture/habit.h"
#include "torture/record.h"
#include "torture/witness.h"

/*
 * One client: a connection, and when that has come to its end, another one. The caller waits for
 * its socket, client_ready(), and for its time, client_due().
 */

enum client_state {
    CLIENT_AWAY,       /* no connection: until due_usec, or for good */
    CLIENT_CONNECTING, /* until the socket is writable */
    CLIENT_OPEN,
    CLIENT_ENDING, /* it has sent its last byte: until all are back, and the end */
};

/* What all of them share. */
struct torment {
    int epoll;
    uint64_t patience_usec; /* who waits longer for a byte has lost it */
    bool ending;            /* nobody comes again */
    struct record record;
};

struct client {
    struct torment *torment;
    const struct habit *habit;
    const char *target;
    struct addr addr;
    unsigned number;
    uint64_t random; /* state of its own generator */

    enum client_state state;
    int fd;
    uint32_t interest; /* as epoll has it */
    bool is_full;      /* the socket takes nothing now */
    bool is_over;      /* the message under way is the last */
    uint64_t due_usec; /* something is to be done then: the least of the next four */
    uint64_t next_usec, read_usec, end_usec, silent_usec;

    struct witness witness;
    uint64_t sent, goal;    /* offsets: sent so far, end of the message under way */
    uint64_t accepted_usec; /* when the first byte came: before, it may wait in a queue; or 0 */
    uint64_t waiting_usec;  /* since when it waits for a byte, or 0 */
    uint64_t waited_usec;   /* the longest of its waits since it was last set to 0 */
    bool moved;             /* see client_expect() */
};

/* A new one, which connects at WHEN. */
void client_init(struct client *client, struct torment *torment, const struct habit *habit,
                 const char *target, const struct addr *addr, unsigned number, uint64_t seed,
                 uint64_t when_usec);

void client_ready(struct client *client, uint32_t events);
void client_due(struct client *client, uint64_t now_usec);

/* Its connection ends like one whose time is over, and it does not come again. */
void client_end(struct client *client);

/* From now on it has moved when a byte comes that it waits for now, or when it waits for none. */
void client_expect(struct client *client);
