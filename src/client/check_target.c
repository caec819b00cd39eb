/* SPDX-License-Identifier: MIT */
#include "client/check_target.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "client/connect.h"
#include "client/deadline.h"

/* Each probe may take its share of the time that is left, so that a lost one leaves some. */
static int64_t deadline_of_next(const struct check_target *t, int64_t now)
{
    return now + (t->deadline - now) / (int64_t)(t->options->count - t->count);
}

/* Whoever has answered datagrams need not be looked for again. */
static void keep_peer(const struct check_target *t, const struct probe_result *result,
                      struct addr_list *addresses)
{
    if (target_socket_type(t->target->kind) != SOCK_DGRAM || result->outcome != PROBE_OK)
        return;
    addresses->addr[0] = result->peer;
    addresses->count = 1;
}

static void probe(struct check_target *t, struct addr_list *addresses, int64_t begun)
{
    const struct check_options *options = t->options;
    const struct probe_request request = {
        .addresses = addresses,
        .type = target_socket_type(t->target->kind),
        .dial = &options->common.dial,
        .pattern = &options->pattern,
    };
    int64_t deadline = deadline_of_next(t, clock_nsec());
    struct probe_result *result = &t->result[t->count++];

    *result = probe_run(&request, deadline);
    result->limit_nsec = deadline - begun;
    keep_peer(t, result, addresses);
}

static void run_probes(struct check_target *t, int64_t begun)
{
    _cleanup_(addr_list_deinit) struct addr_list addresses = {0};
    int r = connect_resolve(t->target, t->options->common.family, t->deadline, &addresses);

    if (r != 0) {
        struct probe_result *result = &t->result[t->count++];

        result->outcome = probe_not_resolved(result, r);
        result->limit_nsec = t->options->common.timeout_nsec;
        result->size = t->options->pattern.size;
        return;
    }
    for (;;) {
        int64_t next = begun + t->options->interval_nsec;

        probe(t, &addresses, begun);
        if (t->count == t->options->count)
            return;
        (void)deadline_wait(NULL, 0, next < t->deadline ? next : t->deadline);
        begun = clock_nsec();
    }
}

static void *target_thread(void *argument)
{
    struct check_target *t = argument;

    run_probes(t, t->deadline - t->options->common.timeout_nsec);
    return NULL;
}

static int join_all(const pthread_t *threads, size_t count, int result)
{
    for (size_t i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL); /* Cannot fail for a thread that is ours. */
    return result;
}

static int run_all(struct check_targets *targets)
{
    _cleanup_(freep) pthread_t *threads = calloc(targets->count, sizeof(*threads));

    if (!threads)
        return -ENOMEM;
    for (size_t i = 0; i < targets->count; i++) {
        int r = pthread_create(&threads[i], NULL, target_thread, &targets->at[i]);

        if (r != 0)
            return join_all(threads, i, -r);
    }
    return join_all(threads, targets->count, 0);
}

static int targets_init(struct check_targets *targets, const struct check_options *options)
{
    int64_t deadline = clock_nsec() + options->common.timeout_nsec;

    targets->count = options->common.target.count;
    targets->at = calloc(targets->count, sizeof(*targets->at));
    if (!targets->at)
        return -ENOMEM;
    for (size_t i = 0; i < targets->count; i++) {
        targets->at[i] = (struct check_target){
            .options = options, .target = &options->common.target.at[i], .deadline = deadline};
        targets->at[i].result = calloc(options->count, sizeof(*targets->at[i].result));
        if (!targets->at[i].result)
            return -ENOMEM;
    }
    return 0;
}

int check_targets_run(const struct check_options *options, struct check_targets *ret_targets)
{
    int r = targets_init(ret_targets, options);

    if (r == 0)
        r = run_all(ret_targets);
    for (size_t i = 0; i < ret_targets->count && r == 0; i++)
        r = check_stats_of(ret_targets->at[i].result, ret_targets->at[i].count,
                           &ret_targets->at[i].stats);
    return r;
}

void check_targets_deinit(struct check_targets *targets)
{
    for (size_t i = 0; targets->at && i < targets->count; i++)
        free(targets->at[i].result);
    free(targets->at);
    *targets = (struct check_targets){0};
}
