/* SPDX-License-Identifier: MIT */
#include "client/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "client/deadline.h"

/* RFC 8305, section 8: the recommended Connection Attempt Delay. */
#define ATTEMPT_DELAY_NSEC (250 * NSEC_PER_MSEC)

int connect_resolve(const struct target *target, int family, int64_t deadline,
                    struct addr_list *ret_list)
{
    if (target_has_host(target->kind))
        return resolve_within(target->host, target->port, family, 0, deadline - clock_nsec(),
                              ret_list);
    ret_list->addr = malloc(sizeof(*ret_list->addr));
    if (!ret_list->addr)
        return -ENOMEM;
    ret_list->addr[0] = target->addr;
    ret_list->count = 1;
    return 0;
}

/* A connection under way. */
struct attempt {
    const struct addr *addr;
    int64_t start;
};

/* All of them. Attempt I has pollfd I, whose descriptor is -1 once it has failed. */
struct race {
    int type;
    const struct dial_options *options;
    const struct addr **order; /* of the addresses: the next one to try is order[begun] */
    struct attempt *attempt;
    struct pollfd *pollfd;
    size_t count, begun, running;
    bool knocking;   /* datagrams, and a choice: who answers is to be found out */
    int64_t next_at; /* when the next attempt is due, or the last knock has waited long enough */
    int error;       /* the most telling one so far */
};

static void race_deinit(struct race *race)
{
    for (size_t i = 0; i < race->begun; i++)
        closep(&race->pollfd[i].fd);
    free(race->order);
    free(race->attempt);
    free(race->pollfd);
}

static const struct addr *next_of(const struct addr_list *list, bool inet6, size_t *position)
{
    while (*position < list->count) {
        const struct addr *addr = &list->addr[(*position)++];

        if ((addr->sa.sa_family == AF_INET6) == inet6)
            return addr;
    }
    return NULL;
}

/* IPv6 first, then the families in turn; within a family the list's order. */
static void race_order(struct race *race, const struct addr_list *list)
{
    size_t position[2] = {0, 0};
    bool inet6 = true;

    while (race->count < list->count) {
        const struct addr *addr = next_of(list, inet6, &position[inet6]);

        if (addr)
            race->order[race->count++] = addr;
        inet6 = !inet6;
    }
}

static int race_init(struct race *race, const struct addr_list *list)
{
    race->order = calloc(list->count, sizeof(*race->order));
    race->attempt = calloc(list->count, sizeof(*race->attempt));
    race->pollfd = calloc(list->count, sizeof(*race->pollfd));
    if (!race->order || !race->attempt || !race->pollfd)
        return -ENOMEM;
    race_order(race, list);
    race->knocking = race->type == SOCK_DGRAM && race->count > 1;
    return 0;
}

/* Errors that only say that this machine has no way to that address family. */
static bool is_no_route(int r)
{
    return r == -ENETUNREACH || r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT;
}

static void note_failure(struct race *race, int error)
{
    if (is_no_route(race->error) || !is_no_route(error))
        race->error = error;
    if (race->begun < race->count)
        race->next_at = 0; /* nothing to wait for: the next one may go */
}

/* A datagram socket that is connected, which takes no time; or -errno. */
static int dial_datagrams(const struct addr *addr, const struct dial_options *options)
{
    _cleanup_(closep) int fd = dial_begin(addr, SOCK_DGRAM, options);
    int r = fd < 0 ? fd : dial_finish(fd, addr, options);

    if (r < 0)
        return r;
    r = fd;
    fd = -1; /* now owned by the caller */
    return r;
}

/*
 * connect(2) of a datagram socket succeeds wherever there is a route. Whether anybody is there
 * shows when something is sent: an echo server returns it, and where nobody listens, ICMP may say
 * so.
 */
static int knock(const struct addr *addr, const struct dial_options *options)
{
    _cleanup_(closep) int fd = dial_datagrams(addr, options);
    int result = fd;

    if (fd < 0)
        return fd;
    if (send(fd, "", 1, MSG_NOSIGNAL) < 0)
        return -errno;
    fd = -1; /* now owned by the caller */
    return result;
}

/* 0, -EAGAIN when it was woken for nothing, or -errno: nobody is there. */
static int hear_answer(int fd)
{
    char byte;

    return recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) < 0 ? -errno : 0;
}

static void begin_next(struct race *race)
{
    size_t i = race->begun++;
    int64_t now = clock_nsec();
    int fd;

    race->attempt[i] = (struct attempt){.addr = race->order[i], .start = now};
    race->next_at = now + ATTEMPT_DELAY_NSEC;
    fd = race->knocking ? knock(race->order[i], race->options)
                        : dial_begin(race->order[i], race->type, race->options);
    race->pollfd[i] =
        (struct pollfd){.fd = fd < 0 ? -1 : fd, .events = race->knocking ? POLLIN : POLLOUT};
    if (fd < 0)
        note_failure(race, fd);
    else
        race->running++;
}

