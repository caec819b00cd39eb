/* SPDX-License-Identifier: MIT */
#include "policy/tally.h"

#include <string.h>
#include <sys/mman.h>

#include "addresses.h"
#include "suite.h"

enum { CAPACITY = 1 << 20, MILLION = 1000000 };

/* What the supervisor and the workers share. */
struct shared {
    struct tally_index index;
    struct tally_entry entries[CAPACITY];
};

static struct shared *shared;
static struct tally tally;

static void make_tally(void)
{
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    tally =
        (struct tally){.index = &shared->index, .entries = shared->entries, .capacity = CAPACITY};
    ck_assert_int_eq(tally_init(&tally), 0);
}

static void drop_tally(void)
{
    ck_assert_int_eq(munmap(shared, sizeof(*shared)), 0);
}

static struct source source(uint32_t number)
{
    struct addr peer = address_in_network(number);

    return source_of(&peer, 32, 64);
}

static bool add(uint32_t number, uint32_t most)
{
    struct source s = source(number);

    return tally_add(&tally, &s, most);
}

static void take_away(uint32_t number)
{
    struct source s = source(number);

    tally_remove(&tally, &s);
}

/* What its entry says; one that is free says 0. */
static uint32_t count(uint32_t number)
{
    const struct source s = source(number);

    for (uint32_t i = 0; i < shared->index.touched; i++)
        if (source_equal(&shared->entries[i].source, &s))
            return shared->entries[i].count;
    return 0;
}

START_TEST(counts_up_to_the_most)
{
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(count(7), i);
        ck_assert(add(7, 3));
    }
    ck_assert(!add(7, 3));
    ck_assert_uint_eq(count(7), 3);
    take_away(7);
    ck_assert(add(7, 3));
    ck_assert(!add(7, 3));
}
END_TEST

START_TEST(without_a_most_there_is_no_limit)
{
    for (uint32_t i = 0; i < 5000; i++)
        ck_assert(add(7, 0));
    ck_assert_uint_eq(count(7), 5000);
    ck_assert(!add(7, 5000));
}
END_TEST

START_TEST(most_may_be_less_than_there_are)
{
    for (uint32_t i = 0; i < 10; i++)
        ck_assert(add(7, 10));
    ck_assert(!add(7, 3));
    for (uint32_t i = 0; i < 8; i++)
        take_away(7);
    ck_assert(add(7, 3));
    ck_assert(!add(7, 3));
}
END_TEST

START_TEST(other_prefix_is_another_source)
{
    struct addr peer = addr_loopback(AF_INET, 7);
    struct source host = source_of(&peer, 32, 64), net = source_of(&peer, 8, 64);

    ck_assert(tally_add(&tally, &host, 1));
    ck_assert(tally_add(&tally, &net, 1));
    tally_remove(&tally, &net);
    ck_assert(!tally_add(&tally, &host, 1));
    ck_assert(tally_add(&tally, &net, 1));
}
END_TEST

START_TEST(source_that_has_left_takes_no_entry)
{
    for (uint32_t i = 0; i < 1000; i++) {
        ck_assert(add(i, 2));
        ck_assert(add(i, 2));
        take_away(i);
        take_away(i);
    }
    ck_assert_uint_eq(shared->index.sources, 0);
    ck_assert_uint_eq(shared->index.touched, 1);
    take_away(5); /* It has none: nothing happens. */
    ck_assert_uint_eq(count(5), 0);
}
END_TEST

/*
 * As many sources as there can be connections, 16 in a chain: each has its own count, and who comes
 * and goes in the middle of a chain takes nobody along.
 */
START_TEST(million_sources_are_told_apart)
{
    uint32_t added = 0, again = 0;

    shared->index.chains = TALLY_CHAINS_MAX / 16;
    for (uint32_t i = 0; i < MILLION; i++)
        added += add(i, 1);
    ck_assert_uint_eq(added, MILLION);
    for (uint32_t i = 0; i < MILLION; i += 3)
        take_away(i);
    for (uint32_t i = 0; i < MILLION; i++)
        again += add(i, 1) == (i % 3 == 0);
    ck_assert_uint_eq(again, MILLION);
    ck_assert_uint_eq(shared->index.sources, MILLION);
    ck_assert_uint_eq(shared->index.touched, MILLION); /* the entries of who left were used again */
}
END_TEST

START_TEST(chains_are_as_many_as_the_sources_need)
{
    uint32_t i = 0;

    while (!tally_is_crowded(&tally))
        ck_assert(add(i++, 1));
    ck_assert_uint_eq(i, TALLY_CHAINS_MIN + 1);
    take_away(0);
    ck_assert(!tally_is_crowded(&tally));
    ck_assert(add(0, 1));
    tally_clear(&tally);
    ck_assert(!tally_is_crowded(&tally));
    ck_assert_uint_ge(shared->index.chains, 2 * i);
    tally_clear(&tally); /* empty: small again */
    ck_assert_uint_eq(shared->index.chains, TALLY_CHAINS_MIN);
    shared->index.sources = UINT32_MAX; /* whatever it says */
    tally_clear(&tally);
    ck_assert_uint_eq(shared->index.chains, TALLY_CHAINS_MAX);
    ck_assert(!tally_is_crowded(&tally));
}
END_TEST

START_TEST(full_tally_takes_no_more_sources)
{
    tally.capacity = 64;
    for (uint32_t i = 0; i < 64; i++)
        ck_assert(add(i, 0));
    ck_assert(!add(64, 0));
    ck_assert(add(63, 0));
    take_away(5);
    ck_assert(add(64, 0));
}
END_TEST

START_TEST(cleared_tally_is_empty)
{
    struct siphash_key key = shared->index.key;

    for (uint32_t i = 0; i < 1000; i++)
        ck_assert(add(i, 1));
    tally_clear(&tally);
    ck_assert_uint_eq(shared->index.sources, 0);
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(count(i), 0);
    ck_assert_mem_eq(&key, &shared->index.key, sizeof(key));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("tally");

    tcase_add_checked_fixture(tcase, make_tally, drop_tally);
    tcase_add_test(tcase, counts_up_to_the_most);
    tcase_add_test(tcase, without_a_most_there_is_no_limit);
    tcase_add_test(tcase, most_may_be_less_than_there_are);
    tcase_add_test(tcase, other_prefix_is_another_source);
    tcase_add_test(tcase, source_that_has_left_takes_no_entry);
    tcase_add_test(tcase, million_sources_are_told_apart);
    tcase_add_test(tcase, chains_are_as_many_as_the_sources_need);
    tcase_add_test(tcase, full_tally_takes_no_more_sources);
    tcase_add_test(tcase, cleared_tally_is_empty);
    return suite_run("tally", tcase);
}
