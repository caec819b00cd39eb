/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/conf.h"
#include "daemon/options.h"

/*
 * The supervisor: owns the configuration, which it takes over, the listeners and the workers, talks
 * to the service manager, and never echoes. Runs until it is told to stop. PARENT is the pipe of
 * daemonize(), or -1; it is told when echod listens. Returns the exit status.
 */
int supervisor_run(const struct echod_options *options, struct conf *conf, int *parent);
