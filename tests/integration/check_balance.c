/* SPDX-License-Identifier: MIT */
#include <signal.h>

#include "harness.h"
#include "peer.h"
#include "processes.h"

/*
 * Connections are spread over the workers, however they come: no worker has more than 1.25 times
 * its share for long. And a worker that does not run keeps nobody waiting.
 */

enum { COUNT = 1000 };

static struct echod e;
static int fds[COUNT];

static void set_up(void)
{
    echod_init(&e);
    peer_allow_descriptors(COUNT + 100);
}

/* What a worker has open beside connections: the same for all, and the least of any. */
static unsigned own_descriptors;

static void configure(unsigned workers, const char *more)
{
    echod_configure(&e,
                    "workers = %u; drain_timeout = 0; limits: { connections_per_source = 0; }; %s",
                    workers, more);
}

static void start_configured(unsigned workers, const char *more)
{
    configure(workers, more);
    echod_start(&e);
    own_descriptors = process_descriptor_count(process_await_children(e.pid, workers, NULL).pid[0]);
}

static void start_with(unsigned workers)
{
    start_configured(workers, "");
}

/* What the worker that has most has, as a multiple of its share; 0 if they do not have all. */
static double imbalance(void)
{
    struct children workers = process_children(e.pid);
    unsigned total = 0, most = 0;

    for (unsigned i = 0; i < workers.count; i++) {
        unsigned has = process_descriptor_count(workers.pid[i]) - own_descriptors;

        total += has;
        most = has > most ? has : most;
    }
    return total == COUNT ? (double)most * workers.count / COUNT : 0;
}

static bool is_balanced(void *context)
{
    double now = imbalance();

    (void)context;
    return now > 0 && now <= 1.25;
}

static void await_balance(void)
{
    harness_await(is_balanced, NULL, "each worker to have at most 1.25 times its share");
}

static void exchange_on_all(const char *text)
{
    for (int i = 0; i < COUNT; i++)
        peer_exchange(fds[i], text);
}

static void connect_one_by_one(void)
{
    for (int i = 0; i < COUNT; i++) {
        fds[i] = peer_connect(&e);
        peer_exchange(fds[i], "one");
    }
}

static void connect_in_a_burst(void)
{
    for (int i = 0; i < COUNT; i++)
        fds[i] = peer_begin_connect(&e);
    for (int i = 0; i < COUNT; i++)
        ck_assert(peer_is_connected(fds[i], DEADLINE_MS));
}

START_TEST(connections_that_come_one_by_one_are_spread)
{
    start_with(4);
    connect_one_by_one();
    await_balance();
    exchange_on_all("still");
    echod_stop(&e);
}
END_TEST

/*
 * So that little has to move later. Workers that look instead of sleeping take what they see,
 * whoever is first in line: here they sleep.
 */
START_TEST(connections_are_spread_without_the_supervisor)
{
    start_configured(4, "busy_poll_us = 0;");
    process_stop(e.pid);
    connect_one_by_one();
    ck_assert(is_balanced(NULL));
    process_continue(e.pid);
    echod_stop(&e);
}
END_TEST

START_TEST(burst_is_spread)
{
    start_with(4);
    connect_in_a_burst();
    await_balance();
    exchange_on_all("still");
    echod_stop(&e);
}
END_TEST

/* One worker alone gets them all; when the other runs again, it gets its share of them. */
START_TEST(what_one_worker_had_to_accept_alone_is_spread_later)
{
    struct children workers;

    start_with(2);
    workers = process_children(e.pid);
    process_stop(workers.pid[0]);
    connect_one_by_one();
    process_continue(workers.pid[0]);
    await_balance();
    exchange_on_all("still");
    echod_stop(&e);
}
END_TEST

START_TEST(new_worker_gets_its_share)
{
    struct children workers;
    int watch;

    start_with(2);
    workers = process_children(e.pid);
    process_stop(workers.pid[0]);
    connect_one_by_one();
    watch = process_watch(workers.pid[0]);
    ck_assert_int_eq(kill(workers.pid[0], SIGKILL), 0);
    process_await_end(watch);
    await_balance();
    exchange_on_all("still");
    echod_stop(&e);
}
END_TEST

START_TEST(change_of_workers_spreads_them_anew)
{
    static const unsigned numbers[] = {3, 7, 2, 5};

    start_with(2);
    connect_one_by_one();
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        configure(numbers[i], "");
        echod_reload(&e);
        await_balance();
        exchange_on_all("moved");
    }
    echod_stop(&e);
}
END_TEST

/* As with socket activation: one socket, of somebody else, for all workers. */
START_TEST(passed_socket_is_shared_fairly)
{
    e.passed[0] = peer_listen(e.host, e.port);
    e.passed_count = 1;
    start_with(4);
    connect_one_by_one();
    await_balance();
    exchange_on_all("still");
    echod_stop(&e);
}
END_TEST

START_TEST(stopped_worker_keeps_nobody_waiting)
{
    struct children workers;

    start_with(3);
    workers = process_children(e.pid);
    for (unsigned i = 0; i < workers.count; i++) {
        process_stop(workers.pid[i]);
        for (int n = 0; n < 50; n++) {
            int fd = peer_connect(&e);

            peer_exchange(fd, "served by the others");
            peer_finish(fd);
        }
        process_continue(workers.pid[i]);
    }
    echod_stop(&e);
}
END_TEST

/* Nor does it get connections that others give up. */
START_TEST(stopped_worker_is_given_nothing)
{
    struct children workers;

    start_with(3);
    workers = process_children(e.pid);
    process_stop(workers.pid[0]);
    process_stop(workers.pid[1]);
    connect_one_by_one();
    process_continue(workers.pid[1]);
    for (int n = 0; n < 20; n++)
        peer_finish(peer_connect(&e));
    exchange_on_all("served");
    process_continue(workers.pid[0]);
    echod_stop(&e);
}
END_TEST

int main(void)
{
    TCase *tcase = harness_suite("balance");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, connections_that_come_one_by_one_are_spread);
    tcase_add_test(tcase, connections_are_spread_without_the_supervisor);
    tcase_add_test(tcase, burst_is_spread);
    tcase_add_test(tcase, what_one_worker_had_to_accept_alone_is_spread_later);
    tcase_add_test(tcase, new_worker_gets_its_share);
    tcase_add_test(tcase, change_of_workers_spreads_them_anew);
    tcase_add_test(tcase, passed_socket_is_shared_fairly);
    tcase_add_test(tcase, stopped_worker_keeps_nobody_waiting);
    tcase_add_test(tcase, stopped_worker_is_given_nothing);
    return harness_run();
}
