/* SPDX-License-Identifier: MIT */
#include "daemon/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/service.h"
#include "daemon/daemonize.h"
#include "daemon/supervisor_state.h"

enum {
    TICK_MS = 10000,  /* without a watchdog */
    MISSED_PINGS = 2, /* then a worker is taken to hang */
};

/* Workers. */

static int hire_one(struct supervisor *s)
{
    int64_t number = crew_spawn(&s->crew, &s->conf, &s->access, &s->listeners);

    if (number < 0)
        return (int)number;
    s->crew.member[number].state = MEMBER_SERVING;
    crew_order(&s->crew, (uint32_t)number, MESSAGE_START);
    (void)log_event(EVENT_WORKER_STARTED, 0,
                    LOG_FIELDS(LOG_NUMBER(FIELD_WORKER, number),
                               LOG_NUMBER(FIELD_WORKER_PID, s->crew.member[number].pid)),
                    "Worker %d (pid %d) takes the place of one that died", (int)number,
                    (int)s->crew.member[number].pid);
    return 0;
}

static void hire(struct supervisor *s)
{
    int r = 0;

    while (r == 0 && crew_count(&s->crew, MEMBER_SERVING) < crew_wanted(&s->conf))
        r = hire_one(s);
    if (r < 0) {
        (void)log_event(EVENT_WORKER_DIED, r, LOG_NO_FIELDS,
                        "Cannot start a worker, trying again in %d s: %m",
                        RESPAWN_LONGEST_PAUSE_MS / 1000);
        (void)loop_set_timer(s->loop, TIMER_RESPAWN, RESPAWN_LONGEST_PAUSE_MS);
    }
    crew_resume_giving(s);
    crew_resume_adopting(s);
    crew_level(s);
    supervisor_tell_status(s);
}

static void ping(struct supervisor *s, uint32_t number)
{
    struct member *member = &s->crew.member[number];

    if (member->unanswered < MISSED_PINGS) {
        member->unanswered++;
        crew_order(&s->crew, number, MESSAGE_PING);
        return;
    }
    if (ledger_waits(&s->arena.ledger, SLOT_FIRST_WORKER + number))
        return; /* It answers when the one is killed that it waits for. */
    (void)log_event(
        EVENT_WORKER_HUNG, 0,
        LOG_FIELDS(LOG_NUMBER(FIELD_WORKER, number), LOG_NUMBER(FIELD_WORKER_PID, member->pid)),
        "Worker %u (pid %d) does not answer: killing it", number, (int)member->pid);
    member->hung = true;
    crew_kill(&s->crew, number);
}

static int64_t tick_ms(void)
{
    uint64_t watchdog_usec = service_watchdog_usec();

    return watchdog_usec ? (int64_t)(watchdog_usec / 2000) : TICK_MS;
}

static void tick(struct supervisor *s)
{
    service_watchdog();
    supervisor_on_known_ready(s); /* systemd would have said so: whoever is there knows no store */
    supervisor_log_unreported(s);
    for (uint32_t i = 0; i < ARENA_WORKERS; i++)
        if (s->crew.member[i].state != MEMBER_NONE)
            ping(s, i); /* one that is leaving cannot answer, but has to be gone by then */
    crew_resume_adopting(s);
    crew_tidy_escrow_if_dead(&s->crew);
    crew_level(s);
    supervisor_tell_status(s);
    (void)loop_set_timer(s->loop, TIMER_TICK, tick_ms());
}

/* Ends what the last event may have brought to its end. */
static void settle(struct supervisor *s)
{
    if (s->stop == STOP_NONE && reload_has_moved(s))
        reload_finish(s);
    upgrade_go_on(s);
    if (s->leaving)
        leave_go_on(s);
    else if (s->stop == STOP_SETTLING || s->stop == STOP_DRAINING)
        stop_drain(s);
    if (s->stop != STOP_NONE && crew_is_empty(&s->crew))
        loop_exit(s->loop);
}

/* The loop's handlers. */

static void on_signal(void *user, int signo)
{
    struct supervisor *s = user;

    if (signo == SIGRTMIN && s->stop == STOP_NONE) { /* no constant, so no case */
        leave_begin(s);
        settle(s);
        return;
    }
    switch (signo) {
    case SIGTERM:
    case SIGINT:
        if (s->stop == STOP_NONE && signo == SIGTERM && !supervisor_is_known_ready(s))
            leave_begin(s);
        else if (s->stop == STOP_NONE)
            stop_begin(s);
        else if (!s->leaving) /* which takes no time, and whose end this would spoil */
            stop_at_once(s);
        break;
    case SIGQUIT:
        stop_at_once(s);
        break;
    case SIGHUP:
        reload_start(s);
        break;
    case SIGUSR1:
        supervisor_log_counters(s);
        break;
    case SIGUSR2:
        upgrade_start(s);
        break;
    case SIGCHLD:
        crew_reap(s);
        break;
    default:
        break;
    }
    settle(s);
}

