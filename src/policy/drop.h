/* SPDX-License-Identifier: MIT */
#pragma once

/* Why a datagram is not answered. */
enum drop {
    DROP_NONE,       /* it is */
    DROP_MULTICAST,  /* it was sent to a multicast or broadcast address */
    DROP_ADDRESS,    /* it comes from an address that is nobody's: multicast, 0.0.0.0/8, :: ... */
    DROP_LOOP,       /* what is at its port, or path, answers by itself: policy/ports.h, or we */
    DROP_DENIED,     /* access.allow, access.deny */
    DROP_RATE,       /* limits.datagram_rate_per_source */
    DROP_UNNAMED,    /* the sender is a Unix socket without an address, or has a relative one */
    DROP_TOO_LONG,   /* longer than any datagram of UDP: a Unix socket's */
    DROP_UNSENDABLE, /* the kernel did not take the answer */
    DROP_KINDS
};

/* As it is logged. */
const char *drop_reason(enum drop drop);
