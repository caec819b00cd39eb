/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/conf.h"

/*
 * To be called before anything is said: inetd(8) connects standard error to the peer, who is to
 * get nothing but the echo. 1 if that was so and is no more, 0 if it was not, or -errno.
 */
int inetd_silence(void);

/*
 * Serves the one connection on standard input to its end, for inetd(8) and for units with
 * Accept=yes. Returns the exit status.
 */
int inetd_run(const struct conf *conf);

/*
 * The same for a socket for datagrams there ("dgram udp wait"): serves whoever sends, until nothing
 * has come for idle_timeout, or 10 s. 0, or -errno, which was said.
 */
int inetd_datagrams(const struct conf *conf);
