/* SPDX-License-Identifier: MIT */
#include "daemon/supervisor_state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

/* Connections on their way: the supervisor's side is real, the workers are played by the test. */

enum { MEMBERS = 4, DESCRIPTORS = 1024 };

static struct supervisor s;
static int worker_end[MEMBERS];

static void add_member(uint32_t number)
{
    int pair[2];

    ck_assert_int_eq(channel_pair(pair), 0);
    s.crew.member[number] =
        (struct member){.state = MEMBER_SERVING, .channel = pair[0], .awaited = MEMBER_NOBODY};
    worker_end[number] = pair[1];
    arena_use_place(&s.arena, number);
    stats_set(&s.arena.workers[number].stats.accepting, 1);
}

static void make_crew(void)
{
    s = (struct supervisor){.arena.fd = -1, .descriptors = DESCRIPTORS};
    ck_assert_int_eq(arena_init(&s.arena), 0);
    ck_assert_int_eq(crew_init(&s.crew, &s.arena, &s.identity, DESCRIPTORS), 0);
    for (uint32_t i = 0; i < MEMBERS; i++)
        add_member(i);
}

static void end_crew(void)
{
    for (uint32_t i = 0; i < MEMBERS; i++)
        if (worker_end[i] >= 0)
            (void)close(worker_end[i]);
    crew_deinit(&s.crew);
    arena_deinit(&s.arena);
}

static void set_loads(unsigned a, unsigned b, unsigned c, unsigned d)
{
    const unsigned loads[MEMBERS] = {a, b, c, d};

    for (uint32_t i = 0; i < MEMBERS; i++)
        stats_set(&s.arena.workers[i].stats.connections, loads[i]);
}

/* What a worker is told next: its kind, or -1 when it is told nothing. */
static int next_order(uint32_t number, struct message *ret)
{
    int fds[MESSAGE_SLOTS_MAX];
    int r = channel_receive(worker_end[number], ret, fds);

    if (r == -EAGAIN)
        return -1;
    ck_assert_int_eq(r, 1);
    for (uint32_t i = 0; i < MESSAGE_SLOTS_MAX; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    return (int)ret->kind;
}

static void expect_order(uint32_t number, int kind)
{
    struct message message;

    ck_assert_int_eq(next_order(number, &message), kind);
}

static void expect_end(uint32_t number)
{
    struct message message;
    int fds[MESSAGE_SLOTS_MAX];

    ck_assert_int_eq(channel_receive(worker_end[number], &message, fds), 0);
}

/* Told to share so many. */
static void expect_share(uint32_t number, uint32_t count)
{
    struct message message;

    ck_assert_int_eq(next_order(number, &message), MESSAGE_SHARE);
    ck_assert_uint_eq(message.count, count);
}

/* A worker gives so many of its connections. */
static void give(uint32_t number, uint32_t count)
{
    struct addr peer = addr_loopback(AF_INET, 7);
    struct message batch = {.kind = MESSAGE_GIVEN, .count = count};
    struct stats *stats = &s.arena.workers[number].stats;
    int fds[MESSAGE_SLOTS_MAX];

    memset(fds, 0xff, sizeof(fds));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t owner = (SLOT_FIRST_WORKER + number) | SLOT_IN_TRANSIT;

        batch.slots[i] = (uint32_t)slot_open(&s.arena.slots, ARENA_SLOTS, owner, &peer);
        fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
        ck_assert_int_ge(fds[i], 0);
    }
    stats_sub(&stats->connections, count);
    crew_on_given(&s, number, &batch, fds);
    for (uint32_t i = 0; i < count; i++)
        (void)close(fds[i]);
}

/* A worker gets these and says so. */
static void take(uint32_t number, uint32_t count)
{
    struct message message;

    ck_assert_int_eq(next_order(number, &message), MESSAGE_TAKE);
    ck_assert_uint_eq(message.count, count);
    for (uint32_t i = 0; i < count; i++)
        ck_assert_uint_eq(slot_owner(&s.arena.slots.slots[message.slots[i]]),
                          (SLOT_FIRST_WORKER + number) | SLOT_IN_TRANSIT);
    stats_add(&s.arena.workers[number].stats.connections, count);
    ck_assert(crew_on_taken(&s, number));
}

