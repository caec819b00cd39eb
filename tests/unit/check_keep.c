/* SPDX-License-Identifier: MIT */
#include "daemon/supervisor_state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"

/*
 * Copies of connections, and what becomes of them when workers die: the supervisor's side is real,
 * the workers are played by the test, and connections are socket pairs.
 */

enum { MEMBERS = 2, PLACES = 3, CONNECTIONS = 8, DESCRIPTORS = 1024 };

static struct supervisor s;
static int worker_end[PLACES];

/* The slot of each connection, its descriptor in the worker, and its peer's. */
static struct connection {
    uint32_t slot;
    int fd, peer;
} connection[CONNECTIONS];

static void add_member(uint32_t number)
{
    int pair[2];

    ck_assert_int_eq(channel_pair(pair), 0);
    s.crew.member[number] =
        (struct member){.state = MEMBER_SERVING, .channel = pair[0], .awaited = MEMBER_NOBODY};
    worker_end[number] = pair[1];
    arena_use_place(&s.arena, number);
}

static void make_crew(void)
{
    (void)unsetenv("NOTIFY_SOCKET");
    s = (struct supervisor){.arena.fd = -1, .descriptors = DESCRIPTORS};
    ck_assert_int_eq(arena_init(&s.arena), 0);
    ck_assert_int_eq(crew_init(&s.crew, &s.arena, &s.identity, DESCRIPTORS), 0);
    for (uint32_t i = 0; i < MEMBERS; i++)
        add_member(i);
}

static void end_crew(void)
{
    for (uint32_t i = 0; i < MEMBERS; i++)
        (void)close(worker_end[i]);
    crew_deinit(&s.crew);
    arena_deinit(&s.arena);
}

static struct slot *slot_at(uint32_t i)
{
    return &s.arena.slots.slots[connection[i].slot];
}

/* A worker accepts. */
static void open_connection(uint32_t i, uint32_t worker)
{
    struct addr peer = {.len = sizeof(sa_family_t), .sa.sa_family = AF_UNIX};
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    connection[i] = (struct connection){.fd = pair[0], .peer = pair[1]};
    connection[i].slot =
        (uint32_t)slot_open(&s.arena.slots, ARENA_SLOTS, SLOT_FIRST_WORKER + worker, &peer);
}

/* A worker has copies of the connections from FIRST on kept. */
static void keep(uint32_t worker, uint32_t first, uint32_t count)
{
    struct message message = {.kind = MESSAGE_KEEP, .count = count};
    int fds[MESSAGE_SLOTS_MAX];

    memset(fds, 0xff, sizeof(fds));
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_int_eq(slot_read_cookie(slot_at(first + i), connection[first + i].fd), 0);
        message.slots[i] = connection[first + i].slot;
        fds[i] = dup(connection[first + i].fd);
    }
    crew_on_keep(&s.crew, worker, &message, fds);
    rights_close(fds);
}

static void open_and_keep(uint32_t worker, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        open_connection(first + i, worker);
    keep(worker, first, count);
}

/* The worker's descriptor goes. */
static void drop(uint32_t i)
{
    ck_assert_int_eq(close(connection[i].fd), 0);
}

/* Whether any copy is open still. */
static bool is_held(uint32_t i)
{
    char byte;
    ssize_t n = recv(connection[i].peer, &byte, 1, MSG_DONTWAIT);

    return n < 0 && errno == EAGAIN;
}

/* Whether nobody has the end of a pipe any more that is read from. */
static bool is_broken(int pipe)
{
    struct pollfd end = {.fd = pipe, .events = POLLOUT};

    return poll(&end, 1, 0) == 1 && (end.revents & POLLERR);
}

/* A worker ends a connection. */
static void end_connection(uint32_t i)
{
    slot_close(&s.arena.slots, connection[i].slot);
    stats_add(s.arena.kept_ended, 1);
    drop(i);
}

static void die(uint32_t worker)
{
    struct death death;

    crew_bury(&s.crew, worker, 0, true, &death);
    crew_adopt_from(&s, &death);
}

