/* SPDX-License-Identifier: MIT */
#include "daemon/listening.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/conf_schema.h"
#include "base/log.h"
#include "base/service.h"

enum { ORIGIN_MAX = 320 };

int listening_unresolved(const struct conf *conf, int resolve_error, struct failure *ret_failure)
{
    char origin[ORIGIN_MAX];

    return failure_set(ret_failure, EADDRNOTAVAIL, "Cannot resolve host = \"%s\" (%s): %s",
                       conf->host, conf_origin_format(conf, CONF_HOST, origin, sizeof(origin)),
                       resolve_strerror(resolve_error));
}

int listening_resolve(const struct conf *conf, bool numeric_only, struct addr_list *ret,
                      struct failure *ret_failure)
{
    unsigned flags = RESOLVE_PASSIVE | (numeric_only ? RESOLVE_NUMERIC : 0);
    int r = resolve(conf->host, (uint16_t)conf->port, AF_UNSPEC, flags, ret);

    if (r == 0)
        return 0;
    if (r > 0 && numeric_only)
        return -EAGAIN;
    return listening_unresolved(conf, r, ret_failure);
}

/* What to do about it, where that is known. */
static const char *advice(int error, int type)
{
    switch (abs(error)) {
    case EADDRINUSE:
        return type == SOCK_DGRAM ? "; another process has it (ss -lunp names it)"
                                  : "; another process has it (ss -ltnp names it)";
    case EACCES:
        return "; a port below 1024 needs root or CAP_NET_BIND_SERVICE";
    case EADDRNOTAVAIL:
        return "; no interface of this machine has this address";
    default:
        return "";
    }
}

static bool list_has_ipv4(const struct addr_list *addrs)
{
    for (size_t i = 0; i < addrs->count; i++)
        if (addrs->addr[i].sa.sa_family == AF_INET)
            return true;
    return false;
}

/* Says which addresses were left out, as the machine does not have them. */
static void announce_omitted(const struct listener_wanted *wanted, size_t count,
                             const struct listener_set *set)
{
    char text[ADDR_TEXT_MAX];

    for (size_t i = 0; i < count; i++)
        if (!listeners_find(set, wanted[i].type, &wanted[i].addr))
            (void)log_event(
                EVENT_NOTICE, 0,
                LOG_FIELDS(LOG_TEXT(FIELD_LISTENER,
                                    addr_format_typed(&wanted[i].addr, wanted[i].type, text))),
                "This machine does not have %s: going on without it", text);
}

/* Enters each address with this type; where IPv4 is among them, IPv6 need not be had. */
static size_t want(const struct addr_list *addrs, int type, struct listener_wanted *wanted)
{
    bool has_ipv4 = list_has_ipv4(addrs);

    for (size_t i = 0; i < addrs->count; i++)
        wanted[i] = (struct listener_wanted){
            .type = type,
            .addr = addrs->addr[i],
            .optional = has_ipv4 && addrs->addr[i].sa.sa_family == AF_INET6,
        };
    return addrs->count;
}

int listening_open(const struct conf *conf, const struct addr_list *addrs,
                   const struct listener_set *pool, struct listener_set *ret,
                   struct failure *ret_failure)
{
    _cleanup_(freep) struct listener_wanted *wanted = calloc(2 * addrs->count, sizeof(*wanted));
    size_t count = 0;
    char text[ADDR_TEXT_MAX], origin[ORIGIN_MAX];
    struct listener_fault fault;
    enum conf_key key;
    int r;

