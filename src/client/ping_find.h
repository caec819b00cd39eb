/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "client/connect.h"
#include "client/options.h"

/* Where a ping's targets are. */
struct ping_place {
    const struct target *target;
    const struct common_options *common;
    int64_t deadline;
    int error; /* 0: found; else what connect_resolve() returned */
    /* peer is the address; where there was a choice, it is connected: fd, else -1. */
    struct connection connection;
};

/* Looks one target up, as ping_find() does: place->error. */
int ping_find_one(const struct common_options *common, const struct target *target,
                  int64_t deadline, struct ping_place *ret);

/*
 * Looks COUNT targets up, all at once. Of several addresses it takes the one that answers first, or
 * the first one when none does. Returns 0, or -errno when nothing could be begun; then no place
 * has a descriptor.
 */
int ping_find(const struct common_options *common, int64_t deadline, struct ping_place *places,
              size_t count);
