/* SPDX-License-Identifier: MIT */
#include "client/check.h"

#include "base/cleanup.h"
#include "client/check_options.h"
#include "client/check_report.h"
#include "client/probe.h"

static enum report_status check(const struct check_options *options)
{
    const struct probe_request request = {
        .target = options->common.target.at[0],
        .pattern = options->pattern,
        .family = options->common.family,
        .dial = options->common.dial,
        .timeout_nsec = options->common.timeout_nsec,
    };
    struct probe_result result = probe_run(&request);

    return report_check(&request, &result, options->common.quiet, stdout, stderr);
}

int check_main(int argc, char **argv)
{
    _cleanup_(check_options_deinit) struct check_options options = {0};

    switch (check_options_parse(argc, argv, &options)) {
    case OPTIONS_RUN:
        return (int)check(&options);
    case OPTIONS_DONE:
        return REPORT_INTACT;
    case OPTIONS_WRONG:
        break;
    }
    return REPORT_UNKNOWN;
}
