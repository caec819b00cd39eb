/* SPDX-License-Identifier: MIT */
#include "client/pipe_options.h"

#include "client/deadline.h"

#define TIMEOUT_DEFAULT (10 * NSEC_PER_SEC)

enum options_action pipe_options_parse(int argc, char **argv, struct pipe_options *options)
{
    const struct option_row rows[] = {
        {0, "verify", NULL, "fail at the first byte that comes back changed", option_take_flag,
         .value = &options->verify},
        {'v', "verbose", NULL, "say at the end how much it was, on standard error",
         option_take_flag, .value = &options->verbose},
        {0},
    };
    const struct command_line line = {
        .mode = "pipe",
        .usage = "pipe [OPTION...] [TARGET]",
        .about = "Sends standard input to an echo server, what comes back to standard output.\n",
        .closing = "Exit status: 0 all came back, 2 not, 3 wrong usage or trouble on this side.\n",
        .timeout_help = "to connect, and to wait for answers (default 10)",
        .json_help = "print a JSON object at the end, on standard error",
        .kinds = 1U << TARGET_TCP | 1U << TARGET_UNIX | 1U << TARGET_VSOCK,
        .targets_max = 1,
        .rows = rows,
    };

    *options = (struct pipe_options){.common.timeout_nsec = TIMEOUT_DEFAULT};
    return options_parse(&line, argc, argv, &options->common);
}

void pipe_options_deinit(struct pipe_options *options)
{
    common_options_deinit(&options->common);
}
