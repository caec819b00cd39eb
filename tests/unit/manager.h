/* SPDX-License-Identifier: MIT */
#pragma once

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

/*
 * The service manager's side of sd_notify(3): its socket, to which NOTIFY_SOCKET leads now, by an
 * abstract name that the kernel chose, so that no other test has it.
 */
static inline int manager_listen(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(addr);
    char address[64];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(sa_family_t)), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&addr, &size), 0);
    (void)snprintf(address, sizeof(address), "@%.*s",
                   (int)(size - offsetof(struct sockaddr_un, sun_path) - 1), addr.sun_path + 1);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", address, 1), 0);
    return fd;
}
