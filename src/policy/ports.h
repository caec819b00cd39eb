/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * UDP ports that an echo must never answer to. A datagram is answered to wherever it says that it
 * came from, and anybody can write anything there. If what sits at that port answers, too, then
 * one forged datagram keeps two machines busy for ever: CERT CA-1996-01, CVE-1999-0103 (echo and
 * chargen), CVE-2024-2169 (DNS, NTP, TFTP and others that answer to errors with errors).
 *
 * So these are the ports of services that answer to anything, or to enough of it, and those of our
 * own listeners: who sends from one of them is another echo, or pretends to be one. Ports from
 * 32768 on are not in the table: that is where the kernel takes the ports of clients from.
 */
struct ports {
    uint64_t bits[(UINT16_MAX + 1) / 64];
};

/* The ports of the table. */
void ports_init(struct ports *ports);

void ports_add(struct ports *ports, uint16_t port);

static inline bool ports_has(const struct ports *ports, uint16_t port)
{
    return ports->bits[port / 64] >> port % 64 & 1;
}

/* The service that the table has for this port, "chargen", or NULL. */
const char *ports_service(uint16_t port);
