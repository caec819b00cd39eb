/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/addr.h"

/* The server that the client talks to, as it is named on the command line. */

#define TARGET_DEFAULT "127.0.0.1:65432"
#define TARGET_ALLOWED                                                                             \
    "HOST, HOST:PORT, [IPV6]:PORT, tcp://HOST:PORT, unix:/PATH or unix:@NAME (abstract)"

enum {
    TARGET_PORT_DEFAULT = 65432,
    TARGET_HOST_MAX = 254, /* a domain name of 253 characters (RFC 1035) */
    TARGET_TEXT_MAX = TARGET_HOST_MAX + sizeof("[]:65535"),
};

enum target_kind {
    TARGET_TCP,  /* host and port */
    TARGET_UNIX, /* addr */
};

struct target {
    enum target_kind kind;
    char host[TARGET_HOST_MAX]; /* a name or a numeric address, without brackets */
    uint16_t port;
    struct addr addr;
    char text[TARGET_TEXT_MAX]; /* for messages: "localhost:65432", "[::1]:65432", "unix:/path" */
};

/*
 * Takes a target's text apart; nothing is looked up. Returns 0, or -EINVAL and in *ret_problem what
 * is wrong, in words that follow the quoted text (static). Outputs are untouched otherwise.
 */
int target_parse(const char *text, struct target *ret_target, const char **ret_problem);
