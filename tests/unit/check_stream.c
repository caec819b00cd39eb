/* SPDX-License-Identifier: MIT */
#include "net/stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"

enum { FD = 1234, NOW = 777, SPILL_BUFFERS = 8, NUMBER = 3 };

static uint8_t buffer[STREAM_BUFFER];
static _Alignas(4096) uint8_t spill_memory[SPILL_BUFFERS * SPILL_BYTES];
static struct stats stats;
static struct stream_io io;
static struct slot slot;

static bool spill_is_unused(void)
{
    return slot.spill_begin == 0 && slot.spill_end == 0;
}

/* Peers send what tells its place: byte AT of a connection, no period a power of two. */
static uint8_t byte_at(uint64_t at)
{
    return (uint8_t)(at * 7 + at / 251 + at / 65521);
}

/* -- Scripts: what the socket answers to one step, call by call. -- */

struct call {
    enum { RECEIVE, SEND, MOVE_IN, MOVE_OUT } kind; /* the latter two are splice(2) */
    ssize_t result;
    int error;
};

#define RECV(n)                                                                                    \
    {                                                                                              \
        RECEIVE, (n), 0                                                                            \
    }
#define RECV_FAILS(e)                                                                              \
    {                                                                                              \
        RECEIVE, -1, (e)                                                                           \
    }
#define SENT(n)                                                                                    \
    {                                                                                              \
        SEND, (n), 0                                                                               \
    }
#define SEND_FAILS(e)                                                                              \
    {                                                                                              \
        SEND, -1, (e)                                                                              \
    }

#define MOVED_IN(n)                                                                                \
    {                                                                                              \
        MOVE_IN, (n), 0                                                                            \
    }
#define MOVE_IN_FAILS(e)                                                                           \
    {                                                                                              \
        MOVE_IN, -1, (e)                                                                           \
    }
#define MOVED_OUT(n)                                                                               \
    {                                                                                              \
        MOVE_OUT, (n), 0                                                                           \
    }
#define MOVE_OUT_FAILS(e)                                                                          \
    {                                                                                              \
        MOVE_OUT, -1, (e)                                                                          \
    }

static struct {
    const struct call *next;
    size_t left;
    uint64_t received, sent; /* successfully, as the peer sees it */
} script;

static const struct call *script_next(int kind)
{
    ck_assert_msg(script.left > 0, "one call more than the step should make");
    script.left--;
    ck_assert_int_eq(script.next->kind, kind);
    return script.next++;
}

static ssize_t script_answer(const struct call *call)
{
    errno = call->error;
    return call->result;
}

static ssize_t script_recv(int fd, void *to, size_t size, int flags)
{
    const struct call *call = script_next(RECEIVE);

    ck_assert_int_eq(fd, FD);
    ck_assert_int_eq(flags, MSG_DONTWAIT);
    ck_assert_ptr_eq(to, buffer);
    ck_assert_uint_eq(size, STREAM_BUFFER);
    ck_assert_msg(script.received == script.sent, "read while something is owed");
    for (ssize_t i = 0; i < call->result; i++)
        ((uint8_t *)to)[i] = byte_at(script.received++);
    return script_answer(call);
}

static ssize_t script_send(int fd, const void *from, size_t size, int flags)
{
    const struct call *call = script_next(SEND);

    ck_assert_int_eq(fd, FD);
    ck_assert_int_eq(flags, MSG_NOSIGNAL | MSG_DONTWAIT);
    ck_assert_uint_eq(size, script.received - script.sent); /* all that is owed is offered */
    for (ssize_t i = 0; i < call->result; i++)
        ck_assert_uint_eq(((const uint8_t *)from)[i], byte_at(script.sent++));
    return script_answer(call);
}

static uint8_t bytes[STREAM_BUFFER];

/* What a splice(2) takes from the socket or gives to it, where the pipe is a real one. */
static ssize_t script_splice(int from, off_t *from_at, int to, off_t *to_at, size_t size,
                             unsigned flags)
{
    const struct call *call = script_next(from == FD ? MOVE_IN : MOVE_OUT);
    size_t n = call->result > 0 ? (size_t)call->result : 0;

    ck_assert(from_at == NULL && to_at == NULL && flags == 0);
    ck_assert_int_eq(from == FD ? to : from, io.pipe[from == FD]);
    ck_assert_uint_le(n, size);
    if (from == FD) {
        ck_assert_msg(script.received == script.sent, "read while something is owed");
        for (size_t i = 0; i < n; i++)
            bytes[i] = byte_at(script.received++);
        ck_assert_int_eq(write(to, bytes, n), (ssize_t)n);
        return script_answer(call);
    }
    ck_assert_int_eq(to, FD);
    ck_assert_uint_eq(size, script.received - script.sent);
    ck_assert_int_eq(n > 0 ? read(from, bytes, n) : 0, (ssize_t)n);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(bytes[i], byte_at(script.sent++));
    return script_answer(call);
}

