/* SPDX-License-Identifier: MIT */
#include "net/recovery.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>

#include <linux/sockios.h>

#include "net/proxy.h"
#include "net/proxy_header.h"
#include "recovery_case.h"
#include "suite.h"

enum { MESSAGE = 1000, SOME = 300, REST = MESSAGE - SOME };

/* ---- interrupted at each call of a step ---- */

static jmp_buf death;
static int moments; /* until it comes */

static void live_on(void)
{
    if (--moments == 0)
        longjmp(death, 1);
}

static ssize_t mortal_recv(int fd, void *to, size_t size, int flags)
{
    ssize_t n;

    live_on();
    n = recv(fd, to, size, flags);
    live_on();
    return n;
}

static ssize_t mortal_send(int fd, const void *from, size_t size, int flags)
{
    ssize_t n;

    live_on();
    n = sparing_send(fd, from, size, flags);
    live_on();
    return n;
}

static ssize_t mortal_splice(int from, off_t *from_at, int to, off_t *to_at, size_t size,
                             unsigned flags)
{
    ssize_t n;

    live_on();
    n = sparing_splice(from, from_at, to, to_at, size, flags);
    live_on();
    return n;
}

/* As in front of an urgent byte: all is moved by copying it. */
static ssize_t mortal_failing_splice(int from, off_t *from_at, int to, off_t *to_at, size_t size,
                                     unsigned flags)
{
    live_on();
    return failing_splice(from, from_at, to, to_at, size, flags);
}

/* A step that ends at this moment; 0: it does not. Whether it came so far. */
static bool step_until(int moment)
{
    moments = moment;
    if (setjmp(death))
        return true;
    (void)stream_step(&shared->slot, &io);
    return false;
}

enum kind { COPY, WRITE, MOVE, MOVE_NOTHING, KINDS };

static void set_scene(enum kind kind, size_t size)
{
    static const struct stream_calls calls = {mortal_recv, mortal_send, mortal_splice};
    static const struct stream_calls immobile = {mortal_recv, mortal_send, mortal_failing_splice};

    io.calls = kind == MOVE_NOTHING ? &immobile : &calls;
    close_pipe();
    stream_open_pipe(io.pipe);
    ck_assert_int_ge(io.pipe[0], 0);
    memset(shared->buffer, 0, sizeof(shared->buffer)); /* Nothing there is right by chance. */
    shared->slot.bulk = kind == MOVE || kind == MOVE_NOTHING;
    peer_sends(size);
    takes = SOME;
    if (kind == WRITE)
        ck_assert(!step_until(0));
}

static const size_t sizes[] = {1, MESSAGE, 40000};
static const size_t taken[] = {0, 1, SOME, SIZE_MAX};

/* Every call of a step, before it and after it, and the end of the step: the number of moments. */
static int interrupt_everywhere(enum kind kind, size_t size, size_t most)
{
    for (int moment = 1;; moment++) {
        bool died;

        set_scene(kind, size);
        takes = most;
        died = step_until(moment);
        ck_assert_int_eq(recover(), RECOVERED);
        assert_exact();
        ck_assert_int_eq(recover(), RECOVERED); /* Who did it was killed then. */
        assert_exact();
        serve_all();
        if (!died)
            return moment - 1;
    }
}

START_TEST(interrupted_step_loses_and_doubles_nothing)
{
    static const int calls[KINDS] = {[COPY] = 2, [WRITE] = 1, [MOVE] = 2, [MOVE_NOTHING] = 2};
    enum kind kind = (enum kind)_i;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (size_t j = 0; j < sizeof(taken) / sizeof(taken[0]); j++) {
            int count = interrupt_everywhere(kind, sizes[i], taken[j]);

            if (kind != WRITE || sizes[i] > SOME)
                ck_assert_int_eq(count, 2 * calls[kind] + (kind == MOVE_NOTHING));
        }
    end_stream();
}
END_TEST

/* The pipe is emptied piece by piece: what is out lies in the spill buffer. */
START_TEST(pipe_may_be_half_empty)
{
    for (size_t out = 0; out <= REST; out += REST / 7) {
        set_scene(MOVE, MESSAGE);
        ck_assert(step_until(4)); /* SOME were sent */
        ck_assert_int_eq(read(io.pipe[0], spill_at(shared->spill, NUMBER), out), (ssize_t)out);
        ck_assert_int_eq(recover(), RECOVERED);
        assert_exact();
        ck_assert_uint_eq(shared->slot.spill_end - shared->slot.spill_begin, REST);
        serve_all();
    }
    end_stream();
}
END_TEST

/* ---- the kernel's counters, in each state of TCP ---- */

/* A worker that read MESSAGE bytes and sent SOME of them, and died. */
static void die_in_a_step(void)
{
    set_scene(COPY, MESSAGE);
    ck_assert(step_until(4));
}

