/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/addr.h"
#include "base/conf.h"
#include "policy/acl.h"
#include "policy/drop.h"
#include "policy/ports.h"
#include "policy/rate.h"

/*
 * Whether a datagram is answered, going by who sent it. Who sent it may be a lie: what an answer
 * to a lie could do decides, not what the sender may want.
 */
struct judge {
    struct ports ports;
    const struct acl *acl;
    struct rates *rates;
    uint32_t per_second; /* limits.datagram_rate_per_source, 0: no limit */
    int ipv4_prefix, ipv6_prefix;
};

/*
 * As the configuration has it; ACL and RATES stay the caller's. The ports of our own listeners are
 * the caller's to add.
 */
void judge_init(struct judge *judge, const struct conf *conf, const struct acl *acl,
                struct rates *rates);

/* NOW_USEC: clock_usec(). What DROP_NONE is answered to counts towards the rate of its source. */
enum drop judge_sender(const struct judge *judge, const struct addr *sender, uint64_t now_usec);
