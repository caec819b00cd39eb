/* SPDX-License-Identifier: MIT */
#include "net/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What one lookup needs for as long as it runs: getaddrinfo_a(3) points into all of it. */
struct lookup {
    struct gaicb request;
    struct addrinfo hints;
    char service[sizeof("65535")];
    char host[]; /* "" is no host: NULL for getaddrinfo(3) */
};

void addr_list_deinit(struct addr_list *list)
{
    free(list->addr);
    *list = (struct addr_list){0};
}

static struct lookup *lookup_new(const char *host, uint16_t port, int family, unsigned flags)
{
    size_t host_size = host ? strlen(host) + 1 : 1;
    struct lookup *lookup = calloc(1, sizeof(*lookup) + host_size);

    if (!lookup)
        return NULL;
    if (host)
        memcpy(lookup->host, host, host_size);
    (void)snprintf(lookup->service, sizeof(lookup->service), "%u", port);
    lookup->hints.ai_family = family;
    lookup->hints.ai_socktype = SOCK_STREAM;
    lookup->hints.ai_flags = AI_NUMERICSERV;
    if (flags & RESOLVE_PASSIVE)
        lookup->hints.ai_flags |= AI_PASSIVE;
    if (flags & RESOLVE_NUMERIC)
        lookup->hints.ai_flags |= AI_NUMERICHOST;
    lookup->request.ar_name = lookup->host[0] ? lookup->host : NULL;
    lookup->request.ar_service = lookup->service;
    lookup->request.ar_request = &lookup->hints;
    return lookup;
}

static void lookup_free(struct lookup *lookup)
{
    if (lookup->request.ar_result)
        freeaddrinfo(lookup->request.ar_result);
    free(lookup);
}

/* glibc's EAI_ codes are negative: turned round, so that they cannot be taken for an -errno. */
static int error_from_gai(int gai)
{
    if (gai == EAI_SYSTEM)
        return errno ? -errno : -EIO;
    if (gai == EAI_MEMORY)
        return -ENOMEM;
    return gai < 0 ? -gai : gai;
}

static bool list_has(const struct addr_list *list, const struct addr *addr)
{
    for (size_t i = 0; i < list->count; i++)
        if (addr_equal(&list->addr[i], addr))
            return true;
    return false;
}

/* Several lines of /etc/hosts may name the same address: each is kept once. */
static int list_from_addrinfo(const struct addrinfo *info, struct addr_list *ret_list)
{
    struct addr_list list = {0};
    size_t room = 0;

    for (const struct addrinfo *i = info; i; i = i->ai_next)
        room++;
    list.addr = calloc(room ? room : 1, sizeof(*list.addr));
    if (!list.addr)
        return -ENOMEM;
    for (; info; info = info->ai_next) {
        struct addr addr = {.len = info->ai_addrlen};

        if (info->ai_addrlen > sizeof(addr) - offsetof(struct addr, sa))
            continue;
        memcpy(&addr.sa, info->ai_addr, info->ai_addrlen);
        if (!list_has(&list, &addr))
            list.addr[list.count++] = addr;
    }
    *ret_list = list;
    return 0;
}

int resolve(const char *host, uint16_t port, int family, unsigned flags, struct addr_list *ret_list)
{
    struct lookup *lookup = lookup_new(host, port, family, flags);
    int r;

    if (!lookup)
        return -ENOMEM;
    errno = 0;
    r = error_from_gai(getaddrinfo(lookup->request.ar_name, lookup->service, &lookup->hints,
                                   &lookup->request.ar_result));
    if (r == 0)
        r = list_from_addrinfo(lookup->request.ar_result, ret_list);
    lookup_free(lookup);
    return r;
}

/* 0 when the lookup has ended, -ETIMEDOUT when it still runs: then it must not be freed. */
static int lookup_wait(struct lookup *lookup, int64_t timeout_nsec)
{
    const struct gaicb *requests[] = {&lookup->request};
    struct timespec timeout = {.tv_sec = timeout_nsec / 1000000000,
                               .tv_nsec = timeout_nsec % 1000000000};
    int r;

    do
        r = gai_suspend(requests, 1, &timeout);
    while (r == EAI_INTR);
    /* Not gai_cancel(3): it stops nothing that has begun, and does not always say so. */
    return gai_error(&lookup->request) == EAI_INPROGRESS ? -ETIMEDOUT : 0;
}

static int lookup_result(struct lookup *lookup, struct addr_list *ret_list)
{
    int gai = gai_error(&lookup->request);

    errno = 0; /* the errno of EAI_SYSTEM stayed in the thread */
    if (gai != 0)
        return error_from_gai(gai);
    return list_from_addrinfo(lookup->request.ar_result, ret_list);
}

int resolve_within(const char *host, uint16_t port, int family, unsigned flags,
                   int64_t timeout_nsec, struct addr_list *ret_list)
{
    struct lookup *lookup;
    int r;

    /* What needs no lookup needs no thread either. */
    r = resolve(host, port, family, flags | RESOLVE_NUMERIC, ret_list);
    if (r <= 0 || (flags & RESOLVE_NUMERIC))
        return r;

    lookup = lookup_new(host, port, family, flags);
    if (!lookup)
        return -ENOMEM;
    r = getaddrinfo_a(GAI_NOWAIT, (struct gaicb *[]){&lookup->request}, 1, NULL);
    if (r == 0) {
        r = lookup_wait(lookup, timeout_nsec > 0 ? timeout_nsec : 0);
        if (r < 0)
            return r;
        r = lookup_result(lookup, ret_list);
    } else {
        r = r == EAI_AGAIN ? -EAGAIN : error_from_gai(r);
    }
    lookup_free(lookup);
    return r;
}

const char *resolve_strerror(int error)
{
    if (error <= 0)
        return strerror(-error);
    return gai_strerror(EAI_NONAME < 0 ? -error : error);
}
