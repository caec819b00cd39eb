/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A socket that listens on 127.0.0.1, with TCP_NODELAY for what it accepts; its port is argv[1] or
 * else any, and is printed. FLAGS as of socket(2). What goes wrong ends the program.
 */
int listening_socket(int argc, char **argv, int flags);
