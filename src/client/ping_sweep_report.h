/* SPDX-License-Identifier: MIT */
#pragma once

#include "client/ping_options.h"

/* echo-client ping --sweep: runs it for each target, one after the other, and prints a table or
 * JSON on standard output. The exit status. */
int ping_sweep_report(const struct ping_options *options);
