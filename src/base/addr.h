/* SPDX-License-Identifier: MIT */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
/* vm_sockets.h needs sys/socket.h before it. */
#include <linux/vm_sockets.h>

/* A socket address of any family that echod speaks: IPv4, IPv6, Unix, vsock. */
struct addr {
    socklen_t len;
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
        struct sockaddr_vm vm;
    };
};

/* Room for any text that addr_format() writes, with its NUL. */
enum { ADDR_TEXT_MAX = 128 };

/* The loopback address with this port (host byte order): 127.0.0.1, or ::1 for AF_INET6. */
struct addr addr_loopback(int family, uint16_t port);

/*
 * The address of a Unix socket: the path NAME, or the abstract name after a leading "@".
 * 0, -EINVAL for an empty name, -ENAMETOOLONG; ret_addr is untouched on failure.
 */
int addr_unix(const char *name, struct addr *ret_addr);

/*
 * Writes ADDR as people write it: "192.0.2.1:7", "[2001:db8::1]:7", "[fe80::1%eth0]:7",
 * "unix:/path", "unix:@name" (abstract), "unix:" (unnamed), "vsock:CID:PORT",
 * "vsock:any:PORT". Returns text.
 */
const char *addr_format(const struct addr *addr, char text[static ADDR_TEXT_MAX]);

/*
 * The same for a socket of this type, SOCK_STREAM or SOCK_DGRAM, as echo-client takes it for a
 * target: "192.0.2.1:7", "unix:/path", "udp://192.0.2.1:7", "unixgram:/path".
 */
const char *addr_format_typed(const struct addr *addr, int type, char text[static ADDR_TEXT_MAX]);

/* The same without port and type. */
const char *addr_format_host(const struct addr *addr, char text[static ADDR_TEXT_MAX]);

/* The port in host byte order (of a vsock address its 32-bit port), 0 where there is none. */
uint32_t addr_port(const struct addr *addr);

bool addr_equal(const struct addr *a, const struct addr *b);

/* True for 0.0.0.0 and ::, and for vsock's VMADDR_CID_ANY. */
bool addr_is_wildcard(const struct addr *addr);

/* Own address of a socket, getsockname(2). 0 or -errno; ret_addr is untouched on failure. */
int addr_of_socket(int fd, struct addr *ret_addr);

/* The same of its peer, getpeername(2). */
int addr_of_peer(int fd, struct addr *ret_addr);
