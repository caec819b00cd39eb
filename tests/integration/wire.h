/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/*
 * Two hosts and a wire: network namespaces that are joined by a pair of virtual Ethernet
 * interfaces. The test is in the near one, 10.9.0.1 and fd09::1; the far one is 10.9.0.2 and
 * fd09::2. ip(8) makes them.
 */

#define WIRE_NEAR "10.9.0.1"
#define WIRE_FAR "10.9.0.2"
#define WIRE_NEAR_IPV6 "fd09::1"
#define WIRE_FAR_IPV6 "fd09::2"
#define WIRE_FAR_LINK_LOCAL "fe80::2"
#define WIRE_BROADCAST "10.9.0.255"

/* Whether it can be had; tried in a child. */
bool wire_may_be_had(void);

/* This process and what it starts are in the near one from here on. */
void wire_lay(void);

/* What is done between these is done in the far one: sockets that are opened there stay there. */
void wire_go_far(void);
void wire_come_back(void);

/* The interface's number, at this end. */
unsigned wire_interface(void);

/* The packets that came over the wire so far. */
uint64_t wire_packets(void);

/* Sends a UDP datagram of one byte that says it is from FROM: in the end where this is called. */
void wire_forge(const struct addr *from, const struct addr *to);
