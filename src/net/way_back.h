/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/*
 * The way back of a datagram: ip(7) and ipv6(7) tell how it came, in control data, and are told in
 * the same form how the answer is to go. So the one becomes the other, in place: from the address
 * that it was sent to, and of the same class (DSCP).
 */

enum { WAY_BACK_MAX = 256 }; /* bytes of control data: more than any of our sockets asks for */

/*
 * Turns what recvmsg(2) left in msg_control of HEADER into what sendmsg(2) needs to answer. False
 * when it was sent to a multicast or broadcast address: then there is no way back.
 */
bool way_back_turn(struct msghdr *header);

/*
 * Adds to the control data that all of its bytes are datagrams of SIZE bytes, the last one perhaps
 * shorter: UDP_SEGMENT of udp(7). There must be room for CMSG_SPACE(2) more.
 */
void way_back_segment(struct msghdr *header, size_t size);
