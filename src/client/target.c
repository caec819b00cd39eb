/* SPDX-License-Identifier: MIT */
#include "client/target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/value.h"

/* The functions below return NULL, or what is wrong. */

static const char *parse_port(const char *text, uint16_t *ret_port)
{
    unsigned long port;

    if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text))
        return "the port is not a number";
    errno = 0;
    port = strtoul(text, NULL, 10);
    if (errno != 0 || port < 1 || port > 65535)
        return "the port is not in 1..65535";
    *ret_port = (uint16_t)port;
    return NULL;
}

static bool is_ipv6(const char *host)
{
    char address[INET6_ADDRSTRLEN];
    size_t length = strcspn(host, "%"); /* fe80::1%eth0 */
    struct in6_addr ignored;

    if (length >= sizeof(address) || (host[length] == '%' && host[length + 1] == '\0'))
        return false;
    memcpy(address, host, length);
    address[length] = '\0';
    return inet_pton(AF_INET6, address, &ignored) == 1;
}

static bool is_ipv4(const char *host)
{
    struct in_addr ignored;

    return inet_pton(AF_INET, host, &ignored) == 1;
}

static bool has_odd_byte(const char *host)
{
    for (; *host; host++)
        if ((unsigned char)*host <= ' ' || *host == 0x7f || strchr("[]/@\"\\", *host))
            return true;
    return false;
}

/* Copies the LENGTH bytes of TEXT that are the host. */
static const char *take_host(const char *text, size_t length, struct target *target)
{
    if (length == 0)
        return "the host is missing";
    if (length >= sizeof(target->host))
        return "the host name is too long";
    memcpy(target->host, text, length);
    target->host[length] = '\0';
    return has_odd_byte(target->host) ? "the host has a character that no host name has" : NULL;
}

/* [IPV6] or [IPV6]:PORT; IPv4, too, so that a script need not tell them apart: "[$host]:$port" */
static const char *parse_bracketed(const char *text, struct target *target)
{
    const char *end = strchr(text, ']');
    const char *problem;

    if (!end)
        return "the closing bracket is missing";
    problem = take_host(text + 1, (size_t)(end - text - 1), target);
    if (problem)
        return problem;
    if (!is_ipv6(target->host) && !is_ipv4(target->host))
        return "what stands in brackets is not an IPv6 address";
    if (end[1] == '\0')
        return NULL;
    return end[1] == ':' ? parse_port(end + 2, &target->port) : "a colon must follow the bracket";
}

static const char *parse_host_and_port(const char *text, struct target *target)
{
    const char *colon = strchr(text, ':');
    const char *problem;

    if (text[0] == '[')
        return parse_bracketed(text, target);
    if (colon && strchr(colon + 1, ':')) {
        if (!is_ipv6(text))
            return "neither HOST:PORT nor an IPv6 address";
        return take_host(text, strlen(text), target);
    }
    problem = take_host(text, colon ? (size_t)(colon - text) : strlen(text), target);
    if (problem || !colon)
        return problem;
    return parse_port(colon + 1, &target->port);
}

static const char *parse_inet(enum target_kind kind, const char *text, struct target *target)
{
    const char *problem;

    target->kind = kind;
    target->port = TARGET_PORT_DEFAULT;
    problem = parse_host_and_port(text, target);
    if (problem)
        return problem;
    (void)snprintf(target->text, sizeof(target->text),
                   strchr(target->host, ':') ? "%s[%s]:%u" : "%s%s:%u",
                   kind == TARGET_UDP ? "udp://" : "", target->host, target->port);
    return NULL;
}

static const char *parse_unix(enum target_kind kind, const char *name, struct target *target)
{
    char text[ADDR_TEXT_MAX];

    target->kind = kind;
    if (strncmp(name, "///", 3) == 0)
        name += 2; /* unix:///path, as in a URL with an empty host */
    else if (strncmp(name, "//", 2) == 0)
        return "a Unix socket has no host";
    if (name[0] != '/' && name[0] != '@')
        return "a path begins with /, an abstract name with @";
    switch (addr_unix(name, &target->addr)) {
    case 0:
        break;
    case -ENAMETOOLONG:
        return "longer than the name of a Unix socket may be";
    default:
        return "the name is missing";
    }
    addr_format(&target->addr, text);
    (void)snprintf(target->text, sizeof(target->text), "%s%s",
                   kind == TARGET_UNIXGRAM ? "unixgram:" : "unix:", text + strlen("unix:"));
    return NULL;
}

static bool take_word(const char *text, uint32_t *ret_number)
{
    uint64_t number;

    if (value_number(text, 0, UINT32_MAX - 1, &number))
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

static const char *parse_vsock(enum target_kind kind, const char *text, struct target *target)
{
    struct sockaddr_vm *vm = &target->addr.vm;
    const char *colon = strchr(text, ':');
    char cid[sizeof("4294967295")];

    if (!colon)
        return "CID:PORT must follow";
    target->kind = kind;
    target->addr.len = sizeof(*vm);
    vm->svm_family = AF_VSOCK;
    if ((size_t)(colon - text) >= sizeof(cid))
        return "the CID is too long";
    memcpy(cid, text, (size_t)(colon - text));
    cid[colon - text] = '\0';
    /* The largest numbers of 32 bits stand for "any" (vsock(7)). */
    if (!take_word(cid, &vm->svm_cid))
        return "the CID is not in 0..4294967294";
    if (!take_word(colon + 1, &vm->svm_port))
        return "the port is not in 0..4294967294";
    addr_format(&target->addr, target->text);
    return NULL;
}

static const char *parse(const char *text, struct target *target)
{
    static const struct {
        const char *prefix;
        const char *(*parse)(enum target_kind kind, const char *rest, struct target *target);
        enum target_kind kind;
    } schemes[] = {
        {"tcp://", parse_inet, TARGET_TCP},    {"udp://", parse_inet, TARGET_UDP},
        {"unix:", parse_unix, TARGET_UNIX},    {"unixgram:", parse_unix, TARGET_UNIXGRAM},
        {"vsock:", parse_vsock, TARGET_VSOCK},
    };
    const char *colon = strchr(text, ':');

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t length = strlen(schemes[i].prefix);

        if (strncmp(text, schemes[i].prefix, length) == 0)
            return schemes[i].parse(schemes[i].kind, text + length, target);
    }
    if (colon && colon > text && colon[1] == '/')
        return "unknown scheme";
    return parse_inet(TARGET_TCP, text, target);
}

int target_parse(const char *text, struct target *ret_target, const char **ret_problem)
{
    struct target target = {0};
    const char *problem = parse(text, &target);

    if (problem) {
        *ret_problem = problem;
        return -EINVAL;
    }
    *ret_target = target;
    return 0;
}

bool target_has_host(enum target_kind kind)
{
    return kind == TARGET_TCP || kind == TARGET_UDP;
}

int target_socket_type(enum target_kind kind)
{
    return kind == TARGET_UDP || kind == TARGET_UNIXGRAM ? SOCK_DGRAM : SOCK_STREAM;
}

bool target_list_has_datagrams(const struct target_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (target_socket_type(list->at[i].kind) == SOCK_DGRAM)
            return true;
    return false;
}