static void drop(struct race *race, size_t i, int error)
{
    note_failure(race, error);
    closep(&race->pollfd[i].fd);
    race->running--;
}

/* A socket on which nobody has knocked: a late answer would be taken for another one's. */
static int renew(struct race *race, size_t i)
{
    struct attempt *attempt = &race->attempt[i];

    closep(&race->pollfd[i].fd);
    attempt->start = clock_nsec();
    race->pollfd[i].fd = dial_datagrams(attempt->addr, race->options);
    return race->pollfd[i].fd < 0 ? race->pollfd[i].fd : 0;
}

/* Attempt I has come to an end, and well if R is 0. Returns whether it is the winner. */
static bool has_won(struct race *race, size_t i, int r, struct connection *ret_connection)
{
    if (r == 0 && race->knocking)
        r = renew(race, i);
    if (r < 0) {
        drop(race, i, r);
        return false;
    }
    *ret_connection = (struct connection){.fd = race->pollfd[i].fd,
                                          .peer = *race->attempt[i].addr,
                                          .connect_nsec = clock_nsec() - race->attempt[i].start};
    race->pollfd[i].fd = -1; /* now owned by the caller */
    return true;
}

static bool judge(struct race *race, size_t i, struct connection *ret_connection)
{
    int fd = race->pollfd[i].fd;
    int r =
        race->knocking ? hear_answer(fd) : dial_finish(fd, race->attempt[i].addr, race->options);

    return !(race->knocking && r == -EAGAIN) && has_won(race, i, r, ret_connection);
}

/* Returns whether there is a winner. */
static bool race_judge(struct race *race, struct connection *ret_connection)
{
    for (size_t i = 0; i < race->begun; i++)
        if (race->pollfd[i].fd >= 0 && race->pollfd[i].revents && judge(race, i, ret_connection))
            return true;
    return false;
}

/* Nobody has answered, and some may only be slow: the first of them. */
static bool race_guess(struct race *race, struct connection *ret_connection)
{
    for (size_t i = 0; i < race->begun; i++)
        if (race->pollfd[i].fd >= 0 && has_won(race, i, 0, ret_connection))
            return true;
    return false;
}

static int race_run(struct race *race, int64_t deadline, struct connection *ret_connection)
{
    for (;;) {
        int64_t until = deadline;
        int r;

        while (race->begun < race->count && clock_nsec() >= race->next_at)
            begin_next(race);
        if (race->running == 0)
            return race->error;
        if ((race->begun < race->count || race->knocking) && race->next_at < deadline)
            until = race->next_at;
        r = deadline_wait(race->pollfd, race->begun, until);
        if (r < 0 && (r != -ETIMEDOUT || until == deadline))
            return r;
        if (r > 0 && race_judge(race, ret_connection))
            return 0;
        if (r < 0 && race->begun == race->count && race_guess(race, ret_connection))
            return 0;
    }
}

/*
 * When the listener's queue is full, a non-blocking connect(2) fails with EAGAIN, and there is
 * nothing to poll for. A blocking one waits, and SO_SNDTIMEO bounds it (unix(7), socket(7)).
 */
static int connect_blocking(int fd, const struct addr *addr, int64_t deadline)
{
    int64_t left = deadline - clock_nsec();
    struct timeval timeout = {.tv_sec = left / NSEC_PER_SEC, .tv_usec = left % NSEC_PER_SEC / 1000};
    int r;

    if (left < 1000) /* A timeout of zero would wait for ever. */
        return -ETIMEDOUT;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
        return -errno;
    do
        r = connect(fd, &addr->sa, addr->len);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    r = fcntl(fd, F_GETFL);
    return r < 0 || fcntl(fd, F_SETFL, r | O_NONBLOCK) < 0 ? -errno : 0;
}

static int connect_unix(const struct addr *addr, int type, const struct dial_options *options,
                        int64_t deadline, struct connection *ret_connection)
{
    _cleanup_(closep) int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    int64_t start = clock_nsec();
    int r;

    if (fd < 0)
        return -errno;
    r = connect_blocking(fd, addr, deadline);
    if (r == 0)
        r = dial_finish(fd, addr, options);
    if (r < 0)
        return r;
    *ret_connection =
        (struct connection){.fd = fd, .peer = *addr, .connect_nsec = clock_nsec() - start};
    fd = -1; /* now owned by the caller */
    return 0;
}

int connect_first(const struct addr_list *list, int type, const struct dial_options *options,
                  int64_t deadline, struct connection *ret_connection)
{
    _cleanup_(race_deinit) struct race race = {
        .type = type, .options = options, .error = -EADDRNOTAVAIL};
    int r = race_init(&race, list);

    if (r == 0)
        r = race_run(&race, deadline, ret_connection);
    if (r == -EAGAIN && list->addr[0].sa.sa_family == AF_UNIX)
        r = connect_unix(&list->addr[0], type, options, deadline, ret_connection);
    return r;
}