static void await(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    ck_assert_int_eq(poll(&p, 1, -1), 1);
}

static void owes_the_rest(void)
{
    ck_assert_int_eq(recover(), RECOVERED);
    assert_exact();
    ck_assert_uint_eq(shared->slot.spill_end - shared->slot.spill_begin, REST);
    ck_assert_uint_eq(shared->slot.sent, SOME);
}

START_TEST(unread_bytes_are_not_owed)
{
    die_in_a_step();
    peer_sends(77);
    owes_the_rest();
    ck_assert_uint_eq(unread(), 77);
    serve_all();
    end_stream();
}
END_TEST

START_TEST(end_of_the_peer_is_no_byte)
{
    die_in_a_step();
    if (_i > 0)
        peer_sends(77);
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    await(served, POLLRDHUP);
    owes_the_rest();
    end_stream();
}
END_TEST

START_TEST(end_that_was_read_is_no_byte)
{
    uint8_t byte;

    peer_sends(MESSAGE);
    serve_all();
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    await(served, POLLRDHUP);
    ck_assert_int_eq(recv(served, &byte, 1, 0), 0);
    ck_assert_int_eq(recover(), RECOVERED);
    assert_exact();
    ck_assert(!stream_owes(&shared->slot));
    end_stream();
}
END_TEST

START_TEST(urgent_bytes_are_bytes)
{
    uint8_t byte = byte_at(0);

    asked = 1;
    ck_assert_int_eq(send(peer, &byte, 1, MSG_OOB), 1);
    await(served, POLLIN);
    if (_i == 0) /* read, maybe with those behind it; else not read */
        die_in_a_step();
    ck_assert_int_eq(recover(), RECOVERED);
    assert_exact();
    serve_all();
    end_stream();
}
END_TEST

/* The peer does not read: what was written waits in both queues, and counts as written. */
START_TEST(peer_that_does_not_read_is_owed_no_less)
{
    int queued = 0;

    set_option(served, SOL_SOCKET, SO_SNDBUF, 4096);
    set_option(peer, SOL_SOCKET, SO_RCVBUF, 4096);
    do {
        set_scene(COPY, 10000);
        takes = SIZE_MAX;
        (void)step_until(4);
        ck_assert_int_eq(recover(), RECOVERED);
        assert_exact();
    } while (!stream_owes(&shared->slot));
    ck_assert_int_eq(ioctl(served, SIOCOUTQ, &queued), 0);
    ck_assert_int_gt(queued, 0);
    serve_all();
    end_stream();
}
END_TEST

START_TEST(connection_that_we_ended_is_over)
{
    die_in_a_step();
    ck_assert_int_eq(shutdown(served, SHUT_WR), 0);
    ck_assert_int_eq(recover(), RECOVERY_OVER); /* FIN_WAIT */
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    await(served, POLLRDHUP);
    ck_assert_int_eq(recover(), RECOVERY_OVER);
}
END_TEST

START_TEST(connection_that_both_ended_is_over)
{
    die_in_a_step();
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    await(served, POLLRDHUP);
    ck_assert_int_eq(shutdown(served, SHUT_WR), 0);
    ck_assert_int_eq(recover(), RECOVERY_OVER); /* LAST_ACK, or CLOSE */
}
END_TEST

START_TEST(connection_that_was_reset_is_over)
{
    die_in_a_step();
    stream_reset(peer);
    await(served, POLLHUP);
    ck_assert_int_eq(recover(), RECOVERY_OVER);
}
END_TEST

/* ---- PROXY headers ---- */

#define HEADER "PROXY TCP4 192.0.2.1 192.0.2.2 4711 7\r\n"

static void proxy_sends(const char *text)
{
    size_t before = unread();

    ck_assert_int_eq(send(peer, text, strlen(text), 0), (ssize_t)strlen(text));
    while (unread() < before + strlen(text))
        (void)sched_yield();
}

static enum proxy_next read_header(void)
{
    const char *fault;

    return proxy_step(&shared->slot, &io, &fault);
}

