/* SPDX-License-Identifier: MIT */
#include "client/load_run.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "base/cleanup.h"
#include "client/deadline.h"
#include "client/load_state.h"

/* Who interrupts a run does not want to wait long for what is under way. */
#define INTERRUPTED_NSEC NSEC_PER_SEC

struct run {
    struct load_control control;
    struct load_pad *pad;
    struct load_thread **threads; /* of the plan's number */
    pthread_t *ids;
    unsigned started;
    int signals;
    bool interrupted;
};

/*
 * What was due just before the end may be sent after it, when its connection has answered; but not
 * all that a server which is too slow has left.
 */
static int64_t backlog_nsec(const struct load_plan *plan)
{
    int64_t tenth = plan->duration_nsec / 10;

    return tenth < plan->timeout_nsec ? tenth : plan->timeout_nsec;
}

static void set_times(struct load_control *control)
{
    const struct load_plan *plan = control->plan;
    int64_t until;

    control->start = clock_nsec();
    control->measure_from = control->start + plan->ramp_up_nsec + plan->warm_up_nsec;
    until = control->measure_from + plan->duration_nsec;
    control->measure_until = until;
    control->send_until = until + (plan->rate > 0 ? backlog_nsec(plan) : 0);
    control->give_up_at = until + plan->timeout_nsec;
    if (plan->rate > 0)
        control->schedule = load_schedule_make(control->start, plan->rate, plan->connections);
}

static int make_threads(struct run *run)
{
    const struct load_plan *plan = run->control.plan;

    run->threads = calloc(plan->threads, sizeof(struct load_thread *));
    run->ids = calloc(plan->threads, sizeof(*run->ids));
    run->control.pad = run->pad = load_pad_new(plan->seed);
    if (!run->threads || !run->ids || !run->pad)
        return -ENOMEM;
    set_times(&run->control);
    for (unsigned i = 0; i < plan->threads; i++) {
        int r = load_thread_new(&run->control, i, &run->threads[i]);

        if (r < 0)
            return r;
    }
    return 0;
}

static int start_threads(struct run *run)
{
    while (run->started < run->control.plan->threads) {
        int r = pthread_create(&run->ids[run->started], NULL, load_thread_run,
                               run->threads[run->started]);

        if (r != 0)
            return -r;
        run->started++;
    }
    return 0;
}

/* The threads look at the clock themselves, so this is all it takes. */
static void end_early(struct run *run)
{
    int64_t now = clock_nsec();

    if (now < run->control.measure_until)
        run->control.measure_until = now;
    if (now < run->control.send_until)
        run->control.send_until = now;
    run->control.give_up_at = run->interrupted ? now : now + INTERRUPTED_NSEC;
    (void)eventfd_write(run->control.stop, 1); /* Cannot fail: it is far from its maximum. */
}

static void take_signal(struct run *run)
{
    struct signalfd_siginfo info;

    if (read(run->signals, &info, sizeof(info)) != sizeof(info))
        return;
    end_early(run);
    run->interrupted = true;
}

static void tell(const struct run *run, load_progress_fn progress, void *context)
{
    struct load_progress now = {
        .elapsed_nsec = clock_nsec() - run->control.start,
        .total_nsec = run->control.measure_until - run->control.start,
    };

    for (unsigned i = 0; i < run->started; i++)
        now.answered += atomic_load_explicit(&run->threads[i]->published, memory_order_relaxed);
    progress(&now, context);
}

/* Until every thread has said that it is done. */
static void wait_for_threads(struct run *run, load_progress_fn progress, void *context)
{
    struct pollfd fds[] = {{.fd = run->control.finished, .events = POLLIN},
                           {.fd = run->signals, .events = POLLIN}};
    int64_t tick = clock_nsec() + NSEC_PER_SEC;
    unsigned finished = 0;

    while (finished < run->started) {
        eventfd_t count = 0;
        int r = deadline_wait(fds, 2, tick);

        if (r == -ETIMEDOUT) {
            tick += NSEC_PER_SEC;
            if (progress)
                tell(run, progress, context);
        }
        if (r > 0 && fds[1].revents)
            take_signal(run);
        if (r > 0 && fds[0].revents && eventfd_read(run->control.finished, &count) == 0)
            finished += (unsigned)count;
    }
}

static void join_threads(struct run *run, struct load_counts *counts)
{
    int64_t measured = run->control.measure_until - run->control.measure_from;

    for (unsigned i = 0; i < run->started; i++) {
        (void)pthread_join(run->ids[i], NULL); /* It exists, and nobody else joins it. */
        load_counts_merge(counts, run->threads[i]->counts);
    }
    counts->measured_nsec = measured > 0 ? measured : 0;
}

static void run_deinit(struct run *run)
{
    for (unsigned i = 0; run->threads && i < run->control.plan->threads; i++)
        load_thread_free(run->threads[i]);
    free(run->threads);
    free(run->ids);
    free(run->pad);
    closep(&run->control.stop);
    closep(&run->control.finished);
    closep(&run->signals);
}

static int run_init(struct run *run, const struct load_plan *plan, const sigset_t *signals)
{
    *run = (struct run){.control = {.plan = plan, .stop = -1, .finished = -1}, .signals = -1};
    run->control.stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    run->control.finished = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    run->signals = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (run->control.stop < 0 || run->control.finished < 0 || run->signals < 0)
        return -errno;
    return make_threads(run);
}

static int run_with(const struct load_plan *plan, const sigset_t *signals,
                    load_progress_fn progress, void *context, struct load_counts *counts,
                    bool *ret_interrupted)
{
    _cleanup_(run_deinit) struct run run;
    int r = run_init(&run, plan, signals);

    if (r < 0)
        return r;
    r = start_threads(&run);
    if (r < 0) { /* Those that did start have to end. */
        run.interrupted = true;
        end_early(&run);
    }
    wait_for_threads(&run, r < 0 ? NULL : progress, context);
    join_threads(&run, counts);
    *ret_interrupted = run.interrupted;
    return r;
}

int load_run(const struct load_plan *plan, load_progress_fn progress, void *context,
             struct load_counts **ret_counts, bool *ret_interrupted)
{
    _cleanup_(load_counts_freep) struct load_counts *counts = load_counts_new(plan->duration_nsec);
    sigset_t signals, old;
    int r;

    if (!counts)
        return -ENOMEM;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, &old); /* Threads inherit it. Cannot fail. */
    r = run_with(plan, &signals, progress, context, counts, ret_interrupted);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r < 0)
        return r;
    *ret_counts = counts;
    counts = NULL; /* now the caller's */
    return 0;
}
