/* SPDX-License-Identifier: MIT */
#include "daemon/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/descriptors.h"
#include "daemon/worker_state.h"

static void send_kind(struct worker *worker, enum message_kind kind)
{
    worker_send(worker, &(struct message){.kind = kind}, NULL);
}

/*
 * What waits is accepted first: a wake-up that came to this worker alone is not lost, and who was
 * connected before a stop is not reset by the end of the queue.
 */
static void give_up_listeners(struct worker *worker)
{
    worker_accept_stop(worker);
    worker_accept_waiting(worker);
    worker_accept_end(worker);
}

static void obey(struct worker *worker, const struct message *message, const int *fds)
{
    switch (message->kind) {
    case MESSAGE_START:
        worker->mode = WORKER_SERVING;
        stats_set(&worker->io.stats->accepting, 1);
        worker_accept_start(worker);
        break;
    case MESSAGE_GIVE:
        worker->mode = WORKER_GIVING;
        give_up_listeners(worker);
        worker_give(worker, message->count);
        break;
    case MESSAGE_SHARE:
        worker_give(worker, message->count);
        break;
    case MESSAGE_TAKE:
        worker_take(worker, message, fds);
        send_kind(worker, MESSAGE_TAKEN);
        break;
    case MESSAGE_DRAIN:
        worker->mode = WORKER_DRAINING;
        worker_accept_end(worker);
        worker_sweep(worker);
        break;
    case MESSAGE_LOOK:
        if (worker->accepting)
            worker_accept_waiting(worker);
        if (worker->mode == WORKER_SERVING) /* also while accepting pauses */
            worker_datagrams_waiting(worker);
        break;
    case MESSAGE_CLOSE:
        if (message->count > 0)
            give_up_listeners(worker);
        else
            worker_accept_end(worker);
        break;
    case MESSAGE_KEEP_ALL:
        worker_accept_stop(worker);
        worker_keep_all(worker);
        send_kind(worker, MESSAGE_KEPT);
        break;
    case MESSAGE_PING:
        send_kind(worker, MESSAGE_PONG);
        break;
    default:
        worker->done = true; /* No order that a supervisor gives. */
    }
}

static void read_channel(struct worker *worker)
{
    struct message message;
    int fds[MESSAGE_SLOTS_MAX];
    int r = channel_receive(worker->setup->channel, &message, fds);

    if (r == 1)
        obey(worker, &message, fds);
    else if (r != -EAGAIN)
        worker->done = true;
}

static void dispatch(struct worker *worker, uint64_t data)
{
    uint32_t number = (uint32_t)data;

    switch ((enum worker_source)(data >> 32)) {
    case SOURCE_STREAM:
        worker_serve(worker, number);
        break;
    case SOURCE_DATAGRAMS:
        (void)worker_datagrams_serve(worker, number);
        break;
    case SOURCE_LISTENER:
        worker_accept_from(worker, &worker->setup->listeners->list[number]);
        break;
    case SOURCE_CHANNEL:
        read_channel(worker);
        break;
    }
}

static void do_what_is_due(struct worker *worker)
{
    if (worker->now_ms >= worker->resume_ms && worker->mode == WORKER_SERVING)
        worker_accept_start(worker);
    if (worker->now_ms >= worker->sweep_ms)
        worker_sweep(worker);
    if (worker->now_ms >= worker->keep_ms)
        worker_keep(worker);
    if (worker->now_ms >= worker->level_ms)
        worker_accept_level(worker);
    if (worker->now_ms >= worker->tell_drops_ms)
        worker_datagrams_tell(worker);
    if (worker->mode == WORKER_DRAINING && stats_read(&worker->io.stats->connections) == 0)
        worker->done = true;
}

static void worker_run(struct worker *worker)
{
    struct epoll_event events[WORKER_EVENTS];

    while (!worker->done) {
        int n = worker_wait(worker, events);

        worker_look_at_clock(worker);
        for (int i = 0; i < n && !worker->done; i++)
            dispatch(worker, events[i].data.u64);
        do_what_is_due(worker);
    }
}

/*
 * The supervisor's orders come by the channel alone: a terminal's Ctrl-C reaches the workers, too,
 * and whoever signals "all of echod" means the supervisor.
 */
static void ignore_signals(void)
{
    static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE};
    sigset_t none;

    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        (void)signal(ignored[i], SIG_IGN); /* Cannot fail for these. */
    (void)signal(SIGCHLD, SIG_DFL);
    (void)signal(SIGRTMIN, SIG_IGN);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Closes what belongs to the supervisor: the siblings' channels above all, or nobody would ever
 * see the end of one. */
static int close_inherited(const struct worker_setup *setup)
{
    size_t count = 0;
    int *keep = malloc((setup->listeners->count + 3) * sizeof(*keep));

    if (!keep)
        return -ENOMEM;
    keep[count++] = setup->channel;
    keep[count++] = setup->pipe[0];
    keep[count++] = setup->pipe[1];
    for (size_t i = 0; i < setup->listeners->count; i++)
        keep[count++] = setup->listeners->list[i].fd;
    descriptors_close_except(keep, count);
    free(keep);
    return 0;
}

/*
 * The end of the channel ends a worker that runs; this ends one that is stopped, too. A change of
 * user undoes it: prctl(2).
 */
static int die_with(pid_t supervisor)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return -errno;
    return getppid() == supervisor ? 0 : -ESRCH;
}

static int worker_become(const struct worker_setup *setup)
{
    int r = die_with(setup->supervisor);

    ignore_signals();
    (void)prctl(PR_SET_NAME, "echod-worker"); /* Only a name. */
    if (r == 0)
        r = close_inherited(setup);
    if (r == 0)
        r = identity_assume(setup->identity);
    return r == 0 && setup->identity->change ? die_with(setup->supervisor) : r;
}

static int worker_init(struct worker *worker, const struct worker_setup *setup)
{
    struct arena_worker *shared = &setup->arena->workers[setup->number];
    int r;

    *worker = (struct worker){
        .setup = setup,
        .shared = shared,
        .owner = SLOT_FIRST_WORKER + setup->number,
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .now_ms = clock_ms(),
        .resume_ms = NEVER_MS,
        .sweep_ms = NEVER_MS,
        .level_ms = NEVER_MS,
        .tell_drops_ms = NEVER_MS,
        .speaker = NO_PARTNER,
        .partner = NO_PARTNER,
        .io = {.calls = stream_syscalls(),
               .buffer = shared->buffer,
               .spill = setup->arena->spill,
               .pipe = {setup->pipe[0], setup->pipe[1]},
               .stats = &shared->stats,
               .now_ms = clock_ms()},
    };
    if (worker->epoll < 0)
        return -errno;
    worker_keep_init(worker);
    r = worker_datagrams_init(worker);
    return r < 0 ? r
                 : worker_watch(worker, EPOLL_CTL_ADD, setup->channel, EPOLLIN, SOURCE_CHANNEL, 0);
}

_Noreturn void worker_main(const struct worker_setup *setup)
{
    struct worker worker;
    int r = worker_become(setup);

    if (r == 0)
        r = worker_init(&worker, setup);
    if (r == 0) {
        send_kind(&worker, MESSAGE_PONG); /* it has begun */
        worker_run(&worker);
    } else {
        (void)channel_send(setup->channel,
                           &(struct message){.kind = MESSAGE_REPORT,
                                             .report = {.kind = REPORT_FAILED, .error = -r}},
                           NULL); /* If it cannot be told, the exit status says it. */
    }
    /* Nothing of the supervisor's that waits for an orderly exit is this process's business. */
    _exit(r == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
