/* SPDX-License-Identifier: MIT */
#include "client/check_options.h"

#include "client/deadline.h"

#define MESSAGE_DEFAULT "Hello, world"
#define SIZE_LIMIT (UINT64_C(1) << 30)
#define SIZE_ALLOWED "1 to 1G (bytes, or with K, M or G)"
#define TIMEOUT_DEFAULT (10 * NSEC_PER_SEC)

/* What was given, before defaults are filled in. */
struct given {
    const char *message; /* NULL: not given */
    uint64_t size;       /* 0: not given */
};

static const char *contradiction(const struct given *given)
{
    if (given->message && given->size)
        return "--message and --size exclude each other";
    if (given->message && given->message[0] == '\0')
        return "--message is empty: there would be nothing to check";
    return NULL;
}

enum options_action check_options_parse(int argc, char **argv, struct check_options *ret_options)
{
    struct given given = {0};
    const struct option_row rows[] = {
        {'m', "message", "TEXT", "what to send (default \"" MESSAGE_DEFAULT "\")", option_take_text,
         .value = &given.message},
        {'s', "size", "N", "send N random bytes instead (1 to 1G; K, M, G)", option_take_size,
         .value = &given.size, .min = 1, .max = SIZE_LIMIT, .allowed = SIZE_ALLOWED},
        {0},
    };
    const struct command_line line = {
        .mode = "check",
        .usage = "[check] [OPTION...] [TARGET]",
        .about =
            "Sends a message to an echo server and checks that the very same bytes come back.\n",
        .closing = "Exit status: 0 intact, 2 not, 3 wrong usage or trouble on this side.\n",
        .timeout_help = "the limit for everything together (default 10)",
        .kinds = 1U << TARGET_TCP | 1U << TARGET_UNIX | 1U << TARGET_VSOCK,
        .targets_max = 1,
        .rows = rows,
    };
    enum options_action action;
    const char *problem;

    ret_options->common.timeout_nsec = TIMEOUT_DEFAULT;
    action = options_parse(&line, argc, argv, &ret_options->common);
    if (action != OPTIONS_RUN)
        return action;
    problem = contradiction(&given);
    if (problem)
        return options_wrong(&line, problem);
    ret_options->pattern = given.size
                               ? pattern_random(pattern_new_seed(), given.size)
                               : pattern_message(given.message ? given.message : MESSAGE_DEFAULT);
    return OPTIONS_RUN;
}

void check_options_deinit(struct check_options *options)
{
    common_options_deinit(&options->common);
}
