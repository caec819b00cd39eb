/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* The server that the client talks to, as it is named on the command line. */

#define TARGET_DEFAULT "127.0.0.1:65432"
#define TARGET_ALLOWED                                                                             \
    "HOST, HOST:PORT, [IPV6]:PORT, tcp://HOST:PORT, udp://HOST:PORT, unix:/PATH, unix:@NAME "      \
    "(abstract), unixgram:/PATH, vsock:CID:PORT"
#define TARGET_ALLOWED_STREAM                                                                      \
    "HOST, HOST:PORT, [IPV6]:PORT, tcp://HOST:PORT, unix:/PATH, unix:@NAME, vsock:CID:PORT"

enum {
    TARGET_PORT_DEFAULT = 65432,
    TARGET_HOST_MAX = 254, /* a domain name of 253 characters (RFC 1035) */
    TARGET_TEXT_MAX = TARGET_HOST_MAX + sizeof("udp://[]:65535"),
};

enum target_kind {
    TARGET_TCP,      /* host and port */
    TARGET_UDP,      /* the same */
    TARGET_UNIX,     /* addr, stream */
    TARGET_UNIXGRAM, /* addr, datagrams */
    TARGET_VSOCK,    /* addr, stream */
};

struct target {
    enum target_kind kind;
    char host[TARGET_HOST_MAX]; /* a name or a numeric address, without brackets */
    uint16_t port;
    struct addr addr;
    char text[TARGET_TEXT_MAX]; /* for messages: "localhost:65432", "[::1]:65432", "unix:/path" */
};

/* Targets, on the heap. */
struct target_list {
    struct target *at;
    size_t count;
};

/*
 * Takes a target's text apart; nothing is looked up. Returns 0, or -EINVAL and in *ret_problem what
 * is wrong, in words that follow the quoted text (static). Outputs are untouched otherwise.
 */
int target_parse(const char *text, struct target *ret_target, const char **ret_problem);

/* Whether targets of this kind have host and port, not addr. */
bool target_has_host(enum target_kind kind);

/* SOCK_STREAM or SOCK_DGRAM. */
int target_socket_type(enum target_kind kind);

/* Whether any of them is of datagrams. */
bool target_list_has_datagrams(const struct target_list *list);
