/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Messages with descriptors, SCM_RIGHTS of unix(7), over a SOCK_SEQPACKET socket: each arrives
 * whole or not at all, and holds its descriptors open as long as it lies in the queue.
 */

/* SCM_MAX_FD of the kernel: the most descriptors in one message. */
enum { RIGHTS_MAX = 253 };

/*
 * Sends one message of SIZE bytes with COUNT descriptors, which stay the caller's. 0 or -errno:
 * -EAGAIN when there is no room and the socket does not wait, -ETOOMANYREFS when the user has as
 * many descriptors under way as RLIMIT_NOFILE allows.
 */
int rights_send(int fd, const void *bytes, size_t size, const int *fds, uint32_t count);

/*
 * Receives one message with recvmsg(2) FLAGS; with MSG_PEEK it stays in the queue, and what comes
 * are copies. Its size, 0 at the end, or -errno. The descriptors that came are the caller's, with
 * CLOEXEC; fds is filled up with -1, also in the place of those for which the table of descriptors
 * had no room.
 */
ssize_t rights_receive(int fd, void *bytes, size_t size, int flags, int fds[static RIGHTS_MAX]);

/* Closes those that are not -1. */
void rights_close(int fds[static RIGHTS_MAX]);
