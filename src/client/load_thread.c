/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "client/deadline.h"
#include "client/load_state.h"

/* A message that leaves later than this, with nothing before it, is the thread's own fault. */
#define LATE_NSEC NSEC_PER_MSEC

/* How many messages may be sent before answers have their turn. */
enum { RELEASES = 64, EVENTS_MAX = 256 };

/* ---- making it ---- */

static uint64_t mask_for(unsigned depth)
{
    uint64_t size = 1;

    while (size < depth)
        size *= 2;
    return size - 1;
}

static void init_connection(struct load_thread *thread, unsigned index, unsigned number)
{
    const struct load_plan *plan = thread->plan;
    struct load_connection *c = &thread->connections[index];

    *c = (struct load_connection){
        .fd = -1,
        .number = number,
        .begun = thread->begun + index * (thread->begun_mask + 1),
        .open_at = thread->control->start +
                   (int64_t)((double)plan->ramp_up_nsec * number / plan->connections),
    };
    if (plan->rate > 0) {
        c->next = load_schedule_turn(&thread->control->schedule, number, c->open_at);
        thread->ready += plan->reconnect; /* The others have to be connected before. */
    }
    c->base = c->first = c->next;
}

int load_thread_new(struct load_control *control, unsigned number, struct load_thread **ret_thread)
{
    const struct load_plan *plan = control->plan;
    struct load_thread *thread = calloc(1, sizeof(*thread));

    *ret_thread = NULL;
    if (!thread)
        return -ENOMEM;
    thread->plan = plan;
    thread->pad = control->pad;
    thread->control = control;
    thread->count = (plan->connections - number + plan->threads - 1) / plan->threads;
    thread->begun_mask = mask_for(plan->depth);
    thread->counts = load_counts_new(plan->duration_nsec);
    thread->connections = calloc(thread->count, sizeof(*thread->connections));
    thread->begun = calloc(thread->count * (thread->begun_mask + 1), sizeof(*thread->begun));
    thread->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (thread->epoll < 0 || !thread->counts || !thread->connections || !thread->begun) {
        int r = thread->epoll < 0 ? -errno : -ENOMEM;

        load_thread_free(thread);
        return r;
    }
    for (unsigned i = 0; i < thread->count; i++)
        init_connection(thread, i, number + i * plan->threads);
    *ret_thread = thread;
    return 0;
}

struct load_thread *load_thread_free(struct load_thread *thread)
{
    if (!thread)
        return NULL;
    if (thread->epoll >= 0)
        (void)close(thread->epoll); /* See load_connection_close(). */
    load_counts_free(thread->counts);
    free(thread->connections);
    free(thread->begun);
    free(thread);
    return NULL;
}

/* ---- time ---- */

