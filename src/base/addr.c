/* SPDX-License-Identifier: MIT */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* An IPv6 address, "%" and the name of an interface. */
enum { HOST_MAX = INET6_ADDRSTRLEN + 1 + IF_NAMESIZE };

struct addr addr_loopback(int family, uint16_t port)
{
    if (family == AF_INET6)
        return (struct addr){.len = sizeof(struct sockaddr_in6),
                             .in6 = {.sin6_family = AF_INET6,
                                     .sin6_port = htons(port),
                                     .sin6_addr = IN6ADDR_LOOPBACK_INIT}};
    return (struct addr){.len = sizeof(struct sockaddr_in),
                         .in = {.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
}

int addr_unix(const char *name, struct addr *ret_addr)
{
    struct addr addr = {.un.sun_family = AF_UNIX};
    size_t length = strlen(name);
    bool abstract = name[0] == '@';

    if (length <= (abstract ? 1 : 0))
        return -EINVAL;
    /* A path keeps its NUL; an abstract name has one in front instead, and its length counts. */
    if (length + (abstract ? 0 : 1) > sizeof(addr.un.sun_path))
        return -ENAMETOOLONG;
    memcpy(addr.un.sun_path, name, length);
    if (abstract)
        addr.un.sun_path[0] = '\0';
    addr.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (abstract ? 0 : 1));
    *ret_addr = addr;
    return 0;
}

/* The bytes of a Unix address's name. The NUL at the end of a path may or may not be counted. */
static size_t unix_name_length(const struct addr *addr)
{
    size_t header = offsetof(struct sockaddr_un, sun_path);
    size_t length = addr->len > header ? addr->len - header : 0;

    if (length > 0 && addr->un.sun_path[0] != '\0')
        return strnlen(addr->un.sun_path, length);
    return length;
}

/* Names may hold any byte; one that would upset a terminal or a log becomes "?". */
static void format_unix(const struct addr *addr, const char *scheme,
                        char text[static ADDR_TEXT_MAX])
{
    size_t length = unix_name_length(addr);
    char *end = stpcpy(text, scheme);

    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)addr->un.sun_path[i];

        if (c == '\0' && i == 0)
            c = '@';
        *end++ = (char)(c < 0x20 || c == 0x7f ? '?' : c);
    }
    *end = '\0';
}

static void format_in6(const struct sockaddr_in6 *in6, char host[static HOST_MAX])
{
    char interface[IF_NAMESIZE];
    size_t length;

    (void)inet_ntop(AF_INET6, &in6->sin6_addr, host, INET6_ADDRSTRLEN);
    if (in6->sin6_scope_id == 0)
        return;
    length = strlen(host);
    if (if_indextoname(in6->sin6_scope_id, interface))
        (void)snprintf(host + length, HOST_MAX - length, "%%%s", interface);
    else
        (void)snprintf(host + length, HOST_MAX - length, "%%%u", in6->sin6_scope_id);
}

static void format_vsock_cid(unsigned cid, char text[static HOST_MAX])
{
    if (cid == VMADDR_CID_ANY)
        (void)snprintf(text, HOST_MAX, "vsock:any");
    else
        (void)snprintf(text, HOST_MAX, "vsock:%u", cid);
}

/* The host part of every family that has a port. */
static void format_host(const struct addr *addr, char host[static HOST_MAX])
{
    switch (addr->sa.sa_family) {
    case AF_INET:
        (void)inet_ntop(AF_INET, &addr->in.sin_addr, host, HOST_MAX);
        break;
    case AF_INET6:
        format_in6(&addr->in6, host);
        break;
    case AF_VSOCK:
        format_vsock_cid(addr->vm.svm_cid, host);
        break;
    default:
        (void)snprintf(host, HOST_MAX, "family %d", addr->sa.sa_family);
    }
}

const char *addr_format(const struct addr *addr, char text[static ADDR_TEXT_MAX])
{
    char host[HOST_MAX];

    if (addr->sa.sa_family == AF_UNIX) {
        format_unix(addr, "unix:", text);
        return text;
    }
    format_host(addr, host);
    (void)snprintf(text, ADDR_TEXT_MAX, addr->sa.sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
                   addr_port(addr));
    return text;
}

const char *addr_format_typed(const struct addr *addr, int type, char text[static ADDR_TEXT_MAX])
{
    char plain[ADDR_TEXT_MAX];

    if (type != SOCK_DGRAM)
        return addr_format(addr, text);
    if (addr->sa.sa_family == AF_UNIX)
        format_unix(addr, "unixgram:", text);
    else
        (void)snprintf(text, ADDR_TEXT_MAX, "udp://%.120s", addr_format(addr, plain));
    return text;
}

const char *addr_format_host(const struct addr *addr, char text[static ADDR_TEXT_MAX])
{
    if (addr->sa.sa_family == AF_UNIX)
        format_unix(addr, "unix:", text);
    else
        format_host(addr, text);
    return text;
}

uint32_t addr_port(const struct addr *addr)
{
    switch (addr->sa.sa_family) {
    case AF_INET:
        return ntohs(addr->in.sin_port);
    case AF_INET6:
        return ntohs(addr->in6.sin6_port);
    case AF_VSOCK:
        return addr->vm.svm_port;
    default:
        return 0;
    }
}

static bool unix_equal(const struct addr *a, const struct addr *b)
{
    size_t length = unix_name_length(a);

    return length == unix_name_length(b) && memcmp(a->un.sun_path, b->un.sun_path, length) == 0;
}

/* Not memcmp of the whole: padding, sin_zero and the flow label say nothing about who is meant. */
bool addr_equal(const struct addr *a, const struct addr *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    switch (a->sa.sa_family) {
    case AF_INET:
        return a->in.sin_port == b->in.sin_port && a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
    case AF_INET6:
        return a->in6.sin6_port == b->in6.sin6_port &&
               a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
               IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
    case AF_UNIX:
        return unix_equal(a, b);
    case AF_VSOCK:
        return a->vm.svm_port == b->vm.svm_port && a->vm.svm_cid == b->vm.svm_cid;
    default:
        return false;
    }
}

bool addr_is_wildcard(const struct addr *addr)
{
    switch (addr->sa.sa_family) {
    case AF_INET:
        return addr->in.sin_addr.s_addr == htonl(INADDR_ANY);
    case AF_INET6:
        return IN6_IS_ADDR_UNSPECIFIED(&addr->in6.sin6_addr);
    case AF_VSOCK:
        return addr->vm.svm_cid == VMADDR_CID_ANY;
    default:
        return false;
    }
}

static int addr_ask(int (*ask)(int, struct sockaddr *, socklen_t *), int fd, struct addr *ret_addr)
{
    struct addr addr = {.len = 0};
    /* The union, not struct addr: an abstract name may fill sun_path to its last byte. */
    socklen_t len = sizeof(addr) - offsetof(struct addr, sa);

    if (ask(fd, &addr.sa, &len) < 0)
        return -errno;
    addr.len = len;
    *ret_addr = addr;
    return 0;
}

int addr_of_socket(int fd, struct addr *ret_addr)
{
    return addr_ask(getsockname, fd, ret_addr);
}

int addr_of_peer(int fd, struct addr *ret_addr)
{
    return addr_ask(getpeername, fd, ret_addr);
}
