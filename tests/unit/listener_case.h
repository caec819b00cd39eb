/* SPDX-License-Identifier: MIT */
#pragma once

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listener.h"

/* Listeners of a test on a port of its own, on any address of 127.0.0.0/8. */

enum { BACKLOG = 16 };

/*
 * A port that is free on every address and stays ours: a socket that is bound to it and does not
 * listen keeps others from being given it, and is not in the way of one that says SO_REUSEADDR.
 */
static int reservation = -1;
static uint16_t port;

static struct listener_set pool, set;
static struct listener_fault fault;

static inline void turn_on(int fd, int option)
{
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, option, &(int){1}, sizeof(int)), 0);
}

static inline void reserve_port(void)
{
    struct addr any = {.len = sizeof(any.in), .in = {.sin_family = AF_INET}};

    reservation = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(reservation, 0);
    turn_on(reservation, SO_REUSEADDR);
    ck_assert_int_eq(bind(reservation, &any.sa, any.len), 0);
    ck_assert_int_eq(addr_of_socket(reservation, &any), 0);
    port = (uint16_t)addr_port(&any);
}

static inline void close_all(void)
{
    listeners_close_except(&set, &pool);
    listeners_close_except(&pool, NULL);
    (void)close(reservation);
}

/* Gives each test a port and closes what it opened. */
static inline void listener_case(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, reserve_port, close_all);
}

static inline struct addr at(const char *host)
{
    struct addr addr = addr_loopback(AF_INET, port);

    ck_assert_int_eq(inet_pton(AF_INET, host, &addr.in.sin_addr), 1);
    return addr;
}

/* What listeners_open() makes of these hosts, with what is in the pool. */
static inline int open_hosts(int type, const char *const *hosts, size_t count)
{
    struct listener_wanted wanted[8] = {0};

    for (size_t i = 0; i < count; i++)
        wanted[i] =
            (struct listener_wanted){.type = type, .addr = at(hosts[i]), .backlog = BACKLOG};
    memset(&fault, 0, sizeof(fault));
    return listeners_open(wanted, count, &pool, &set, &fault);
}

#define OPEN_TYPE(type, ...)                                                                       \
    open_hosts(type, (const char *const[]){__VA_ARGS__},                                           \
               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

#define OPEN(...) OPEN_TYPE(SOCK_STREAM, __VA_ARGS__)

/* The set becomes the pool, as after a reload; what it has no more is closed. */
static inline void set_becomes_pool(void)
{
    listeners_close_except(&pool, &set);
    pool = set;
    set = (struct listener_set){0};
}

static inline int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);

    ck_assert_int_eq(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static inline int connect_to(const char *host)
{
    struct addr addr = at(host);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, &addr.sa, addr.len), 0);
    return fd;
}

/* The connection that waits; a connect(2) over loopback that has returned is in the queue. */
static inline int accept_one(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    ck_assert_msg(fd >= 0, "accept: %s", strerror(errno));
    return fd;
}

/* A stranger that listens where we want to. */
static inline int occupy(const char *host)
{
    struct addr addr = at(host);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    turn_on(fd, SO_REUSEADDR);
    ck_assert_int_eq(bind(fd, &addr.sa, addr.len), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    return fd;
}

static inline void assert_options(int fd)
{
    ck_assert_int_ne(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    ck_assert_int_ne(option(fd, SOL_SOCKET, SO_OOBINLINE), 0);
    ck_assert_int_ne(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 120);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 30);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
    ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), (120 + 3 * 30) * 1000);
}