static int64_t cpu_nsec(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* Cannot fail for this clock. */
    return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* Takes the thread's own CPU time where measuring begins and ends. */
static void note_phase(struct load_thread *thread)
{
    bool measuring = thread->now >= thread->control->measure_from && thread->now < thread->until;

    if (measuring == thread->measuring)
        return;
    thread->measuring = measuring;
    if (measuring) {
        thread->measuring_since = thread->now;
        thread->measuring_cpu = cpu_nsec();
    } else {
        thread->counts->busiest = (double)(cpu_nsec() - thread->measuring_cpu) /
                                  (double)(thread->now - thread->measuring_since + 1);
    }
}

/*
 * When the message at the cursor is due; INT64_MAX: none will be, or nobody could send it. Whoever
 * is busy sends what has become due meanwhile as soon as there is room, and so needs no cursor.
 */
static int64_t next_due(const struct load_thread *thread)
{
    int64_t due;

    if (thread->plan->rate <= 0 || thread->ready == 0)
        return INT64_MAX;
    due = load_schedule_due(&thread->control->schedule, thread->connections[thread->cursor].number,
                            thread->cursor_turn);
    return due < thread->until ? due : INT64_MAX;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When something is to be done though no event comes. */
static int64_t next_time(const struct load_thread *thread)
{
    int64_t time = earlier(next_due(thread), thread->next_sweep);

    if (thread->now < thread->control->measure_from)
        return earlier(time, thread->control->measure_from);
    return earlier(time, thread->now < thread->until ? thread->until : thread->control->give_up_at);
}

/* epoll_wait(2) to the nanosecond; to the millisecond before Linux 5.11, asking again meanwhile. */
static int wait_events(struct load_thread *thread, struct epoll_event *events)
{
    int64_t left = next_time(thread) - thread->now;
    struct timespec timeout = {0};
    int count;

    if (left > 0)
        timeout = (struct timespec){left / NSEC_PER_SEC, left % NSEC_PER_SEC};
    count = epoll_pwait2(thread->epoll, events, EVENTS_MAX, &timeout, NULL);
    if (count < 0 && errno == ENOSYS)
        count = epoll_wait(thread->epoll, events, EVENTS_MAX,
                           left > 0 ? (int)(earlier(left, NSEC_PER_SEC) / NSEC_PER_MSEC) : 0);
    return count < 0 ? 0 : count; /* EINTR: no harm */
}

/* ---- running ---- */

static void advance_cursor(struct load_thread *thread)
{
    if (++thread->cursor < thread->count)
        return;
    thread->cursor = 0;
    thread->cursor_turn++;
}

static bool is_late(const struct load_thread *thread, const struct load_connection *c, int64_t due)
{
    return thread->measuring && c->state == LOAD_OPEN && thread->now - due > LATE_NSEC;
}

/* What is due is sent, unless its connection is busy: then it is sent as soon as there is room. */
static void release_due(struct load_thread *thread)
{
    unsigned released = 0;
    int64_t due;

    while ((due = next_due(thread)) <= thread->now && released < RELEASES) {
        struct load_connection *c = &thread->connections[thread->cursor];

        if (c->next == thread->cursor_turn && load_may_begin(thread, c)) {
            thread->now = clock_nsec();
            thread->counts->late += is_late(thread, c, due);
            load_connection_release(thread, c);
            released++;
        }
        advance_cursor(thread);
    }
}

/*
 * Looks at all connections, when the first of them may be overdue. What is sent after this cannot
 * be before the timeout is over, so that is when to look again at the latest.
 */
static void sweep(struct load_thread *thread)
{
    int64_t next = thread->now + thread->plan->timeout_nsec;

    if (thread->now < thread->next_sweep)
        return;
    thread->next_sweep = INT64_MAX;
    for (unsigned i = 0; i < thread->count; i++) {
        struct load_connection *c = &thread->connections[i];

        if (load_connection_deadline(thread, c) <= thread->now)
            load_connection_overdue(thread, c);
        next = earlier(next, load_connection_deadline(thread, c));
    }
    thread->next_sweep = next > thread->now + NSEC_PER_MSEC ? next : thread->now + NSEC_PER_MSEC;
}

static bool is_done(const struct load_thread *thread)
{
    if (thread->now < thread->until)
        return false;
    if (thread->now >= thread->control->give_up_at)
        return true;
    if (next_due(thread) <= thread->now && thread->now < thread->send_until)
        return false; /* It was woken late, and has something to send. */
    for (unsigned i = 0; i < thread->count; i++)
        if (load_connection_is_busy(thread, &thread->connections[i]))
            return false;
    return true;
}

static void take_ends(struct load_thread *thread)
{
    thread->until = thread->control->measure_until;
    thread->send_until = thread->control->send_until;
}

static void handle_events(struct load_thread *thread)
{
    struct epoll_event events[EVENTS_MAX];
    int count = wait_events(thread, events);

    if (count == 0)
        thread->now = clock_nsec();
    for (int i = 0; i < count; i++)
        if (events[i].data.ptr)
            load_connection_step(thread, events[i].data.ptr, events[i].events);
    take_ends(thread);
}

/*
 * What was due and could not be sent has waited at least until now. Counting thousands of turns
 * of a connection one by one would take long, and be no more exact than some of them for all.
 */
static void count_unsent(struct load_thread *thread, const struct load_connection *c)
{
    const struct load_schedule *schedule = &thread->control->schedule;
    uint64_t turn = load_schedule_turn(schedule, c->number, thread->control->measure_from);
    uint64_t end = load_schedule_turn(schedule, c->number, thread->until), stride;

    if (turn < c->next)
        turn = c->next;
    if (turn >= end)
        return;
    thread->counts->unsent += end - turn;
    for (stride = (end - turn) / 1024 + 1; turn < end; turn += stride) {
        int64_t waited = thread->now - load_schedule_due(schedule, c->number, turn);

        histogram_add_many(&thread->counts->since_due, (uint64_t)waited,
                           stride < end - turn ? stride : end - turn);
    }
}

static void finish(struct load_thread *thread)
{
    for (unsigned i = 0; i < thread->count; i++) {
        load_connection_close(thread, &thread->connections[i]);
        if (thread->plan->rate > 0)
            count_unsent(thread, &thread->connections[i]);
    }
}

static void watch_stop(struct load_thread *thread)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};

    /* Without memory for it, an interruption is seen at the next event instead. */
    (void)epoll_ctl(thread->epoll, EPOLL_CTL_ADD, thread->control->stop, &event);
}

void *load_thread_run(void *argument)
{
    struct load_thread *thread = argument;

    /*
     * A table of descriptors of its own, unshare(2): while others share it, the kernel has to take
     * and drop a reference to the file in every system call. Without, all that is lost is time.
     */
    (void)unshare(CLONE_FILES);
    (void)prctl(PR_SET_TIMERSLACK, 1UL); /* Messages leave on time, not 50 us later. */
    watch_stop(thread);
    thread->now = clock_nsec();
    take_ends(thread);
    while (!is_done(thread)) {
        note_phase(thread);
        sweep(thread);
        release_due(thread);
        handle_events(thread);
    }
    note_phase(thread);
    finish(thread);
    (void)eventfd_write(thread->control->finished, 1); /* Cannot fail: few threads count in it. */
    return NULL;
}