/* What a worker is told to take; nothing is 0. */
static uint32_t take(uint32_t worker, struct message *ret)
{
    int fds[MESSAGE_SLOTS_MAX];

    if (channel_receive(worker_end[worker], ret, fds) != 1)
        return 0;
    ck_assert_int_eq(ret->kind, MESSAGE_TAKE);
    for (uint32_t i = 0; i < ret->count; i++) {
        ck_assert_int_ge(fds[i], 0);
        ck_assert_uint_eq(slot_owner(&s.arena.slots.slots[ret->slots[i]]),
                          (SLOT_FIRST_WORKER + worker) | SLOT_IN_TRANSIT);
    }
    rights_close(fds);
    return ret->count;
}

START_TEST(copy_holds_a_connection)
{
    open_and_keep(0, 0, 2);
    drop(0);
    drop(1);
    ck_assert(is_held(0));
    ck_assert(is_held(1));
}
END_TEST

START_TEST(tidying_drops_what_has_ended)
{
    open_and_keep(0, 0, 3);
    end_connection(1);
    ck_assert(is_held(1));
    crew_tidy_escrow_if_dead(&s.crew);
    ck_assert(!is_held(1));
    drop(0);
    ck_assert(is_held(0));
    ck_assert_uint_eq(s.crew.escrow.entries, 2);
}
END_TEST

/* The service manager has the old box, and would have none. */
START_TEST(tidying_gives_up_when_the_new_box_is_not_stored)
{
    open_and_keep(0, 0, 2);
    end_connection(1);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", "@echod-nobody-listens-here", 1), 0);
    crew_tidy_escrow_if_dead(&s.crew);
    ck_assert(is_held(1));
    ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
    crew_tidy_escrow_if_dead(&s.crew);
    ck_assert(!is_held(1));
    ck_assert(is_held(0));
}
END_TEST

/* The slot is another connection's by then. */
START_TEST(tidying_knows_connections_of_the_same_slot_apart)
{
    open_and_keep(0, 0, 1);
    end_connection(0);
    open_and_keep(0, 1, 1);
    ck_assert_uint_eq(connection[0].slot, connection[1].slot);
    drop(1);
    crew_tidy_escrow_if_dead(&s.crew);
    ck_assert(!is_held(0));
    ck_assert(is_held(1));
}
END_TEST

/* The first connection of a slot has ended before the supervisor hears of it; the next is kept. */
START_TEST(late_copy_of_a_slot_is_not_taken_for_that_of_the_next)
{
    struct message message = {.kind = MESSAGE_KEEP, .count = 1}, batch;
    int fds[MESSAGE_SLOTS_MAX];

    memset(fds, 0xff, sizeof(fds));
    open_connection(0, 0);
    message.slots[0] = connection[0].slot;
    fds[0] = dup(connection[0].fd);
    end_connection(0);
    open_connection(1, 0);
    ck_assert_uint_eq(connection[0].slot, connection[1].slot);
    ck_assert_int_eq(slot_read_cookie(slot_at(1), connection[1].fd), 0);
    crew_on_keep(&s.crew, 0, &message, fds);
    rights_close(fds);
    ck_assert(!is_held(0));
    keep(0, 1, 1);
    drop(1);
    die(0);
    ck_assert_uint_eq(take(1, &batch), 1);
    ck_assert(is_held(1));
}
END_TEST

START_TEST(dead_entries_do_not_pile_up)
{
    enum { TIMES = 3000 };
    unsigned most = 0;

    for (int i = 0; i < TIMES; i++) {
        open_and_keep(0, 0, 1);
        end_connection(0);
        (void)close(connection[0].peer);
        most = s.crew.escrow.entries > most ? (unsigned)s.crew.escrow.entries : most;
    }
    ck_assert_uint_lt(most, DESCRIPTORS);
}
END_TEST

/* Those of workers that are no more, whoever comes and goes without a connection. */
START_TEST(dead_pipes_do_not_pile_up)
{
    int ends[2];

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        crew_keep_pipe(&s.crew, 0, ends[0]);
        (void)close(ends[0]);
        die(0);
        crew_tidy_escrow_if_dead(&s.crew);
        ck_assert_uint_eq(s.crew.escrow.entries, 0);
        ck_assert(is_broken(ends[1]));
        (void)close(ends[1]);
        (void)close(worker_end[0]);
        add_member(0);
    }
}
END_TEST

