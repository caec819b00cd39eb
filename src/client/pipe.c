/* SPDX-License-Identifier: MIT */
#include "client/pipe.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "client/connect.h"
#include "client/deadline.h"
#include "client/pipe_options.h"
#include "client/pipe_report.h"
#include "client/pipe_stream.h"

enum { STATUS_COMPLETE = 0, STATUS_FAILED = 2, STATUS_TROUBLE = 3 };

/* Returns the connected socket, or -1 and says in the result why not. */
static int connect_to_server(const struct pipe_options *options, struct probe_result *result)
{
    _cleanup_(addr_list_deinit) struct addr_list addresses = {0};
    const struct target *target = &options->common.target.at[0];
    int64_t deadline = clock_nsec() + options->common.timeout_nsec;
    struct connection connection = {.fd = -1};
    int r = connect_resolve(target, options->common.family, deadline, &addresses);

    result->limit_nsec = options->common.timeout_nsec;
    if (r != 0) {
        result->outcome = probe_not_resolved(result, r);
        return -1;
    }
    result->phase = PROBE_CONNECTING;
    r = connect_first(&addresses, SOCK_STREAM, &options->common.dial, deadline, &connection);
    if (r < 0) {
        result->outcome = probe_not_connected(result, r);
        return -1;
    }
    result->peer = connection.peer;
    result->connect_nsec = connection.connect_nsec;
    return connection.fd;
}

static struct pipe_result run(const struct pipe_options *options)
{
    struct pipe_result result = {0};
    _cleanup_(closep) int server = connect_to_server(options, &result.probe);
    const struct pipe_ends ends = {
        .server = server,
        .input = STDIN_FILENO,
        .output = STDOUT_FILENO,
        .verify = options->verify,
        .silence_nsec = options->common.timeout_nsec,
    };

    if (server >= 0)
        pipe_stream(&ends, &result);
    return result;
}

static int status_of(const struct pipe_result *result)
{
    if (result->probe.outcome == PROBE_OK)
        return STATUS_COMPLETE;
    return result->probe.outcome == PROBE_LOCAL_ERROR ? STATUS_TROUBLE : STATUS_FAILED;
}

int pipe_main(int argc, char **argv)
{
    _cleanup_(pipe_options_deinit) struct pipe_options options;
    struct pipe_result result;

    switch (pipe_options_parse(argc, argv, &options)) {
    case OPTIONS_RUN:
        break;
    case OPTIONS_DONE:
        return STATUS_COMPLETE;
    case OPTIONS_WRONG:
        return STATUS_TROUBLE;
    }
    result = run(&options);
    pipe_report(&options, &result, stderr);
    return status_of(&result);
}
