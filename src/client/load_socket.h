/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * send(2) and recv(2) as they are in the kernel. Those of the C library are cancellation points
 * (pthreads(7)), which costs a process of several threads two atomic operations in each call: with
 * small messages, a load generator notices.
 */

static inline ssize_t load_send(int fd, const void *data, size_t size)
{
    return syscall(SYS_sendto, fd, data, size, MSG_NOSIGNAL, NULL, 0);
}

static inline ssize_t load_receive(int fd, void *buffer, size_t size)
{
    return syscall(SYS_recvfrom, fd, buffer, size, 0, NULL, NULL);
}
