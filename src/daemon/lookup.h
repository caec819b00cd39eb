/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

#include "base/conf.h"
#include "net/resolve.h"

/*
 * Looks the configuration's host up in a child: getaddrinfo(3) may take half a minute, and the
 * supervisor has no time to wait for it.
 */
struct lookup {
    pid_t pid; /* 0: reaped */
    int fd;    /* readable when the answer is there */
};

/* 0 or -errno. The child is to be reaped by the caller. */
int lookup_start(const struct conf *conf, struct lookup *ret);

/* The answer, as from resolve(), when fd is readable. Closes it. */
int lookup_finish(struct lookup *lookup, struct addr_list *ret);

/* Gives the answer up: ends the child. */
void lookup_cancel(struct lookup *lookup);
