/* SPDX-License-Identifier: MIT */
#include "daemon/wanted.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/conf_schema.h"
#include "net/resolve.h"

void wanted_deinit(struct wanted *wanted)
{
    free(wanted->list);
    *wanted = (struct wanted){0};
}

const char *wanted_origin(const struct conf *conf, int tag, enum conf_key outside,
                          enum conf_key inside, char text[static WANTED_ORIGIN_SIZE])
{
    char origin[WANTED_ORIGIN_SIZE - 16];

    if (tag != WANTED_OF_HOST)
        return conf_listener_origin_format(conf, (size_t)tag, inside, text, WANTED_ORIGIN_SIZE);
    (void)snprintf(text, WANTED_ORIGIN_SIZE, "%s: %s", conf_schema(outside)->name,
                   conf_origin_format(conf, outside, origin, sizeof(origin)));
    return text;
}

/* A configuration on its way. */
struct resolving {
    const struct conf *conf;
    bool may_block;
    struct wanted wanted;
    struct failure *failure;
};

static int add(struct resolving *resolving, const struct listener_wanted *one)
{
    struct wanted *wanted = &resolving->wanted;
    struct listener_wanted *list;

    if (wanted->count == WANTED_MAX)
        return failure_set(resolving->failure, E2BIG, "More than %d addresses to listen on",
                           WANTED_MAX);
    list = realloc(wanted->list, (wanted->count + 1) * sizeof(*list));
    if (!list)
        return failure_set(resolving->failure, ENOMEM, "Cannot listen: %m");
    wanted->list = list;
    wanted->list[wanted->count++] = *one;
    return 0;
}

/* ---- hosts ---- */

static bool list_has_ipv4(const struct addr_list *addrs)
{
    for (size_t i = 0; i < addrs->count; i++)
        if (addrs->addr[i].sa.sa_family == AF_INET)
            return true;
    return false;
}

/* Each address with this type; where IPv4 is among them, IPv6 need not be had. */
static int add_addresses(struct resolving *resolving, const struct addr_list *addrs, int type,
                         int backlog, int tag)
{
    bool has_ipv4 = list_has_ipv4(addrs);
    int r = 0;

    for (size_t i = 0; i < addrs->count && r == 0; i++)
        r = add(resolving, &(struct listener_wanted){
                               .type = type,
                               .addr = addrs->addr[i],
                               .optional = has_ipv4 && addrs->addr[i].sa.sa_family == AF_INET6,
                               .backlog = backlog,
                               .tag = tag,
                           });
    return r;
}

static int fail_host(struct resolving *resolving, const struct conf_listener *host, int tag, int r)
{
    char origin[WANTED_ORIGIN_SIZE];

    return failure_set(resolving->failure, EADDRNOTAVAIL, "Cannot resolve host = \"%s\" (%s): %s",
                       host->host,
                       wanted_origin(resolving->conf, tag, CONF_HOST, CONF_LISTENER_HOST, origin),
                       resolve_strerror(r));
}

static int add_host(struct resolving *resolving, const struct conf_listener *host, int tag)
{
    unsigned flags = RESOLVE_PASSIVE | (resolving->may_block ? 0 : RESOLVE_NUMERIC);
    _cleanup_(addr_list_deinit) struct addr_list addrs = {0};
    int r;

    if (host->protocols == 0)
        return 0;
    r = resolve(host->host, (uint16_t)host->port, AF_UNSPEC, flags, &addrs);
    if (r > 0 && !resolving->may_block)
        return -EAGAIN;
    if (r != 0)
        return fail_host(resolving, host, tag, r);
    if (host->protocols & CONF_PROTOCOL_TCP)
        r = add_addresses(resolving, &addrs, SOCK_STREAM, host->backlog, tag);
    if (r == 0 && host->protocols & CONF_PROTOCOL_UDP)
        r = add_addresses(resolving, &addrs, SOCK_DGRAM, host->backlog, tag);
    return r;
}

/* What host, port and protocols ask for outside of listeners. */
static int add_outside(struct resolving *resolving)
{
    const struct conf *conf = resolving->conf;
    struct conf_listener host = {
        .port = conf->port, .backlog = conf->backlog, .protocols = conf->protocols};

    memcpy(host.host, conf->host, sizeof(host.host));
    return add_host(resolving, &host, WANTED_OF_HOST);
}

/* ---- Unix and vsock ---- */

