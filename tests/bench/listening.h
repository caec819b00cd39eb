/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Sockets on 127.0.0.1; the port is argv[1] or else any, and is printed. What goes wrong ends the
 * program.
 */

/* One that listens, with TCP_NODELAY for what it accepts. FLAGS as of socket(2). */
int listening_socket(int argc, char **argv, int flags);

/* One for datagrams. */
int datagram_socket(int argc, char **argv);