    if (!wanted)
        return failure_set(ret_failure, ENOMEM, "Cannot listen: %m");
    if (conf->protocols & CONF_PROTOCOL_TCP)
        count += want(addrs, SOCK_STREAM, wanted + count);
    if (conf->protocols & CONF_PROTOCOL_UDP)
        count += want(addrs, SOCK_DGRAM, wanted + count);
    r = listeners_open(wanted, count, conf->backlog, pool, ret, &fault);
    if (r == 0) {
        announce_omitted(wanted, count, ret);
        return 0;
    }
    key = r == -EADDRNOTAVAIL ? CONF_HOST : CONF_PORT;
    return failure_set(ret_failure, r, "Cannot listen on %s (%s: %s): %s: %m%s",
                       addr_format_typed(&fault.addr, fault.type, text), conf_schema(key)->name,
                       conf_origin_format(conf, key, origin, sizeof(origin)), fault.what,
                       advice(r, fault.type));
}

static int adopt_each(const struct service_fds *fds, struct listener_set *set,
                      struct failure *ret_failure)
{
    for (int i = 0; i < fds->count; i++) {
        struct listener_fault fault;
        int r = listener_adopt(fds->first + i, fds->names[i], set, &fault);

        if (r < 0)
            return failure_set(ret_failure, r,
                               "Cannot use descriptor %d (\"%s\") of the service manager: %s",
                               fds->first + i, fds->names[i], fault.what);
    }
    return 0;
}

int listening_adopt(struct listener_set *ret, struct failure *ret_failure)
{
    struct listener_set set = {0};
    struct service_fds fds;
    int r = service_listen_fds(&fds);

    if (r < 0)
        return failure_set(ret_failure, r, "Cannot take the service manager's descriptors: %m");
    r = adopt_each(&fds, &set, ret_failure);
    service_fds_deinit(&fds);
    if (r < 0)
        listeners_close_except(&set, NULL);
    else
        *ret = set;
    return r;
}

static void announce_backlog(const struct conf *conf, const struct listener *listener)
{
    char text[ADDR_TEXT_MAX];
    int in_force = listener->type == SOCK_STREAM ? listener_backlog(listener) : -EOPNOTSUPP;

    if (listener->passed || in_force < 0 || in_force >= conf->backlog)
        return;
    (void)log_event(EVENT_NOTICE, 0,
                    LOG_FIELDS(LOG_TEXT(FIELD_LISTENER, addr_format(&listener->addr, text))),
                    "The kernel caps backlog = %d at %d on %s: net.core.somaxconn", conf->backlog,
                    in_force, text);
}

static void announce(enum event event, const struct listener *listener)
{
    char text[ADDR_TEXT_MAX];

    (void)log_event(event, 0,
                    LOG_FIELDS(LOG_TEXT(FIELD_LISTENER,
                                        addr_format_typed(&listener->addr, listener->type, text))),
                    "%s %s%s%s%s", event == EVENT_LISTENING ? "Listening on" : "Closed listener",
                    text, listener->name[0] ? " (" : "", listener->name,
                    listener->name[0] ? ")" : "");
}

static void announce_passed(const struct conf *conf, const struct listener_set *now)
{
    char origin[ORIGIN_MAX];

    if (now->count > 0 && now->list[0].passed)
        (void)log_event(EVENT_NOTICE, 0, LOG_NO_FIELDS,
                        "The listeners in force are those that the service manager passed; "
                        "host = \"%s\" (%s), port, protocols and backlog are not used",
                        conf->host, conf_origin_format(conf, CONF_HOST, origin, sizeof(origin)));
}

void listening_announce(const struct conf *conf, const struct listener_set *before,
                        const struct listener_set *now)
{
    for (size_t i = 0; i < before->count; i++)
        if (!listeners_find(now, before->list[i].type, &before->list[i].addr))
            announce(EVENT_LISTENER_CLOSED, &before->list[i]);
    for (size_t i = 0; i < now->count; i++) {
        if (!listeners_find(before, now->list[i].type, &now->list[i].addr))
            announce(EVENT_LISTENING, &now->list[i]);
        announce_backlog(conf, &now->list[i]);
    }
    announce_passed(conf, now);
}

const char *listening_format(const struct listener_set *set, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < set->count && used < size; i++) {
        char one[ADDR_TEXT_MAX];

        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                 addr_format_typed(&set->list[i].addr, set->list[i].type, one));
    }
    return text;
}
