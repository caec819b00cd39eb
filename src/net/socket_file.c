/* SPDX-License-Identifier: MIT */
#include "net/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The file that a path leads to, itself if it is a symbolic link. 0 or -errno. */
static int file_of(const char *path, struct socket_file *ret, mode_t *ret_mode)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return -errno;
    *ret = (struct socket_file){.device = st.st_dev, .inode = st.st_ino};
    *ret_mode = st.st_mode;
    return 0;
}

static bool is_same(const struct socket_file *a, const struct socket_file *b)
{
    return a->inode == b->inode && a->device == b->device;
}

static bool leads_to(const char *path, const struct socket_file *file)
{
    struct socket_file found;
    mode_t mode;

    return file->inode != 0 && file_of(path, &found, &mode) == 0 && is_same(&found, file);
}

bool socket_file_is_meant(const struct addr *addr)
{
    return addr->sa.sa_family == AF_UNIX && addr->len > sizeof(sa_family_t) &&
           addr->un.sun_path[0] != '\0';
}

int socket_file_address(const struct addr *local, struct addr *ret)
{
    char path[sizeof(local->un.sun_path) + 1] = "";
    char *end;

    memcpy(path, local->un.sun_path, local->len - offsetof(struct sockaddr_un, sun_path));
    end = strrchr(path, '.');
    if (!end || end[1] == '\0' || end[1 + strspn(end + 1, "0123456789")] != '\0')
        return -EINVAL;
    *end = '\0';
    return addr_unix(path, ret);
}

bool socket_file_is_at(const struct socket_file *file, const struct addr *addr)
{
    return leads_to(addr->un.sun_path, file);
}

void socket_file_remove(const struct socket_file *file, const struct addr *addr)
{
    if (socket_file_is_at(file, addr))
        (void)unlink(addr->un.sun_path); /* If it stays, the next start replaces it. */
}

int socket_file_get_access(const struct socket_file *file, const struct addr *addr,
                           struct socket_access *ret)
{
    struct stat st;

    if (lstat(addr->un.sun_path, &st) < 0 || st.st_dev != file->device || st.st_ino != file->inode)
        return -ESTALE;
    *ret = (struct socket_access){.mode = st.st_mode & 0777, .uid = st.st_uid, .gid = st.st_gid};
    return 0;
}

/* By a descriptor, so that nobody can slip another file in; chmod(2) takes it only by its name. */
int socket_file_set_access(const struct socket_file *file, const struct addr *addr,
                           const struct socket_access *access)
{
    _cleanup_(closep) int fd = open(addr->un.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    char name[64];
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISSOCK(st.st_mode) || st.st_dev != file->device || st.st_ino != file->inode)
        return -ESTALE;
    /* Where nothing changes nothing is asked for: it might be forbidden. */
    if ((st.st_uid != access->uid || st.st_gid != access->gid) &&
        fchownat(fd, "", access->uid, access->gid, AT_EMPTY_PATH) < 0)
        return -errno;
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    return (st.st_mode & 0777) != access->mode && chmod(name, access->mode) < 0 ? -errno : 0;
}

/* A datagram socket finds out without a trace: who listens for streams is not connected to. */
static int test_alive(const struct addr *addr)
{
    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (connect(fd, &addr->sa, addr->len) == 0 || errno == EPROTOTYPE || errno == EPERM)
        return -EADDRINUSE;
    return errno == ECONNREFUSED ? 0 : -errno;
}

/* Binds to PATH.PID, see socket_file_address(). What has this name already was left there by a
 * process that is no more. */
static int bind_temporarily(int fd, const struct addr *addr, struct addr *ret)
{
    char path[sizeof(addr->un.sun_path) + 16];
    struct socket_file left;
    mode_t mode;
    int r;

    (void)snprintf(path, sizeof(path), "%s.%d", addr->un.sun_path, (int)getpid());
    r = addr_unix(path, ret);
    if (r < 0)
        return r;
    if (bind(fd, &ret->sa, ret->len) == 0)
        return 0;
    if (errno != EADDRINUSE || file_of(path, &left, &mode) < 0 || !S_ISSOCK(mode))
        return -errno;
    (void)unlink(path); /* If it cannot be, bind says so. */
    return bind(fd, &ret->sa, ret->len) < 0 ? -errno : 0;
}

/* 0 if the path leads to a socket that nobody has open, which *ret is then. */
static int find_dead(const struct addr *addr, struct socket_file *ret, const char **ret_what)
{
    mode_t mode;
    int r;

    *ret_what = "lstat";
    r = file_of(addr->un.sun_path, ret, &mode);
    if (r < 0)
        return r;
    *ret_what = "bind";
    if (!S_ISSOCK(mode))
        return -EEXIST;
    *ret_what = "connect";
    return test_alive(addr);
}

/*
 * The dead socket changes places with the new one. Only then is it certain what was there: if it is
 * another one, somebody was faster.
 */
static int take_place_of_dead(const char *temporary, const char *path,
                              const struct socket_file *dead)
{
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_EXCHANGE) < 0)
        return -errno;
    if (leads_to(temporary, dead)) {
        (void)unlink(temporary); /* Nobody will miss it. */
        return 0;
    }
    (void)renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_EXCHANGE);
    return -EADDRINUSE;
}

static int take_place(const char *temporary, const struct addr *addr, const char **ret_what)
{
    const char *path = addr->un.sun_path;
    struct socket_file dead;
    int r;

    *ret_what = "rename";
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    r = find_dead(addr, &dead, ret_what);
    if (r < 0)
        return r;
    *ret_what = "rename";
    return take_place_of_dead(temporary, path, &dead);
}

static int make_ready(int fd, const struct addr *temporary, const struct socket_access *access,
                      int backlog, struct socket_file *ret, const char **ret_what)
{
    mode_t mode;
    int r;

    *ret_what = "lstat";
    r = file_of(temporary->un.sun_path, ret, &mode);
    if (r < 0)
        return r;
    *ret_what = "chmod or chown";
    r = socket_file_set_access(ret, temporary, access);
    if (r < 0)
        return r;
    *ret_what = "listen";
    return backlog > 0 && listen(fd, backlog) < 0 ? -errno : 0;
}

int socket_file_make(int fd, const struct addr *addr, const struct socket_access *access,
                     int backlog, struct socket_file *ret, const char **ret_what)
{
    struct socket_file file = {.inode = 0};
    struct addr temporary;
    int r;

    /* The file's permissions are the descriptor's first: until it has its own, nobody may connect,
     * whatever the umask is. A datagram socket could not be told from then on who may not send. */
    *ret_what = "chmod or chown";
    if (fchmod(fd, 0) < 0)
        return -errno;
    *ret_what = "bind";
    r = bind_temporarily(fd, addr, &temporary);
    if (r < 0)
        return r;
    r = make_ready(fd, &temporary, access, backlog, &file, ret_what);
    if (r == 0)
        r = take_place(temporary.un.sun_path, addr, ret_what);
    if (r < 0)
        (void)unlink(temporary.un.sun_path);
    else
        *ret = file;
    return r;
}