/* Whatever the dead worker made of what it read, it is read again. */
START_TEST(header_is_read_once_more)
{
    struct slot *slot = &shared->slot;
    const size_t length = strlen(HEADER);
    struct addr client;
    int here = _i;

    slot->header_due = true;
    proxy_sends(HEADER "ping");
    ck_assert_int_eq(recv(served, spill_at(shared->spill, NUMBER), PROXY_HEADER_MAX, 0),
                     (ssize_t)length + 4);
    slot->spill_end = here > 0 ? (uint32_t)length + 4 : 0;
    slot->spill_begin = here > 1 ? slot->spill_end : 0;
    slot->header = here > 2 ? (uint16_t)length : 0;
    client = addr_loopback(AF_INET, 4711);
    if (here > 3)
        slot_set_peer(slot, &client);
    slot->spill_begin = here > 4 ? (uint32_t)length : slot->spill_begin;
    slot->received = here > 5 ? 4 : 0;
    slot->header_due = here <= 6;
    ck_assert_int_eq(recover(), RECOVERED);
    if (here <= 6) {
        ck_assert_uint_eq(slot->spill_begin, length + 4);
        ck_assert_int_eq(read_header(), PROXY_CLIENT); /* though nothing new has come */
        proxy_begin_stream(slot, &io);
    }
    ck_assert_uint_eq(slot->header, length);
    ck_assert_uint_eq(slot->spill_end - slot->spill_begin, 4);
    ck_assert_mem_eq(spill_at(shared->spill, NUMBER) + slot->spill_begin, "ping", 4);
}
END_TEST

START_TEST(header_is_no_part_of_the_stream)
{
    shared->slot.header_due = true;
    proxy_sends(HEADER);
    ck_assert_int_eq(read_header(), PROXY_CLIENT);
    proxy_begin_stream(&shared->slot, &io);
    die_in_a_step();
    owes_the_rest();
    serve_all();
    end_stream();
}
END_TEST

/* A header is all that may be owed when one is due. */
START_TEST(header_that_is_too_long_is_unknown)
{
    static uint8_t bytes[PROXY_HEADER_MAX + 1];

    shared->slot.header_due = true;
    peer_sends(sizeof(bytes));
    ck_assert_int_eq(recv(served, bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
    ck_assert_int_eq(recover(), RECOVERY_UNKNOWN);
}
END_TEST

/* ---- what cannot be known ---- */

static enum recovery recover_between_steps(void)
{
    const struct wreck wreck = {.number = NUMBER, .spill = shared->spill, .pipe = -1};

    return recovery_of_stream(&shared->slot, served, &wreck);
}

static void become_unix(void)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    ck_assert_int_eq(close(peer), 0);
    ck_assert_int_eq(close(served), 0);
    served = pair[0];
    peer = pair[1];
    shared->slot.fd = served;
}

/* Another socket has no counters: the slot alone says what is owed, and only between two steps. */
START_TEST(unix_socket_is_known_between_steps)
{
    become_unix();
    set_scene(COPY, MESSAGE);
    (void)step_until(0);
    ck_assert_int_eq(recover(), RECOVERY_UNKNOWN);
    ck_assert_int_eq(recover_between_steps(), RECOVERED);
    assert_exact();
    ck_assert_uint_eq(shared->slot.spill_end - shared->slot.spill_begin, REST);
    serve_all();
    end_stream();
}
END_TEST

START_TEST(slot_that_contradicts_itself_is_unknown)
{
    set_scene(COPY, MESSAGE);
    (void)step_until(0);
    stream_drop(&shared->slot, &io); /* It was being closed. */
    ck_assert_int_eq(recover_between_steps(), RECOVERY_UNKNOWN);
    ck_assert_int_eq(recover(), RECOVERY_UNKNOWN);
}
END_TEST

/* Urgent bytes that do not come with the others are none of those that are read, but count. */
START_TEST(without_urgent_bytes_inline_it_is_unknown)
{
    drop_case();
    make_case();
    set_option(served, SOL_SOCKET, SO_OOBINLINE, 0);
    die_in_a_step();
    ck_assert_int_eq(recover(), RECOVERY_UNKNOWN);
}
END_TEST

static const struct lie {
    const char *name;
    enum kind kind;
    void (*tell)(struct slot *slot);
} lies[];

static void more_received(struct slot *slot)
{
    slot->received = MESSAGE + 1;
}

static void much_less_received(struct slot *slot)
{
    slot->received -= (uint64_t)1 << 40;
}

static void end_is_too_far(struct slot *slot)
{
    slot->spill_end = SPILL_BYTES + 1;
}

static void end_is_too_near(struct slot *slot)
{
    slot->spill_end = REST - 1;
}

static void long_header(struct slot *slot)
{
    slot->header = MESSAGE + 1;
}

static void too_long_header(struct slot *slot)
{
    slot->header = REST + 1;
}

static void no_pipe(struct slot *slot)
{
    (void)slot;
    close_pipe();
}

static void fuller_pipe(struct slot *slot)
{
    (void)slot;
    ck_assert_int_eq(write(io.pipe[1], "x", 1), 1);
}

static const struct lie lies[] = {
    {"more received", WRITE, more_received},
    {"much less received", COPY, much_less_received},
    {"end too far", WRITE, end_is_too_far},
    {"end too near", WRITE, end_is_too_near},
    {"long header", COPY, long_header},
    {"header that leaves too little", WRITE, too_long_header},
    {"no pipe", MOVE, no_pipe},
    {"fuller pipe", MOVE, fuller_pipe},
};

enum { LIES = sizeof(lies) / sizeof(lies[0]) };

/* Who wrote it may have been an attacker's: rather a reset than wrong bytes, or worse. */
START_TEST(lies_are_not_believed)
{
    set_scene(lies[_i].kind, MESSAGE);
    takes = 0;
    ck_assert(step_until(lies[_i].kind == WRITE ? 2 : 4));
    takes = SOME;
    lies[_i].tell(&shared->slot);
    ck_assert_msg(recover() == RECOVERY_UNKNOWN, "%s", lies[_i].name);
}
END_TEST

/* Between two steps as well: a byte that is neither 0 nor 1 is no bool to who goes on. */
START_TEST(flags_are_made_flags)
{
    static const uint8_t odd = 69;
    const struct wreck wreck = {.pipe = -1};
    struct slot slot = {.fd = -1};

    memcpy(&slot.header_due, &odd, 1);
    memcpy(&slot.bulk, &odd, 1);
    memcpy(&slot.piped, &odd, 1);
    ck_assert(recovery_of_stream(&slot, -1, &wreck) == RECOVERED);
    ck_assert_uint_eq(*(const uint8_t *)&slot.header_due, 1);
    ck_assert_uint_eq(*(const uint8_t *)&slot.bulk, 0);
    ck_assert_uint_eq(*(const uint8_t *)&slot.piped, 0);
}
END_TEST

/* Whatever stands in the slot: what is not this connection's is neither read nor written. */
START_TEST(garbage_does_no_harm)
{
    enum { ROUNDS = 20000, SEED = 862 };
    unsigned state = SEED;
    struct slot before;
    int known = 0;

    die_in_a_step();
    before = shared->slot;
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t *bytes = (uint8_t *)&shared->slot;

        shared->slot = before;
        for (int j = rand_r(&state) % 16; j >= 0; j--)
            bytes[(unsigned)rand_r(&state) % sizeof(struct slot)] = (uint8_t)rand_r(&state);
        known += recover() == RECOVERED;
    }
    ck_assert_int_gt(known, 0);
    ck_assert_int_lt(known, ROUNDS);
}
END_TEST

