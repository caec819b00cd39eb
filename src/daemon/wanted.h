/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/conf.h"
#include "daemon/failure.h"
#include "net/listener.h"

/* From host, port and listeners of the configuration to what is to be listened on. */

enum {
    WANTED_MAX = 1024,   /* names may have many addresses */
    WANTED_OF_HOST = -1, /* the tag of what host and port ask for; others: the entry's number */
    WANTED_ORIGIN_SIZE = 352, /* enough for wanted_origin() */
};

struct wanted {
    struct listener_wanted *list;
    size_t count;
};

void wanted_deinit(struct wanted *wanted);

/*
 * Looks up the names of hosts, users and groups. This may block for half a minute, so it can be had
 * without: unless MAY_BLOCK, a name is -EAGAIN. 0 or -errno with *ret_failure set.
 */
int wanted_resolve(const struct conf *conf, bool may_block, struct wanted *ret,
                   struct failure *ret_failure);

/* Where it says so: "host: FILE:LINE", "listeners[1].path: FILE:LINE". text is returned. */
const char *wanted_origin(const struct conf *conf, int tag, enum conf_key outside,
                          enum conf_key inside, char text[static WANTED_ORIGIN_SIZE]);