static enum stream_next play(const struct call *calls, size_t count)
{
    enum stream_next next;

    script.next = calls;
    script.left = count;
    next = stream_step(&slot, &io);
    ck_assert_msg(script.left == 0, "%zu calls less than the step should make", script.left);
    ck_assert_uint_eq(slot.received, script.received);
    ck_assert_uint_eq(slot.sent, script.sent);
    ck_assert_uint_eq(stats_read(&stats.received), script.received);
    ck_assert_uint_eq(stats_read(&stats.sent), script.sent);
    return next;
}

/* One step makes exactly these calls and comes to this end. */
#define STEP(next, ...)                                                                            \
    ck_assert_int_eq(play((const struct call[]){__VA_ARGS__},                                      \
                          sizeof((const struct call[]){__VA_ARGS__}) / sizeof(struct call)),       \
                     (next))

/* The connection breaks, for this reason. */
#define BREAKS(error, ...)                                                                         \
    do {                                                                                           \
        STEP(STREAM_BROKEN, __VA_ARGS__);                                                          \
        ck_assert_int_eq(errno, (error));                                                          \
    } while (0)

static void make_stream(void)
{
    static const struct stream_calls calls = {
        .recv = script_recv, .send = script_send, .splice = script_splice};

    memset(&script, 0, sizeof(script));
    stats = (struct stats){0};
    slot = (struct slot){.fd = FD, .number = NUMBER};
    io = (struct stream_io){
        .calls = &calls,
        .buffer = buffer,
        .spill = spill_memory,
        .pipe = {-1, -1},
        .stats = &stats,
        .now_ms = NOW,
    };
}

static void close_pipe(void)
{
    for (int i = 0; i < 2; i++)
        if (io.pipe[i] >= 0)
            ck_assert_int_eq(close(io.pipe[i]), 0);
}

START_TEST(echoes_what_it_read)
{
    STEP(STREAM_READ, RECV(100), SENT(100));
    STEP(STREAM_READ, RECV(1), SENT(1));
    STEP(STREAM_READ, RECV(STREAM_BUFFER), SENT(STREAM_BUFFER));
    ck_assert(spill_is_unused());
}
END_TEST

START_TEST(ends_when_the_peer_has_sent_its_last_byte)
{
    STEP(STREAM_READ, RECV(100), SENT(100));
    STEP(STREAM_FINISHED, RECV(0));
}
END_TEST

START_TEST(ends_though_nothing_was_ever_sent)
{
    STEP(STREAM_FINISHED, RECV(0));
}
END_TEST

START_TEST(short_write_is_continued_where_it_stopped)
{
    STEP(STREAM_WRITE, RECV(100), SENT(40));
    ck_assert(stream_owes(&slot));
    STEP(STREAM_WRITE, SENT(1));
    STEP(STREAM_WRITE, SENT(58));
    STEP(STREAM_READ, SENT(1));
    ck_assert(!stream_owes(&slot));
    STEP(STREAM_READ, RECV(5), SENT(5));
}
END_TEST

START_TEST(whole_buffer_can_be_owed)
{
    STEP(STREAM_WRITE, RECV(STREAM_BUFFER), SEND_FAILS(EAGAIN));
    STEP(STREAM_WRITE, SENT(STREAM_BUFFER - 1));
    STEP(STREAM_READ, SENT(1));
}
END_TEST

START_TEST(end_of_data_cannot_overtake_the_data)
{
    STEP(STREAM_WRITE, RECV(100), SENT(40));
    STEP(STREAM_WRITE, SENT(30));
    STEP(STREAM_READ, SENT(30));
    STEP(STREAM_FINISHED, RECV(0));
}
END_TEST

static const int transients[] = {EAGAIN, EINTR};

START_TEST(transient_error_of_recv_waits)
{
    STEP(STREAM_READ, RECV_FAILS(transients[_i]));
    STEP(STREAM_READ, RECV(10), SENT(10));
}
END_TEST

