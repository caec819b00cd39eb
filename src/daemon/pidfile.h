/* SPDX-License-Identifier: MIT */
#pragma once

#include <sys/types.h>

/* A file with this process's number, locked for as long as the process lives. */
struct pidfile {
    int fd; /* -1: none */
    const char *path;
};

/*
 * Creates, locks and writes the file; path must stay. 0, or -errno: -EEXIST when another process
 * holds it, whose number is in *ret_holder then (0 if it cannot be read); -EINVAL when the path
 * names what is no regular file.
 */
int pidfile_create(struct pidfile *pidfile, const char *path, pid_t *ret_holder);

/*
 * Goes on with a file that this process created before it became another program, execve(2): FD has
 * it open and locked. 0, or -ESTALE when it is not this file, or not ours; FD stays the caller's
 * then.
 */
int pidfile_adopt(struct pidfile *pidfile, int fd, const char *path);

/* Removes the file, if there is one and it is still ours. */
void pidfile_remove(struct pidfile *pidfile);
