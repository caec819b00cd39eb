/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * The supervisor's event loop, sd-event(3): signals, timers and readable descriptors, each by a
 * number. No other file knows sd-event.
 */

enum { LOOP_TIMERS_MAX = 8, LOOP_FDS_MAX = 4 };

struct loop_handlers {
    void (*on_signal)(void *user, int signal);
    void (*on_timer)(void *user, unsigned timer);
    void (*on_readable)(void *user, unsigned fd_number);
};

struct loop;

/* 0 or -errno. handlers and user stay the caller's. */
int loop_new(const struct loop_handlers *handlers, void *user, struct loop **ret);
void loop_free(struct loop *loop);

/*
 * Blocks the signal for this process and hands it to on_signal. Where several things wait to be
 * handled, real-time signals come first, then the others, then descriptors. 0 or -errno.
 */
int loop_add_signal(struct loop *loop, int signal);

/* Calls on_readable(number) while FD is readable; -1 ends that: before FD is closed. 0 or -errno.
 */
int loop_watch(struct loop *loop, unsigned number, int fd);

/* Calls on_timer(timer) once, after this many milliseconds; -1: not at all. 0 or -errno. */
int loop_set_timer(struct loop *loop, unsigned timer, int64_t delay_ms);

/* Runs until loop_exit(). 0 or -errno. */
int loop_run(struct loop *loop);
void loop_exit(struct loop *loop);
