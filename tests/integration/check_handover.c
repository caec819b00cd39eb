/* SPDX-License-Identifier: MIT */
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"
#include "processes.h"

/*
 * Connections move from the old workers to the new ones at a reload: none is closed for it, and no
 * byte is lost, doubled or out of order.
 */

static struct echod e;

static void set_up(void)
{
    echod_init(&e);
}

/* Runs a reload while bytes are under way at every moment of it. */
static void reload_with_flow(struct flow *flow)
{
    uint64_t before = flow->received, deadline = harness_now_ms() + DEADLINE_MS;
    struct children old = process_children(e.pid);
    bool over = false;

    echod_signal(&e, SIGHUP);
    while (!over || flow->received == before || process_has_child_of(e.pid, &old)) {
        ck_assert_msg(harness_now_ms() < deadline, "the reload or the stream stands still");
        flow_step(flow, UINT64_MAX, 1);
        over = over || echod_count_messages(&e, "READY=1", 0) > 0;
    }
    ck_assert_uint_gt(flow->sent, flow->received);
}

START_TEST(stream_through_fifty_reloads_comes_back_identical)
{
    enum { RELOADS = 50 };
    const char *size = getenv("ECHOD_TEST_STREAM_MIB");
    uint64_t total = (uint64_t)(size ? atoi(size) : 256) << 20;
    struct flow flow;

    echod_start(&e);
    flow = flow_begin(peer_connect(&e));
    for (unsigned i = 1; i <= RELOADS; i++) {
        reload_with_flow(&flow);
        while (flow.received < total / RELOADS * i)
            flow_step(&flow, UINT64_MAX, DEADLINE_MS);
    }
    flow_finish(&flow, flow.sent > total ? flow.sent : total);
    echod_stop(&e);
}
END_TEST

START_TEST(peer_that_is_owed_much_gets_it_after_reloads)
{
    struct flow flow;

    echod_start(&e);
    flow = flow_begin(peer_connect(&e));
    flow_stuff(&flow, 1, 256 << 20);
    for (int i = 0; i < 3; i++)
        echod_reload(&e);
    flow_finish(&flow, flow.sent + (1 << 20));
    echod_stop(&e);
}
END_TEST

START_TEST(two_thousand_connections_survive)
{
    enum { COUNT = 2000 };
    struct children workers;
    int fd[COUNT];

    peer_allow_descriptors(COUNT);
    echod_configure(&e, "workers = 3; limits: { connections_per_source = %d; };", COUNT);
    echod_start(&e);
    workers = process_await_children(e.pid, 3, NULL);
    for (int i = 0; i < COUNT; i++) {
        fd[i] = peer_connect(&e);
        peer_exchange(fd[i], "before");
    }
    echod_reload(&e);
    (void)process_await_children(e.pid, 3, &workers);
    for (int i = 0; i < COUNT; i++)
        peer_exchange(fd[i], "after");
    echod_stop(&e);
}
END_TEST

/* A copy of the descriptor by which a worker serves the other end of FD, in this process. */
static int copy_of_other_end(pid_t worker, int fd)
{
    struct sockaddr_in local, peer;
    socklen_t size = sizeof(local);
    int pidfd = process_watch(worker);

    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&local, &size), 0);
    for (int there = 3; there < 1024; there++) {
        int copy = (int)syscall(SYS_pidfd_getfd, pidfd, there, 0);

        size = sizeof(peer);
        if (copy >= 0 && getpeername(copy, (struct sockaddr *)&peer, &size) == 0 &&
            peer.sin_family == AF_INET && peer.sin_port == local.sin_port) {
            (void)close(pidfd);
            return copy;
        }
        if (copy >= 0)
            (void)close(copy);
    }
    ck_abort_msg("the worker has no such connection");
}