/* ---- without a slot ---- */

START_TEST(stranger_that_owes_nothing_goes_on)
{
    peer_sends(MESSAGE);
    serve_all();
    peer_sends(77);
    make_slot();
    ck_assert_int_eq(recovery_of_stranger(&shared->slot, served), RECOVERED);
    assert_exact();
    serve_all();
    end_stream();
    ck_assert_int_eq(recovery_of_stranger(&shared->slot, served), RECOVERY_OVER);
}
END_TEST

START_TEST(stranger_that_owes_is_unknown)
{
    die_in_a_step();
    make_slot();
    ck_assert_int_eq(recovery_of_stranger(&shared->slot, served), RECOVERY_UNKNOWN);
    become_unix();
    ck_assert_int_eq(recovery_of_stranger(&shared->slot, served), RECOVERY_UNKNOWN);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("recovery");

    tcase_add_checked_fixture(tcase, make_case, drop_case);
    tcase_add_loop_test(tcase, interrupted_step_loses_and_doubles_nothing, 0, KINDS);
    tcase_add_test(tcase, pipe_may_be_half_empty);
    tcase_add_test(tcase, unread_bytes_are_not_owed);
    tcase_add_loop_test(tcase, end_of_the_peer_is_no_byte, 0, 2);
    tcase_add_test(tcase, end_that_was_read_is_no_byte);
    tcase_add_loop_test(tcase, urgent_bytes_are_bytes, 0, 2);
    tcase_add_test(tcase, peer_that_does_not_read_is_owed_no_less);
    tcase_add_test(tcase, connection_that_we_ended_is_over);
    tcase_add_test(tcase, connection_that_both_ended_is_over);
    tcase_add_test(tcase, connection_that_was_reset_is_over);
    tcase_add_loop_test(tcase, header_is_read_once_more, 0, 8);
    tcase_add_test(tcase, header_is_no_part_of_the_stream);
    tcase_add_test(tcase, header_that_is_too_long_is_unknown);
    tcase_add_test(tcase, unix_socket_is_known_between_steps);
    tcase_add_test(tcase, slot_that_contradicts_itself_is_unknown);
    tcase_add_test(tcase, without_urgent_bytes_inline_it_is_unknown);
    tcase_add_loop_test(tcase, lies_are_not_believed, 0, LIES);
    tcase_add_test(tcase, flags_are_made_flags);
    tcase_add_test(tcase, garbage_does_no_harm);
    tcase_add_test(tcase, stranger_that_owes_nothing_goes_on);
    tcase_add_test(tcase, stranger_that_owes_is_unknown);
    return suite_run("recovery", tcase);
}
