/* SPDX-License-Identifier: MIT */
#include "policy/rate.h"

#include <sys/mman.h>

#include "addresses.h"
#include "process.h"
#include "suite.h"

/* The time is the test's own: none of these results depends on the machine's clock. */

enum { SECOND = 1000000, START = 12345678, MILLION = 1000000 };

static struct rates *rates;

static void make_rates(void)
{
    rates = mmap(NULL, sizeof(*rates), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(rates, MAP_FAILED);
    ck_assert_int_eq(rates_init(rates), 0);
    rates->key = (struct siphash_key){1, 2}; /* Hashes may collide: always the same ones, then. */
}

static void drop_rates(void)
{
    ck_assert_int_eq(munmap(rates, sizeof(*rates)), 0);
}

/* An IPv6 /64 network of the documentation's. */
static struct source source(uint32_t number)
{
    struct addr peer = address_in_network(number);

    return source_of(&peer, 32, 64);
}

static bool allows(uint32_t number, uint32_t per_second, uint64_t now_usec)
{
    struct source s = source(number);

    return rate_allows(rates, RATE_DATAGRAMS, &s, per_second, now_usec);
}

/* How many of COUNT at the same time are within the rate. */
static unsigned burst(uint32_t number, uint32_t per_second, uint64_t now_usec, unsigned count)
{
    unsigned allowed = 0;

    for (unsigned i = 0; i < count; i++)
        allowed += allows(number, per_second, now_usec);
    return allowed;
}

START_TEST(every_table_has_a_key_of_its_own)
{
    struct siphash_key before = rates->key;

    ck_assert_int_eq(rates_init(rates), 0);
    ck_assert_mem_ne(&rates->key, &before, sizeof(before));
    before = rates->key;
    ck_assert_int_eq(rates_init(rates), 0);
    ck_assert_mem_ne(&rates->key, &before, sizeof(before));
}
END_TEST

static const uint32_t exact[] = {1, 2, 3, 7, 100, 999, 1000, 31622, 100000, 333333, 1000000};

START_TEST(burst_is_one_second_s_worth)
{
    uint32_t rate = exact[_i];

    ck_assert_uint_eq(burst(1, rate, START, 2 * rate), rate);
    /* Who has been quiet for a second has the whole burst again. */
    ck_assert_uint_eq(burst(1, rate, START + SECOND, 2 * rate), rate);
}
END_TEST

/* Tried every 100 us for ten seconds: a burst, then one for each interval that has passed. */
START_TEST(rate_is_exact_over_time)
{
    unsigned allowed = 0;

    for (uint64_t t = 0; t < 10 * SECOND; t += 100)
        allowed += allows(1, 100, START + t);
    ck_assert_uint_eq(allowed, 100 + 10 * 100 - 1); /* the next one is due at ten seconds */
    ck_assert(allows(1, 100, START + 10 * SECOND));
    ck_assert(!allows(1, 100, START + 10 * SECOND));
}
END_TEST

START_TEST(slow_enough_is_never_refused)
{
    for (uint64_t t = 0; t < 100 * SECOND; t += SECOND / 100)
        ck_assert(allows(1, 100, START + t));
}
END_TEST

/* However much was refused: the next one is due when it would have been without. */
START_TEST(refused_ones_cost_nothing)
{
    ck_assert_uint_eq(burst(1, 10, START, 10), 10);
    ck_assert_uint_eq(burst(1, 10, START + SECOND / 20, 100000), 0);
    ck_assert_uint_eq(burst(1, 10, START + SECOND / 10, 100000), 1);
    ck_assert_uint_eq(burst(1, 10, START + SECOND / 2, 100000), 4);
}
END_TEST

START_TEST(sources_and_kinds_have_rates_of_their_own)
{
    struct source one = source(1);

    ck_assert_uint_eq(burst(1, 10, START, 100), 10);
    ck_assert_uint_eq(burst(2, 10, START, 100), 10);
    for (int i = 0; i < 10; i++)
        ck_assert(rate_allows(rates, RATE_CONNECTIONS, &one, 10, START));
    ck_assert(!rate_allows(rates, RATE_CONNECTIONS, &one, 10, START));
}
END_TEST

START_TEST(prefix_is_part_of_who_it_is)
{
    struct addr peer = addr_loopback(AF_INET, 7);
    struct source host, net;

    peer.in.sin_addr.s_addr = htonl(0xc0000200);
    host = source_of(&peer, 32, 64);
    net = source_of(&peer, 24, 64); /* the same address, but more of them */
    ck_assert(rate_allows(rates, RATE_DATAGRAMS, &host, 1, START));
    ck_assert(!rate_allows(rates, RATE_DATAGRAMS, &host, 1, START));
    ck_assert(rate_allows(rates, RATE_DATAGRAMS, &net, 1, START));
}
END_TEST

START_TEST(no_limit_and_no_source_are_let_through)
{
    struct addr peer = {.len = sizeof(sa_family_t), .sa.sa_family = AF_UNIX};
    struct source none = source_of(&peer, 32, 64);

    ck_assert_uint_eq(burst(1, 0, START, 5000), 5000);
    for (int i = 0; i < 5000; i++)
        ck_assert(rate_allows(rates, RATE_DATAGRAMS, &none, 1, START));
}
END_TEST

/* A reload changes the rate: what is owed stays owed, as a time. */
START_TEST(changed_rate_applies_at_once)
{
    ck_assert_uint_eq(burst(1, 1000, START, 500), 500); /* owes half a second */
    ck_assert_uint_eq(burst(1, 10, START, 100), 5);
    ck_assert_uint_eq(burst(1, 1000, START + SECOND / 2, 5000), 500);
}
END_TEST

START_TEST(callers_clocks_may_differ)
{
    ck_assert_uint_eq(burst(1, 100, START + 2 * SECOND, 200), 100);
    ck_assert_uint_eq(burst(1, 100, START, 200), 0); /* a caller who read the clock long ago */
    ck_assert_uint_eq(burst(1, 100, START + 2 * SECOND, 200), 0);
}
END_TEST

/* The time in a word begins anew every 2^46 ns, and long before that an entry is nobody's debt. */
START_TEST(old_debts_are_forgotten)
{
    static const uint64_t later[] = {
        SECOND,
        10 * SECOND,
        UINT64_C(3600) * SECOND,
        UINT64_C(35000) * SECOND, /* half way */
        UINT64_C(70360) * SECOND,
        UINT64_C(365) * 86400 * SECOND,
    };

    for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
        drop_rates();
        make_rates();
        ck_assert_uint_eq(burst(1, 100, START, 200), 100);
        ck_assert_uint_eq(burst(1, 100, START + later[i], 200), 100);
    }
}
END_TEST

