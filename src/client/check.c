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

/* Whether standard output is a monitoring system's, and not a person's or a program's. */
static bool is_plugin(const struct check_options *options)
{
    return options->plugin && !options->common.json;
}

static enum check_state not_checked(const struct check_options *options, int error)
{
    bool plugin = is_plugin(options);

    (void)fprintf(plugin ? stdout : stderr, "%snot checked, trouble on this side: %s\n",
                  plugin ? "ECHO UNKNOWN - " : "echo-client: ", strerror(-error));
    return CHECK_UNKNOWN;
}

static enum check_state report(const struct check_targets *targets, enum check_state state)
{
    const struct check_options *options = targets->at[0].options;
    int r = 0;

    if (options->common.json)
        r = check_report_json(targets, state, stdout);
    else if (options->plugin)
        check_report_plugin(targets, state, stdout);
    else
        check_report_sentence(&targets->at[0], state, stdout, stderr);
    return r < 0 ? not_checked(options, r) : state;
}

static enum check_state check(const struct check_options *options)
{
    _cleanup_(check_targets_deinit) struct check_targets targets = {0};
    int r = check_targets_run(options, &targets);

    return r < 0 ? not_checked(options, r) : report(&targets, judge(&targets));
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
        if (plugin && !options.common.json) /* Monitoring systems may show standard output alone. */
            (void)puts("ECHO UNKNOWN - wrong usage: standard error says what is wrong");
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
