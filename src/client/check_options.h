/* SPDX-License-Identifier: MIT */
#pragma once

#include "client/check_judge.h"
#include "client/options.h"
#include "client/pattern.h"

/* The command line of echo-client check. */
struct check_options {
    struct common_options common;
    struct pattern pattern; /* a message points into argv */
    uint64_t count;         /* probes for each target */
    int64_t interval_nsec;  /* from the begin of one to that of the next, at least */
    struct check_thresholds thresholds;
    unsigned verbose;
    bool plugin; /* answer as a monitoring plugin, not in a sentence */
};

/*
 * PLUGIN says whether the mode was named; options that only a monitoring plugin has make it one,
 * too. ret_options is to be given to check_options_deinit() in any case.
 */
enum options_action check_options_parse(int argc, char **argv, bool plugin,
                                        struct check_options *ret_options);

void check_options_deinit(struct check_options *options);
