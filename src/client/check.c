/* SPDX-License-Identifier: MIT */
#include "client/check.h"

#include <string.h>

#include "base/cleanup.h"
#include "client/check_options.h"
#include "client/check_report.h"
#include "client/check_target.h"

static enum check_state judge(const struct check_targets *targets)
{
    enum check_state state = CHECK_OK;

    for (size_t i = 0; i < targets->count; i++)
        state = check_worst(
            state, check_judge(&targets->at[i].stats, &targets->at[i].options->thresholds));
    return state;
}

static enum check_state check(const struct check_options *options)
{
    _cleanup_(check_targets_deinit) struct check_targets targets = {0};
    enum check_state state;
    int r = check_targets_run(options, &targets);

    if (r < 0) {
        (void)fprintf(options->plugin ? stdout : stderr,
                      "%snot checked, trouble on this side: %s\n",
                      options->plugin ? "ECHO UNKNOWN - " : "echo-client: ", strerror(-r));
        return CHECK_UNKNOWN;
    }
    state = judge(&targets);
    if (options->plugin)
        check_report_plugin(&targets, state, stdout);
    else
        check_report_sentence(&targets.at[0], state, stdout, stderr);
    return state;
}

static int run(int argc, char **argv, bool plugin)
{
    _cleanup_(check_options_deinit) struct check_options options;

    switch (check_options_parse(argc, argv, plugin, &options)) {
    case OPTIONS_RUN:
        return check(&options);
    case OPTIONS_DONE:
        return CHECK_OK;
    case OPTIONS_WRONG:
        break;
    }
    return CHECK_UNKNOWN;
}

int check_main(int argc, char **argv)
{
    return run(argc, argv, true);
}

int check_main_plain(int argc, char **argv)
{
    return run(argc, argv, false);
}
