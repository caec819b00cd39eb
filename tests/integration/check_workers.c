/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"
#include "processes.h"

/*
 * Workers are disposable: one that dies or hangs is replaced, its siblings' connections and the
 * listeners do not notice; and none of them outlives its supervisor.
 */

static struct echod e;

static void set_up(void)
{
    echod_init(&e);
}

static void start_with(unsigned workers)
{
    echod_configure(&e, "workers = %u;", workers);
    echod_start(&e);
}

static void kill_worker(pid_t pid)
{
    int watch = process_watch(pid);

    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    process_await_end(watch);
}

/* A connection that this one of two workers serves: the other one is stopped meanwhile. */
static int connect_to_worker(const struct children *workers, unsigned which)
{
    pid_t other = workers->pid[1 - which];
    int fd;

    process_stop(other);
    fd = peer_connect(&e);
    peer_exchange(fd, "known");
    process_continue(other);
    return fd;
}

START_TEST(killed_worker_is_replaced_and_others_do_not_notice)
{
    struct children workers, now;
    int fd[2];

    start_with(2);
    workers = process_await_children(e.pid, 2, NULL);
    for (unsigned i = 0; i < 2; i++)
        fd[i] = connect_to_worker(&workers, i);
    kill_worker(workers.pid[0]);
    peer_expect_loss(fd[0]);
    peer_exchange(fd[1], "goes on");
    now = process_await_children(e.pid, 2, &(struct children){.count = 1, .pid = {workers.pid[0]}});
    ck_assert(now.pid[0] == workers.pid[1] || now.pid[1] == workers.pid[1]);
    process_stop(workers.pid[1]);
    peer_finish(peer_connect(&e)); /* by the new one */
    process_continue(workers.pid[1]);
    peer_exchange(fd[1], "still");
    echod_stop(&e);
}
END_TEST

START_TEST(connections_in_queue_outlive_all_workers)
{
    enum { COUNT = 10 };
    struct children workers;
    int fd[COUNT];

    start_with(2);
    workers = process_await_children(e.pid, 2, NULL);
    for (unsigned i = 0; i < workers.count; i++)
        process_stop(workers.pid[i]);
    for (int i = 0; i < COUNT; i++) {
        fd[i] = peer_connect(&e);
        peer_send(fd[i], "in the queue");
    }
    for (unsigned i = 0; i < workers.count; i++)
        kill_worker(workers.pid[i]);
    for (int i = 0; i < COUNT; i++)
        peer_expect(fd[i], "in the queue");
    echod_stop(&e);
}
END_TEST

START_TEST(connects_without_any_worker_are_served)
{
    struct children workers;
    int fd;

    start_with(1);
    for (int i = 0; i < 4; i++) {
        workers = process_await_children(e.pid, 1, NULL);
        kill_worker(workers.pid[0]);
        fd = peer_connect(&e);
        peer_exchange(fd, "by the next one");
        (void)close(fd);
    }
    echod_stop(&e);
}
END_TEST

/* How long it takes from the death of the only worker until there is another one. */
static uint64_t measure_replacement_ms(void)
{
    struct children workers = process_await_children(e.pid, 1, NULL);
    uint64_t begin = harness_now_ms();

    kill_worker(workers.pid[0]);
    (void)process_await_children(e.pid, 1, &workers);
    return harness_now_ms() - begin;
}

START_TEST(pause_grows_while_workers_keep_dying)
{
    enum { DEATHS = 6 };
    uint64_t took[DEATHS];

    start_with(1);
    for (int i = 0; i < DEATHS; i++)
        took[i] = measure_replacement_ms();
    ck_assert_uint_lt(took[0] + took[1], took[DEATHS - 1]);
    ck_assert_uint_lt(took[2], took[DEATHS - 1]);
    peer_finish(peer_connect(&e));
    echod_stop(&e);
}
END_TEST

START_TEST(no_worker_outlives_supervisor)
{
    struct children workers;
    int watch[2];

    start_with(2);
    workers = process_await_children(e.pid, 2, NULL);
    for (unsigned i = 0; i < workers.count; i++) {
        (void)connect_to_worker(&workers, i);
        watch[i] = process_watch(workers.pid[i]);
    }
    process_stop(workers.pid[1]);
    echod_signal(&e, SIGKILL);
    for (unsigned i = 0; i < workers.count; i++)
        process_await_end(watch[i]);
    peer_await_refusal(e.host, e.port);
}
END_TEST

START_TEST(hung_worker_is_killed_and_replaced)
{
    struct children workers;
    int fd[2], watch;

    e.variables[0] = "WATCHDOG_USEC=1000000";
    start_with(2);
    workers = process_await_children(e.pid, 2, NULL);
    for (unsigned i = 0; i < 2; i++)
        fd[i] = connect_to_worker(&workers, i);
    watch = process_watch(workers.pid[0]);
    process_stop(workers.pid[0]);
    process_await_end(watch);
    (void)process_await_children(e.pid, 2, &(struct children){.count = 1, .pid = {workers.pid[0]}});
    peer_expect_loss(fd[0]);
    peer_exchange(fd[1], "goes on");
    echod_stop(&e);
}
END_TEST

