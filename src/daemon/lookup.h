/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

#include "daemon/wanted.h"

/*
 * Looks the names in the configuration up in a child: getaddrinfo(3) may take half a minute, and
 * the supervisor has no time to wait for it.
 */
struct lookup {
    pid_t pid; /* 0: reaped */
    int fd;    /* readable when the answer is there */
};

/* 0 or -errno. The child is to be reaped by the caller. */
int lookup_start(const struct conf *conf, struct lookup *ret);

/* The answer, as from wanted_resolve(), when fd is readable. Closes it. */
int lookup_finish(struct lookup *lookup, struct wanted *ret, struct failure *ret_failure);

/* Gives the answer up: ends the child. */
void lookup_cancel(struct lookup *lookup);
