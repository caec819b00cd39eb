/* SPDX-License-Identifier: MIT */
#include "sandbox.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        (void)close(fd);
    return done;
}

/* unshare(2), first becoming root of a user namespace if need be. */
static bool try_unshare(int flags)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    char map[64];

    if (unshare(flags) == 0)
        return true;
    if (unshare(CLONE_NEWUSER | flags) < 0)
        return false;
    (void)snprintf(map, sizeof(map), "0 %u 1\n", uid);
    if (!write_text("/proc/self/uid_map", map) || !write_text("/proc/self/setgroups", "deny"))
        return false;
    (void)snprintf(map, sizeof(map), "0 %u 1\n", gid);
    return write_text("/proc/self/gid_map", map);
}

bool sandbox_try_network(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd, r;

    if (!try_unshare(CLONE_NEWNET))
        return false;
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    r = ioctl(fd, SIOCSIFFLAGS, &lo);
    (void)close(fd);
    return r == 0;
}

static bool try_mounts(void)
{
    return try_unshare(CLONE_NEWNS) && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") == 0;
}

bool sandbox_may(bool (*tried)(void))
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0)
        _exit(tried() ? 0 : 1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

bool sandbox_may_have_network(void)
{
    return sandbox_may(sandbox_try_network);
}

bool sandbox_may_have_mounts(void)
{
    return sandbox_may(try_mounts);
}

void sandbox_network(void)
{
    ck_assert_msg(sandbox_try_network(), "no network of its own: %s", strerror(errno));
}

/* Until the kernel has found that on this interface nobody else can have it. */
static bool may_bind(void *address)
{
    const struct sockaddr_in6 addr = {.sin6_family = AF_INET6,
                                      .sin6_addr = *(const struct in6_addr *)address};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));

    (void)close(fd);
    return r == 0;
}

void sandbox_add_ipv6(const char *address)
{
    struct { /* struct in6_ifreq of linux/ipv6.h, which does not go with netinet/in.h */
        struct in6_addr address;
        uint32_t prefix_length;
        int index;
    } request = {.prefix_length = 128, .index = (int)if_nametoindex("lo")};
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(inet_pton(AF_INET6, address, &request.address), 1);
    ck_assert_msg(ioctl(fd, SIOCSIFADDR, &request) == 0, "%s: %s", address, strerror(errno));
    (void)close(fd);
    harness_await(may_bind, &request.address, "an address to be usable");
}

void sandbox_mounts(void)
{
    ck_assert_msg(try_mounts(), "no mounts of its own: %s", strerror(errno));
}

void sandbox_dev(const char *directory)
{
    static const char *const kept[] = {"null", "zero", "random", "urandom", "tty"};

    ck_assert_int_eq(mount("tmpfs", directory, "tmpfs", MS_NOSUID, "mode=0755"), 0);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        char from[64], to[256];
        int fd;

        (void)snprintf(from, sizeof(from), "/dev/%s", kept[i]);
        (void)snprintf(to, sizeof(to), "%s/%s", directory, kept[i]);
        fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        (void)close(fd);
        ck_assert_int_eq(mount(from, to, NULL, MS_BIND, NULL), 0);
    }
    ck_assert_int_eq(mount(directory, "/dev", NULL, MS_BIND | MS_REC, NULL), 0);
}

static bool try_sysctl(const char *path, int value)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%d\n", value);
    return write_text(path, text);
}

bool sandbox_may_set_sysctl(const char *path, int value)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0)
        _exit(sandbox_try_network() && try_sysctl(path, value) ? 0 : 1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

void sandbox_set_sysctl(const char *path, int value)
{
    ck_assert_msg(try_sysctl(path, value), "%s: %s", path, strerror(errno));
}
