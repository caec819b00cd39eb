/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/conf.h"
#include "daemon/image.h"
#include "daemon/options.h"
#include "daemon/pidfile.h"

struct supervisor_setup {
    const struct echod_options *options;
    const struct image *image; /* for an upgrade */
    struct pidfile *pidfile;   /* if this is the next program, it goes on with that of the last */
    int *parent;               /* the pipe of daemonize(), or -1; it is told when echod listens */
};

/*
 * The supervisor: owns the configuration, which it takes over, the listeners and the workers, talks
 * to the service manager, and never echoes. Runs until it is told to stop. Returns the exit status.
 */
int supervisor_run(const struct supervisor_setup *setup, struct conf *conf);
