/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"
#include "processes.h"

/*
 * Workers are killed, at any moment. Connections of which the supervisor keeps a copy go on with
 * another worker: none is closed, and no byte is lost, doubled or out of order.
 */

static struct echod e;

static void set_up(void)
{
    echod_init(&e);
}

static void start_with(unsigned workers, const char *more)
{
    echod_configure(&e, "workers = %u; %s", workers, more);
    echod_start(&e);
}

static void kill_worker(pid_t pid)
{
    int watch = process_watch(pid);

    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    process_await_end(watch);
}

/* All workers that there are now. */
static void kill_workers(void)
{
    struct children workers = process_await_children(e.pid, 0, NULL);

    for (unsigned i = 0; i < workers.count; i++)
        kill_worker(workers.pid[i]);
}

START_TEST(connections_go_on_with_another_worker)
{
    enum { COUNT = 300 };
    int fd[COUNT];

    start_with(2, "escrow_after = 0;");
    for (int i = 0; i < COUNT; i++) {
        fd[i] = peer_connect(&e);
        peer_exchange(fd[i], "before");
    }
    for (int i = 0; i < 4; i++) {
        struct children workers = process_await_children(e.pid, 2, NULL);

        kill_worker(workers.pid[i % 2]);
        for (int j = 0; j < COUNT; j++)
            peer_exchange(fd[j], "after");
    }
    for (int i = 0; i < COUNT; i++)
        peer_finish(fd[i]);
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), "; lost: 0\n"));
    echod_stop(&e);
}
END_TEST

