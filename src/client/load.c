/* SPDX-License-Identifier: MIT */
#include "client/load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/descriptors.h"
#include "client/connect.h"
#include "client/deadline.h"
#include "client/load_files.h"
#include "client/load_json.h"
#include "client/load_measure.h"
#include "client/load_options.h"
#include "client/load_report.h"

/* The status to exit with. */
enum {
    LOAD_GOOD = 0,
    LOAD_BAD = 2,     /* the server, or the way to it */
    LOAD_TROUBLE = 3, /* wrong usage, trouble on this side */
};

/* Standard descriptors, each thread's epoll, and what a run has beside them. */
enum { DESCRIPTORS_OVERHEAD = 32 };

/* Returns -1. */
static int complain(const struct load_options *options, const char *what, const char *cause)
{
    (void)fprintf(stderr, "echo-client: %s: %s%s\n", options->common.target.at[0].text, what,
                  cause);
    return -1;
}

/*
 * Which of the target's addresses answers is found out once, by a connection that is closed again:
 * the load is for one server.
 */
static int find_peer(struct load_options *options, struct load_result *result)
{
    _cleanup_(addr_list_deinit) struct addr_list list = {0};
    const struct common_options *common = &options->common;
    int64_t deadline = clock_nsec() + common->timeout_nsec;
    struct connection connection;
    int r = connect_resolve(&common->target.at[0], common->family, deadline, &list);

    if (r != 0) {
        result->error = resolve_strerror(r);
        return complain(options, "cannot look it up: ", result->error);
    }
    r = connect_first(&list, options->plan.type, &common->dial, deadline, &connection);
    if (r < 0) {
        result->error = strerror(-r);
        return complain(options, "cannot connect: ", result->error);
    }
    options->plan.peer = connection.peer;
    closep(&connection.fd);
    return 0;
}

static int find_descriptors(const struct load_plan *plan)
{
    uint64_t wanted = (uint64_t)plan->connections + plan->threads + DESCRIPTORS_OVERHEAD;
    size_t limit;
    int r = descriptors_raise_limit(&limit);

    if (r == 0 && limit >= wanted)
        return 0;
    if (r < 0)
        (void)fprintf(stderr, "echo-client: cannot raise the limit on open files: %s\n",
                      strerror(-r));
    else
        (void)fprintf(stderr,
                      "echo-client: --connections %u needs %ju open files, and %zu are allowed "
                      "(ulimit -Hn)\n",
                      plan->connections, (uintmax_t)wanted, limit);
    return -1;
}

static int print_json(const struct load_result *result)
{
    if (load_json(result, stdout) < 0)
        return complain(result->options, "cannot print JSON: ", strerror(ENOMEM));
    return 0;
}

/* There was nothing to measure. What is wrong has been said; programs want it in the object, too.
 */
static int report_none(struct load_result *result)
{
    if (!result->options->common.json)
        return LOAD_BAD;
    result->counts = load_counts_new(result->options->plan.duration_nsec);
    if (!result->counts)
        return complain(result->options, "cannot print JSON: ", strerror(ENOMEM)), LOAD_TROUBLE;
    return print_json(result) < 0 ? LOAD_TROUBLE : LOAD_BAD;
}

static int report(const struct load_result *result, struct load_files *files)
{
    const struct common_options *common = &result->options->common;
    bool good = load_result_is_good(result);
    int r = load_files_write(files, result);

    load_report_warnings(result, stderr);
    if (common->json) {
        if (print_json(result) < 0)
            return LOAD_TROUBLE;
    } else if (!common->quiet || !good) {
        load_report(result, stdout);
    }
    if (r < 0)
        return LOAD_TROUBLE;
    return good ? LOAD_GOOD : LOAD_BAD;
}

static int load(struct load_options *options)
{
    _cleanup_(load_result_deinit) struct load_result result = {.options = options};
    _cleanup_(load_files_deinit) struct load_files files = {0};
    int r;

    if (find_descriptors(&options->plan) < 0 || load_files_open(options, &files) < 0)
        return LOAD_TROUBLE;
    if (find_peer(options, &result) < 0)
        return report_none(&result);
    r = load_measure(options, &result);
    if (r < 0) {
        (void)complain(options, "cannot begin: ", strerror(-r));
        return LOAD_TROUBLE;
    }
    return report(&result, &files);
}

int load_main(int argc, char **argv)
{
    _cleanup_(load_options_deinit) struct load_options options = {0};

    switch (load_options_parse(argc, argv, &options)) {
    case OPTIONS_RUN:
        return load(&options);
    case OPTIONS_DONE:
        return LOAD_GOOD;
    case OPTIONS_WRONG:
        break;
    }
    return LOAD_TROUBLE;
}
