/* SPDX-License-Identifier: MIT */
#include "daemon/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include <systemd/sd-event.h>

/* A timer may be late by this much, so that wake-ups can be shared. */
enum { ACCURACY_USEC = 1000 };

struct loop {
    sd_event *event;
    const struct loop_handlers *handlers;
    void *user;
    sd_event_source *timer[LOOP_TIMERS_MAX];
    sd_event_source *readable[LOOP_FDS_MAX];
};

static unsigned number_of(sd_event_source *const *sources, const sd_event_source *source)
{
    unsigned i = 0;

    while (sources[i] != source)
        i++;
    return i;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
    struct loop *loop = user;

    (void)source;
    loop->handlers->on_signal(loop->user, (int)info->ssi_signo);
    return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
    struct loop *loop = user;

    (void)usec;
    loop->handlers->on_timer(loop->user, number_of(loop->timer, source));
    return 0;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *user)
{
    struct loop *loop = user;

    (void)fd;
    (void)events;
    loop->handlers->on_readable(loop->user, number_of(loop->readable, source));
    return 0;
}

int loop_new(const struct loop_handlers *handlers, void *user, struct loop **ret)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    int r;

    if (!loop)
        return -ENOMEM;
    r = sd_event_new(&loop->event);
    if (r < 0) {
        free(loop);
        return r;
    }
    loop->handlers = handlers;
    loop->user = user;
    *ret = loop;
    return 0;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    for (unsigned i = 0; i < LOOP_TIMERS_MAX; i++)
        sd_event_source_unref(loop->timer[i]);
    for (unsigned i = 0; i < LOOP_FDS_MAX; i++)
        sd_event_source_unref(loop->readable[i]);
    sd_event_unref(loop->event);
    free(loop);
}

/* The kernel would give the lowest number first, whatever came first. */
static int64_t priority_of(int signal)
{
    return signal >= SIGRTMIN ? SD_EVENT_PRIORITY_IMPORTANT : SD_EVENT_PRIORITY_NORMAL;
}

int loop_add_signal(struct loop *loop, int signal)
{
    sd_event_source *source;
    sigset_t set;
    int r;

    if (sigemptyset(&set) < 0 || sigaddset(&set, signal) < 0 ||
        sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    r = sd_event_add_signal(loop->event, &source, signal, on_signal, loop);
    if (r < 0)
        return r;
    r = sd_event_source_set_priority(source, priority_of(signal));
    if (r >= 0)
        r = sd_event_source_set_floating(source, true); /* it lives as long as the loop */
    sd_event_source_unref(source);
    return r;
}

int loop_watch(struct loop *loop, unsigned number, int fd)
{
    sd_event_source **source = &loop->readable[number];
    int r;

    *source = sd_event_source_disable_unref(*source);
    if (fd < 0)
        return 0;
    r = sd_event_add_io(loop->event, source, fd, EPOLLIN, on_readable, loop);
    return r < 0 ? r : sd_event_source_set_priority(*source, SD_EVENT_PRIORITY_NORMAL + 1);
}

int loop_set_timer(struct loop *loop, unsigned timer, int64_t delay_ms)
{
    uint64_t delay_usec = delay_ms > 0 ? (uint64_t)delay_ms * 1000 : 0;

    loop->timer[timer] = sd_event_source_disable_unref(loop->timer[timer]);
    if (delay_ms < 0)
        return 0;
    return sd_event_add_time_relative(loop->event, &loop->timer[timer], CLOCK_MONOTONIC, delay_usec,
                                      ACCURACY_USEC, on_timer, loop);
}

int loop_run(struct loop *loop)
{
    int r = sd_event_loop(loop->event);

    return r < 0 ? r : 0;
}

void loop_exit(struct loop *loop)
{
    (void)sd_event_exit(loop->event, 0); /* Fails only before the loop runs. */
}
