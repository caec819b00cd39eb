/* SPDX-License-Identifier: MIT */
#pragma once

#include "client/check_options.h"
#include "client/check_stats.h"

/* What became of one target. */
struct check_target {
    const struct check_options *options;
    const struct target *target;
    int64_t deadline;            /* of all of it */
    struct probe_result *result; /* of each probe, room for options->count */
    size_t count;                /* of those that were begun */
    struct check_stats stats;
};

/* Probes all targets at once, each in a thread of its own. */
struct check_targets {
    struct check_target *at;
    size_t count;
};

/* 0, -ENOMEM, or -errno when a thread could not be made. */
int check_targets_run(const struct check_options *options, struct check_targets *ret_targets);

void check_targets_deinit(struct check_targets *targets);
