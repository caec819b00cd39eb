/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/conf.h"
#include "daemon/failure.h"
#include "daemon/handed.h"
#include "daemon/wanted.h"
#include "net/listener.h"

/* From what is wanted, or passed, to listening sockets, at the start and at a reload. */

/* listeners_open(). 0 or -errno with *ret_failure set. */
int listening_open(const struct conf *conf, const struct wanted *wanted,
                   const struct listener_set *pool, struct listener_set *ret,
                   struct failure *ret_failure);

/*
 * Takes over the listeners that the service manager passed; none leave the set empty. 0 or -errno
 * with *ret_failure set.
 */
int listening_adopt(struct handed *handed, struct listener_set *ret, struct failure *ret_failure);

/* Says what is listened on now and was not BEFORE, and the other way round, and what is amiss. */
void listening_announce(const struct conf *conf, const struct listener_set *before,
                        const struct listener_set *now);

/* "127.0.0.1:65432, udp://[::1]:65432 and 3 more". text is returned. */
const char *listening_format(const struct listener_set *set, char *text, size_t size);
