/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/arena.h"
#include "daemon/channel.h"
#include "daemon/worker.h"

/* The workers as the supervisor knows them: who is there, what each is at, what they counted. */

enum member_state {
    MEMBER_NONE,     /* the place is free */
    MEMBER_READY,    /* forked, waits for START */
    MEMBER_SERVING,  /* accepts and echoes */
    MEMBER_GIVING,   /* old, at a reload: gives its connections up */
    MEMBER_LEAVING,  /* has nothing any more, or is to end: only its exit is awaited */
    MEMBER_DRAINING, /* at a stop: serves to the end what it has */
};

enum { MEMBER_NOBODY = UINT32_MAX };

struct member {
    enum member_state state;
    pid_t pid;
    int channel;
    uint64_t started_ms;
    uint32_t awaited;    /* who has its last batch and has not said TAKEN; itself, if it got that
                          * back because nobody was there to take it */
    uint32_t batch;      /* the connections of that batch */
    unsigned unanswered; /* ticks since it last said that it lives */
    bool hung;           /* killed for that */
    bool stopped;        /* by a signal: takes nothing on */
    bool asked;          /* SERVING: told to share, has not answered */
    bool dead;           /* its channel has ended, its exit is not seen yet */
};

struct crew {
    struct arena *arena;
    size_t descriptors; /* that a process may have */
    const struct identity *identity;
    int epoll; /* readable when a member's channel is; a member's number is the data */
    struct member member[ARENA_WORKERS];
    struct stats past; /* what workers counted that are no more */
};

/* How a member ended. */
struct death {
    uint32_t number;
    pid_t pid;
    enum member_state state;
    int status; /* waitpid(2) */
    bool hung;
    uint64_t lived_ms;
    unsigned lost; /* connections that it still had */
};

/* descriptors: what each process may have, getrlimit(2). 0 or -errno. */
int crew_init(struct crew *crew, struct arena *arena, const struct identity *identity,
              size_t descriptors);
void crew_deinit(struct crew *crew);

/*
 * Forks a worker that waits for START. What it goes by must stay as it is until this returns: the
 * worker has its own copy then. Its number, or -errno.
 */
int64_t crew_spawn(struct crew *crew, const struct conf *conf, const struct access *access,
                   const struct listener_set *listeners);

/*
 * Forks this many and waits until each has set itself up: READY. 0, or -errno: then those that were
 * forked are dismissed.
 */
int crew_spawn_all(struct crew *crew, const struct conf *conf, const struct access *access,
                   const struct listener_set *listeners, unsigned count);

/* Lets all that are READY serve. Those that SERVE become OLD. */
void crew_start_all(struct crew *crew, enum member_state old);

/* The workers that a configuration asks for. */
unsigned crew_wanted(const struct conf *conf);

/* The connections for which a process has descriptors, beside what it needs itself. */
uint32_t crew_room(const struct crew *crew, size_t listeners);

/* The number of members in this state; the first one's number from FROM on, or MEMBER_NOBODY. */
unsigned crew_count(const struct crew *crew, enum member_state state);
uint32_t crew_next(const struct crew *crew, enum member_state state, uint32_t from);
bool crew_is_empty(const struct crew *crew);

/* Gives an order. To one that is dead already it makes no difference. */
void crew_order(struct crew *crew, uint32_t number, enum message_kind kind);

/*
 * channel_send() to a member. -EPIPE when it is dead; -EAGAIN when it does not read its orders:
 * then it is killed, and its death will be noticed.
 */
int crew_send(struct crew *crew, uint32_t number, const struct message *message, const int *fds);

/* Lets the others look at the listeners: a wake-up may have come to EXCEPT alone, who is no use. */
void crew_let_others_look(struct crew *crew, uint32_t except);

/* Ends a member: at once if it runs, as nothing holds its channel any more. */
void crew_dismiss(struct crew *crew, uint32_t number);
void crew_kill(struct crew *crew, uint32_t number);

/*
 * After waitpid(2): a member is no more, its slots are free again. Call
 * only when its channel has been read to the end.
 */
void crew_bury(struct crew *crew, uint32_t number, int status, struct death *ret_death);
uint32_t crew_find(const struct crew *crew, pid_t pid);

/* Frees a slot whose descriptor is gone. */
void crew_forget_slot(struct crew *crew, uint32_t number);

/* What all workers counted, those that are no more included. */
struct stats crew_stats(const struct crew *crew);
