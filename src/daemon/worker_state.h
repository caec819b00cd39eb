/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "daemon/busy_poll.h"
#include "daemon/channel.h"
#include "daemon/worker.h"
#include "net/datagram.h"
#include "net/stream.h"

/* What the files of a worker share. */

enum worker_mode {
    WORKER_WAITING,  /* not told to start */
    WORKER_SERVING,  /* accepts */
    WORKER_GIVING,   /* gives its connections up, serves those it still has */
    WORKER_DRAINING, /* serves its connections to their end, then ends itself */
};

/* What an event of epoll(7) is about: the upper half of its data; the lower half is a number. */
enum worker_source { SOURCE_CHANNEL, SOURCE_LISTENER, SOURCE_STREAM, SOURCE_DATAGRAMS };

static const uint64_t NEVER_MS = UINT64_MAX;

enum { WORKER_EVENTS = 256 };

static const uint64_t NO_PARTNER = UINT64_MAX;

struct worker {
    const struct worker_setup *setup;
    struct arena_worker *shared; /* its part of the arena */
    enum worker_mode mode;
    uint32_t owner; /* what stands in the slots of its connections */
    int epoll;
    uint64_t now_ms;
    uint64_t resume_ms;               /* when to accept again after a pause, or NEVER_MS */
    uint64_t sweep_ms;                /* when to look for silent connections, or NEVER_MS */
    uint64_t keep_ms;                 /* when to have copies of connections kept, or NEVER_MS */
    uint32_t young_first, young_last; /* the connections of which no copy is kept, or SLOT_NONE */
    uint64_t level_ms; /* when to see whether it still has more than its share, or NEVER_MS */
    bool accepting;    /* the listeners are in epoll */
    bool ended;        /* the listeners are closed */
    bool starved;      /* nothing could be accepted since a pause was reported */
    bool done;
    struct busy_poll busy_poll;
    /* The data of the last event, if it was one alone, of a connection or of datagrams; or
     * NO_PARTNER. The partner is the one that was so twice. */
    uint64_t speaker, partner;
    struct stream_io io;
    struct judge judge; /* of the datagrams */
    struct datagram_io datagrams;
    bool datagrams_watched; /* their sockets are in epoll */
    uint64_t tell_drops_ms; /* when to tell what datagrams were dropped, or NEVER_MS */
    uint64_t told_drops_ms; /* when this was done last */
};

static inline struct slot *worker_slot(const struct worker *worker, uint32_t number)
{
    return &worker->setup->arena->slots.slots[number];
}

/*
 * Says that a slot is being changed, and that this is done. When a worker is killed, only the slot
 * that it was at may say other things than are true. Of a killed process's stores others see all up
 * to some instruction, as a signal handler would: so it is the compiler's order that matters.
 */
static inline void worker_set_at(const struct worker *worker, uint32_t at)
{
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&worker->shared->at, at, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

static inline void worker_begin(const struct worker *worker, uint32_t number)
{
    worker_set_at(worker, number + 1);
}

static inline void worker_settle(const struct worker *worker)
{
    worker_set_at(worker, 0);
}

/*
 * The files, each of which knows those before it: worker_io.c, worker_keep.c, worker_ends.c,
 * worker_admission.c, worker_proxy.c, worker_streams.c, worker_datagrams.c, worker_accept.c,
 * worker_wait.c, worker.c.
 */

/* worker_io.c. epoll_ctl(2) with data for one source: 0 or -errno. */
int worker_watch(struct worker *worker, int operation, int fd, uint32_t events,
                 enum worker_source source, uint32_t number);

/* Sends a message that must arrive; waits for room. The worker is done when that fails. */
void worker_send(struct worker *worker, const struct message *message, const int *fds);

/* Sends a report, or counts it as lost: telling is never worth waiting for. */
void worker_report(struct worker *worker, const struct report *report);

/* worker_keep.c: copies of connections, for the supervisor to keep. */
void worker_keep_init(struct worker *worker);
void worker_keep_later(struct worker *worker, uint32_t number); /* no copy of it is kept yet */
void worker_keep_not(struct worker *worker, uint32_t number);   /* nor will one be: it leaves */
void worker_keep(struct worker *worker);                        /* those whose time has come */
void worker_keep_all(struct worker *worker);

/* worker_ends.c: the ends of connections; worker_refuse() is for one that has no slot. */
void worker_end_stream(struct worker *worker, uint32_t number, const char *reason, int error);
void worker_lose_stream(struct worker *worker, uint32_t number, int error);
void worker_refuse(struct worker *worker, int fd, const struct addr *peer, const char *reason,
                   int error);
void worker_refuse_stream(struct worker *worker, uint32_t number, const char *reason);

/*
 * worker_admission.c: NULL when a connection is let in, with the number of its slot; else the
 * reason why not, which is counted. A proxy's is let in if there is a place for it; who its client
 * is, and whether that one is let in, turns out later.
 */
const char *worker_admit(struct worker *worker, const struct addr *peer, uint32_t *ret_number);
const char *worker_admit_client(struct worker *worker, uint32_t number, const struct addr *client);

/* worker_proxy.c: connections with slot->header_due. */
bool worker_has_header(struct worker *worker, uint32_t number); /* now; false if not, or it ended */
void worker_miss_header(struct worker *worker, uint32_t number); /* it is late */

/* worker_streams.c: the connections. */
int worker_add_stream(struct worker *worker, uint32_t number, int fd); /* 0; -errno: slot closed */
bool worker_serves(const struct worker *worker, uint32_t number);      /* still, and it may read */
void worker_serve(struct worker *worker, uint32_t number);
void worker_sweep(struct worker *worker);
void worker_give(struct worker *worker, uint32_t most);
void worker_take(struct worker *worker, const struct message *message, const int *fds);

/* worker_datagrams.c: the listeners that have no connections. */
int worker_datagrams_init(struct worker *worker);  /* 0 or -errno */
int worker_datagrams_watch(struct worker *worker); /* 0 or -errno; unless they are already */
bool worker_datagrams_serve(struct worker *worker, uint32_t number); /* false: nothing was there */
void worker_datagrams_waiting(struct worker *worker);                /* answers what waits */
void worker_datagrams_end(struct worker *worker);  /* the same, for the last time */
void worker_datagrams_tell(struct worker *worker); /* reports what was dropped */

/* worker_accept.c: the listeners. */
void worker_accept_start(struct worker *worker);
void worker_accept_stop(struct worker *worker);
void worker_accept_end(struct worker *worker); /* for good: closes the listeners */
void worker_accept_from(struct worker *worker, const struct listener *listener);
void worker_accept_level(struct worker *worker);   /* tells if it still has too many */
void worker_accept_waiting(struct worker *worker); /* from all listeners what waits there */

/* worker_wait.c: until something happens or is due. */
void worker_look_at_clock(struct worker *worker);
int worker_wait(struct worker *worker, struct epoll_event *events); /* WORKER_EVENTS of them */