/* There is nobody to go on with until there is a new one. */
START_TEST(connections_wait_for_the_next_worker)
{
    int fd;

    start_with(1, "escrow_after = 0;");
    fd = peer_connect(&e);
    peer_exchange(fd, "before");
    for (int i = 0; i < 3; i++) {
        kill_workers();
        peer_exchange(fd, "after");
    }
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

START_TEST(half_close_reaches_the_next_worker)
{
    int fd;

    start_with(1, "escrow_after = 0;");
    fd = peer_connect(&e);
    peer_exchange(fd, "before");
    process_stop_children(e.pid);
    peer_send(fd, "last words");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    kill_workers();
    peer_expect(fd, "last words");
    peer_expect_end(fd);
    echod_stop(&e);
}
END_TEST

/* Kills while as many bytes are under way as there is room for. */
START_TEST(stream_through_crashes_comes_back_identical)
{
    enum { CRASHES = 6, STEPS = 2000 };
    struct flow flow;

    start_with(3, "escrow_after = 0;");
    flow = flow_begin(peer_connect(&e));
    for (int i = 0; i < CRASHES; i++) {
        uint64_t before = flow.received;
        struct children workers = process_await_children(e.pid, 0, NULL);

        for (int j = 0; j < STEPS || flow.received == before; j++)
            flow_step(&flow, UINT64_MAX, DEADLINE_MS);
        for (unsigned j = 0; j < workers.count; j++) {
            (void)kill(workers.pid[j], SIGKILL); /* If it has died meanwhile, so be it. */
            flow_step(&flow, UINT64_MAX, DEADLINE_MS);
        }
    }
    flow_finish(&flow, flow.sent + (1 << 20));
    echod_stop(&e);
}
END_TEST

/* What a peer does not take lies in the shared memory. */
START_TEST(peer_that_is_owed_much_gets_it)
{
    struct flow flow;

    start_with(2, "escrow_after = 0;");
    flow = flow_begin(peer_connect(&e));
    flow_stuff(&flow, 1, 256 << 20);
    kill_workers();
    flow_finish(&flow, flow.sent + (1 << 20));
    echod_stop(&e);
}
END_TEST

static bool all_sleep(void *context)
{
    struct children workers = process_children(e.pid);

    (void)context;
    for (unsigned i = 0; i < workers.count; i++)
        if (process_state(workers.pid[i]) != 'S')
            return false;
    return true;
}

/* Within a step nobody could tell how far it came; so not before the step is over. */
START_TEST(unix_connection_goes_on)
{
    int fd;

    echod_configure(&e, "escrow_after = 0; listeners = ( { path = \"%s\"; } );",
                    echod_path(&e, "socket"));
    echod_start(&e);
    fd = peer_connect_unix(echod_path(&e, "socket"));
    peer_exchange(fd, "before");
    harness_await(all_sleep, NULL, "the workers to sleep");
    kill_workers();
    peer_exchange(fd, "after");
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

/* Of a connection that is too young nobody has a copy. */
START_TEST(young_connection_is_lost_at_once)
{
    int fd;

    start_with(2, "escrow_after = 3600;");
    fd = peer_connect(&e);
    peer_exchange(fd, "before");
    kill_workers();
    peer_expect_loss(fd);
    echod_stop(&e);
}
END_TEST

START_TEST(nothing_is_kept_if_so_configured)
{
    int fd;

    start_with(1, "escrow_after = -1;");
    fd = peer_connect(&e);
    peer_exchange(fd, "before");
    ck_assert(!peer_is_readable(fd, 1100));
    kill_workers();
    peer_expect_loss(fd);
    echod_stop(&e);
}
END_TEST

static bool is_kept(void *context)
{
    int *fd = context;

    *fd = peer_connect(&e);
    if (peer_is_readable(*fd, 1200)) /* nobody says anything: it grows old enough */
        return false;
    kill_workers();
    if (peer_tries_exchange(*fd, "after"))
        return true;
    (void)close(*fd);
    return false;
}

START_TEST(connection_is_kept_when_it_is_old_enough)
{
    int fd;

    start_with(1, "escrow_after = 1;");
    harness_await(is_kept, &fd, "a connection to be kept");
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

/* A copy is open still: the peer must not have to wait until that is closed, too. */
START_TEST(end_is_seen_though_a_copy_is_kept)
{
    int fd;

    start_with(1, "escrow_after = 0; idle_timeout = 1;");
    for (int i = 0; i < 100; i++) {
        fd = peer_connect(&e);
        peer_exchange(fd, "hello");
        peer_finish(fd);
    }
    fd = peer_connect(&e);
    peer_exchange(fd, "hello");
    peer_expect_end(fd);
    echod_stop(&e);
}
END_TEST

/* Who goes on still counts among the connections of its source, and in all. */
START_TEST(limits_count_those_that_go_on)
{
    int fd[2];

    start_with(1, "escrow_after = 0; limits: { connections_per_source = 2; };");
    for (int i = 0; i < 2; i++) {
        fd[i] = peer_connect(&e);
        peer_exchange(fd[i], "before");
    }
    kill_workers();
    for (int i = 0; i < 2; i++)
        peer_exchange(fd[i], "after");
    peer_expect_refusal(&e);
    peer_finish(fd[0]);
    fd[0] = peer_connect(&e);
    peer_exchange(fd[0], "in its place");
    peer_expect_refusal(&e);
    echod_stop(&e);
}
END_TEST

START_TEST(proxy_header_may_come_in_two_lives)
{
    int fd;

    start_with(1, "escrow_after = 0; proxy_protocol = [ \"127.0.0.0/8\" ];");
    fd = peer_connect(&e);
    peer_send(fd, "PROXY TCP4 192.0.2.1 192.0");
    ck_assert(!peer_is_readable(fd, 50)); /* Now or later it is read: both have to do. */
    kill_workers();
    peer_send(fd, ".2.2 1000 7\r\nhello");
    peer_expect(fd, "hello");
    kill_workers();
    peer_exchange(fd, "after");
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

START_TEST(reload_moves_those_that_went_on)
{
    int fd;

    start_with(2, "escrow_after = 0;");
    fd = peer_connect(&e);
    peer_exchange(fd, "before");
    for (int i = 0; i < 2; i++) {
        kill_workers();
        peer_exchange(fd, "after the crash");
        echod_reload(&e);
        peer_exchange(fd, "after the reload");
    }
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

START_TEST(stop_ends_those_that_went_on)
{
    int fd;

    start_with(1, "escrow_after = 0; drain_timeout = 5;");
    fd = peer_connect(&e);
    peer_exchange(fd, "before");
    kill_workers();
    peer_exchange(fd, "after");
    echod_signal(&e, SIGTERM);
    peer_expect_end(fd);
    ck_assert_int_eq(echod_wait(&e), EXIT_SUCCESS);
}
END_TEST

int main(void)
{
    TCase *tcase = harness_suite("check_crash");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, connections_go_on_with_another_worker);
    tcase_add_test(tcase, connections_wait_for_the_next_worker);
    tcase_add_test(tcase, half_close_reaches_the_next_worker);
    tcase_add_test(tcase, stream_through_crashes_comes_back_identical);
    tcase_add_test(tcase, peer_that_is_owed_much_gets_it);
    tcase_add_test(tcase, unix_connection_goes_on);
    tcase_add_test(tcase, young_connection_is_lost_at_once);
    tcase_add_test(tcase, nothing_is_kept_if_so_configured);
    tcase_add_test(tcase, connection_is_kept_when_it_is_old_enough);
    tcase_add_test(tcase, end_is_seen_though_a_copy_is_kept);
    tcase_add_test(tcase, limits_count_those_that_go_on);
    tcase_add_test(tcase, proxy_header_may_come_in_two_lives);
    tcase_add_test(tcase, reload_moves_those_that_went_on);
    tcase_add_test(tcase, stop_ends_those_that_went_on);
    return harness_run();
}
