/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"
#include "processes.h"

/* The echo itself: every byte comes back, whatever a peer does, and no peer stops the others. */

static struct echod e;

static void set_up(void)
{
    echod_init(&e);
}

static void start_with(const char *configuration)
{
    echod_configure(&e, "%s", configuration);
    echod_start(&e);
}

START_TEST(bytes_come_back)
{
    int fd;

    echod_start(&e);
    fd = peer_connect(&e);
    peer_exchange(fd, "Hello, world");
    peer_exchange(fd, "and again");
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

START_TEST(after_half_close_all_that_is_owed_comes_back)
{
    enum { TOTAL = 64 << 20 };
    struct flow flow;

    echod_start(&e);
    flow = flow_begin(peer_connect(&e));
    flow_stuff(&flow, 1, TOTAL); /* as much as possible is owed when the end comes */
    flow_finish(&flow, TOTAL);
    echod_stop(&e);
}
END_TEST

START_TEST(half_close_without_a_byte_ends_connection)
{
    echod_start(&e);
    peer_finish(peer_connect(&e));
    echod_stop(&e);
}
END_TEST

START_TEST(many_small_messages_come_back_one_by_one)
{
    int fd;

    start_with("workers = 1;");
    fd = peer_connect(&e);
    for (int i = 0; i < 5000; i++)
        peer_exchange(fd, i % 2 ? "a" : "bc");
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

START_TEST(urgent_data_comes_back_in_line)
{
    int fd;

    echod_start(&e);
    fd = peer_connect(&e);
    peer_exchange(fd, "before ");
    ck_assert_int_eq(send(fd, "x", 1, MSG_OOB), 1);
    peer_expect(fd, "x");
    ck_assert_int_eq(send(fd, "all urgent", 10, MSG_OOB), 10);
    peer_send(fd, " after");
    peer_expect(fd, "all urgent after");
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

/* Long streams are moved through a pipe, which an urgent byte would stop. */
START_TEST(urgent_byte_in_a_long_stream_comes_back_in_line)
{
    enum { ROUNDS = 300, SIZE = 400000 };
    static char sent[2 * SIZE + 1], got[sizeof(sent)];
    int fd;

    echod_start(&e);
    fd = peer_connect(&e);
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (char)(i % 251);
    for (int round = 0; round < ROUNDS; round++) {
        ck_assert_int_eq(send(fd, sent, SIZE, 0), SIZE);
        ck_assert_int_eq(send(fd, sent + SIZE, 1, MSG_OOB), 1);
        ck_assert_int_eq(send(fd, sent + SIZE + 1, SIZE, 0), SIZE);
        ck_assert_int_eq(recv(fd, got, sizeof(got), MSG_WAITALL), sizeof(got));
        ck_assert_mem_eq(got, sent, sizeof(got));
    }
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

START_TEST(silent_reader_is_not_read_from)
{
    const uint64_t bound = 256 << 20; /* more than the kernel's buffers of both sides hold */
    struct flow flow;
    int other;

    start_with("workers = 1;");
    other = peer_connect(&e);
    flow = flow_begin(peer_connect(&e));
    flow_stuff(&flow, 1, bound);
    ck_assert_uint_lt(flow.sent, bound);
    peer_exchange(other, "still served");
    flow_finish(&flow, flow.sent + (1 << 20));
    echod_stop(&e);
}
END_TEST

/* A listener's buffer is that of its connections: here less than echod would send at once. */
START_TEST(bytes_that_socket_takes_in_pieces_come_back_whole)
{
    int listener = peer_listen(e.host, e.port), size = 4096;
    struct flow flow;

    ck_assert_int_eq(setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
    e.passed[e.passed_count++] = listener;
    start_with("workers = 1;");
    flow = flow_begin(peer_connect(&e));
    flow_finish(&flow, 4 << 20);
    echod_stop(&e);
}
END_TEST

/* Small buffers of its own make a peer quick to fill. */
static struct flow begin_small_flow(void)
{
    int fd = peer_connect(&e), size = 65536;

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
    return flow_begin(fd);
}

START_TEST(silent_readers_cost_little_memory)
{
    enum { PEERS = 24, MOST_EACH = 128 << 10, SLACK = 4 << 20 };
    const uint64_t bound = 64 << 20;
    struct flow flow[PEERS];
    uint64_t before;
    int other;

    start_with("workers = 1;");
    other = peer_connect(&e);
    peer_exchange(other, "warm");
    before = process_tree_memory(e.pid);
    ck_assert_uint_gt(before, 0);
    for (int i = 0; i < PEERS; i++)
        flow[i] = begin_small_flow();
    flow_stuff(flow, PEERS, bound);
    ck_assert_uint_lt(process_tree_memory(e.pid), before + PEERS * MOST_EACH + SLACK);
    peer_exchange(other, "still served");
    for (int i = 0; i < PEERS; i++) {
        ck_assert_uint_lt(flow[i].sent, bound);
        peer_reset(flow[i].fd);
    }
    echod_stop(&e);
}
END_TEST

START_TEST(resets_are_ordinary)
{
    struct children workers;
    struct flow flow[4];

    echod_start(&e);
    workers = process_children(e.pid);
    for (int i = 0; i < 100; i++) {
        int fd = peer_connect(&e);

        if (i % 2)
            peer_exchange(fd, "known");
        peer_send(fd, "never to be read");
        peer_reset(fd);
    }
    for (int i = 0; i < 4; i++)
        flow[i] = begin_small_flow();
    flow_stuff(flow, 4, 64 << 20);
    for (int i = 0; i < 4; i++)
        peer_reset(flow[i].fd);
    peer_finish(peer_connect(&e));
    ck_assert_mem_eq(workers.pid, process_children(e.pid).pid, sizeof(workers.pid));
    echod_stop(&e);
}
END_TEST

START_TEST(thousand_connections_are_served)
{
    enum { COUNT = 1000 };
    int fd[COUNT];

    peer_allow_descriptors(COUNT);
    echod_start(&e);
    for (int i = 0; i < COUNT; i++)
        fd[i] = peer_connect(&e);
    for (int i = 0; i < COUNT; i++)
        peer_send(fd[i], "one of thousand");
    for (int i = 0; i < COUNT; i++)
        peer_expect(fd[i], "one of thousand");
    for (int i = 0; i < COUNT; i++)
        peer_finish(fd[i]);
    echod_stop(&e);
}
END_TEST

/* Descriptors run out. */

enum { FEW_DESCRIPTORS = 48, MANY_PEERS = 120 };

static void limit_descriptors(void)
{
    const struct rlimit limit = {FEW_DESCRIPTORS, FEW_DESCRIPTORS};

    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void connect_and_send(int *fd, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        fd[i] = peer_connect(&e);
        peer_send(fd[i], "served");
    }
}

/* How many are answered; if CLOSES, these are closed. */
static unsigned take_answers(int *fd, unsigned count, bool closes)
{
    unsigned answered = 0;

    for (unsigned i = 0; i < count; i++) {
        if (fd[i] < 0 || !peer_is_readable(fd[i], 0))
            continue;
        answered++;
        if (!closes)
            continue;
        peer_expect(fd[i], "served");
        (void)close(fd[i]);
        fd[i] = -1;
    }
    return answered;
}

struct crowd {
    int fd[MANY_PEERS];
    unsigned answered;
};

static bool some_are_answered(void *context)
{
    struct crowd *crowd = context;

    return take_answers(crowd->fd, MANY_PEERS, false) > 0;
}

static bool all_are_answered(void *context)
{
    struct crowd *crowd = context;

    crowd->answered += take_answers(crowd->fd, MANY_PEERS, true);
    return crowd->answered == MANY_PEERS;
}

START_TEST(without_descriptors_echod_waits_and_goes_on)
{
    enum { WATCHED_MS = 1000 };
    struct crowd crowd = {.answered = 0};
    struct children workers;
    uint64_t cpu;

    e.prepare = limit_descriptors;
    start_with("workers = 1;");
    workers = process_children(e.pid);
    connect_and_send(crowd.fd, MANY_PEERS);
    harness_await(some_are_answered, &crowd, "the first ones");
    echod_await_error(&e, "cannot accept");
    cpu = process_tree_cpu_ms(e.pid);
    (void)echod_count_messages(&e, "", WATCHED_MS);
    ck_assert_uint_lt(process_tree_cpu_ms(e.pid) - cpu, WATCHED_MS / 4);
    ck_assert_uint_lt(take_answers(crowd.fd, MANY_PEERS, false), FEW_DESCRIPTORS);
    harness_await(all_are_answered, &crowd, "the others, when the first have closed");
    ck_assert_int_eq(process_children(e.pid).pid[0], workers.pid[0]);
    echod_stop(&e);
}
END_TEST

/* Limits. */

static bool is_let_in(void *context)
{
    int *fd = context;

    *fd = peer_connect(&e);
    if (peer_tries_exchange(*fd, "let in"))
        return true;
    (void)close(*fd);
    return false;
}

START_TEST(connection_over_limit_is_reset_and_its_place_is_free_again)
{
    int fd[3];

    start_with("workers = 2; limits: { connections = 3; };");
    for (int i = 0; i < 3; i++) {
        fd[i] = peer_connect(&e);
        peer_exchange(fd[i], "within");
    }
    for (int i = 0; i < 10; i++)
        peer_expect_refusal(&e);
    peer_finish(fd[1]);
    harness_await(is_let_in, &fd[1], "the place of one that closed");
    peer_expect_refusal(&e);
    for (int i = 0; i < 3; i++)
        peer_exchange(fd[i], "within");
    echod_stop(&e);
}
END_TEST

/* Exchanges bytes on BUSY until SILENT is closed. */
static void keep_busy_until_end(int busy, int silent)
{
    uint64_t deadline = harness_now_ms() + DEADLINE_MS;

    while (!peer_is_readable(silent, 20)) {
        ck_assert_msg(harness_now_ms() < deadline, "a silent connection lives on");
        peer_exchange(busy, "busy");
    }
    peer_expect_end(silent);
}

START_TEST(idle_timeout_ends_silent_connections_alone)
{
    int busy, silent;

    start_with("workers = 1; idle_timeout = 1;");
    busy = peer_connect(&e);
    for (int i = 0; i < 2; i++) {
        silent = peer_connect(&e);
        peer_exchange(silent, "before it falls silent");
        keep_busy_until_end(busy, silent);
    }
    peer_expect_end(busy); /* when it is silent, too */
    echod_stop(&e);
}
END_TEST

/* A connection, and when it said its last word. */
struct silent {
    int fd;
    uint64_t since_ms;
};

static struct silent speak_once(void)
{
    struct silent silent = {.fd = peer_connect(&e), .since_ms = harness_now_ms()};

    peer_send(silent.fd, "x");
    return silent;
}

START_TEST(idle_timeout_ends_none_of_many_early)
{
    enum { MANY = 9000, TIMEOUT_MS = 2000, TICK_MS = 100 /* that the worker may be behind */ };
    static struct silent silent[MANY];

    peer_allow_descriptors(MANY);
    start_with("workers = 2; idle_timeout = 2; limits: { connections_per_source = 0; };");
    for (unsigned i = 0; i < MANY; i++)
        silent[i] = speak_once();
    for (unsigned i = 0; i < MANY; i++) {
        peer_expect(silent[i].fd, "x");
        peer_expect_end(silent[i].fd);
        ck_assert_uint_ge(harness_now_ms() + TICK_MS, silent[i].since_ms + TIMEOUT_MS);
    }
    echod_stop(&e);
}
END_TEST

START_TEST(idle_timeout_of_zero_is_never)
{
    struct echod other;
    int lasting, silent;

    start_with("idle_timeout = 0;");
    lasting = peer_connect(&e);
    peer_exchange(lasting, "silent from here on");
    echod_init(&other);
    echod_configure(&other, "idle_timeout = 1;");
    echod_start(&other);
    silent = peer_connect(&other);
    peer_expect_end(silent);
    peer_exchange(lasting, "still there");
    echod_stop(&other);
    echod_stop(&e);
}
END_TEST

int main(void)
{
    TCase *tcase = harness_suite("check_echo");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, bytes_come_back);
    tcase_add_test(tcase, after_half_close_all_that_is_owed_comes_back);
    tcase_add_test(tcase, half_close_without_a_byte_ends_connection);
    tcase_add_test(tcase, many_small_messages_come_back_one_by_one);
    tcase_add_test(tcase, urgent_data_comes_back_in_line);
    tcase_add_test(tcase, urgent_byte_in_a_long_stream_comes_back_in_line);
    tcase_add_test(tcase, bytes_that_socket_takes_in_pieces_come_back_whole);
    tcase_add_test(tcase, silent_reader_is_not_read_from);
    tcase_add_test(tcase, silent_readers_cost_little_memory);
    tcase_add_test(tcase, resets_are_ordinary);
    tcase_add_test(tcase, thousand_connections_are_served);
    tcase_add_test(tcase, without_descriptors_echod_waits_and_goes_on);
    tcase_add_test(tcase, connection_over_limit_is_reset_and_its_place_is_free_again);
    tcase_add_test(tcase, idle_timeout_ends_silent_connections_alone);
    tcase_add_test(tcase, idle_timeout_ends_none_of_many_early);
    tcase_add_test(tcase, idle_timeout_of_zero_is_never);
    return harness_run();
}
