/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The service manager, as sd_notify(3) and sd_listen_fds(3) reach it; no other file knows
 * sd-daemon. Without a service manager every call is silent and does nothing.
 */

/* The messages are those of sd_notify(3). A manager that reads nothing is not waited for. */
void service_ready(const char *status);
void service_reloading(void);
void service_stopping(const char *status);
void service_status(const char *status);

/* A fatal end: error is an errno, positive or negative. */
void service_failed(int error, const char *status);

/* "I am alive": WATCHDOG=1. */
void service_watchdog(void);

/* The microseconds within which the service manager wants service_watchdog(), 0 for never. */
uint64_t service_watchdog_usec(void);

/* Asks for this many more microseconds to stop in: EXTEND_TIMEOUT_USEC. */
void service_extend_timeout(uint64_t usec);

/* Whether there is a service manager that hears what is said here. */
bool service_is_managed(void);

/*
 * Puts a copy of FD into the service manager's descriptor store: it outlives this process and comes
 * back with the next start, sd_listen_fds(3), until it is removed or the service is stopped. A name
 * may have several descriptors; one descriptor is stored once, under its first name. The service
 * manager does not watch it, so it stays when its peer is gone. Whether there is room in the store
 * (FileDescriptorStoreMax=) is not told. 0, also without a service manager, or -errno: -ETIMEDOUT
 * when the service manager reads nothing.
 */
int service_store(const char *name, int fd);

/* Removes all descriptors of this name from the store. 0 or -errno as above. */
int service_unstore(const char *name);

/*
 * A descriptor that is readable when the service manager has read all that was said so far; the
 * caller's. -1 without a service manager, or where that cannot be told.
 */
int service_barrier_begin(void);

/*
 * Waits until the service manager has read all that was said so far. 0, also without a service
 * manager, or -errno: -ETIMEDOUT when it has not done so within this many microseconds.
 */
int service_barrier(uint64_t usec);

/* Descriptors that the service manager passed. */
struct service_fds {
    int first; /* the descriptors first .. first + count - 1, CLOEXEC set */
    int count;
    char **names; /* names[i] of descriptor first + i */
};

/*
 * Takes the passed descriptors over: the environment is cleared of them, the caller owns them.
 * 0 or -errno; *ret is untouched on failure. A count of 0 means that none were passed.
 */
int service_listen_fds(struct service_fds *ret);

/* Frees the names; the descriptors stay open. */
void service_fds_deinit(struct service_fds *fds);
