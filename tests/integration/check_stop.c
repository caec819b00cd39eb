/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"
#include "processes.h"

/* The end: who is silent is let go, who is busy gets drain_timeout, and nothing is left. */

enum { PACE_MS = 20, HOUR_S = 3600 };

static struct echod e;

static void set_up(void)
{
    echod_init(&e);
}

static void start_with_drain(int seconds)
{
    echod_configure(&e, "workers = 2; drain_timeout = %d;", seconds);
    echod_start(&e);
}

/* Exchanges bytes on BUSY until something is to be read from OTHER, or this time is over. */
static bool keep_busy(int busy, int other, uint64_t for_ms)
{
    uint64_t end = harness_now_ms() + for_ms;

    while (!peer_is_readable(other, PACE_MS)) {
        if (harness_now_ms() >= end)
            return false;
        peer_exchange(busy, "busy");
    }
    return true;
}

static void assert_ended(int status)
{
    ck_assert_int_eq(echod_wait(&e), status);
    peer_await_refusal(e.host, e.port);
}

/* An end that is asked for by this signal and drains. */
static void assert_drains_on(int signal)
{
    struct children workers;
    int silent, busy, watch[2];

    start_with_drain(HOUR_S);
    workers = process_await_children(e.pid, 2, NULL);
    for (unsigned i = 0; i < 2; i++)
        watch[i] = process_watch(workers.pid[i]);
    silent = peer_connect(&e);
    peer_exchange(silent, "silent from here on");
    busy = peer_connect(&e);
    ck_assert(!keep_busy(busy, silent, 1200));
    echod_signal(&e, signal);
    (void)echod_await(&e, "STOPPING=1");
    ck_assert(keep_busy(busy, silent, DEADLINE_MS));
    peer_expect_end(silent);
    peer_exchange(busy, "served on");
    peer_await_refusal(e.host, e.port);
    peer_exchange(busy, "until it falls silent, too");
    peer_expect_end(busy);
    assert_ended(0);
    for (unsigned i = 0; i < 2; i++)
        process_await_end(watch[i]);
}

START_TEST(term_lets_silent_ones_go_and_serves_busy_ones)
{
    assert_drains_on(SIGTERM);
}
END_TEST

/*
 * Connected they are, and the stop came later. More than a worker accepts at once; and one worker
 * alone, as others would be told to look at the queue when it is stopped.
 */
START_TEST(connections_in_queue_are_served)
{
    enum { COUNT = 200 };
    int fd[COUNT];

    peer_allow_descriptors(COUNT);
    echod_configure(&e, "workers = 1; drain_timeout = %d;", HOUR_S);
    echod_start(&e);
    process_stop_children(e.pid);
    for (int i = 0; i < COUNT; i++) {
        fd[i] = peer_connect(&e);
        peer_send(fd[i], "in the queue");
    }
    echod_signal(&e, SIGTERM);
    (void)echod_await(&e, "STOPPING=1");
    process_continue_children(e.pid);
    for (int i = 0; i < COUNT; i++)
        peer_expect(fd[i], "in the queue");
    for (int i = 0; i < COUNT; i++)
        peer_finish(fd[i]);
    assert_ended(0);
}
END_TEST

START_TEST(int_is_like_term)
{
    assert_drains_on(SIGINT);
}
END_TEST

START_TEST(nobody_connected_is_nobody_waited_for)
{
    start_with_drain(HOUR_S);
    peer_finish(peer_connect(&e));
    echod_signal(&e, SIGTERM);
    (void)echod_await(&e, "STOPPING=1");
    assert_ended(0);
}
END_TEST

START_TEST(service_manager_is_asked_for_time_to_drain)
{
    start_with_drain(30);
    echod_signal(&e, SIGTERM);
    (void)echod_await(&e, "STOPPING=1");
    (void)echod_await(&e, "EXTEND_TIMEOUT_USEC=");
    ck_assert_uint_gt(strtoull(echod_value(&e, "EXTEND_TIMEOUT_USEC="), NULL, 10), 30000000);
    assert_ended(0);
}
END_TEST

START_TEST(drain_timeout_cuts_busy_connections)
{
    uint64_t began;
    int busy;

    start_with_drain(1);
    busy = peer_connect(&e);
    peer_exchange(busy, "before");
    began = harness_now_ms();
    echod_signal(&e, SIGTERM);
    while (peer_tries_exchange(busy, "busy"))
        ck_assert_uint_lt(harness_now_ms(), began + DEADLINE_MS);
    ck_assert_uint_ge(harness_now_ms(), began + 900);
    assert_ended(0);
}
END_TEST

START_TEST(drain_timeout_of_zero_waits_for_nobody)
{
    int busy;

    start_with_drain(0);
    busy = peer_connect(&e);
    peer_exchange(busy, "before");
    echod_signal(&e, SIGTERM);
    assert_ended(0);
    peer_expect_loss(busy);
}
END_TEST

START_TEST(bytes_that_are_owed_are_sent_while_draining)
{
    struct flow flow;
    int silent;

    start_with_drain(HOUR_S);
    flow = flow_begin(peer_connect(&e));
    flow_stuff(&flow, 1, 256 << 20);
    silent = peer_connect(&e);
    echod_signal(&e, SIGTERM);
    (void)echod_await(&e, "STOPPING=1");
    peer_expect_end(silent); /* silent for as long as the other one, which is owed something */
    flow_finish(&flow, flow.sent);
    assert_ended(0);
}
END_TEST