START_TEST(supervisor_alone_feeds_watchdog)
{
    enum { INTERVAL_MS = 200 };

    e.variables[0] = "WATCHDOG_USEC=200000";
    start_with(2);
    for (int i = 0; i < 5; i++) {
        (void)echod_await(&e, "WATCHDOG=1");
        ck_assert_int_eq(e.sender, e.pid);
    }
    process_stop(e.pid);
    (void)echod_count_messages(&e, "", 0); /* what was sent before */
    ck_assert_uint_eq(echod_count_messages(&e, "WATCHDOG=1", 3 * INTERVAL_MS), 0);
    process_continue(e.pid);
    (void)echod_await(&e, "WATCHDOG=1");
    echod_stop(&e);
}
END_TEST

START_TEST(watchdog_of_another_process_is_left_alone)
{
    e.variables[0] = "WATCHDOG_USEC=100000";
    e.variables[1] = "WATCHDOG_PID=1";
    echod_start(&e);
    ck_assert_uint_eq(echod_count_messages(&e, "WATCHDOG=1", 500), 0);
    echod_stop(&e);
}
END_TEST

START_TEST(status_has_live_figures)
{
    char connections[32];
    int fd[3];

    e.variables[0] = "WATCHDOG_USEC=100000";
    start_with(2);
    ck_assert_ptr_nonnull(strstr(echod_value(&e, "STATUS="), e.host));
    for (int i = 0; i < 3; i++) {
        fd[i] = peer_connect(&e);
        peer_exchange(fd[i], "counted");
    }
    peer_finish(fd[0]);
    (void)snprintf(connections, sizeof(connections), "connections: 2, so far 3");
    do
        (void)echod_await(&e, "STATUS=");
    while (!strstr(echod_value(&e, "STATUS="), connections));
    ck_assert_ptr_nonnull(strstr(echod_value(&e, "STATUS="), "workers: 2"));
    echod_stop(&e);
}
END_TEST

START_TEST(signals_to_workers_change_nothing)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE};
    struct children before, after;
    int fd[2];

    start_with(2);
    before = process_await_children(e.pid, 2, NULL);
    for (unsigned w = 0; w < 2; w++)
        fd[w] = connect_to_worker(&before, w);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        for (unsigned w = 0; w < 2; w++)
            ck_assert_int_eq(kill(before.pid[w], signals[i]), 0);
    for (unsigned w = 0; w < 2; w++)
        peer_exchange(fd[w], "after"); /* it has met its signals when it has answered */
    after = process_children(e.pid);
    ck_assert_mem_eq(&after, &before, sizeof(before));
    echod_stop(&e);
}
END_TEST

/* How often a process has slept so far. */
static unsigned long times_slept(pid_t pid)
{
    return strtoul(process_status(pid, "voluntary_ctxt_switches"), NULL, 10);
}

static bool all_sleep(void *context)
{
    const struct children *workers = context;

    for (unsigned i = 0; i < workers->count; i++)
        if (process_state(workers->pid[i]) != 'S')
            return false;
    return true;
}

/* Neither a timer nor the end of a busy time wakes anybody. */
START_TEST(idle_daemon_sleeps)
{
    enum { WORKERS = 2, WHILE_MS = 1000 };
    unsigned long before[WORKERS];
    struct children workers;
    int fd;

    e.variables[0] = "WATCHDOG_USEC=600000000"; /* no ping meanwhile */
    echod_configure(&e, "workers = %d; escrow_after = 0;", WORKERS);
    echod_start(&e);
    workers = process_await_children(e.pid, WORKERS, NULL);
    fd = peer_connect(&e);
    for (int i = 0; i < 100; i++)
        peer_exchange(fd, "busy");
    harness_await(all_sleep, &workers, "the workers to sleep");
    for (unsigned i = 0; i < WORKERS; i++)
        before[i] = times_slept(workers.pid[i]);
    ck_assert_uint_eq(echod_count_messages(&e, "READY=1", WHILE_MS), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        ck_assert_uint_eq(times_slept(workers.pid[i]), before[i]);
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

int main(void)
{
    TCase *tcase = harness_suite("check_workers");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, killed_worker_is_replaced_and_others_do_not_notice);
    tcase_add_test(tcase, connections_in_queue_outlive_all_workers);
    tcase_add_test(tcase, connects_without_any_worker_are_served);
    tcase_add_test(tcase, pause_grows_while_workers_keep_dying);
    tcase_add_test(tcase, no_worker_outlives_supervisor);
    tcase_add_test(tcase, hung_worker_is_killed_and_replaced);
    tcase_add_test(tcase, supervisor_alone_feeds_watchdog);
    tcase_add_test(tcase, watchdog_of_another_process_is_left_alone);
    tcase_add_test(tcase, status_has_live_figures);
    tcase_add_test(tcase, signals_to_workers_change_nothing);
    tcase_add_test(tcase, idle_daemon_sleeps);
    return harness_run();
}
