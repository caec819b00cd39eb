/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/conf_fault.h"

/* listeners = ( { ... }, ... ): where to listen besides host and port. */

/* More sockets than anybody needs, and few enough for one look at each. */
enum { CONF_LISTENERS_MAX = 64 };

/*
 * Reads the list into *ret, which it replaces as a whole. False, after saying so, if anything is
 * wrong with it: then *ret is what it was.
 */
bool conf_listeners_read(struct conf_reading *reading, const struct conf_node *node,
                         struct conf_listeners *ret);

/*
 * To be called when all files are read: the entries get what they do not say from the settings of
 * the same name outside, and what contradicts each other is added to the errors. 0 or -ENOMEM.
 */
int conf_listeners_complete(struct conf *conf, struct conf_errors *errors);

void conf_listeners_deinit(struct conf_listeners *listeners);

/* Whether a key means something beside the others of an entry. */
bool conf_listener_has(const struct conf_listener *entry, enum conf_key key);

/* NULL, or what is wrong with a path. */
const char *conf_listener_path_problem(const char *path);

/* Room has to be left for a temporary name in the same directory. */
#define CONF_LISTENER_PATH_ALLOWED                                                                 \
    "an absolute path of at most 99 bytes, or \"@\" and an abstract name of at most 107"

/* NULL, or what is wrong with an owner. */
const char *conf_listener_owner_problem(const char *owner);

#define CONF_LISTENER_OWNER_ALLOWED "\"USER\", \"USER:GROUP\" or \":GROUP\", names or numbers"
