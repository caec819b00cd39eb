/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "daemon/handed.h"
#include "net/listener.h"

/*
 * What the supervisor keeps in the service manager's descriptor store. It gives everything there a
 * number, and says when the store is of no use. Without a service manager it does nothing.
 */
struct store {
    uint32_t next_number;
};

/* A number that nothing in the store has. */
uint32_t store_number(struct store *store);

/*
 * The listeners that an earlier process of ours left, for a pool: taken over from HANDED. What is
 * of no use is said, closed and removed from the store.
 */
void store_recover_listeners(struct handed *handed, struct listener_set *ret);

/*
 * After listeners_open(): those of NOW that are new are put into the store, the service manager's
 * own apart, and what only the pool BEFORE has is removed from it.
 */
void store_replace_listeners(struct store *store, struct listener_set *before,
                             struct listener_set *now);

/* At a stop: as long as a copy is in the store, whoever connects waits for what does not come. */
void store_forget_listeners(struct listener_set *listeners);

/*
 * The name of a listener that is in the store, or is handed over with its number 0. Which file it
 * has (device and inode, hexadecimal) is in it, as the socket itself does not tell.
 */
const char *store_listener_name(const struct listener *listener,
                                char text[static HANDED_NAME_SIZE]);
