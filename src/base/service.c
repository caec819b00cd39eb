/* SPDX-License-Identifier: MIT */
#include "base/service.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* For a turn of our life the manager may take its time; a status that it has no room for is old. */
enum { PATIENCE_MS = 1000, NO_PATIENCE_MS = 0 };

/*
 * sd_notify(3) waits until the message has room, for ever if nobody reads at the other end. So
 * look first. True also where this cannot tell: then sd_notify knows better.
 */
static bool manager_reads(int patience_ms)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    size_t length = path ? strlen(path) : 0;
    _cleanup_(closep) int fd = -1;

    if (length == 0 || length >= sizeof(addr.sun_path))
        return true;
    memcpy(addr.sun_path, path, length);
    if (path[0] == '@')
        addr.sun_path[0] = '\0'; /* an abstract name */
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
        return true;
    return poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, patience_ms) == 1;
}

/*
 * Results of sd_notify(3) are ignored: whoever does not hear us acts on our silence, and there is
 * nobody else to tell.
 */
__attribute__((format(printf, 2, 3))) static void notify(int patience_ms, const char *format, ...)
{
    char message[4096];
    va_list args;

    if (!manager_reads(patience_ms))
        return;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    (void)sd_notify(0, message);
}

void service_ready(const char *status)
{
    notify(PATIENCE_MS, "READY=1\nSTATUS=%s", status);
}

void service_reloading(void)
{
    notify(PATIENCE_MS, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reloading", clock_usec());
}

void service_stopping(const char *status)
{
    notify(PATIENCE_MS, "STOPPING=1\nSTATUS=%s", status);
}

void service_status(const char *status)
{
    notify(NO_PATIENCE_MS, "STATUS=%s", status);
}

void service_failed(int error, const char *status)
{
    /* Up to the first newline: what follows it would be another assignment. */
    notify(PATIENCE_MS, "STATUS=%.*s\nERRNO=%d", (int)strcspn(status, "\n"), status, abs(error));
}

void service_watchdog(void)
{
    notify(NO_PATIENCE_MS, "WATCHDOG=1");
}

uint64_t service_watchdog_usec(void)
{
    uint64_t usec;

    return sd_watchdog_enabled(0, &usec) > 0 ? usec : 0;
}

void service_extend_timeout(uint64_t usec)
{
    notify(PATIENCE_MS, "EXTEND_TIMEOUT_USEC=%" PRIu64, usec);
}

bool service_is_managed(void)
{
    const char *path = getenv("NOTIFY_SOCKET");

    return path && *path;
}

static int tell_store(const char *message, const int *fd)
{
    int r;

    if (!manager_reads(PATIENCE_MS))
        return -ETIMEDOUT;
    r = sd_pid_notify_with_fds(0, 0, message, fd, fd ? 1 : 0);
    return r < 0 ? r : 0;
}

int service_store(const char *name, int fd)
{
    char message[256];

    (void)snprintf(message, sizeof(message), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
    return tell_store(message, &fd);
}

int service_unstore(const char *name)
{
    char message[256];

    (void)snprintf(message, sizeof(message), "FDSTOREREMOVE=1\nFDNAME=%s", name);
    return tell_store(message, NULL);
}

/*
 * As sd_notify_barrier(3) does it, but for the wait: the manager closes what it got. Both ends can
 * be heard, so that who plays the manager in a test can know that it was heard.
 */
int service_barrier_begin(void)
{
    int pair[2], r;

    if (!service_is_managed() || !manager_reads(PATIENCE_MS) ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    r = sd_pid_notify_with_fds(0, 0, "BARRIER=1", &pair[1], 1);
    closep(&pair[1]);
    if (r <= 0)
        closep(&pair[0]);
    return pair[0];
}

int service_barrier(uint64_t usec)
{
    int r;

    if (!manager_reads(PATIENCE_MS))
        return -ETIMEDOUT;
    r = sd_notify_barrier(0, usec);
    return r < 0 ? r : 0;
}

int service_listen_fds(struct service_fds *ret)
{
    char **names = NULL;
    int n = sd_listen_fds_with_names(1, &names);

    if (n < 0)
        return n;
    *ret = (struct service_fds){.first = SD_LISTEN_FDS_START, .count = n, .names = names};
    return 0;
}

void service_fds_deinit(struct service_fds *fds)
{
    for (int i = 0; i < fds->count; i++)
        free(fds->names[i]);
    free(fds->names);
    *fds = (struct service_fds){0};
}