/* A busy connection and an hour of drain: what ends echod now is the signal. */
static int start_busy(void)
{
    int busy;

    start_with_drain(HOUR_S);
    busy = peer_connect(&e);
    peer_exchange(busy, "busy");
    return busy;
}

START_TEST(second_signal_stops_at_once)
{
    static const int seconds[] = {SIGTERM, SIGINT, SIGQUIT};
    struct flow flow = flow_begin(start_busy());

    flow_stuff(&flow, 1, 256 << 20); /* owed: no silence would end this one */
    echod_signal(&e, SIGTERM);
    (void)echod_await(&e, "STOPPING=1");
    echod_signal(&e, seconds[_i]);
    assert_ended(0);
}
END_TEST

START_TEST(quit_stops_at_once)
{
    struct flow flow = flow_begin(start_busy());

    flow_stuff(&flow, 1, 256 << 20);
    echod_signal(&e, SIGQUIT);
    (void)echod_await(&e, "STOPPING=1");
    assert_ended(0);
}
END_TEST

START_TEST(worker_that_hangs_is_not_waited_for)
{
    struct children workers;
    int watch[2];

    start_with_drain(HOUR_S);
    workers = process_await_children(e.pid, 2, NULL);
    for (unsigned i = 0; i < 2; i++)
        watch[i] = process_watch(workers.pid[i]);
    process_stop(workers.pid[0]);
    echod_signal(&e, SIGQUIT);
    assert_ended(0);
    for (unsigned i = 0; i < 2; i++)
        process_await_end(watch[i]);
}
END_TEST

START_TEST(worker_that_dies_while_draining_ends_the_drain)
{
    struct children workers;
    struct flow flow;

    echod_configure(&e, "workers = 1; drain_timeout = %d;", HOUR_S);
    echod_start(&e);
    flow = flow_begin(peer_connect(&e));
    flow_stuff(&flow, 1, 256 << 20);
    workers = process_children(e.pid);
    echod_signal(&e, SIGTERM);
    (void)echod_await(&e, "STOPPING=1");
    ck_assert_int_eq(kill(workers.pid[0], SIGKILL), 0);
    assert_ended(0);
}
END_TEST

START_TEST(reload_while_draining_is_not_begun)
{
    struct flow flow = flow_begin(start_busy());

    flow_stuff(&flow, 1, 256 << 20);
    echod_signal(&e, SIGTERM);
    (void)echod_await(&e, "STOPPING=1");
    echod_signal(&e, SIGHUP);
    ck_assert_uint_eq(echod_count_messages(&e, "RELOADING=1", 100), 0);
    flow_finish(&flow, flow.sent);
    assert_ended(0);
}
END_TEST

/*
 * Some that are no systemd never say that they have heard. SIGTERM would be taken for a restart,
 * for which there is no store, if echod waited for that for ever.
 */
START_TEST(service_manager_that_never_says_it_has_heard_gets_a_drain)
{
    int unanswered;

    e.variables[0] = "WATCHDOG_USEC=1000000";
    echod_spawn(&e);
    (void)echod_await(&e, "BARRIER=1");
    unanswered = dup(e.attached);
    ck_assert_int_ge(unanswered, 0);
    for (int i = 0; i < 2; i++)
        (void)echod_await(&e, "WATCHDOG=1");
    echod_signal(&e, SIGTERM);
    (void)echod_await(&e, "EXTEND_TIMEOUT_USEC=");
    assert_ended(0);
    ck_assert_int_eq(close(unanswered), 0);
}
END_TEST

START_TEST(without_service_manager_all_works_silently)
{
    int fd = -1;
    uint64_t deadline = harness_now_ms() + DEADLINE_MS;

    e.variables[0] = "NOTIFY_SOCKET";
    echod_spawn(&e);
    while (peer_try(e.host, e.port, &fd) != 0)
        ck_assert_uint_lt(harness_now_ms(), deadline);
    peer_finish(fd);
    echod_signal(&e, SIGTERM);
    assert_ended(0);
    ck_assert_uint_eq(echod_count_messages(&e, "", 0), 0);
}
END_TEST

int main(void)
{
    TCase *tcase = harness_suite("check_stop");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, term_lets_silent_ones_go_and_serves_busy_ones);
    tcase_add_test(tcase, connections_in_queue_are_served);
    tcase_add_test(tcase, int_is_like_term);
    tcase_add_test(tcase, nobody_connected_is_nobody_waited_for);
    tcase_add_test(tcase, service_manager_is_asked_for_time_to_drain);
    tcase_add_test(tcase, drain_timeout_cuts_busy_connections);
    tcase_add_test(tcase, drain_timeout_of_zero_waits_for_nobody);
    tcase_add_test(tcase, bytes_that_are_owed_are_sent_while_draining);
    tcase_add_loop_test(tcase, second_signal_stops_at_once, 0, 3);
    tcase_add_test(tcase, quit_stops_at_once);
    tcase_add_test(tcase, worker_that_hangs_is_not_waited_for);
    tcase_add_test(tcase, worker_that_dies_while_draining_ends_the_drain);
    tcase_add_test(tcase, reload_while_draining_is_not_begun);
    tcase_add_test(tcase, service_manager_that_never_says_it_has_heard_gets_a_drain);
    tcase_add_test(tcase, without_service_manager_all_works_silently);
    return harness_run();
}
