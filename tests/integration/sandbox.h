/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * Namespaces for tests that need addresses that belong to everybody, or files in fixed places: as
 * root, or as an ordinary user who becomes root of a user namespace. sandbox_may_*() try it in a
 * child.
 */

bool sandbox_may_have_network(void);
bool sandbox_may_have_mounts(void);
bool sandbox_may_set_sysctl(const char *path, int value);

/* Whether what TRIED does would work: it is done in a child. */
bool sandbox_may(bool (*tried)(void));

/* A network of its own with nothing but a loopback interface, which is up. */
void sandbox_network(void);
bool sandbox_try_network(void); /* the same, outside of tests: whether it worked */

/* One more address of the loopback interface: after sandbox_network(). */
void sandbox_add_ipv6(const char *address);

/* Mounts of its own: an empty /run. */
void sandbox_mounts(void);

/* An empty /dev but for null, random and the like: after sandbox_mounts(). DIRECTORY is empty. */
void sandbox_dev(const char *directory);

/* Writes a number to a file under /proc/sys/net: after sandbox_network(). */
void sandbox_set_sysctl(const char *path, int value);
