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

/* What the child says first. Then follows what is wanted, COUNT times. */
struct answer {
    int result; /* of wanted_resolve() */
    struct failure failure;
    size_t count;
};

static bool write_all(int fd, const void *data, size_t size)
{
    for (size_t used = 0; used < size;) {
        ssize_t n = write(fd, (const char *)data + used, size - used);

        if (n < 0 && errno != EINTR)
            return false;
        used += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* The child. */
_Noreturn static void look_up(const struct conf *conf, int fd)
{
    struct answer answer = {0};
    struct wanted wanted = {0};
    sigset_t none;
    bool told;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    descriptors_close_except(&fd, 1);
    answer.result = wanted_resolve(conf, true, &wanted, &answer.failure);
    answer.count = wanted.count;
    told = write_all(fd, &answer, sizeof(answer)) &&
           write_all(fd, wanted.list, wanted.count * sizeof(*wanted.list));
    _exit(told ? EXIT_SUCCESS : EXIT_FAILURE);
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

/* The list that follows an answer. 0 or -errno. */
static int read_wanted(int fd, size_t count, struct wanted *ret)
{
    size_t size = count * sizeof(*ret->list);

    if (count > WANTED_MAX)
        return -EPROTO;
    ret->list = malloc(size + 1);
    if (!ret->list)
        return -ENOMEM;
    ret->count = count;
    return read_all(fd, ret->list, size) == size ? 0 : -ECHILD;
}

int lookup_finish(struct lookup *lookup, struct wanted *ret, struct failure *ret_failure)
{
    struct answer answer = {0};
    struct wanted wanted = {0};
    int r = read_all(lookup->fd, &answer, sizeof(answer)) == sizeof(answer) ? 0 : -ECHILD;

    if (r == 0 && answer.result == 0)
        r = read_wanted(lookup->fd, answer.count, &wanted);
    closep(&lookup->fd);
    if (r == 0 && answer.result == 0) {
        *ret = wanted;
        return 0;
    }
    wanted_deinit(&wanted);
    if (r < 0) /* It died of something. */
        return failure_set(ret_failure, r, "The process that looks names up failed: %m");
    *ret_failure = answer.failure;
    return answer.result;
}

void lookup_cancel(struct lookup *lookup)
{
    if (lookup->fd < 0)
        return;
    if (lookup->pid > 0)
        (void)kill(lookup->pid, SIGKILL); /* Not reaped yet, so still ours. */
    closep(&lookup->fd);
}
