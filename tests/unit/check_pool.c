/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include <sys/mman.h>

#include "process.h"
#include "suite.h"

enum { CAPACITY = 192 };

static _Atomic uint64_t words[CAPACITY / 64];
static struct pool pool;

static void make_pool(void)
{
    memset(words, 0, sizeof(words));
    pool = (struct pool){.words = words, .capacity = CAPACITY};
}

/* The numbers from .. to - 1 are what is taken next; then nothing is left below LIMIT. */
static void assert_takes(uint32_t from, uint32_t to, uint32_t limit)
{
    for (uint32_t number = from; number < to; number++)
        ck_assert_int_eq(pool_take(&pool, limit), number);
    ck_assert_int_eq(pool_take(&pool, limit), -1);
}

START_TEST(one_bit_a_number)
{
    ck_assert_uint_eq(pool_bytes(CAPACITY), sizeof(words));
    ck_assert_uint_eq(pool_bytes(0), 0);
}
END_TEST

START_TEST(takes_each_number_once_in_order)
{
    assert_takes(0, CAPACITY, CAPACITY);
}
END_TEST

START_TEST(takes_what_was_given_back_the_lowest_first)
{
    static const uint32_t given[] = {190, 5, 64, 63};
    static const uint32_t order[] = {5, 63, 64, 190};

    assert_takes(0, CAPACITY, CAPACITY);
    for (size_t i = 0; i < 4; i++)
        pool_give(&pool, given[i]);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pool_take(&pool, CAPACITY), order[i]);
    ck_assert_int_eq(pool_take(&pool, CAPACITY), -1);
}
END_TEST

static const uint32_t limits[] = {0, 1, 63, 64, 65, 70, 127, 128, CAPACITY - 1, CAPACITY};

START_TEST(takes_nothing_beyond_the_limit)
{
    uint32_t limit = limits[_i];

    assert_takes(0, limit, limit);
    /* The attempt left nothing taken behind the limit. */
    ck_assert_int_eq(pool_next(&pool, limit), -1);
    assert_takes(limit, CAPACITY, CAPACITY);
}
END_TEST

START_TEST(limit_beyond_the_capacity_is_the_capacity)
{
    assert_takes(0, CAPACITY, UINT32_MAX);
}
END_TEST

START_TEST(lower_limit_than_before_finds_only_gaps_below_it)
{
    assert_takes(0, 100, 100);
    ck_assert_int_eq(pool_take(&pool, 10), -1);
    pool_give(&pool, 50);
    pool_give(&pool, 7);
    assert_takes(7, 8, 10);
}
END_TEST

START_TEST(next_is_the_lowest_taken_number_from_there)
{
    static const uint32_t taken[] = {0, 63, 64, 130, 190};

    for (size_t i = 0; i < 5; i++)
        words[taken[i] / 64] |= UINT64_C(1) << taken[i] % 64;
    for (uint32_t from = 0, i = 0; from <= 190; from++) {
        ck_assert_int_eq(pool_next(&pool, from), taken[i]);
        i += from == taken[i];
    }
    ck_assert_int_eq(pool_next(&pool, 191), -1);
    ck_assert_int_eq(pool_next(&pool, CAPACITY), -1);
    ck_assert_int_eq(pool_next(&pool, UINT32_MAX), -1);
}
END_TEST

START_TEST(next_finds_nothing_in_an_empty_pool)
{
    ck_assert_int_eq(pool_next(&pool, 0), -1);
    ck_assert_int_eq(pool_next(&pool, CAPACITY - 1), -1);
}
END_TEST

/* Several processes at once: who holds which number is written beside it. */
enum { PROCESSES = 6, HELD_MAX = 20, SHARED_LIMIT = 100, ROUNDS = 20000 };

struct shared {
    _Atomic uint64_t words[2];
    _Atomic int holder[128];
};

static struct pool shared_pool(struct shared *shared)
{
    return (struct pool){.words = shared->words, .capacity = 128};
}

enum trouble { NONE, BEYOND_LIMIT, TAKEN_TWICE, LOST };

static enum trouble hold_one(struct shared *shared, int64_t number)
{
    int nobody = 0;

    if (number >= SHARED_LIMIT)
        return BEYOND_LIMIT;
    return atomic_compare_exchange_strong(&shared->holder[number], &nobody, getpid()) ? NONE
                                                                                      : TAKEN_TWICE;
}

static enum trouble release_one(struct shared *shared, struct pool *p, uint32_t number)
{
    if (atomic_exchange(&shared->holder[number], 0) != getpid())
        return LOST;
    pool_give(p, number);
    return NONE;
}

static int take_and_give(void *argument)
{
    struct shared *shared = argument;
    struct pool p = shared_pool(shared);
    uint32_t held[HELD_MAX];
    unsigned count = 0, random = (unsigned)getpid();
    enum trouble trouble = NONE;

    for (int round = 0; round < ROUNDS && !trouble; round++) {
        int64_t number = count < HELD_MAX ? pool_take(&p, SHARED_LIMIT) : -1;

        if (number >= 0) {
            trouble = hold_one(shared, number);
            held[count++] = (uint32_t)number;
        } else if (count > 0) {
            unsigned i = (unsigned)rand_r(&random) % count;

            trouble = release_one(shared, &p, held[i]);
            held[i] = held[--count];
        }
    }
    while (count > 0 && !trouble)
        trouble = release_one(shared, &p, held[--count]);
    return (int)trouble;
}

START_TEST(processes_never_get_the_same_number)
{
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct pool p;
    pid_t pid[PROCESSES];

    ck_assert_ptr_ne(shared, MAP_FAILED);
    for (int i = 0; i < PROCESSES; i++)
        pid[i] = process_start(take_and_give, shared);
    for (int i = 0; i < PROCESSES; i++)
        ck_assert_int_eq(process_wait(pid[i]), NONE);
    p = shared_pool(shared);
    ck_assert_int_eq(pool_next(&p, 0), -1);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("pool");

    tcase_add_checked_fixture(tcase, make_pool, NULL);
    tcase_add_test(tcase, one_bit_a_number);
    tcase_add_test(tcase, takes_each_number_once_in_order);
    tcase_add_test(tcase, takes_what_was_given_back_the_lowest_first);
    tcase_add_loop_test(tcase, takes_nothing_beyond_the_limit, 0,
                        (int)(sizeof(limits) / sizeof(limits[0])));
    tcase_add_test(tcase, limit_beyond_the_capacity_is_the_capacity);
    tcase_add_test(tcase, lower_limit_than_before_finds_only_gaps_below_it);
    tcase_add_test(tcase, next_is_the_lowest_taken_number_from_there);
    tcase_add_test(tcase, next_finds_nothing_in_an_empty_pool);
    tcase_add_test(tcase, processes_never_get_the_same_number);
    return suite_run("pool", tcase);
}