START_TEST(transient_error_of_send_keeps_the_bytes)
{
    STEP(STREAM_WRITE, RECV(100), SEND_FAILS(transients[_i]));
    STEP(STREAM_WRITE, SEND_FAILS(transients[_i]));
    STEP(STREAM_WRITE, SENT(50));
    STEP(STREAM_WRITE, SEND_FAILS(transients[_i]));
    STEP(STREAM_READ, SENT(50));
}
END_TEST

START_TEST(send_that_takes_nothing_keeps_the_bytes)
{
    STEP(STREAM_WRITE, RECV(100), SENT(0));
    STEP(STREAM_WRITE, SENT(0));
    STEP(STREAM_READ, SENT(100));
}
END_TEST

static const int failures[] = {ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH, ENOMEM};

START_TEST(error_of_recv_breaks)
{
    STEP(STREAM_READ, RECV(10), SENT(10));
    BREAKS(failures[_i], RECV_FAILS(failures[_i]));
    ck_assert(spill_is_unused());
}
END_TEST

START_TEST(error_of_send_breaks)
{
    BREAKS(failures[_i], RECV(10), SEND_FAILS(failures[_i]));
    ck_assert(spill_is_unused());
}
END_TEST

START_TEST(error_while_bytes_are_owed_breaks)
{
    STEP(STREAM_WRITE, RECV(100), SENT(40));
    BREAKS(failures[_i], SEND_FAILS(failures[_i]));
    stream_drop(&slot, &io);
    ck_assert(spill_is_unused());
}
END_TEST

START_TEST(spill_buffer_is_held_only_while_bytes_are_owed)
{
    ck_assert(!stream_owes(&slot));
    STEP(STREAM_WRITE, RECV(100), SENT(99));
    ck_assert(stream_owes(&slot));
    STEP(STREAM_READ, SENT(1));
    ck_assert(!stream_owes(&slot));
    ck_assert(spill_is_unused());
}
END_TEST

START_TEST(bytes_owed_lie_in_the_slots_own_buffer)
{
    static const uint8_t untouched[SPILL_BYTES];

    memset(spill_memory, 0, sizeof(spill_memory));
    STEP(STREAM_WRITE, RECV(100), SENT(40));
    ck_assert_uint_eq(slot.spill_end - slot.spill_begin, 60);
    for (uint32_t i = 0; i < SPILL_BUFFERS; i++)
        ck_assert_int_eq(memcmp(spill_at(spill_memory, i), untouched, SPILL_BYTES) == 0,
                         i != NUMBER);
}
END_TEST

START_TEST(drop_forgets_what_is_owed)
{
    STEP(STREAM_WRITE, RECV(100), SENT(40));
    stream_drop(&slot, &io);
    ck_assert(!stream_owes(&slot));
    ck_assert(spill_is_unused());
    stream_drop(&slot, &io); /* harmless */
}
END_TEST

START_TEST(only_bytes_that_move_are_activity)
{
    STEP(STREAM_READ, RECV_FAILS(EAGAIN));
    ck_assert_uint_eq(slot.active_ms, 0);
    STEP(STREAM_WRITE, RECV(100), SEND_FAILS(EAGAIN));
    ck_assert_uint_eq(slot.active_ms, NOW);
    io.now_ms = NOW + 1;
    STEP(STREAM_WRITE, SEND_FAILS(EAGAIN));
    ck_assert_uint_eq(slot.active_ms, NOW);
    STEP(STREAM_WRITE, SENT(1));
    ck_assert_uint_eq(slot.active_ms, NOW + 1);
    io.now_ms = NOW + 2;
    STEP(STREAM_READ, SENT(99));
    ck_assert_uint_eq(slot.active_ms, NOW + 2);
    io.now_ms = NOW + 3;
    STEP(STREAM_FINISHED, RECV(0));
    ck_assert_uint_eq(slot.active_ms, NOW + 2);
}
END_TEST

