/* SPDX-License-Identifier: MIT */
#include "daemon/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/descriptors.h"

enum { ADDRESSES_MAX = 64 };

struct answer {
    int result; /* of resolve() */
    size_t count;
    struct addr addr[ADDRESSES_MAX];
};

/* The child. */
_Noreturn static void look_up(const struct conf *conf, int fd)
{
    struct answer answer = {0};
    struct addr_list list = {0};
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    descriptors_close_except(&fd, 1);
    answer.result = resolve(conf->host, (uint16_t)conf->port, AF_UNSPEC, RESOLVE_PASSIVE, &list);
    answer.count = list.count < ADDRESSES_MAX ? list.count : ADDRESSES_MAX;
    if (answer.count > 0)
        memcpy(answer.addr, list.addr, answer.count * sizeof(list.addr[0]));
    _exit(write(fd, &answer, sizeof(answer)) == sizeof(answer) ? EXIT_SUCCESS : EXIT_FAILURE);
}

int lookup_start(const struct conf *conf, struct lookup *ret)
{
    int ends[2];
    pid_t pid;
    int r;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid == 0)
        look_up(conf, ends[1]);
    r = pid < 0 ? -errno : 0;
    closep(&ends[1]);
    if (r < 0)
        closep(&ends[0]);
    else
        *ret = (struct lookup){.pid = pid, .fd = ends[0]};
    return r;
}

/* Reads to the end: where there is something, the rest and the end are about to follow. */
static size_t read_all(int fd, void *buffer, size_t size)
{
    size_t used = 0;
    ssize_t n;

    while (used < size) {
        n = read(fd, (char *)buffer + used, size - used);
        if (n == 0 || (n < 0 && errno != EINTR))
            break;
        used += n > 0 ? (size_t)n : 0;
    }
    return used;
}

int lookup_finish(struct lookup *lookup, struct addr_list *ret)
{
    struct answer answer;
    size_t size = read_all(lookup->fd, &answer, sizeof(answer));
    struct addr_list list = {.count = 0};

    closep(&lookup->fd);
    if (size != sizeof(answer))
        return -ECHILD; /* It died of something. */
    if (answer.result != 0)
        return answer.result;
    list.addr = malloc(answer.count * sizeof(list.addr[0]));
    if (!list.addr)
        return -ENOMEM;
    memcpy(list.addr, answer.addr, answer.count * sizeof(list.addr[0]));
    list.count = answer.count;
    *ret = list;
    return 0;
}

void lookup_cancel(struct lookup *lookup)
{
    if (lookup->fd < 0)
        return;
    if (lookup->pid > 0)
        (void)kill(lookup->pid, SIGKILL); /* Not reaped yet, so still ours. */
    closep(&lookup->fd);
}