static bool is_number(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

/* A user or group by its number. The largest one stands for none, chown(2). */
static int parse_id(const char *text, unsigned *ret)
{
    unsigned long id;

    errno = 0;
    id = strtoul(text, NULL, 10);
    if (errno != 0 || id >= (uid_t)-1)
        return -ERANGE;
    *ret = (unsigned)id;
    return 0;
}

static int find_user(const char *name, uid_t *ret)
{
    const struct passwd *user;

    if (is_number(name))
        return parse_id(name, ret);
    errno = 0;
    user = getpwnam(name);
    if (!user)
        return errno && errno != ESRCH ? -errno : -ENOENT;
    *ret = user->pw_uid;
    return 0;
}

static int find_group(const char *name, gid_t *ret)
{
    const struct group *group;

    if (is_number(name))
        return parse_id(name, ret);
    errno = 0;
    group = getgrnam(name);
    if (!group)
        return errno && errno != ESRCH ? -errno : -ENOENT;
    *ret = group->gr_gid;
    return 0;
}

static int fail_owner(struct resolving *resolving, int tag, const char *what, const char *name,
                      int r)
{
    const struct conf *conf = resolving->conf;
    char origin[WANTED_ORIGIN_SIZE];

    (void)wanted_origin(conf, tag, CONF_HOST, CONF_LISTENER_OWNER, origin);
    if (r == -ENOENT)
        return failure_set(resolving->failure, EINVAL, "owner = \"%s\" (%s): there is no %s \"%s\"",
                           conf->listeners.list[tag].owner, origin, what, name);
    return failure_set(resolving->failure, r, "owner = \"%s\" (%s): cannot look %s \"%s\" up: %m",
                       conf->listeners.list[tag].owner, origin, what, name);
}

/* "user", "user:group", ":group" or "": what is not said is as this process is. */
static int find_owner(struct resolving *resolving, const char *owner, int tag,
                      struct socket_access *access)
{
    char user[sizeof(((struct conf_listener *)NULL)->owner)], *group;
    int r = 0;

    (void)snprintf(user, sizeof(user), "%s", owner);
    group = strchr(user, ':');
    if (group)
        *group++ = '\0';
    if (!resolving->may_block && ((*user && !is_number(user)) || (group && !is_number(group))))
        return -EAGAIN;
    if (*user)
        r = find_user(user, &access->uid);
    if (r < 0)
        return fail_owner(resolving, tag, "user", user, r);
    if (group)
        r = find_group(group, &access->gid);
    return r < 0 ? fail_owner(resolving, tag, "group", group, r) : 0;
}

static int add_unix(struct resolving *resolving, const struct conf_listener *entry, int tag)
{
    struct listener_wanted one = {
        .type = entry->type,
        .backlog = entry->backlog,
        .access = {.mode = (mode_t)entry->mode, .uid = geteuid(), .gid = getegid()},
        .tag = tag,
    };
    int r = find_owner(resolving, entry->owner, tag, &one.access);

    if (r < 0)
        return r;
    r = addr_unix(entry->path, &one.addr);
    return r < 0 ? failure_set(resolving->failure, r, "path = \"%s\": %m", entry->path)
                 : add(resolving, &one);
}

static int add_vsock(struct resolving *resolving, const struct conf_listener *entry, int tag)
{
    return add(resolving, &(struct listener_wanted){
                              .type = SOCK_STREAM,
                              .addr = {.len = sizeof(struct sockaddr_vm),
                                       .vm = {.svm_family = AF_VSOCK,
                                              .svm_cid = VMADDR_CID_ANY,
                                              .svm_port = (unsigned)entry->vsock_port}},
                              .backlog = entry->backlog,
                              .tag = tag,
                          });
}

static int add_entry(struct resolving *resolving, int tag)
{
    const struct conf_listener *entry = &resolving->conf->listeners.list[tag];

    switch (entry->kind) {
    case CONF_LISTENER_IP:
        return add_host(resolving, entry, tag);
    case CONF_LISTENER_UNIX:
        return add_unix(resolving, entry, tag);
    case CONF_LISTENER_VSOCK:
        return add_vsock(resolving, entry, tag);
    }
    return 0;
}

int wanted_resolve(const struct conf *conf, bool may_block, struct wanted *ret,
                   struct failure *ret_failure)
{
    struct resolving resolving = {.conf = conf, .may_block = may_block, .failure = ret_failure};
    int r = add_outside(&resolving);

    for (size_t i = 0; i < conf->listeners.count && r == 0; i++)
        r = add_entry(&resolving, (int)i);
    if (r < 0)
        wanted_deinit(&resolving.wanted);
    else
        *ret = resolving.wanted;
    return r;
}