START_TEST(system_calls_move_real_bytes)
{
    int pair[2];
    char answer[8];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    slot.fd = pair[0];
    io.calls = stream_syscalls();
    ck_assert_int_eq(stream_step(&slot, &io), STREAM_READ); /* blocking sockets, yet no wait */
    ck_assert_int_eq(send(pair[1], "seven", 5, 0), 5);
    ck_assert_int_eq(stream_step(&slot, &io), STREAM_READ);
    ck_assert_int_eq(recv(pair[1], answer, sizeof(answer), MSG_DONTWAIT), 5);
    ck_assert_mem_eq(answer, "seven", 5);
    ck_assert_int_eq(send(pair[1], "x", 1, 0), 1);
    ck_assert_int_eq(shutdown(pair[1], SHUT_RD), 0);
    ck_assert_int_eq(stream_step(&slot, &io), STREAM_BROKEN); /* and no SIGPIPE */
    ck_assert_int_eq(errno, EPIPE);
    (void)close(pair[0]);
    (void)close(pair[1]);
}
END_TEST

/* -- Long streams, which are moved. -- */

enum { MUCH = 60000 }; /* more than half of what one call may move */

/* A stream that filled the buffer. */
static void become_bulk(void)
{
    if (io.pipe[0] < 0)
        stream_open_pipe(io.pipe);
    ck_assert_int_ge(io.pipe[0], 0);
    STEP(STREAM_READ, RECV(STREAM_BUFFER), SENT(STREAM_BUFFER));
}

START_TEST(full_buffer_makes_it_move)
{
    become_bulk();
    STEP(STREAM_READ, MOVED_IN(MUCH), MOVED_OUT(MUCH));
    STEP(STREAM_READ, MOVED_IN(MUCH), MOVED_OUT(MUCH));
}
END_TEST

START_TEST(without_a_pipe_everything_is_copied)
{
    for (int i = 0; i < 3; i++)
        STEP(STREAM_READ, RECV(STREAM_BUFFER), SENT(STREAM_BUFFER));
}
END_TEST

START_TEST(little_is_copied_again)
{
    become_bulk();
    STEP(STREAM_READ, MOVED_IN(100), MOVED_OUT(100));
    STEP(STREAM_READ, RECV(100), SENT(100));
}
END_TEST

START_TEST(short_move_is_continued_where_it_stopped)
{
    become_bulk();
    STEP(STREAM_WRITE, MOVED_IN(MUCH), MOVED_OUT(10));
    STEP(STREAM_WRITE, SENT(20));
    STEP(STREAM_READ, SENT(MUCH - 30));
    STEP(STREAM_READ, MOVED_IN(MUCH), MOVED_OUT(MUCH));
}
END_TEST

START_TEST(move_that_takes_nothing_keeps_the_bytes)
{
    become_bulk();
    STEP(STREAM_WRITE, MOVED_IN(MUCH), MOVE_OUT_FAILS(_i ? EAGAIN : EINTR));
    STEP(STREAM_READ, SENT(MUCH));
}
END_TEST

START_TEST(broken_move_leaves_nothing_to_the_next)
{
    become_bulk();
    BREAKS(EPIPE, MOVED_IN(MUCH), MOVE_OUT_FAILS(EPIPE));
    script.received = script.sent = 0;
    slot = (struct slot){.fd = FD, .number = NUMBER};
    stats = (struct stats){0};
    become_bulk();
    STEP(STREAM_READ, MOVED_IN(MUCH), MOVED_OUT(MUCH));
}
END_TEST

START_TEST(where_nothing_can_be_moved_recv_has_the_last_word)
{
    become_bulk();
    STEP(STREAM_READ, MOVE_IN_FAILS(EAGAIN), RECV_FAILS(EAGAIN));
    STEP(STREAM_READ, MOVED_IN(MUCH), MOVED_OUT(MUCH));
    STEP(STREAM_READ, MOVE_IN_FAILS(EAGAIN), RECV(1), SENT(1)); /* an urgent byte */
    become_bulk();
    STEP(STREAM_READ, MOVED_IN(0), RECV(1), SENT(1));
    become_bulk();
    STEP(STREAM_FINISHED, MOVED_IN(0), RECV(0));
}
END_TEST

START_TEST(socket_that_cannot_move_is_copied)
{
    become_bulk();
    STEP(STREAM_READ, MOVE_IN_FAILS(EINVAL), RECV(5), SENT(5));
    STEP(STREAM_READ, RECV(5), SENT(5));
}
END_TEST

/* splice(2) takes the error away: recv(2) would only see an end. */
START_TEST(reset_of_a_long_stream_breaks)
{
    become_bulk();
    BREAKS(ECONNRESET, MOVE_IN_FAILS(ECONNRESET));
}
END_TEST

