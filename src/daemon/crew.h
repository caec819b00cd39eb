/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/arena.h"
#include "daemon/channel.h"
#include "daemon/escrow.h"
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
    bool kept;           /* a copy of each of its connections is kept, and it accepts no more */
    bool dead;           /* its channel has ended, its exit is not seen yet */
};

/* Orphans are handed out: see crew_orphans.c. */
enum adoption_state {
    ADOPTION_NONE,
    ADOPTION_RUNNING,
    ADOPTION_WAITING, /* for somebody to take them */
};

struct adoption {
    enum adoption_state state;
    uint32_t taker; /* who has the last batch and has not said TAKEN, or MEMBER_NOBODY */
    uint32_t batch; /* the connections of that batch */
    uint64_t count; /* of connections, so far */
    uint64_t lost;
};

struct crew {
    struct arena *arena;
    struct escrow escrow;
    uint64_t kept_ended; /* arena->kept_ended when the boxes had nothing but what is of use */
    struct adoption adoption;
    size_t descriptors; /* that a process may have */
    const struct identity *identity;
    int epoll; /* readable when a member's channel is; a member's number is the data */
    struct member member[ARENA_WORKERS];
};

/* The connections that a dead member had. */
struct bereaved {
    unsigned orphans; /* a copy is kept: another one can take them */
    unsigned lost;
};

/* How a member ended. */
struct death {
    uint32_t number;
    pid_t pid;
    enum member_state state;
    int status; /* waitpid(2) */
    bool hung;
    uint64_t lived_ms;
    struct bereaved had;
};

/* descriptors: what each process may have, getrlimit(2). 0 or -errno. */
int crew_init(struct crew *crew, struct arena *arena, const struct identity *identity,
              size_t descriptors);
void crew_deinit(struct crew *crew);

/* The connections in one message: so few that there are always descriptors for them. */
uint32_t crew_batch(const struct crew *crew);

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
 * After waitpid(2): a member is no more. Its connections of which a copy is kept are orphans, if
 * they are ADOPTABLE, the others' slots are free again. Call only when its channel has been read to
 * the end.
 */
void crew_bury(struct crew *crew, uint32_t number, int status, bool adoptable,
               struct death *ret_death);
uint32_t crew_find(const struct crew *crew, pid_t pid);

/* Frees a slot whose descriptor is gone. */
void crew_forget_slot(struct crew *crew, uint32_t number);

/* crew_keep.c: copies of connections, and of workers' pipes, in escrow. */
static const uint32_t ESCROW_PIPE = UINT32_C(1) << 31; /* an entry of a pipe; else of a slot */

bool crew_is_kept(const struct crew *crew, const struct escrow_entry *entry); /* still of use */

/* After a crash an entry may be there twice: a bit for each slot, to be freed, or NULL. */
uint64_t *crew_seen_new(void);
bool crew_sees_first(uint64_t *seen, uint32_t number);

void crew_on_keep(struct crew *crew, uint32_t from, const struct message *message, int *fds);
void crew_keep_pipe(struct crew *crew, uint32_t number, int pipe);
int crew_find_kept(struct crew *crew, uint32_t number, uint32_t mark); /* a copy, or -1 */
int crew_find_pipe(struct crew *crew, uint32_t number);                /* a copy, or -1 */
void crew_forget_pipe(struct crew *crew, uint32_t number);             /* its worker is no more */
void crew_tidy_escrow(struct crew *crew); /* what is of no use any more goes */
void crew_tidy_escrow_if_sparse(struct crew *crew);
void crew_tidy_escrow_if_dead(struct crew *crew);

/*
 * crew_orphans.c: the connection that a dead member was at is made whole, or ended. Then its slots
 * are orphans if a copy is kept and they are ADOPTABLE, else free, and its place can be used again.
 */
struct bereaved crew_bury_place(struct crew *crew, uint32_t dead, bool adoptable);

/* What all workers counted, those that are no more included. */
struct stats crew_stats(const struct crew *crew);
