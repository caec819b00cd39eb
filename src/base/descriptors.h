/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/*
 * Puts /dev/null in the place of each of 0, 1, 2 that is closed: else a socket might get such a
 * number, and then a message. It is not writable, so that a report with no reader fails. 0 or
 * -errno.
 */
int descriptors_open_standard(void);

/*
 * Closes every descriptor from 3 on but the COUNT ones of KEEP, which is sorted on return. For a
 * process that begins a life of its own.
 */
void descriptors_close_except(int *keep, size_t count);

/*
 * Raises the soft limit on open descriptors to the hard one, getrlimit(2), and sets *ret_limit to
 * it. 0 or -errno.
 */
int descriptors_raise_limit(size_t *ret_limit);