static void expect_silence(void)
{
    for (uint32_t i = 0; i < MEMBERS; i++)
        expect_order(i, -1);
}

static void end_worker(uint32_t number)
{
    ck_assert_int_eq(close(worker_end[number]), 0);
    worker_end[number] = -1;
}

START_TEST(who_has_most_shares_with_who_has_least)
{
    set_loads(10, 100, 30, 0);
    crew_level(&s); /* 35 each */
    expect_share(1, 35);
    expect_silence();
    give(1, 35);
    take(3, 35);
    expect_share(1, 25); /* of 65; what the first one lacks */
    give(1, 25);
    take(0, 25);
    expect_silence();
}
END_TEST

START_TEST(nobody_shares_for_little)
{
    set_loads(35, 39, 33, 33);
    crew_level(&s);
    expect_silence();
    set_loads(1, 0, 0, 0);
    crew_level(&s);
    expect_silence();
}
END_TEST

/* What is under way stays within bounds only if it is one batch. */
START_TEST(one_shares_at_a_time)
{
    set_loads(300, 300, 0, 0);
    crew_level(&s);
    expect_share(0, 150);
    crew_level(&s);
    expect_silence();
    give(0, 150);
    crew_level(&s);
    take(2, 150);
    expect_share(1, 150);
    give(1, 150);
    take(3, 150);
    expect_silence();
}
END_TEST

START_TEST(batches_fit_into_a_message)
{
    set_loads(40000, 0, 0, 0);
    crew_level(&s);
    expect_share(0, MESSAGE_SLOTS_MAX);
}
END_TEST

START_TEST(nobody_shares_during_a_reload_or_a_stop)
{
    set_loads(100, 0, 0, 0);
    s.crew.member[3].state = MEMBER_GIVING;
    crew_level(&s);
    expect_silence();
    s.crew.member[3].state = MEMBER_SERVING;
    s.stop = STOP_SETTLING;
    crew_level(&s);
    expect_silence();
}
END_TEST

START_TEST(stopped_worker_neither_gives_nor_takes)
{
    set_loads(100, 0, 50, 0);
    s.crew.member[0].stopped = s.crew.member[1].stopped = true;
    crew_level(&s);
    expect_share(2, 25);
    give(2, 25);
    take(3, 25);
    expect_silence();
}
END_TEST

START_TEST(dead_taker_is_passed_over)
{
    set_loads(100, 0, 1, 2);
    crew_level(&s);
    expect_share(0, 26);
    end_worker(1);
    give(0, 26);
    take(2, 26);
}
END_TEST

START_TEST(batch_goes_back_when_all_others_are_dead)
{
    set_loads(100, 0, 0, 0);
    crew_level(&s);
    expect_share(0, 25);
    for (uint32_t i = 1; i < MEMBERS; i++)
        end_worker(i);
    s.crew.member[0].stopped = true; /* and has answered before */
    give(0, 25);
    take(0, 25);
}
END_TEST

/* A reload begins while one is asked to share: its first answer is about that. */
START_TEST(empty_answer_to_share_is_not_the_end_of_a_giver)
{
    set_loads(100, 0, 0, 0);
    crew_level(&s);
    expect_share(0, 25);
    s.crew.member[0].state = MEMBER_GIVING;
    crew_ask_for_more(&s, 0);
    expect_order(0, MESSAGE_GIVE);
    give(0, 0);
    expect_order(0, -1);
    give(0, 5);
    take(1, 5);
    expect_order(0, MESSAGE_GIVE);
    give(0, 0);
    expect_end(0);
    ck_assert_int_eq(s.crew.member[0].state, MEMBER_LEAVING);
}
END_TEST

