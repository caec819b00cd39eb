/* SPDX-License-Identifier: MIT */
#include "daemon/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static pid_t read_holder(int fd)
{
    char text[32] = "";

    return pread(fd, text, sizeof(text) - 1, 0) > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

static bool is_regular(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Whether the path still names the file that is open: its last owner may have removed it. */
static bool is_at(int fd, const char *path)
{
    struct stat open_file, named_file;

    return fstat(fd, &open_file) == 0 && stat(path, &named_file) == 0 &&
           open_file.st_dev == named_file.st_dev && open_file.st_ino == named_file.st_ino;
}

static int open_and_lock(const char *path, pid_t *ret_holder)
{
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
        int r;

        if (fd < 0)
            return -errno;
        r = is_regular(fd) ? 0 : -EINVAL;
        if (r == 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
            r = -errno;
        if (r == -EWOULDBLOCK) {
            *ret_holder = read_holder(fd);
            r = -EEXIST;
        }
        if (r == 0 && is_at(fd, path))
            return fd;
        closep(&fd);
        if (r < 0)
            return r;
    }
}

int pidfile_create(struct pidfile *pidfile, const char *path, pid_t *ret_holder)
{
    int fd = open_and_lock(path, ret_holder);

    if (fd < 0)
        return fd;
    *pidfile = (struct pidfile){.fd = fd, .path = path};
    if (ftruncate(fd, 0) < 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
        int r = -errno;

        pidfile_remove(pidfile);
        return r;
    }
    return 0;
}

int pidfile_adopt(struct pidfile *pidfile, int fd, const char *path)
{
    if (!is_regular(fd) || !is_at(fd, path) || read_holder(fd) != getpid() ||
        flock(fd, LOCK_EX | LOCK_NB) < 0)
        return -ESTALE;
    *pidfile = (struct pidfile){.fd = fd, .path = path};
    return 0;
}

void pidfile_remove(struct pidfile *pidfile)
{
    if (pidfile->fd < 0)
        return;
    if (is_at(pidfile->fd, pidfile->path))
        (void)unlink(pidfile->path); /* Left behind, it is unlocked and stops nobody. */
    closep(&pidfile->fd);
}
