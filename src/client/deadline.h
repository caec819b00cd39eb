/* SPDX-License-Identifier: MIT */
#pragma once

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

/* Points in time are nanoseconds of CLOCK_MONOTONIC: setting the clock does not move them. */

#define NSEC_PER_SEC INT64_C(1000000000)
#define NSEC_PER_MSEC INT64_C(1000000)

int64_t clock_nsec(void);

/*
 * poll(2) until DEADLINE. Returns how many descriptors have something (> 0), even when it is past;
 * -ETIMEDOUT when it is past and none has; or -errno.
 */
int deadline_wait(struct pollfd *pollfd, size_t count, int64_t deadline);

/*
 * The same on one descriptor, but -ETIMEDOUT once DEADLINE is past even when it has something: a
 * peer that never pauses does not prolong it. Else revents (> 0), or -errno.
 */
int deadline_poll(int fd, short events, int64_t deadline);
