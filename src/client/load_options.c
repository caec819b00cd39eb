/* SPDX-License-Identifier: MIT */
#include "client/load_options.h"

#include <string.h>

#include "client/deadline.h"
#include "client/pattern.h"

#define DURATION_DEFAULT (10 * NSEC_PER_SEC)
#define STEP_DEFAULT (2 * NSEC_PER_SEC)
#define DAY_NSEC (86400 * NSEC_PER_SEC)
#define DURATION_ALLOWED "0.1 to 86400 (seconds, or with us, ms, s, m or h)"
#define PAUSE_ALLOWED "0 to 86400 (seconds, or with us, ms, s, m or h)"
#define FILE_ALLOWED "the name of a file"

enum {
    CONNECTIONS_MAX = 1000000,
    THREADS_MAX = 256,
    DEPTH_MAX = 65536,

    SIZE_LIMIT = 1 << 30,
    DATAGRAM_MIN = 8,     /* a message's number */
    DATAGRAM_MAX = 65507, /* 65535 less the headers of UDP and IPv4 */
};

static const char *take_verify(const struct option_row *row, const char *text)
{
    static const char *const names[] = {
        [LOAD_VERIFY_NONE] = "none",
        [LOAD_VERIFY_SAMPLE] = "sample",
        [LOAD_VERIFY_FULL] = "full",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(text, names[i]) == 0) {
            *(enum load_verify *)row->value = (enum load_verify)i;
            return NULL;
        }
    return "not known";
}

static const char *take_promise(const struct option_row *row, const char *text)
{
    return load_promise_parse(text, row->value);
}

/* What was given, in the types that options have. */
struct given {
    uint64_t connections, threads, depth, rate;
    int64_t duration_nsec;
};

static void set_defaults(struct load_options *options, struct given *given)
{
    *given = (struct given){.connections = 1, .threads = 1, .depth = 1};
    options->common.timeout_nsec = 5 * NSEC_PER_SEC;
    options->plan = (struct load_plan){
        .size = 64,
        .verify = LOAD_VERIFY_SAMPLE,
        .seed = pattern_new_seed(),
        .warm_up_nsec = NSEC_PER_SEC / 2,
    };
}

static void take_over(struct load_options *options, const struct given *given)
{
    struct load_plan *plan = &options->plan;

    plan->type = target_socket_type(options->common.target.at[0].kind);
    plan->dial = options->common.dial;
    plan->connections = (unsigned)given->connections;
    plan->threads = (unsigned)given->threads;
    plan->depth = (unsigned)given->depth;
    plan->rate = (double)given->rate;
    plan->timeout_nsec = options->common.timeout_nsec;
    plan->duration_nsec = given->duration_nsec;
    if (plan->duration_nsec == 0)
        plan->duration_nsec = options->promise.text ? STEP_DEFAULT : DURATION_DEFAULT;
}

/* What each option allows by itself, but not together. */
static const char *contradiction(const struct load_options *options)
{
    const struct load_plan *plan = &options->plan;

    if (plan->threads > plan->connections)
        return "--threads is more than --connections: some would have nothing to do";
    if (plan->type == SOCK_DGRAM && (plan->size < DATAGRAM_MIN || plan->size > DATAGRAM_MAX))
        return "--size of a datagram is 8 to 65507: it holds a number to tell it by";
    if (plan->reconnect && plan->depth > 1)
        return "--reconnect makes a connection for each message: --depth means nothing to it";
    if ((plan->reconnect || plan->reset) && plan->type == SOCK_DGRAM)
        return "--reconnect and --reset mean nothing to datagrams";
    return NULL;
}

/* All but the table of options. */
static enum options_action parse(const struct option_row *rows, int argc, char **argv,
                                 const struct given *given, struct load_options *options)
{
    const struct command_line line = {
        .mode = "load",
        .usage = "load [OPTION...] [TARGET]",
        .about = "Sends many messages, and measures how long an echo server's answers take.\n",
        .closing = "Exit status: 0 all answers came, 2 not, 3 wrong usage or trouble on this "
                   "side.\n",
        .json_help = "print one JSON object",
        .timeout_help = "for a connection, and for an answer (default 5)",
        .kinds = 1U << TARGET_TCP | 1U << TARGET_UDP | 1U << TARGET_UNIX | 1U << TARGET_UNIXGRAM |
                 1U << TARGET_VSOCK,
        .targets_max = 1,
        .rows = rows,
    };
    enum options_action action = options_parse(&line, argc, argv, &options->common);
    const char *problem;

    if (action != OPTIONS_RUN)
        return action;
    take_over(options, given);
    problem = contradiction(options);
    return problem ? options_wrong(&line, problem) : OPTIONS_RUN;
}

enum options_action load_options_parse(int argc, char **argv, struct load_options *ret_options)
{
    struct load_plan *plan = &ret_options->plan;
    struct given given;
    const struct option_row rows[] = {
        {'n', "connections", "N", "how many, at the same time (default 1)", option_take_number,
         .value = &given.connections, .min = 1, .max = CONNECTIONS_MAX, .allowed = "1 to 1000000"},
        {'T', "threads", "N", "that they are shared among (default 1)", option_take_number,
         .value = &given.threads, .min = 1, .max = THREADS_MAX, .allowed = "1 to 256"},
        {'s', "size", "N", "bytes of a message (default 64; 1 to 1G; K, M, G)", option_take_size,
         .value = &plan->size, .min = 1, .max = SIZE_LIMIT, .allowed = "1 to 1G"},
        {'P', "depth", "N", "messages under way on a connection (default 1)", option_take_number,
         .value = &given.depth, .min = 1, .max = DEPTH_MAX, .allowed = "1 to 65536"},
        {'r', "rate", "N", "messages a second in all (default: as answers come)",
         option_take_number, .value = &given.rate, .min = 1, .max = LOAD_RATE_MAX,
         .allowed = "1 to 10000000"},
        {'d', "duration", "SECONDS", "how long to measure (default 10; each rate: 2)",
         option_take_duration, .value = &given.duration_nsec, .min = NSEC_PER_SEC / 10,
         .max = DAY_NSEC, .allowed = DURATION_ALLOWED},
        {0, "warm-up", .argument = "SECONDS", .take = option_take_duration,
         .value = &plan->warm_up_nsec, .max = DAY_NSEC, .allowed = PAUSE_ALLOWED},
        {0, "ramp-up", "SECONDS", "before it (0.5); to open connections (0)", option_take_duration,
         .value = &plan->ramp_up_nsec, .max = DAY_NSEC, .allowed = PAUSE_ALLOWED},
        {0, "reconnect", .take = option_take_flag, .value = &plan->reconnect},
        {0, "reset", NULL, "a connection for each message; end it by a reset", option_take_flag,
         .value = &plan->reset},
        {0, "verify", "HOW", "compare full, sample (default), none", take_verify,
         .value = &plan->verify, .allowed = "full, sample, none"},
        {0, "find-rate", "PROMISE", "the highest rate that keeps it: 'p99<1ms'", take_promise,
         .value = &ret_options->promise, .allowed = LOAD_PROMISE_ALLOWED},
        {0, "hgrm", .argument = "FILE", .take = option_take_text, .value = &ret_options->hgrm},
        {0, "svg", "FILE", "write percentiles for HdrHistogram; draw them", option_take_text,
         .value = &ret_options->svg},
        {0},
    };

    set_defaults(ret_options, &given);
    return parse(rows, argc, argv, &given, ret_options);
}

void load_options_deinit(struct load_options *options)
{
    common_options_deinit(&options->common);
}
