/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

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
