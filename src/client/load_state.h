/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/load_counts.h"
#include "client/load_pad.h"
#include "client/load_plan.h"
#include "client/load_schedule.h"

/*
 * What the files of the load's engine share, from the bottom up: load_traffic.c (one message),
 * load_stream.c and load_datagram.c (bytes), load_connection.c (from connect to close),
 * load_thread.c (the loop), load_run.c (all threads).
 */

enum { LOAD_BUFFER = LOAD_PAD_RUN };

/* In the place of the time at which a message was sent: its answer has come before older ones. */
#define LOAD_ANSWERED INT64_MIN

enum load_state {
    LOAD_IDLE,       /* no socket: to be opened at open_at, or when a message is due */
    LOAD_CONNECTING, /* since "since" */
    LOAD_OPEN,
};

/*
 * Messages are numbered; of a schedule the number is the turn. FIRST to NEXT - 1 are under way, a
 * window of at most the plan's depth. The bytes of a stream are those of a pad, on which message N
 * begins at N * size, so nothing that was sent has to be kept.
 */
struct load_connection {
    int fd;
    enum load_state state;
    unsigned number;         /* of all connections of the load */
    uint64_t base;           /* the first message of this socket, or of the next one */
    uint64_t first;          /* the oldest without an answer */
    uint64_t next;           /* the next one to begin */
    uint64_t sent, received; /* a stream's bytes, from message 0 on */
    int64_t *begun;          /* when messages were sent, by load_begun() */
    int64_t since;
    int64_t open_at;
    int64_t pause_nsec; /* before it is opened again, should it break */
};

/* What all threads look at. */
struct load_control {
    const struct load_plan *plan;
    const struct load_pad *pad;
    struct load_schedule schedule; /* where the plan has a rate */
    int64_t start, measure_from;
    _Atomic int64_t measure_until; /* these three move forward when the run is interrupted */
    _Atomic int64_t send_until;    /* from then on nothing is sent, though it was due before */
    _Atomic int64_t give_up_at;    /* from then on no answer is waited for */
    int stop;                      /* eventfd: readable when those two have changed */
    int finished;                  /* eventfd: counts the threads that are done */
};

struct load_thread {
    const struct load_plan *plan;
    const struct load_pad *pad;
    struct load_control *control;
    struct load_counts *counts;
    struct load_connection *connections;
    unsigned count;
    int64_t *begun;      /* the connections' */
    uint64_t begun_mask; /* messages under way have different numbers in these bits */
    int epoll;
    int64_t now;   /* when something was last received, or waited for */
    int64_t until; /* measure_until */
    int64_t send_until;
    int64_t next_sweep;   /* when a connection may be overdue */
    unsigned cursor;      /* the connection whose turn is due next */
    uint64_t cursor_turn; /* that turn */
    unsigned ready;       /* connections that could send if a message were due */
    bool measuring;
    int64_t measuring_since, measuring_cpu;
    _Atomic uint64_t published; /* answers so far; written by the thread alone */
    unsigned char in[LOAD_BUFFER], out[LOAD_BUFFER];
};

/* ---- load_traffic.c ---- */

/* Where to keep when a message of the window was sent. */
static inline int64_t *load_begun(const struct load_thread *thread, const struct load_connection *c,
                                  uint64_t message)
{
    return &c->begun[message & thread->begun_mask];
}

/* When a message is due, of a plan with a rate. */
static inline int64_t load_due(const struct load_thread *thread, const struct load_connection *c,
                               uint64_t message)
{
    return load_schedule_due(&thread->control->schedule, c->number, message);
}

/* Whether there is room in the window for another message. */
static inline bool load_has_room(const struct load_thread *thread, const struct load_connection *c)
{
    const struct load_plan *plan = thread->plan;

    return c->next - c->first < plan->depth && (!plan->reconnect || c->next == c->base);
}

/* Whether the next message may begin: it is due, too, and not after the end. */
static inline bool load_may_begin(const struct load_thread *thread, const struct load_connection *c)
{
    int64_t time = thread->now;

    if (!load_has_room(thread, c) || time >= thread->send_until)
        return false;
    if (thread->plan->rate > 0)
        time = load_due(thread, c, c->next);
    return time <= thread->now && time < thread->until;
}

/* Begins it, now. */
static inline void load_begin(struct load_thread *thread, struct load_connection *c)
{
    *load_begun(thread, c, c->next) = thread->now;
    c->next++;
}

/* An answer is complete, now. */
void load_answered(struct load_thread *thread, struct load_connection *c, uint64_t message);

/* How many of LENGTH bytes at OFFSET of a message are to be compared. */
size_t load_verify_length(const struct load_thread *thread, uint64_t message, uint64_t offset,
                          size_t length);

/*
 * Counts an error and returns false: the connection is of no more use. REASON is -errno, from which
 * the kind is found; what has no kind of its own is OTHERWISE.
 */
bool load_fail(struct load_thread *thread, enum load_error error);
bool load_fail_errno(struct load_thread *thread, int reason, enum load_error otherwise);

/*
 * ---- load_stream.c, load_datagram.c ----
 *
 * Each sends and receives what it can without waiting. False: the connection is of no more use,
 * which has been counted. *ret_more: there may be more to receive.
 */
bool load_stream_send(struct load_thread *thread, struct load_connection *c);
bool load_stream_receive(struct load_thread *thread, struct load_connection *c, bool *ret_more);
bool load_datagram_send(struct load_thread *thread, struct load_connection *c);
bool load_datagram_receive(struct load_thread *thread, struct load_connection *c, bool *ret_more);

/* Gives those up that were sent before TIME. */
void load_datagram_expire(struct load_thread *thread, struct load_connection *c, int64_t time);

/* ---- load_connection.c ---- */

/* Something has happened: EVENTS of epoll_ctl(2). */
void load_connection_step(struct load_thread *thread, struct load_connection *c, uint32_t events);

/* A message is due. */
void load_connection_release(struct load_thread *thread, struct load_connection *c);

/* When it is overdue, should nothing happen before; INT64_MAX: never. */
int64_t load_connection_deadline(const struct load_thread *thread, const struct load_connection *c);

/* Acts on that. */
void load_connection_overdue(struct load_thread *thread, struct load_connection *c);

/* Whether something of it is under way: a message, or the connection that one was due for. */
bool load_connection_is_busy(const struct load_thread *thread, const struct load_connection *c);

/* Closes it, if it is open; what is under way is lost. */
void load_connection_close(struct load_thread *thread, struct load_connection *c);

/* ---- load_thread.c ---- */

/*
 * Makes thread NUMBER of the plan's threads; it gets every one of their connections that is
 * NUMBER modulo their number. Returns 0 or -errno; *ret_thread is for load_thread_free() in the
 * first case, and NULL in the other.
 */
int load_thread_new(struct load_control *control, unsigned number, struct load_thread **ret_thread);
struct load_thread *load_thread_free(struct load_thread *thread); /* returns NULL */

/* For pthread_create(3): the whole run. Counts itself in control->finished at the end. */
void *load_thread_run(void *thread);
