/* SPDX-License-Identifier: MIT */
#include "daemon/balance.h"

#include "suite.h"

static struct arena arena;

static void init_arena(void)
{
    ck_assert_int_eq(arena_init(&arena), 0);
}

static void deinit_arena(void)
{
    arena_deinit(&arena);
}

static void add_worker(uint32_t number, bool accepting, uint64_t connections)
{
    arena_use_place(&arena, number);
    stats_set(&arena.workers[number].stats.accepting, accepting);
    stats_set(&arena.workers[number].stats.connections, connections);
}

START_TEST(those_that_accept_count)
{
    struct balance balance;

    add_worker(0, true, 10);
    add_worker(1, false, 1000); /* it leaves */
    add_worker(3, true, 5);
    balance = balance_read(&arena);
    ck_assert_uint_eq(balance.workers, 2);
    ck_assert_uint_eq(balance.connections, 15);
    ck_assert_uint_eq(balance_share(&balance), 8);
}
END_TEST

START_TEST(nobody_accepts_at_first)
{
    struct balance balance = balance_read(&arena);

    ck_assert_uint_eq(balance.workers, 0);
    ck_assert_uint_eq(balance_share(&balance), 0);
}
END_TEST

START_TEST(one_alone_never_has_too_many)
{
    struct balance balance = {.workers = 1};

    for (balance.connections = 0; balance.connections < 1000000; balance.connections += 99)
        ck_assert(!balance_exceeds(&balance, balance.connections));
}
END_TEST

START_TEST(an_eighth_and_one_above_the_share_are_allowed)
{
    static const struct {
        unsigned workers;
        uint64_t connections, most;
    } cases[] = {{2, 1, 1},      {2, 2, 2},           {2, 3, 2},      {4, 1, 1},
                 {4, 1000, 282}, {2, 1000, 563},      {16, 1000, 71}, {16, 16000, 1126},
                 {256, 256, 2},  {2, 1000000, 562501}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct balance balance = {.workers = cases[i].workers, .connections = cases[i].connections};

        ck_assert(!balance_exceeds(&balance, cases[i].most));
        ck_assert(balance_exceeds(&balance, cases[i].most + 1));
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("balance");

    tcase_add_checked_fixture(tcase, init_arena, deinit_arena);
    tcase_add_test(tcase, those_that_accept_count);
    tcase_add_test(tcase, nobody_accepts_at_first);
    tcase_add_test(tcase, one_alone_never_has_too_many);
    tcase_add_test(tcase, an_eighth_and_one_above_the_share_are_allowed);
    return suite_run("balance", tcase);
}
