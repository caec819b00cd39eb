/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/conf.h"
#include "daemon/failure.h"
#include "net/listener.h"
#include "net/resolve.h"

/* From the configuration's host and port to listening sockets, at the start and at a reload. */

/*
 * The addresses that the configuration asks for. Blocks while a name is looked up, unless
 * NUMERIC_ONLY: then a name is -EAGAIN. 0 or -errno with *ret_failure set.
 */
int listening_resolve(const struct conf *conf, bool numeric_only, struct addr_list *ret,
                      struct failure *ret_failure);

/* Sets *ret_failure for a host that resolve() had no address for. Returns a negative errno. */
int listening_unresolved(const struct conf *conf, int resolve_error, struct failure *ret_failure);

/* listeners_open() for these addresses. 0 or -errno with *ret_failure set. */
int listening_open(const struct conf *conf, const struct addr_list *addrs,
                   const struct listener_set *pool, struct listener_set *ret,
                   struct failure *ret_failure);

/*
 * Takes over the descriptors that the service manager passed; none leave the set empty. 0 or
 * -errno with *ret_failure set.
 */
int listening_adopt(struct listener_set *ret, struct failure *ret_failure);

/* Says what is listened on now and was not BEFORE, and the other way round, and what is amiss. */
void listening_announce(const struct conf *conf, const struct listener_set *before,
                        const struct listener_set *now);

/* "127.0.0.1:65432, udp://[::1]:65432". text is returned. */
const char *listening_format(const struct listener_set *set, char *text, size_t size);
