/* SPDX-License-Identifier: MIT */
#include "client/ping_options.h"

#include <sys/socket.h>

#include "client/deadline.h"
#include "client/ping_payload.h"
#include "client/record.h"

/* Each has a descriptor, and some memory. */
enum { TARGETS_MAX = 256 };

#define SIZE_DEFAULT 56
#define COUNT_ALLOWED "1 to 18446744073709551615"
#define SIZE_ALLOWED "24 to 65507 (bytes, or with K)"
#define INTERVAL_ALLOWED "0 to 86400 (seconds, or with us, ms, s, m or h)"
#define WAIT_ALLOWED "0.001 to 86400 (seconds, or with us, ms, s, m or h)"

static bool all_are(const struct target_list *list, bool (*holds)(enum target_kind kind))
{
    for (size_t i = 0; i < list->count; i++)
        if (!holds(list->at[i].kind))
            return false;
    return true;
}

static bool is_stream(enum target_kind kind)
{
    return target_socket_type(kind) == SOCK_STREAM;
}

static bool is_udp(enum target_kind kind)
{
    return kind == TARGET_UDP;
}

static bool asks_for_a_path(const struct path_options *path)
{
    return path->ttl || path->dscp || path->mark || path->interface;
}

static const char *contradiction(const struct ping_options *options)
{
    const struct target_list *target = &options->common.target;
    const struct path_options *path = &options->common.dial.path;

    if (options->connect && !all_are(target, is_stream))
        return "--connect means nothing to a target of datagrams";
    if (asks_for_a_path(path) && !all_are(target, target_has_host))
        return "--ttl, --dscp, --mark and --interface mean nothing to a target that is no host";
    if ((path->dont_fragment || options->sweep) && !all_are(target, is_udp))
        return "--df and --sweep are for targets of UDP alone: udp://HOST:PORT";
    if (options->graph && (options->sweep || options->common.json || options->json_lines))
        return "--graph excludes --sweep, --json and --json-lines";
    if (options->sweep && options->json_lines)
        return "--sweep and --json-lines exclude each other";
    if (options->json_lines && !record_is_possible())
        return "--json-lines is not possible: this echo-client was built without jansson";
    return NULL;
}

/* All but the table of options. */
static enum options_action parse(const struct option_row *rows, int argc, char **argv,
                                 struct ping_options *options)
{
    const struct command_line line = {
        .mode = "ping",
        .usage = "ping [OPTION...] [TARGET...]",
        .about = "Sends probes to echo servers, measures, and tells what became of each.\n",
        .closing = "Exit status: 0 an answer came (-c with -w: all), 1 not, 2 usage, trouble.\n",
        .timeout_help = "end after so long; with -c, after N answers",
        .quiet_help = "print the summary alone",
        .json_help = "print JSON: a line per probe, one object at the end",
        .kinds = 1U << TARGET_TCP | 1U << TARGET_UDP | 1U << TARGET_UNIX | 1U << TARGET_UNIXGRAM |
                 1U << TARGET_VSOCK,
        .targets_max = TARGETS_MAX,
        .rows = rows,
    };
    enum options_action action = options_parse(&line, argc, argv, &options->common);
    const char *problem;

    if (action != OPTIONS_RUN)
        return action;
    problem = contradiction(options);
    return problem ? options_wrong(&line, problem) : OPTIONS_RUN;
}

enum options_action ping_options_parse(int argc, char **argv, struct ping_options *ret_options)
{
    struct ping_options *to = ret_options;
    struct path_options *path = &to->common.dial.path;
    const struct option_row rows[] = {
        {'c', "count", "N", "end after N probes to each target", option_take_number,
         .value = &to->count, .min = 1, .max = UINT64_MAX, .allowed = COUNT_ALLOWED},
        {'i', "interval", "SECONDS", "between probes (default 1); 0: a flood", option_take_duration,
         .value = &to->interval_nsec, .max = 86400 * NSEC_PER_SEC, .allowed = INTERVAL_ALLOWED},
        {'s', "size", "N", "bytes of a probe (24 to 65507, default 56)", option_take_size,
         .value = &to->size, .min = PING_PAYLOAD_MIN, .max = PING_PAYLOAD_MAX,
         .allowed = SIZE_ALLOWED},
        {'W', "wait", "SECONDS", "an answer that takes longer is late (default 2)",
         option_take_duration, .value = &to->wait_nsec, .min = NSEC_PER_MSEC,
         .max = 86400 * NSEC_PER_SEC, .allowed = WAIT_ALLOWED},
        {'w', NULL, "SECONDS", "end after so long, as --timeout", option_take_duration,
         .value = &to->common.timeout_nsec, .min = NSEC_PER_MSEC, .max = 86400 * NSEC_PER_SEC,
         .allowed = WAIT_ALLOWED},
        {'D', "time", NULL, "print the time of day before each line", option_take_flag,
         .value = &to->time},
        {0, "ttl", .argument = "N", .take = option_take_number, .value = &path->ttl, .min = 1,
         .max = 255, .allowed = "1 to 255"},
        {0, "dscp", .argument = "N", .take = option_take_number, .value = &path->dscp, .max = 63,
         .allowed = "0 to 63"},
        {0, "mark", "N", "hops; class of service; firewall mark", option_take_number,
         .value = &path->mark, .max = UINT32_MAX, .allowed = "0 to 4294967295"},
        {'I', "interface", "NAME", "use this network interface", option_take_text,
         .value = &path->interface},
        {0, "connect", .take = option_take_flag, .value = &to->connect},
        {0, "graph", NULL, "a connection for each probe; draw a chart", option_take_flag,
         .value = &to->graph},
        {0, "sweep", .take = option_take_flag, .value = &to->sweep},
        {0, "df", NULL, "UDP: find the largest datagram; forbid fragments", option_take_flag,
         .value = &path->dont_fragment},
        {0, "json-lines", .take = option_take_flag, .value = &to->json_lines},
        {0},
    };
    enum options_action action;

    to->interval_nsec = NSEC_PER_SEC;
    to->wait_nsec = 2 * NSEC_PER_SEC;
    action = parse(rows, argc, argv, to);
    if (to->size == 0)
        to->size = to->sweep ? PING_PAYLOAD_MAX : SIZE_DEFAULT;
    return action;
}

void ping_options_deinit(struct ping_options *options)
{
    common_options_deinit(&options->common);
}