START_TEST(rate_holds_where_the_time_begins_anew)
{
    uint64_t wrap = (UINT64_C(1) << 46) / 1000, from = wrap - SECOND;
    unsigned allowed = 0;

    for (uint64_t t = 0; t < 2 * SECOND; t += 100)
        allowed += allows(1, 100, from + t);
    ck_assert_uint_eq(allowed, 100 + 2 * 100 - 1);
}
END_TEST

/* ---- several processes ---- */

enum { PROCESSES = 4, RATE = 1000, STEP = 10, SPAN = 2 * SECOND };

struct shared {
    _Atomic unsigned allowed;
    struct rates *rates;
};

static int hammer(void *argument)
{
    struct shared *shared = argument;

    for (uint64_t t = 0; t < SPAN; t += STEP)
        if (allows(1, RATE, START + t))
            (void)atomic_fetch_add(&shared->allowed, 1);
    return EXIT_SUCCESS;
}

/* All try far too often: together they get what one would get, not one more and not one less. */
START_TEST(processes_share_a_rate_exactly)
{
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid[PROCESSES];

    ck_assert_ptr_ne(shared, MAP_FAILED);
    for (int i = 0; i < PROCESSES; i++)
        pid[i] = process_start(hammer, shared);
    for (int i = 0; i < PROCESSES; i++)
        ck_assert_int_eq(process_wait(pid[i]), EXIT_SUCCESS);
    ck_assert_uint_eq(atomic_load(&shared->allowed), RATE + SPAN / (SECOND / RATE) - 1);
}
END_TEST