/* Where the spill buffer has no memory; the bytes in the pipe must not become another peer's. */
START_TEST(bytes_that_cannot_be_kept_do_not_stay_in_the_pipe)
{
    become_bulk();
    io.spill = NULL;
    BREAKS(EFAULT, MOVED_IN(MUCH), MOVED_OUT(10));
    io.spill = spill_memory;
    script.received = script.sent = 0;
    slot = (struct slot){.fd = FD, .number = NUMBER};
    stats = (struct stats){0};
    become_bulk();
    STEP(STREAM_READ, MOVED_IN(MUCH), MOVED_OUT(MUCH));
}
END_TEST

/* -- Random scripts: a few peers at once, each with a mind of its own. -- */

enum { PEERS = 5, RUNS = 60, SEED = 862 };

static struct peer {
    uint64_t length; /* bytes that it sends in all */
    uint64_t asked, answered;
    bool finished;
    struct slot slot;
} peers[PEERS];

static unsigned calls_in_step[4];
static unsigned seed, random_state, moves;

static unsigned random_below(unsigned limit)
{
    return (unsigned)rand_r(&random_state) % limit;
}

/* Small and large ones are equally likely. */
static size_t random_size(size_t most)
{
    size_t size = (size_t)1 << random_below(17);

    size += random_below((unsigned)size);
    return size < most ? size : most;
}

static ssize_t fail_for_now(void)
{
    errno = random_below(2) ? EAGAIN : EINTR;
    return -1;
}

static ssize_t peer_recv(int fd, void *to, size_t size, int flags)
{
    struct peer *peer = &peers[fd];
    uint64_t left = peer->length - peer->asked;
    size_t most = left < size ? (size_t)left : size;
    size_t n = random_below(2) ? most : random_size(most);

    (void)flags;
    calls_in_step[RECEIVE]++;
    ck_assert_uint_eq(peer->asked, peer->answered);
    if (random_below(4) == 0)
        return fail_for_now();
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)to)[i] = byte_at((uint64_t)fd * 1000003 + peer->asked++);
    return (ssize_t)n;
}

static ssize_t peer_send(int fd, const void *from, size_t size, int flags)
{
    struct peer *peer = &peers[fd];
    size_t n = random_below(2) ? size : random_size(size);

    (void)flags;
    calls_in_step[SEND]++;
    ck_assert_uint_eq(size, peer->asked - peer->answered);
    if (random_below(3) == 0)
        return random_below(3) ? fail_for_now() : 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t expected = byte_at((uint64_t)fd * 1000003 + peer->answered++);

        if (((const uint8_t *)from)[i] != expected) /* one assertion a byte would take minutes */
            ck_abort_msg("seed %u: byte %zu of %zu is wrong", seed, i, size);
    }
    return (ssize_t)n;
}

static ssize_t peer_splice(int from, off_t *from_at, int to, off_t *to_at, size_t size,
                           unsigned flags)
{
    bool in = to == io.pipe[1];
    ssize_t n;

    (void)from_at;
    (void)to_at;
    (void)flags;
    if (in) {
        n = peer_recv(from, bytes, size, 0);
        ck_assert_int_eq(n > 0 ? write(to, bytes, (size_t)n) : n, n);
        calls_in_step[RECEIVE]--;
    } else {
        /* What is taken is not known beforehand: look at all, and take that. */
        ck_assert_int_eq(read(from, bytes, size), (ssize_t)size);
        n = peer_send(to, bytes, size, 0);
        if (n < (ssize_t)size) {
            size_t taken = n > 0 ? (size_t)n : 0;

            ck_assert_int_eq(write(io.pipe[1], bytes + taken, size - taken),
                             (ssize_t)(size - taken));
        }
        calls_in_step[SEND]--;
    }
    calls_in_step[in ? MOVE_IN : MOVE_OUT]++;
    return n;
}

static void step_peer(struct peer *peer)
{
    enum stream_next next;

    memset(calls_in_step, 0, sizeof(calls_in_step));
    next = stream_step(&peer->slot, &io);
    ck_assert_uint_le(calls_in_step[RECEIVE], 1);
    ck_assert_uint_le(calls_in_step[MOVE_IN], 1);
    ck_assert_uint_le(calls_in_step[SEND] + calls_in_step[MOVE_OUT], 1);
    moves += calls_in_step[MOVE_OUT];
    ck_assert_msg(next != STREAM_BROKEN, "seed %u", seed);
    ck_assert_int_eq(next == STREAM_WRITE, peer->asked != peer->answered);
    ck_assert_int_eq(next == STREAM_WRITE, stream_owes(&peer->slot));
    peer->finished = next == STREAM_FINISHED;
}