/* All serving workers are stopped while an old one gives: it gets its batch back and waits. */
START_TEST(giver_waits_while_all_takers_are_stopped)
{
    s.crew.member[0].state = MEMBER_GIVING;
    for (uint32_t i = 1; i < MEMBERS; i++)
        s.crew.member[i].stopped = true;
    give(0, 5);
    stats_add(&s.arena.workers[0].stats.connections, 5);
    expect_order(0, MESSAGE_TAKE);
    ck_assert(!crew_on_taken(&s, 0));
    expect_silence();
    s.crew.member[2].stopped = false;
    crew_resume_giving(&s);
    expect_order(0, MESSAGE_GIVE);
    give(0, 5);
    take(2, 5);
}
END_TEST

static uint64_t coming(uint32_t number)
{
    return stats_read(&s.arena.workers[number].coming);
}

/* Or connections that are accepted meanwhile would take its descriptors. */
START_TEST(taker_keeps_room_for_what_comes)
{
    set_loads(100, 0, 50, 50);
    crew_level(&s);
    expect_share(0, 50);
    ck_assert_uint_eq(coming(1), 50);
    give(0, 30);
    ck_assert_uint_eq(coming(1), 50);
    take(1, 30);
    ck_assert_uint_eq(coming(1), 20); /* asked for again */
    expect_share(0, 20);
    give(0, 0);
    ck_assert_uint_eq(coming(1), 0);
}
END_TEST

START_TEST(new_workers_keep_room_for_all_that_old_ones_have)
{
    uint64_t room = 0;

    set_loads(1000, 500, 0, 0);
    s.crew.member[2].state = s.crew.member[3].state = MEMBER_READY;
    crew_expect_all(&s.crew);
    ck_assert_uint_eq(coming(0) + coming(1), 0);
    for (uint32_t i = 2; i < MEMBERS; i++) {
        ck_assert_uint_ge(coming(i), 750);
        room += coming(i);
    }
    ck_assert_uint_le(room, 1500 + 1500 / 8);
    crew_expect_nothing(&s.crew);
    ck_assert_uint_eq(coming(2) + coming(3), 0);
}
END_TEST

START_TEST(who_was_asked_to_share_drains_when_it_has_answered)
{
    set_loads(100, 0, 0, 0);
    crew_level(&s);
    expect_share(0, 25);
    s.stop = STOP_SETTLING;
    stop_drain(&s);
    for (uint32_t i = 1; i < MEMBERS; i++)
        expect_order(i, MESSAGE_DRAIN);
    expect_order(0, -1);
    give(0, 25);
    stop_drain(&s);
    take(0, 25);
    expect_order(0, MESSAGE_DRAIN);
    stop_drain(&s);
    expect_silence();
}
END_TEST

START_TEST(nobody_drains_while_old_workers_give)
{
    s.crew.member[0].state = MEMBER_GIVING;
    s.stop = STOP_SETTLING;
    stop_drain(&s);
    expect_silence();
    s.crew.member[0].state = MEMBER_LEAVING;
    stop_drain(&s);
    expect_order(1, MESSAGE_DRAIN);
    ck_assert_int_eq(s.stop, STOP_DRAINING);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("moves");

    tcase_add_checked_fixture(tcase, make_crew, end_crew);
    tcase_add_test(tcase, who_has_most_shares_with_who_has_least);
    tcase_add_test(tcase, nobody_shares_for_little);
    tcase_add_test(tcase, one_shares_at_a_time);
    tcase_add_test(tcase, batches_fit_into_a_message);
    tcase_add_test(tcase, nobody_shares_during_a_reload_or_a_stop);
    tcase_add_test(tcase, stopped_worker_neither_gives_nor_takes);
    tcase_add_test(tcase, dead_taker_is_passed_over);
    tcase_add_test(tcase, batch_goes_back_when_all_others_are_dead);
    tcase_add_test(tcase, empty_answer_to_share_is_not_the_end_of_a_giver);
    tcase_add_test(tcase, giver_waits_while_all_takers_are_stopped);
    tcase_add_test(tcase, taker_keeps_room_for_what_comes);
    tcase_add_test(tcase, new_workers_keep_room_for_all_that_old_ones_have);
    tcase_add_test(tcase, who_was_asked_to_share_drains_when_it_has_answered);
    tcase_add_test(tcase, nobody_drains_while_old_workers_give);
    return suite_run("moves", tcase);
}
