/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/conf.h"
#include "policy/acl.h"

/*
 * What a configuration says of addresses, made ready for looking up: whose connections are taken,
 * and who passes on those of others. Nobody writes to it after it was made.
 */
struct access {
    struct acl clients; /* access.allow, access.deny */
    struct acl proxies; /* proxy_protocol */
};

/* 0 or -ENOMEM. */
int access_init(struct access *ret, const struct conf *conf);

void access_deinit(struct access *access);

/* Whether a peer may connect. Peers that have no IPv4 or IPv6 address always may. */
bool access_allows(const struct access *access, const struct addr *peer);

/* Whether a peer is a proxy whose PROXY header is required. Who has no such address is none. */
bool access_is_proxy(const struct access *access, const struct addr *peer);