/* ---- more sources than there is room for ---- */

/*
 * A million others come by, each of them once. Who owes a whole burst is still known, as all
 * others in its bucket owe less; and nobody is kept out for want of room.
 */
START_TEST(flood_of_sources_hides_no_offender_and_locks_nobody_out)
{
    enum { OFFENDER = MILLION };

    ck_assert_uint_eq(burst(OFFENDER, 1000, START, 2000), 1000);
    for (uint32_t i = 0; i < MILLION; i++)
        ck_assert(allows(i, 1000, START));
    ck_assert_uint_eq(burst(OFFENDER, 1000, START, 2000), 0);
    ck_assert_uint_eq(burst(OFFENDER, 1000, START + SECOND / 2, 2000), 500);
}
END_TEST

/*
 * The same when the table is full of those who owe more: nobody waits for them to pay. A word has
 * 18 bits of the hash, so of 32,768 newcomers to a full bucket one has the word of another.
 */
START_TEST(newcomer_finds_room_among_offenders)
{
    enum { OFFENDERS = 2 * RATE_BUCKETS * RATE_WAYS, NEWCOMERS = 100000 };
    unsigned allowed = 0;

    for (uint32_t i = 0; i < OFFENDERS; i++)
        (void)burst(i, 2, START, 2);
    for (uint32_t i = OFFENDERS; i < OFFENDERS + NEWCOMERS; i++)
        allowed += allows(i, 2, START);
    ck_assert_uint_ge(allowed, NEWCOMERS - NEWCOMERS / 1000);
}
END_TEST

START_TEST(who_owes_least_goes_first)
{
    /* One bucket's worth of offenders would do; so many fill every bucket several times over. */
    enum { SMALL = 8 * RATE_BUCKETS * RATE_WAYS, LARGE = 100 };
    unsigned forgotten = 0;

    for (uint32_t i = 0; i < LARGE; i++)
        ck_assert_uint_eq(burst(i, 10, START, 10), 10);
    for (uint32_t i = LARGE; i < LARGE + SMALL; i++)
        (void)burst(i, 10, START, 5);
    for (uint32_t i = 0; i < LARGE; i++)
        forgotten += allows(i, 10, START);
    ck_assert_uint_eq(forgotten, 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("rate");

    tcase_add_checked_fixture(tcase, make_rates, drop_rates);
    tcase_add_test(tcase, every_table_has_a_key_of_its_own);
    tcase_add_loop_test(tcase, burst_is_one_second_s_worth, 0,
                        (int)(sizeof(exact) / sizeof(exact[0])));
    tcase_add_test(tcase, rate_is_exact_over_time);
    tcase_add_test(tcase, slow_enough_is_never_refused);
    tcase_add_test(tcase, refused_ones_cost_nothing);
    tcase_add_test(tcase, sources_and_kinds_have_rates_of_their_own);
    tcase_add_test(tcase, prefix_is_part_of_who_it_is);
    tcase_add_test(tcase, no_limit_and_no_source_are_let_through);
    tcase_add_test(tcase, changed_rate_applies_at_once);
    tcase_add_test(tcase, callers_clocks_may_differ);
    tcase_add_test(tcase, old_debts_are_forgotten);
    tcase_add_test(tcase, rate_holds_where_the_time_begins_anew);
    tcase_add_test(tcase, processes_share_a_rate_exactly);
    tcase_add_test(tcase, flood_of_sources_hides_no_offender_and_locks_nobody_out);
    tcase_add_test(tcase, newcomer_finds_room_among_offenders);
    tcase_add_test(tcase, who_owes_least_goes_first);
    return suite_run("rate", tcase);
}
