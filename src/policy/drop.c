/* SPDX-License-Identifier: MIT */
#include "policy/drop.h"

const char *drop_reason(enum drop drop)
{
    static const char *const reasons[DROP_KINDS] = {
        [DROP_NONE] = "",
        [DROP_MULTICAST] = "sent to a multicast or broadcast address",
        [DROP_ADDRESS] = "source address is nobody's",
        [DROP_LOOP] = "source answers by itself",
        [DROP_DENIED] = "access.deny",
        [DROP_RATE] = "limits.datagram_rate_per_source",
        [DROP_UNNAMED] = "sender has no absolute address",
        [DROP_TOO_LONG] = "too long",
        [DROP_UNSENDABLE] = "answer cannot be sent",
    };

    return reasons[drop];
}
