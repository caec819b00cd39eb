/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/addr.h"

/* The file of a Unix socket: it appears complete, replaces nothing that lives, and is known again.
 */

/* Which file a path leads to. No socket's while the socket is open is given to another file. */
struct socket_file {
    dev_t device;
    ino_t inode; /* 0: there is none */
};

struct socket_access {
    mode_t mode; /* permission bits */
    uid_t uid;
    gid_t gid;
};

/*
 * Binds FD to the path ADDR and makes it listen, if BACKLOG is not 0. Who looks at the path sees
 * nothing or the socket with its permissions, listening: it is made under another name, so that
 * getsockname(2) will tell that, and renamed. A socket that nobody has open is replaced.
 * 0, -EADDRINUSE: another process has that socket open, -EEXIST: there is a file that is no socket,
 * or another -errno; *ret_what is then the call that failed, and the path is as it was.
 */
int socket_file_make(int fd, const struct addr *addr, const struct socket_access *access,
                     int backlog, struct socket_file *ret, const char **ret_what);

/* Whether a socket with this address has a file. */
bool socket_file_is_meant(const struct addr *addr);

/* The path that a socket was made for, from what getsockname(2) says of it. 0 or -EINVAL. */
int socket_file_address(const struct addr *local, struct addr *ret);

/* Whether the path still leads to this file. */
bool socket_file_is_at(const struct socket_file *file, const struct addr *addr);

/* Permissions and owner of the file at the path if it is this one, else -ESTALE. */
int socket_file_get_access(const struct socket_file *file, const struct addr *addr,
                           struct socket_access *ret);

/* Changes permissions and owner of the file at the path if it is this one, else -ESTALE. */
int socket_file_set_access(const struct socket_file *file, const struct addr *addr,
                           const struct socket_access *access);

/* Removes the file at the path if it is this one. */
void socket_file_remove(const struct socket_file *file, const struct addr *addr);