/* All are served, in random order, until each has ended: the bytes they sent in all. */
static uint64_t run_peers(void)
{
    uint64_t total = 0;

    for (int i = 0; i < PEERS; i++) {
        peers[i] = (struct peer){.length = random_size(131072) * random_below(8),
                                 .slot = {.fd = i, .number = (uint32_t)i}};
        total += peers[i].length;
    }
    for (int open = PEERS; open > 0;) {
        struct peer *peer = &peers[random_below(PEERS)];

        if (peer->finished)
            continue;
        step_peer(peer);
        open -= peer->finished;
    }
    return total;
}

static void assert_all_came_back(uint64_t total)
{
    for (int i = 0; i < PEERS; i++) {
        ck_assert_uint_eq(peers[i].answered, peers[i].length);
        ck_assert_uint_eq(peers[i].slot.received, peers[i].length);
        ck_assert_uint_eq(peers[i].slot.sent, peers[i].length);
        ck_assert(!stream_owes(&peers[i].slot));
    }
    ck_assert_uint_eq(stats_read(&stats.received), total);
    ck_assert_uint_eq(stats_read(&stats.sent), total);
}

START_TEST(every_byte_comes_back_in_order_once)
{
    static const struct stream_calls calls = {
        .recv = peer_recv, .send = peer_send, .splice = peer_splice};
    uint64_t total = 0;

    io.calls = &calls;
    if (_i)
        stream_open_pipe(io.pipe);
    for (seed = SEED; seed < SEED + RUNS; seed++) {
        random_state = seed;
        total += run_peers();
        assert_all_came_back(total);
    }
    ck_assert_msg(_i ? moves > 10 : moves == 0, "moves: %u", moves);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("stream");

    printf("random scripts: seeds %d to %d\n", SEED, SEED + RUNS - 1);
    tcase_add_checked_fixture(tcase, make_stream, close_pipe);
    tcase_add_test(tcase, echoes_what_it_read);
    tcase_add_test(tcase, ends_when_the_peer_has_sent_its_last_byte);
    tcase_add_test(tcase, ends_though_nothing_was_ever_sent);
    tcase_add_test(tcase, short_write_is_continued_where_it_stopped);
    tcase_add_test(tcase, whole_buffer_can_be_owed);
    tcase_add_test(tcase, end_of_data_cannot_overtake_the_data);
    tcase_add_loop_test(tcase, transient_error_of_recv_waits, 0, 2);
    tcase_add_loop_test(tcase, transient_error_of_send_keeps_the_bytes, 0, 2);
    tcase_add_test(tcase, send_that_takes_nothing_keeps_the_bytes);
    tcase_add_loop_test(tcase, error_of_recv_breaks, 0, 5);
    tcase_add_loop_test(tcase, error_of_send_breaks, 0, 5);
    tcase_add_loop_test(tcase, error_while_bytes_are_owed_breaks, 0, 5);
    tcase_add_test(tcase, spill_buffer_is_held_only_while_bytes_are_owed);
    tcase_add_test(tcase, bytes_owed_lie_in_the_slots_own_buffer);
    tcase_add_test(tcase, drop_forgets_what_is_owed);
    tcase_add_test(tcase, only_bytes_that_move_are_activity);
    tcase_add_test(tcase, system_calls_move_real_bytes);
    tcase_add_test(tcase, full_buffer_makes_it_move);
    tcase_add_test(tcase, without_a_pipe_everything_is_copied);
    tcase_add_test(tcase, little_is_copied_again);
    tcase_add_test(tcase, short_move_is_continued_where_it_stopped);
    tcase_add_loop_test(tcase, move_that_takes_nothing_keeps_the_bytes, 0, 2);
    tcase_add_test(tcase, broken_move_leaves_nothing_to_the_next);
    tcase_add_test(tcase, where_nothing_can_be_moved_recv_has_the_last_word);
    tcase_add_test(tcase, socket_that_cannot_move_is_copied);
    tcase_add_test(tcase, reset_of_a_long_stream_breaks);
    tcase_add_test(tcase, bytes_that_cannot_be_kept_do_not_stay_in_the_pipe);
    tcase_add_loop_test(tcase, every_byte_comes_back_in_order_once, 0, 2);
    return suite_run("stream", tcase);
}
