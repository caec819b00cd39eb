/* SPDX-License-Identifier: MIT */
#include "client/check_options.h"

#include "client/deadline.h"
#include "client/probe.h"

#define MESSAGE_DEFAULT "Hello, world"
#define SIZE_LIMIT (UINT64_C(1) << 30)
#define SIZE_ALLOWED "1 to 1G (bytes, or with K, M or G)"
#define TIMEOUT_DEFAULT (10 * NSEC_PER_SEC)
#define INTERVAL_DEFAULT (100 * NSEC_PER_MSEC)

enum { COUNT_LIMIT = 1000, TARGETS_LIMIT = 64 };

/* What was given, before defaults are filled in. */
struct given {
    const char *message; /* NULL: not given */
    uint64_t size;       /* 0: not given */
};

static const char *take_range(const struct option_row *row, const char *text)
{
    return range_parse(text, false, row->value);
}

static const char *take_percent(const struct option_row *row, const char *text)
{
    return range_parse(text, true, row->value);
}

static bool any_is_given(const struct check_thresholds *thresholds)
{
    for (int i = 0; i < CHECK_METRICS; i++)
        if (thresholds->warning[i].given || thresholds->critical[i].given)
            return true;
    return false;
}

static const char *contradiction(const struct given *given, const struct check_options *options)
{
    if (given->message && given->size)
        return "--message and --size exclude each other";
    if (given->message && given->message[0] == '\0')
        return "--message is empty: there would be nothing to check";
    if (options->pattern.size > PROBE_DATAGRAM_MAX &&
        target_list_has_datagrams(&options->common.target))
        return "--size, --message: a datagram holds no more than 65507 bytes";
    if ((int64_t)(options->count - 1) * options->interval_nsec >= options->common.timeout_nsec)
        return "--count times --interval is longer than --timeout";
    return NULL;
}

static enum options_action complete(const struct command_line *line, const struct given *given,
                                    struct check_options *options)
{
    const char *problem;

    options->pattern = given->size
                           ? pattern_random(pattern_new_seed(), given->size)
                           : pattern_message(given->message ? given->message : MESSAGE_DEFAULT);
    if (options->count > 1 || options->verbose || options->common.target.count > 1 ||
        any_is_given(&options->thresholds))
        options->plugin = true;
    problem = contradiction(given, options);
    return problem ? options_wrong(line, problem) : OPTIONS_RUN;
}

/* Two rows: a warning and a critical one for a metric, which stand in one line of the help. */
#define THRESHOLD_ROWS(warning_letter, warning_name, critical_letter, critical_name, metric, what, \
                       unit, function)                                                             \
    {warning_letter,                                                                               \
     warning_name,                                                                                 \
     unit,                                                                                         \
     .take = function,                                                                             \
     .value = &options->thresholds.warning[metric],                                                \
     .allowed = RANGE_ALLOWED},                                                                    \
    {                                                                                              \
        critical_letter, critical_name, unit, what, function,                                      \
            .value = &options->thresholds.critical[metric], .allowed = RANGE_ALLOWED               \
    }

enum options_action check_options_parse(int argc, char **argv, bool plugin,
                                        struct check_options *options)
{
    struct given given = {0};
    const struct option_row rows[] = {
        {'m', "message", "TEXT", "what to send (default \"" MESSAGE_DEFAULT "\")", option_take_text,
         .value = &given.message},
        {'s', "size", "N", "send N random bytes instead (1 to 1G; K, M, G)", option_take_size,
         .value = &given.size, .min = 1, .max = SIZE_LIMIT, .allowed = SIZE_ALLOWED},
        {'n', "count", "N", "probe each target N times (default 1)", option_take_number,
         .value = &options->count, .min = 1, .max = COUNT_LIMIT, .allowed = "1 to 1000"},
        {'i', "interval", "SECONDS", "from one probe to the next (default 0.1)",
         option_take_duration, .value = &options->interval_nsec, .max = 3600 * NSEC_PER_SEC,
         .allowed = "0 to 3600 (seconds, or with us, ms, s, m or h)"},
        THRESHOLD_ROWS('w', "warning", 'c', "critical", CHECK_TIME, "of the time", "RANGE",
                       take_range),
        THRESHOLD_ROWS(0, "warn-loss", 0, "crit-loss", CHECK_LOSS, "of lost probes, %", "RANGE",
                       take_percent),
        THRESHOLD_ROWS(0, "warn-p95", 0, "crit-p95", CHECK_P95, "of the 95th percentile", "RANGE",
                       take_range),
        THRESHOLD_ROWS(0, "warn-jitter", 0, "crit-jitter", CHECK_JITTER, "of the jitter", "RANGE",
                       take_range),
        {'v', "verbose", NULL, "also each target; -vv each probe; -vvv all about it",
         option_take_count, .value = &options->verbose},
        {0},
    };
    const struct command_line line = {
        .mode = "check",
        .usage = "[check] [OPTION...] [TARGET...]",
        .about = "Sends a message to echo servers and checks that the very same bytes come back.\n",
        .closing = "Exit status: 0 ok, 1 warning, 2 critical, 3 unknown (trouble on this side).\n",
        .timeout_help = "the limit for everything together (default 10)",
        .json_help = "print a JSON object instead",
        .kinds = ~0U,
        .targets_max = TARGETS_LIMIT,
        .rows = rows,
    };
    enum options_action action;

    *options = (struct check_options){.common.timeout_nsec = TIMEOUT_DEFAULT,
                                      .count = 1,
                                      .interval_nsec = INTERVAL_DEFAULT,
                                      .plugin = plugin};
    action = options_parse(&line, argc, argv, &options->common);
    return action == OPTIONS_RUN ? complete(&line, &given, options) : action;
}

void check_options_deinit(struct check_options *options)
{
    common_options_deinit(&options->common);
}