/* The pid of a worker may come again, and its place does. */
START_TEST(pipes_of_the_same_place_are_told_apart)
{
    int first[2], second[2], found;
    char byte = 0;

    ck_assert_int_eq(pipe2(first, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(second, O_CLOEXEC), 0);
    crew_keep_pipe(&s.crew, 0, first[0]);
    crew_keep_pipe(&s.crew, 0, second[0]);
    ck_assert_int_eq(write(first[1], "1", 1), 1);
    ck_assert_int_eq(write(second[1], "2", 1), 1);
    found = crew_find_pipe(&s.crew, 0);
    ck_assert_int_eq(read(found, &byte, 1), 1);
    ck_assert_int_eq(byte, '2');
    (void)close(found);
    for (int i = 0; i < 2; i++) {
        (void)close(first[i]);
        (void)close(second[i]);
    }
}
END_TEST

START_TEST(worker_keeps_nothing_but_its_own)
{
    open_connection(0, 1);
    keep(0, 0, 1);
    drop(0);
    ck_assert(!is_held(0));
    ck_assert_uint_eq(s.crew.escrow.entries, 0);
}
END_TEST

START_TEST(orphans_are_taken_by_another_worker)
{
    struct message batch;

    open_and_keep(0, 0, 3);
    open_connection(3, 0);
    for (uint32_t i = 0; i < 4; i++)
        drop(i);
    die(0);
    ck_assert_uint_eq(take(1, &batch), 3);
    ck_assert_uint_eq(slot_owner(slot_at(3)), SLOT_NOBODY); /* No copy was kept. */
    crew_on_adopted(&s, 1);
    ck_assert_int_eq(s.crew.adoption.state, ADOPTION_NONE);
    ck_assert(is_held(0));
}
END_TEST

START_TEST(orphans_wait_for_somebody)
{
    struct message batch;

    open_and_keep(0, 0, 2);
    s.crew.member[1].stopped = true;
    die(0);
    ck_assert_uint_eq(take(1, &batch), 0);
    ck_assert_uint_eq(slot_owner(slot_at(0)), SLOT_ORPHAN);
    s.crew.member[1].stopped = false;
    crew_resume_adopting(&s);
    ck_assert_uint_eq(take(1, &batch), 2);
}
END_TEST

/* Another worker dies meanwhile, and the escrow is searched for the connection that it was at. */
START_TEST(a_search_makes_no_orphan_be_missed)
{
    struct message batch;

    open_and_keep(0, 0, 1);
    open_and_keep(0, 1, 1);
    add_member(2);
    open_and_keep(2, 2, 1);
    atomic_store(&s.arena.workers[2].at, connection[2].slot + 1);
    die(0);
    ck_assert_uint_eq(take(1, &batch), 1);
    ck_assert_uint_eq(batch.slots[0], connection[0].slot);
    die(2);
    crew_on_adopted(&s, 1);
    ck_assert_uint_eq(take(1, &batch), 1);
    ck_assert_uint_eq(batch.slots[0], connection[1].slot);
    (void)close(worker_end[2]);
}
END_TEST

/* Who takes them dies before it says so: they are orphans once more. */
START_TEST(orphans_survive_the_taker)
{
    struct message batch;

    open_and_keep(0, 0, 2);
    die(0);
    ck_assert_uint_eq(take(1, &batch), 2);
    ck_assert_int_eq(close(worker_end[0]), 0);
    add_member(0);
    die(1);
    ck_assert_uint_eq(take(0, &batch), 2);
}
END_TEST

/*
 * While orphans are handed out, somebody else dies in a step of a connection that has ended: the
 * escrow is searched for that one, and those that were not reached yet are found all the same.
 */
START_TEST(death_meanwhile_makes_no_orphan_lost)
{
    struct message batch;

    open_and_keep(0, 0, 1);
    open_and_keep(0, 1, 1); /* in a message of its own */
    add_member(2);
    open_and_keep(2, 2, 1);
    die(0);
    ck_assert_uint_eq(take(1, &batch), 1);
    atomic_store(&s.arena.workers[2].at, connection[2].slot + 1);
    die(2);
    crew_on_adopted(&s, 1);
    ck_assert_uint_eq(take(1, &batch), 1);
    ck_assert_uint_eq(batch.slots[0], connection[1].slot);
    ck_assert_int_eq(close(worker_end[2]), 0);
}
END_TEST

/* Of an orphan there is no copy in any box: it cannot go on, and its place is free. */
START_TEST(orphan_without_a_copy_is_lost)
{
    open_connection(0, 0);
    ck_assert_int_eq(slot_read_cookie(slot_at(0), connection[0].fd), 0);
    die(0);
    ck_assert_int_eq(s.crew.adoption.state, ADOPTION_NONE);
    ck_assert_uint_eq(slot_owner(slot_at(0)), SLOT_NOBODY);
}
END_TEST

/* A worker may have been an attacker's: others must not follow what it wrote. */
START_TEST(orphan_with_an_unsound_slot_is_ended)
{
    struct message batch;

    open_and_keep(0, 0, 2);
    slot_at(1)->spill_end = SPILL_BYTES + 1;
    drop(1);
    die(0);
    ck_assert_uint_eq(take(1, &batch), 1);
    ck_assert_uint_eq(batch.slots[0], connection[0].slot);
    ck_assert(!is_held(1));
}
END_TEST

/* A Unix socket does not tell how far a step came. */
START_TEST(who_was_within_a_step_is_ended)
{
    struct message batch;

    open_and_keep(0, 0, 2);
    atomic_store(&s.arena.workers[0].at, connection[1].slot + 1);
    drop(1);
    die(0);
    ck_assert_uint_eq(take(1, &batch), 1);
    ck_assert_uint_eq(batch.slots[0], connection[0].slot);
    ck_assert(!is_held(1));
    ck_assert_uint_eq(atomic_load(&s.arena.workers[0].at), 0);
}
END_TEST

/* It was all that the worker had: its loss is told now, not with the next one's. */
START_TEST(only_one_lost_is_told_of)
{
    open_and_keep(0, 0, 1);
    atomic_store(&s.arena.workers[0].at, connection[0].slot + 1);
    die(0);
    ck_assert_int_eq(s.crew.adoption.state, ADOPTION_NONE);
    ck_assert_uint_eq(s.crew.adoption.lost, 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("keep");

    tcase_add_checked_fixture(tcase, make_crew, end_crew);
    tcase_add_test(tcase, copy_holds_a_connection);
    tcase_add_test(tcase, tidying_drops_what_has_ended);
    tcase_add_test(tcase, tidying_gives_up_when_the_new_box_is_not_stored);
    tcase_add_test(tcase, tidying_knows_connections_of_the_same_slot_apart);
    tcase_add_test(tcase, late_copy_of_a_slot_is_not_taken_for_that_of_the_next);
    tcase_add_test(tcase, dead_entries_do_not_pile_up);
    tcase_add_test(tcase, dead_pipes_do_not_pile_up);
    tcase_add_test(tcase, pipes_of_the_same_place_are_told_apart);
    tcase_add_test(tcase, worker_keeps_nothing_but_its_own);
    tcase_add_test(tcase, orphans_are_taken_by_another_worker);
    tcase_add_test(tcase, orphans_wait_for_somebody);
    tcase_add_test(tcase, a_search_makes_no_orphan_be_missed);
    tcase_add_test(tcase, orphans_survive_the_taker);
    tcase_add_test(tcase, death_meanwhile_makes_no_orphan_lost);
    tcase_add_test(tcase, orphan_without_a_copy_is_lost);
    tcase_add_test(tcase, orphan_with_an_unsound_slot_is_ended);
    tcase_add_test(tcase, who_was_within_a_step_is_ended);
    tcase_add_test(tcase, only_one_lost_is_told_of);
    return suite_run("keep", tcase);
}
