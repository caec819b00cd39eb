/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "daemon/arena.h"
#include "daemon/crew.h"
#include "daemon/failure.h"
#include "daemon/handed.h"
#include "daemon/identity.h"
#include "daemon/image.h"
#include "daemon/inheritance.h"
#include "daemon/listening.h"
#include "daemon/lookup.h"
#include "daemon/loop.h"
#include "daemon/respawn.h"
#include "daemon/store.h"
#include "daemon/supervisor.h"

/* What the files of the supervisor share. */

enum supervisor_timer {
    TIMER_TICK,    /* the watchdog's pace: pings, the status line */
    TIMER_RESPAWN, /* a dead worker's replacement is due */
    TIMER_STOP,    /* a stop has taken long enough */
    TIMER_FOLDED,  /* folded messages are to be counted up */
    TIMER_LOOKUP,  /* a host's lookup has taken long enough */
    TIMER_UPGRADE, /* a program that is tried has taken long enough */
};

enum supervisor_fd { FD_CREW, FD_LOOKUP, FD_UPGRADE, FD_READY };

enum reload_state {
    RELOAD_NONE,
    RELOAD_RESOLVING, /* a child looks the new host up */
    RELOAD_MOVING,    /* the old workers give their connections up, and end */
};

struct reload {
    enum reload_state state;
    bool again;           /* asked for once more meanwhile */
    struct conf conf;     /* the one to be, until it is in force or given up */
    struct access access; /* its access lists */
    struct lookup lookup; /* RESOLVING */
    uint64_t began_usec;
    struct failure failure; /* of the last one, or "" */
};

enum upgrade_state {
    UPGRADE_NONE,
    UPGRADE_ASKED,   /* as soon as no reload is under way */
    UPGRADE_TRYING,  /* a child runs the new program */
    UPGRADE_WAITING, /* until nothing is under way */
};

struct upgrade {
    enum upgrade_state state;
    struct image_trial trial; /* TRYING */
};

enum stop_state {
    STOP_NONE,
    STOP_SETTLING, /* the old workers of a reload give up all they have first */
    STOP_KEEPING,  /* leaving: the workers have copies kept of all that they have */
    STOP_DRAINING, /* the workers serve to the end what they have */
    STOP_ENDING,   /* they were told to end at once */
    STOP_KILLING,
};

struct supervisor {
    const struct supervisor_setup *setup;
    const struct echod_options *options; /* its options */
    struct identity identity;
    struct conf conf;     /* in force */
    struct access access; /* its access lists */
    size_t descriptors;   /* that a process may have */
    bool strangers;       /* what was handed over are connections without readable slots */
    struct handed handed; /* at the start, until all has its place */
    struct store store;
    struct listener_set listeners;
    bool passed; /* the listeners came from the service manager */
    struct arena arena;
    struct crew crew;
    struct respawn respawn;
    struct reload reload;
    struct upgrade upgrade;
    bool upgraded; /* the reload under way is the end of an upgrade */
    enum stop_state stop;
    bool leaving;        /* it is no stop: somebody else will go on with the connections */
    int ready;           /* readable when the service manager knows that we are ready; or -1 */
    uint64_t unreported; /* lost reports that were said */
    struct loop *loop;
};

/*
 * The files, each of which knows those before it: crew_moves.c, crew_orphans.c, crew_events.c,
 * status.c, reload.c, upgrade.c, stop.c, leave.c, start.c, supervisor.c.
 */

/* crew_moves.c: connections on their way between workers. */
void crew_expect_all(struct crew *crew); /* READY ones keep room for what others will give */
void crew_expect_nothing(struct crew *crew);
void crew_ask_for_more(struct supervisor *s, uint32_t giver);
void crew_resume_giving(struct supervisor *s); /* now that there is somebody to take again */
void crew_level(struct supervisor *s); /* if one has too many connections, it gives some up */
uint32_t crew_choose_taker(const struct crew *crew); /* or MEMBER_NOBODY */
int crew_send_batch(struct supervisor *s, uint32_t taker, struct message *batch, const int *fds);
void crew_on_given(struct supervisor *s, uint32_t giver, struct message *batch, int *fds);
bool crew_is_quiet(const struct crew *crew);              /* nothing is on its way */
bool crew_on_taken(struct supervisor *s, uint32_t taker); /* false: nobody waited for it */

/* crew_orphans.c: orphans are handed to those that serve. */
void crew_adopt(struct supervisor *s);
void crew_resume_adopting(struct supervisor *s); /* now that there is somebody to take them */
void crew_adopt_from(struct supervisor *s, const struct death *death);
void crew_on_adopted(struct supervisor *s, uint32_t taker);

/* crew_events.c: what workers say, and what becomes of them. */
void crew_read(struct supervisor *s);
void crew_reap(struct supervisor *s);

/* status.c: what the supervisor tells the service manager, and the log, of itself. */
void supervisor_tell_ready(struct supervisor *s);
bool supervisor_is_known_ready(const struct supervisor *s); /* to the service manager, if any */
void supervisor_on_known_ready(struct supervisor *s);
void supervisor_tell_status(struct supervisor *s);
void supervisor_tell_stopping(struct supervisor *s);
void supervisor_log_counters(const struct supervisor *s);
void supervisor_log_unreported(struct supervisor *s); /* what was lost since the last time */
void supervisor_check_descriptors(const struct supervisor *s); /* is limits.connections in reach? */

/* reload.c: a reload is a transaction; until reload_apply() has all it needs, nothing changes. */
void reload_start(struct supervisor *s);
void reload_resolved(struct supervisor *s);
void reload_give_up_lookup(struct supervisor *s);
void reload_cancel(struct supervisor *s);
void reload_cancel_unless_moving(struct supervisor *s); /* then it goes on to its end */
bool reload_has_moved(const struct supervisor *s);      /* the last old worker is gone */
void reload_finish(struct supervisor *s);
void reload_take_over(struct supervisor *s); /* at the start: from workers that live already */

/* upgrade.c: the next program takes the place of this one. */
void upgrade_start(struct supervisor *s);
void upgrade_read(struct supervisor *s);
void upgrade_give_up_trial(struct supervisor *s);
void upgrade_go_on(struct supervisor *s); /* after each event */

/* start.c: 0, or -errno with what failed; the event loop is opened between the two. */
int start_open(struct supervisor *s, struct failure *failure); /* listeners, memory */
int start_crew(struct supervisor *s, struct failure *failure); /* connections, workers */

/* leave.c: the connections stay, and wait for the next process. */
void leave_begin(struct supervisor *s);
void leave_go_on(struct supervisor *s);
void leave_now(struct supervisor *s);

/* stop.c: first with patience, then at once, then by force. */
void stop_begin(struct supervisor *s);
void stop_drain(struct supervisor *s); /* those serve to the end that get nothing any more */
void stop_at_once(struct supervisor *s);
void stop_next_step(struct supervisor *s);