/* As long as another process has its descriptor, too, close(2) alone would tell nobody. */
START_TEST(end_reaches_the_peer_whoever_holds_a_copy)
{
    struct children workers;
    int fd, copy;

    echod_configure(&e, "workers = 1;");
    echod_start(&e);
    fd = peer_connect(&e);
    peer_exchange(fd, "before");
    workers = process_children(e.pid);
    echod_reload(&e);
    workers = process_await_children(e.pid, 1, &workers);
    copy = copy_of_other_end(workers.pid[0], fd);
    peer_exchange(fd, "after");
    peer_finish(fd);
    (void)close(copy);
    echod_stop(&e);
}
END_TEST

/* Wherever they are when the stop comes, what they sent before it comes back. */
START_TEST(stop_during_a_reload_loses_nobody)
{
    enum { COUNT = 300 };
    int fd[COUNT];

    peer_allow_descriptors(COUNT);
    echod_configure(&e, "workers = 3;");
    echod_start(&e);
    for (int i = 0; i < COUNT; i++) {
        fd[i] = peer_connect(&e);
        peer_exchange(fd[i], "before");
    }
    for (int i = 0; i < COUNT; i++)
        peer_send(fd[i], "on the way");
    echod_signal(&e, SIGHUP);
    (void)echod_await(&e, "RELOADING=1");
    echod_signal(&e, SIGINT); /* SIGTERM may be a restart then */
    for (int i = 0; i < COUNT; i++)
        peer_expect(fd[i], "on the way");
    for (int i = 0; i < COUNT; i++)
        peer_finish(fd[i]);
    ck_assert_int_eq(echod_wait(&e), 0);
}
END_TEST

START_TEST(connections_in_queue_are_served)
{
    enum { COUNT = 20 };
    int fd[COUNT];

    echod_start(&e);
    process_stop_children(e.pid);
    for (int i = 0; i < COUNT; i++) {
        fd[i] = peer_connect(&e);
        peer_send(fd[i], "in the queue");
    }
    echod_signal(&e, SIGHUP);
    (void)echod_await(&e, "RELOADING=1");
    process_continue_children(e.pid);
    (void)echod_await(&e, "READY=1");
    for (int i = 0; i < COUNT; i++)
        peer_expect(fd[i], "in the queue");
    echod_stop(&e);
}
END_TEST

/* Descriptors that supervisor and worker have: for a moment there may be one more. */
struct descriptors {
    unsigned supervisor, worker;
};

static struct descriptors count_descriptors(void)
{
    return (struct descriptors){
        .supervisor = process_descriptor_count(e.pid),
        .worker = process_descriptor_count(process_children(e.pid).pid[0]),
    };
}

static bool are_no_more(void *context)
{
    const struct descriptors *before = context;
    struct descriptors now = count_descriptors();

    return now.supervisor <= before->supervisor && now.worker <= before->worker;
}

START_TEST(descriptors_do_not_add_up)
{
    struct descriptors before;
    int fd;

    echod_configure(&e, "workers = 1;");
    echod_start(&e);
    fd = peer_connect(&e);
    peer_exchange(fd, "before");
    before = count_descriptors();
    for (int i = 0; i < 20; i++) {
        e.port += i % 4 == 0;
        echod_configure(&e, "workers = 1;");
        echod_reload(&e);
    }
    peer_exchange(fd, "after");
    harness_await(are_no_more, &before, "descriptors that are no more than before");
    echod_stop(&e);
}
END_TEST

int main(void)
{
    TCase *tcase = harness_suite("check_handover");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, stream_through_fifty_reloads_comes_back_identical);
    tcase_add_test(tcase, peer_that_is_owed_much_gets_it_after_reloads);
    tcase_add_test(tcase, two_thousand_connections_survive);
    tcase_add_test(tcase, end_reaches_the_peer_whoever_holds_a_copy);
    tcase_add_test(tcase, stop_during_a_reload_loses_nobody);
    tcase_add_test(tcase, connections_in_queue_are_served);
    tcase_add_test(tcase, descriptors_do_not_add_up);
    return harness_run();
}