static void on_timer(void *user, unsigned timer)
{
    struct supervisor *s = user;

    switch ((enum supervisor_timer)timer) {
    case TIMER_TICK:
        tick(s);
        break;
    case TIMER_RESPAWN:
        if (s->stop == STOP_NONE)
            hire(s);
        break;
    case TIMER_STOP:
        stop_next_step(s);
        break;
    case TIMER_LOOKUP:
        reload_give_up_lookup(s);
        break;
    case TIMER_UPGRADE:
        upgrade_give_up_trial(s);
        break;
    case TIMER_FOLDED:
        supervisor_log_unreported(s);
        (void)loop_set_timer(s->loop, TIMER_FOLDED, log_flush_folded());
        break;
    }
    settle(s);
}

static void on_readable(void *user, unsigned fd_number)
{
    struct supervisor *s = user;

    switch ((enum supervisor_fd)fd_number) {
    case FD_CREW:
        crew_read(s);
        break;
    case FD_LOOKUP:
        reload_resolved(s);
        break;
    case FD_UPGRADE:
        upgrade_read(s);
        break;
    case FD_READY:
        supervisor_on_known_ready(s);
        break;
    }
    settle(s);
}

/* The start. */

static int open_loop(struct supervisor *s)
{
    const int signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGRTMIN};
    static const struct loop_handlers handlers = {on_signal, on_timer, on_readable};
    int r = loop_new(&handlers, s, &s->loop);

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]) && r >= 0; i++)
        r = loop_add_signal(s->loop, signals[i]);
    if (r >= 0)
        r = loop_watch(s->loop, FD_CREW, s->crew.epoll);
    if (r >= 0)
        r = loop_set_timer(s->loop, TIMER_TICK, tick_ms());
    return r < 0 ? r : 0;
}

/* Whatever the one who started us did with them: signal(2) cannot fail for these. */
static void set_dispositions(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* ulimit -f: ftruncate(2) then says EFBIG */
    (void)signal(SIGCHLD, SIG_DFL); /* else waitpid(2) would have nothing to say */
}

static int start(struct supervisor *s, struct failure *failure)
{
    int r;

    set_dispositions();
    r = start_open(s, failure);
    if (r < 0)
        return r;
    r = open_loop(s);
    if (r < 0)
        return failure_set(failure, r, "Cannot set up the event loop: %m");
    return start_crew(s, failure);
}

static int exit_status(int error)
{
    enum { EXIT_PERMISSION = 4 }; /* LSB, daemon(7) */

    return error == -EACCES || error == -EPERM ? EXIT_PERMISSION : EXIT_FAILURE;
}

/*
 * The units have RestartSec=0, which is for whoever is killed. A start that fails is to be tried
 * again, too, but not at once: that would soon be too often for the service manager.
 */
static void delay_next_try(int error)
{
    if (service_is_managed() && exit_status(error) == EXIT_FAILURE)
        (void)nanosleep(&(struct timespec){.tv_sec = 1}, NULL); /* A signal may cut it short. */
}

static void supervisor_deinit(struct supervisor *s)
{
    loop_free(s->loop);
    closep(&s->ready);
    crew_deinit(&s->crew);
    arena_deinit(&s->arena);
    listeners_leave(&s->listeners); /* A stop has closed them. */
    handed_deinit(&s->handed);
    conf_deinit(&s->conf);
    access_deinit(&s->access);
    conf_deinit(&s->reload.conf);
    access_deinit(&s->reload.access);
    free(s);
}

int supervisor_run(const struct supervisor_setup *setup, struct conf *conf)
{
    struct supervisor *s = calloc(1, sizeof(*s));
    struct failure failure = {0};
    int r;

    if (!s)
        return exit_status(log_event(EVENT_START_FAILED, ENOMEM, LOG_NO_FIELDS, "%m"));
    *s = (struct supervisor){.setup = setup,
                             .options = setup->options,
                             .upgraded = image_was_replaced(),
                             .conf = conf_take(conf),
                             .handed = HANDED_NOTHING,
                             .upgrade.trial.fd = -1,
                             .ready = -1,
                             .arena.fd = -1,
                             .crew.epoll = -1};
    r = start(s, &failure);
    if (r == 0) {
        supervisor_tell_ready(s);
        log_copy_errors(-1);
        daemonize_tell(setup->parent, EXIT_SUCCESS);
        crew_reap(s); /* Who died while the program changed is told by no signal any more. */
        settle(s);
        r = loop_run(s->loop);
        if (r < 0)
            (void)failure_set(&failure, r, "The event loop failed: %m");
    }
    if (r < 0) {
        (void)log_event(EVENT_START_FAILED, r, LOG_NO_FIELDS, "%s", failure.text);
        service_failed(r, failure.text);
    } else {
        supervisor_log_unreported(s);
        log_flush_all_folded();
        (void)log_event(s->leaving ? EVENT_LEFT : EVENT_STOPPED, 0, LOG_NO_FIELDS,
                        s->leaving ? "Left" : "Stopped");
    }
    supervisor_deinit(s);
    if (r < 0)
        delay_next_try(r);
    return r < 0 ? exit_status(r) : EXIT_SUCCESS;
}
