/* SPDX-License-Identifier: MIT */
#include "daemon/listening.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* What to do about it, where that is known. */
static const char *advice_on_unix(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "; another process has this socket open (ss -lxp names it)";
    case EEXIST:
        return "; it is a file, but no socket";
    case ENOENT:
        return "; its directory does not exist";
    case EACCES:
        return "; echod may not make files there, or not touch the one that is there";
    case EPERM:
        return "; only root, or CAP_CHOWN, can give a socket to others than the own groups";
    default:
        return "";
    }
}

static const char *advice(int error, const struct listener_fault *fault)
{
    if (fault->ours)
        return "; another address of the configuration covers it";
    if (fault->wanted.addr.sa.sa_family == AF_UNIX)
        return advice_on_unix(error);
    switch (error) {
    case EADDRINUSE:
        return fault->wanted.type == SOCK_DGRAM ? "; another process has it (ss -lunp names it)"
               : fault->wanted.addr.sa.sa_family == AF_VSOCK
                   ? "; another process has it (ss -lp --vsock names it)"
                   : "; another process has it (ss -ltnp names it)";
    case EACCES:
        return "; a port below 1024 needs root or CAP_NET_BIND_SERVICE";
    case EADDRNOTAVAIL:
        return "; no interface of this machine has this address";
    case EAFNOSUPPORT:
        return "; this kernel does not have it, or this process may not (RestrictAddressFamilies=)";
    default:
        return "";
    }
}

static const char *format_wanted(const struct listener_wanted *wanted,
                                 char text[static ADDR_TEXT_MAX])
{
    return addr_format_typed(&wanted->addr, wanted->type, text);
}

/* The key that it is about, where that can be told. */
static const char *origin_of(const struct conf *conf, const struct listener_wanted *wanted,
                             int error, char text[static WANTED_ORIGIN_SIZE])
{
    switch (wanted->addr.sa.sa_family) {
    case AF_UNIX:
        return wanted_origin(conf, wanted->tag, CONF_HOST,
                             error == EPERM ? CONF_LISTENER_OWNER : CONF_LISTENER_PATH, text);
    case AF_VSOCK:
        return wanted_origin(conf, wanted->tag, CONF_HOST, CONF_LISTENER_VSOCK_PORT, text);
    default:
        return error == EADDRNOTAVAIL
                   ? wanted_origin(conf, wanted->tag, CONF_HOST, CONF_LISTENER_HOST, text)
                   : wanted_origin(conf, wanted->tag, CONF_PORT, CONF_LISTENER_PORT, text);
    }
}

/* Says which addresses were left out, as the machine does not have them. */
static void announce_omitted(const struct wanted *wanted, const struct listener_set *set)
{
    char text[ADDR_TEXT_MAX];

    for (size_t i = 0; i < wanted->count; i++) {
        const struct listener_wanted *one = &wanted->list[i];

        if (!listeners_find(set, one->type, &one->addr))
            (void)log_event(EVENT_NOTICE, 0,
                            LOG_FIELDS(LOG_TEXT(FIELD_LISTENER, format_wanted(one, text))),
                            "This machine does not have %s: going on without it", text);
    }
}

int listening_open(const struct conf *conf, const struct wanted *wanted,
                   const struct listener_set *pool, struct listener_set *ret,
                   struct failure *ret_failure)
{
    char text[ADDR_TEXT_MAX], origin[WANTED_ORIGIN_SIZE];
    struct listener_fault fault;
    int r = listeners_open(wanted->list, wanted->count, pool, ret, &fault);

    if (r == 0) {
        announce_omitted(wanted, ret);
        return 0;
    }
    return failure_set(ret_failure, r, "Cannot listen on %s (%s): %s: %m%s",
                       format_wanted(&fault.wanted, text),
                       origin_of(conf, &fault.wanted, -r, origin), fault.what, advice(-r, &fault));
}

/* What has a name as only we give them, and cannot be used: of another version, it may be. */
static bool is_leftover(const struct handed_fd *one)
{
    return strncmp(one->name, HANDED_PREFIX, strlen(HANDED_PREFIX)) == 0;
}

static int adopt_each(struct handed_list *passed, struct listener_set *set,
                      struct failure *ret_failure)
{
    for (size_t i = 0; i < passed->count; i++) {
        struct handed_fd *one = &passed->list[i];
        struct listener_fault fault;
        int r = listener_adopt(one->fd, one->name, set, &fault);

        if (r == 0)
            one->fd = -1; /* now the set's */
        else if (is_leftover(one))
            handed_drop(one, fault.what);
        else
            return failure_set(ret_failure, r,
                               "Cannot use descriptor %d (\"%s\") of the service manager: %s",
                               one->fd, one->name, fault.what);
    }
    return 0;
}

int listening_adopt(struct handed *handed, struct listener_set *ret, struct failure *ret_failure)
{
    struct listener_set set = {0};
    int r = adopt_each(&handed->passed, &set, ret_failure);

    if (r < 0)
        listeners_close_except(&set, NULL);
    else
        *ret = set;
    return r;
}

static const char *format(const struct listener *listener, char text[static ADDR_TEXT_MAX])
{
    return addr_format_typed(&listener->addr, listener->type, text);
}

static void announce_backlog(const struct listener *listener)
{
    char text[ADDR_TEXT_MAX];
    int in_force = listener->type == SOCK_STREAM ? listener_backlog(listener) : -EOPNOTSUPP;

    if (listener->passed || in_force < 0 || in_force >= listener->backlog)
        return;
    (void)log_event(EVENT_NOTICE, 0, LOG_FIELDS(LOG_TEXT(FIELD_LISTENER, format(listener, text))),
                    "The kernel caps backlog = %d at %d on %s: net.core.somaxconn",
                    listener->backlog, in_force, text);
}

static void announce(enum event event, const struct listener *listener)
{
    char text[ADDR_TEXT_MAX];

    (void)log_event(event, 0,
                    LOG_FIELDS(LOG_TEXT(FIELD_LISTENER, format(listener, text)),
                               LOG_TEXT(FIELD_LISTENER_NAME, listener->name)),
                    "%s %s%s%s%s", event == EVENT_LISTENING ? "Listening on" : "Closed listener",
                    text, listener->name[0] ? " (" : "", listener->name,
                    listener->name[0] ? ")" : "");
}

static void announce_passed(const struct conf *conf, const struct listener_set *now)
{
    char origin[WANTED_ORIGIN_SIZE];

    if (now->count > 0 && now->list[0].passed)
        (void)log_event(EVENT_NOTICE, 0, LOG_NO_FIELDS,
                        "The listeners in force are those that the service manager passed; "
                        "host = \"%s\" (%s), port, protocols, backlog and listeners are not used",
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
        announce_backlog(&now->list[i]);
    }
    announce_passed(conf, now);
}

/* Says how many do not fit in. */
const char *listening_format(const struct listener_set *set, char *text, size_t size)
{
    size_t room = size - sizeof(" and 1000 more"), used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < set->count; i++) {
        char one[ADDR_TEXT_MAX];
        size_t length = strlen(format(&set->list[i], one)) + (i ? 2 : 0);

        if (used + length >= room) {
            (void)snprintf(text + used, size - used, " and %zu more", set->count - i);
            break;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", one);
    }
    return text;
}
