/* SPDX-License-Identifier: MIT */
#include "net/ledger.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

#include "process_steps.h"
#include "suite.h"

/* The workers are processes of the test's, which does for the dead what the supervisor does. */

enum { CAPACITY = 256, ALICE = SLOT_FIRST_WORKER, BOB = SLOT_FIRST_WORKER + 1 };

struct shared {
    struct ledger_state state;
    _Atomic uint64_t slot_words[CAPACITY / 64];
    struct slot slots[CAPACITY];
    struct tally_index index;
    struct tally_entry entries[CAPACITY];
};

static struct shared *shared;
static struct ledger ledger;

static void make_ledger(void)
{
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    ledger = (struct ledger){
        .state = &shared->state,
        .slots = {.pool = {.words = shared->slot_words, .capacity = CAPACITY},
                  .slots = shared->slots},
        .tally = {.index = &shared->index, .entries = shared->entries, .capacity = CAPACITY},
    };
    ck_assert_int_eq(ledger_init(&ledger), 0);
}

static void drop_ledger(void)
{
    ck_assert_int_eq(munmap(shared, sizeof(*shared)), 0);
}

static struct addr peer_at(uint32_t number)
{
    struct addr peer = addr_loopback(AF_INET, 7);

    peer.in.sin_addr.s_addr = htonl(0xc0000200 + number);
    return peer;
}

/* A slot for a connection from 192.0.2.HOST, of which PER_SOURCE may be: its number or -errno. */
static int open_one(uint32_t owner, uint32_t host, uint32_t per_source, uint32_t connections)
{
    struct addr peer = peer_at(host);
    struct source source = source_of(&peer, 32, 64);
    const struct ledger_limits limits = {.connections = connections, .per_source = per_source};
    uint32_t number = UINT32_MAX;
    int r = ledger_open(&ledger, owner, &peer, &source, &limits, &number);

    return r < 0 ? r : (int)number;
}

/* All that an owner has, as the supervisor does it. */
static void bury(uint32_t owner)
{
    for (int64_t n = slot_next(&ledger.slots, owner, 0); n >= 0;
         n = slot_next(&ledger.slots, owner, (uint32_t)n + 1))
        ledger_forget(&ledger, (uint32_t)n);
    ledger_bury(&ledger, owner);
}

/* The source 192.0.2.HOST has FREE places left of PER_SOURCE, and no more. */
static void has_free_places(uint32_t host, uint32_t per_source, uint32_t free)
{
    int number[CAPACITY];

    for (uint32_t i = 0; i < free; i++) {
        number[i] = open_one(BOB, host, per_source, CAPACITY);
        ck_assert_int_ge(number[i], 0);
    }
    ck_assert_int_eq(open_one(BOB, host, per_source, CAPACITY), -EDQUOT);
    for (uint32_t i = 0; i < free; i++)
        ledger_close(&ledger, (uint32_t)number[i]);
}

START_TEST(source_gets_its_most_and_no_more)
{
    ck_assert_int_eq(open_one(ALICE, 1, 2, CAPACITY), 0);
    ck_assert_int_eq(open_one(BOB, 1, 2, CAPACITY), 1);
    ck_assert_int_eq(open_one(ALICE, 1, 2, CAPACITY), -EDQUOT);
    ck_assert_int_eq(open_one(ALICE, 2, 2, CAPACITY), 2); /* Others are not hurt. */
    ledger_close(&ledger, 1);
    ck_assert_int_eq(open_one(ALICE, 1, 2, CAPACITY), 1);
    ck_assert_int_eq(open_one(BOB, 1, 2, CAPACITY), -EDQUOT);
}
END_TEST

START_TEST(who_finds_no_slot_is_not_counted)
{
    ck_assert_int_eq(open_one(ALICE, 1, 5, 2), 0);
    ck_assert_int_eq(open_one(ALICE, 1, 5, 2), 1);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(open_one(ALICE, 1, 5, 2), -EUSERS);
    has_free_places(1, 5, 3);
}
END_TEST

START_TEST(who_has_too_many_takes_no_slot)
{
    ck_assert_int_eq(open_one(ALICE, 1, 1, CAPACITY), 0);
    ck_assert_int_eq(open_one(ALICE, 1, 1, CAPACITY), -EDQUOT);
    ck_assert_int_eq(pool_next(&ledger.slots.pool, 1), -1);
}
END_TEST

START_TEST(changed_limits_apply_to_those_who_come)
{
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(open_one(ALICE, 1, 0, CAPACITY), i); /* none: counted all the same */
    ck_assert_int_eq(open_one(ALICE, 1, 3, CAPACITY), -EDQUOT);
    has_free_places(1, 8, 3);
    for (uint32_t i = 0; i < 3; i++)
        ledger_close(&ledger, i);
    has_free_places(1, 3, 1);
}
END_TEST

START_TEST(peer_that_is_no_source_is_not_counted)
{
    struct addr peer = {.len = sizeof(sa_family_t), .sa.sa_family = AF_UNIX};
    struct source none = source_of(&peer, 32, 64);
    const struct ledger_limits limits = {.connections = 10, .per_source = 1};
    uint32_t number;

    for (uint32_t i = 0; i < 10; i++) {
        ck_assert_int_eq(ledger_open(&ledger, ALICE, &peer, &none, &limits, &number), 0);
        ck_assert_uint_eq(number, i);
    }
    ck_assert_int_eq(ledger_open(&ledger, ALICE, &peer, &none, &limits, &number), -EUSERS);
    ck_assert_uint_eq(shared->index.sources, 0);
    for (uint32_t i = 0; i < 10; i++)
        ledger_close(&ledger, i);
    ck_assert_int_eq(pool_next(&ledger.slots.pool, 0), -1);
}
END_TEST

START_TEST(source_may_turn_out_later)
{
    struct addr proxy = peer_at(9), client = peer_at(1);
    struct source none = {0}, source = source_of(&client, 32, 64);
    const struct ledger_limits limits = {.connections = 10, .per_source = 2};
    uint32_t number;

    for (uint32_t i = 0; i < 3; i++)
        ck_assert_int_eq(ledger_open(&ledger, ALICE, &proxy, &none, &limits, &number), 0);
    ck_assert_int_eq(ledger_assign(&ledger, 0, &source, 2), 0);
    ck_assert_int_eq(ledger_assign(&ledger, 1, &source, 2), 0);
    ck_assert_int_eq(ledger_assign(&ledger, 2, &source, 2), -EDQUOT);
    ck_assert_int_eq(ledger_assign(&ledger, 2, &none, 2), 0);
    ledger_close(&ledger, 2); /* It never counted. */
    has_free_places(1, 2, 0);
    ledger_close(&ledger, 1);
    has_free_places(1, 2, 1);
    bury(ALICE);
    has_free_places(1, 2, 2);
}
END_TEST

START_TEST(source_may_be_said_again)
{
    struct addr proxy = peer_at(9), one = peer_at(1), other = peer_at(2);
    struct source none = {0}, source = source_of(&one, 32, 64), changed = source_of(&other, 32, 64);
    const struct ledger_limits limits = {.connections = 10};
    uint32_t number;

    ck_assert_int_eq(ledger_open(&ledger, ALICE, &proxy, &none, &limits, &number), 0);
    ck_assert_int_eq(ledger_assign(&ledger, 0, &source, 1), 0);
    ck_assert_int_eq(ledger_assign(&ledger, 0, &source, 1), 0);
    has_free_places(1, 2, 1);
    ck_assert_int_eq(ledger_assign(&ledger, 0, &changed, 1), 0); /* The limits' prefix has. */
    has_free_places(1, 2, 2);
    has_free_places(2, 2, 1);
    ledger_close(&ledger, 0);
    has_free_places(2, 2, 2);
}
END_TEST

/* A connection changes hands: it counts as before, and its next owner closes it. */
START_TEST(handed_over_connection_stays_counted)
{
    ck_assert_int_eq(open_one(ALICE, 1, 2, CAPACITY), 0);
    slot_set_owner(&shared->slots[0], ALICE | SLOT_IN_TRANSIT);
    has_free_places(1, 2, 1);
    bury(ALICE); /* who has nothing any more */
    has_free_places(1, 2, 1);
    slot_set_owner(&shared->slots[0], BOB);
    ledger_close(&ledger, 0);
    has_free_places(1, 2, 2);
}
END_TEST

START_TEST(places_of_the_dead_are_free_again)
{
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(open_one(i % 2 ? ALICE : BOB, 1, 6, CAPACITY), i);
    ck_assert_int_eq(open_one(ALICE, 2, 6, CAPACITY), 6);
    bury(ALICE);
    has_free_places(1, 6, 3);
    has_free_places(2, 6, 6);
    ck_assert_int_eq(open_one(BOB, 3, 0, 4), 1); /* so are its slots */
    ck_assert_int_eq(open_one(BOB, 3, 0, 4), 3);
    ck_assert_int_eq(open_one(BOB, 3, 0, 4), -EUSERS);
}
END_TEST

/* It took the slot, and died before it wrote there whose it is. */
START_TEST(slot_that_nobody_owns_is_found_again)
{
    ck_assert_int_eq(pool_take(&ledger.slots.pool, CAPACITY), 0);
    ledger_bury(&ledger, ALICE);
    ck_assert_int_eq(open_one(BOB, 1, 0, 1), 0);
}
END_TEST

static int die_with_the_mutex(void *unused)
{
    (void)unused;
    ledger.state->at_work[ALICE] = true;
    return pthread_mutex_lock(&ledger.state->mutex);
}

START_TEST(dead_holder_holds_nobody_up)
{
    ck_assert_int_eq(open_one(BOB, 1, 2, CAPACITY), 0);
    shared->entries[0].count = 77; /* which it left half done */
    ck_assert_int_eq(process_run(die_with_the_mutex, NULL), 0);
    has_free_places(1, 2, 1);
    ck_assert(ledger_needs(&ledger, ALICE));
    bury(ALICE);
    ck_assert(!ledger_needs(&ledger, ALICE));
    has_free_places(1, 2, 1);
}
END_TEST

static int stop_with_the_mutex(void *unused)
{
    (void)unused;
    ledger.state->at_work[ALICE] = true;
    (void)pthread_mutex_lock(&ledger.state->mutex);
    return raise(SIGSTOP);
}

/* What the supervisor does is never held up; it sees who is in the way, and ends that one. */
START_TEST(stopped_holder_is_seen)
{
    pid_t pid = process_start(stop_with_the_mutex, NULL);
    int status;

    ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
    ck_assert(WIFSTOPPED(status));
    ck_assert(ledger_needs(&ledger, ALICE));
    ck_assert(!ledger_needs(&ledger, BOB));
    bury(BOB);
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    bury(ALICE);
    has_free_places(1, 3, 3);
}
END_TEST

static int open_as_bob(void *unused)
{
    (void)unused;
    return open_one(BOB, 1, 2, CAPACITY);
}

static int hold_the_mutex(void *unused)
{
    (void)unused;
    (void)pthread_mutex_lock(&ledger.state->mutex);
    ledger.state->at_work[ALICE] = LEDGER_HAS_MUTEX;
    return raise(SIGSTOP);
}

/* Not everybody who does not go on is in the way: most wait for the one that is. */
START_TEST(who_waits_for_a_holder_is_told_from_it)
{
    pid_t holder = process_start(hold_the_mutex, NULL), waiting;
    int status;

    ck_assert_int_eq(waitpid(holder, &status, WUNTRACED), holder);
    ck_assert(!ledger_waits(&ledger, BOB));
    waiting = process_start(open_as_bob, NULL);
    while (!ledger_waits(&ledger, BOB))
        (void)sched_yield();
    ck_assert(!ledger_waits(&ledger, ALICE));
    ck_assert(ledger_needs(&ledger, ALICE));
    ck_assert_int_eq(kill(holder, SIGKILL), 0);
    ck_assert_int_eq(waitpid(holder, &status, 0), holder);
    ck_assert_int_eq(waitpid(waiting, &status, 0), waiting);
    ck_assert_int_eq(status, 0);
    ck_assert(!ledger_needs(&ledger, BOB));
    bury(ALICE);
}
END_TEST

/* A million come and go while one has all it may have: they leave nothing behind. */
START_TEST(sources_that_come_and_go_take_no_room)
{
    enum { MILLION = 1000000 };
    struct addr peer = addr_loopback(AF_INET6, 7);
    const struct ledger_limits limits = {.connections = CAPACITY, .per_source = 1};
    uint32_t number = 0, let_in = 0;

    ck_assert_int_eq(open_one(BOB, 1, 1, CAPACITY), 0);
    for (uint32_t i = 0; i < MILLION; i++) {
        struct source source;

        peer.in6.sin6_addr.s6_addr32[1] = htonl(i);
        source = source_of(&peer, 32, 64);
        let_in += ledger_open(&ledger, ALICE, &peer, &source, &limits, &number) == 0;
        ledger_close(&ledger, number);
    }
    ck_assert_uint_eq(let_in, MILLION);
    ck_assert_uint_eq(shared->index.sources, 1);
    ck_assert_uint_le(shared->index.touched, 2);
    ck_assert_int_eq(open_one(ALICE, 1, 1, CAPACITY), -EDQUOT);
}
END_TEST

/* ---- killed at each single instruction ---- */

/* One connection stays open, one comes, one goes. */
static int come_and_go(void *unused)
{
    (void)unused;
    (void)open_one(ALICE, 1, 3, CAPACITY);
    ledger_close(&ledger, (uint32_t)open_one(ALICE, 1, 3, CAPACITY));
    return EXIT_SUCCESS;
}

/* Of two sources that may have three connections each, BOB has one of each. */
static void assert_places_after_a_death(void)
{
    uint32_t alices = 0;

    has_free_places(2, 3, 2);
    for (int64_t n = slot_next(&ledger.slots, ALICE, 0); n >= 0;
         n = slot_next(&ledger.slots, ALICE, (uint32_t)n + 1))
        alices += !source_is_none(&shared->slots[n].source);
    has_free_places(1, 3, 2 - alices);
    bury(ALICE);
    has_free_places(1, 3, 2);
    has_free_places(2, 3, 2);
    ck_assert_int_eq(pool_next(&ledger.slots.pool, 2), -1);
    ck_assert_uint_eq(shared->index.sources, 2);
}

/*
 * Whatever a worker was doing when it was killed: the others find the counts right at once, and
 * all that it had is free when it is buried. To look at each instruction takes minutes, so each run
 * looks at others, with a few between them.
 */
START_TEST(death_at_any_instruction_loses_no_place)
{
    uint64_t all = process_kill_after(come_and_go, NULL, UINT64_MAX);
    uint64_t stride = process_stride(all, all / 2);

    bury(ALICE);
    ck_assert_int_eq(open_one(BOB, 1, 3, CAPACITY), 0);
    ck_assert_int_eq(open_one(BOB, 2, 0, CAPACITY), 1);
    for (uint64_t steps = (uint64_t)getpid() % stride; steps < all; steps += stride) {
        ck_assert_uint_le(process_kill_after(come_and_go, NULL, steps), steps);
        assert_places_after_a_death();
    }
}
END_TEST

static int assign(void *unused)
{
    const struct addr peer = peer_at(1);
    const struct source source = source_of(&peer, 32, 64);

    (void)unused;
    return ledger_assign(&ledger, 0, &source, 1) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The slot of a connection that was opened for no source is its next owner's. */
static void go_on_after_death(void)
{
    ledger_bury(&ledger, ALICE);
    slot_set_owner(&shared->slots[0], BOB);
    ck_assert_int_eq(assign(NULL), EXIT_SUCCESS);
    has_free_places(1, 2, 1);
    ledger_close(&ledger, 0);
    has_free_places(1, 2, 2);
    ck_assert_uint_eq(shared->index.sources, 0);
}

/* How many instructions it took to assign the client until that was killed. */
static uint64_t die_assigning(uint64_t death)
{
    const struct ledger_limits limits = {.connections = 1};
    const struct addr proxy = peer_at(9);
    const struct source none = {0};
    uint32_t number;
    uint64_t steps;

    ck_assert_int_eq(ledger_open(&ledger, ALICE, &proxy, &none, &limits, &number), 0);
    steps = process_kill_after(assign, NULL, death);
    go_on_after_death();
    return steps;
}

/* Who goes on says again whose the connection is; it counts once, whether it did already or not. */
START_TEST(death_at_any_instruction_counts_a_client_once)
{
    uint64_t all = die_assigning(UINT64_MAX), stride = process_stride(all, all / 2);

    for (uint64_t death = 0; death < all; death += stride)
        ck_assert_uint_le(die_assigning(death), death);
}
END_TEST

/* ---- several at once ---- */

enum { PROCESSES = 4, ROUNDS = 50000, MOST = 3 };

struct crowd {
    _Atomic int open;
    _Atomic int worst;
};

static struct crowd *crowd;

/* Opens and closes connections of one source; what is open by its own count must stay within. */
static int come_and_go_often(void *argument)
{
    uint32_t owner = *(uint32_t *)argument;

    for (int i = 0; i < ROUNDS; i++) {
        int number = open_one(owner, 1, MOST, CAPACITY), now, worst;

        if (number < 0)
            continue;
        now = atomic_fetch_add(&crowd->open, 1) + 1;
        worst = atomic_load(&crowd->worst);
        while (now > worst && !atomic_compare_exchange_weak(&crowd->worst, &worst, now))
            ;
        (void)atomic_fetch_sub(&crowd->open, 1);
        ledger_close(&ledger, (uint32_t)number);
    }
    return EXIT_SUCCESS;
}

START_TEST(processes_together_stay_within_the_limit)
{
    uint32_t owner[PROCESSES];
    pid_t pid[PROCESSES];

    crowd = mmap(NULL, sizeof(*crowd), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(crowd, MAP_FAILED);
    for (uint32_t i = 0; i < PROCESSES; i++) {
        owner[i] = SLOT_FIRST_WORKER + i;
        pid[i] = process_start(come_and_go_often, &owner[i]);
    }
    for (int i = 0; i < PROCESSES; i++)
        ck_assert_int_eq(process_wait(pid[i]), EXIT_SUCCESS);
    ck_assert_int_le(atomic_load(&crowd->worst), MOST);
    has_free_places(1, MOST, MOST);
    ck_assert_int_eq(pool_next(&ledger.slots.pool, 0), -1);
}
END_TEST

_Noreturn static int come_and_go_for_ever(void *argument)
{
    uint32_t owner = *(uint32_t *)argument;

    for (;;) {
        int number = open_one(owner, 1, MOST, CAPACITY);

        if (number >= 0)
            ledger_close(&ledger, (uint32_t)number);
    }
}

/* Some are killed while the others go on. */
START_TEST(deaths_in_a_crowd_lose_no_place)
{
    enum { DEATHS = 200 };
    uint32_t owner[PROCESSES];
    pid_t pid[PROCESSES];
    int status;

    for (uint32_t i = 0; i < PROCESSES; i++) {
        owner[i] = SLOT_FIRST_WORKER + 2 + i;
        pid[i] = process_start(come_and_go_for_ever, &owner[i]);
    }
    for (int i = 0; i < DEATHS + PROCESSES; i++) {
        int victim = i % PROCESSES;

        for (int j = 0; j < i % 50; j++) { /* for a while it does the same */
            int number = open_one(BOB, 1, MOST, CAPACITY);

            if (number >= 0)
                ledger_close(&ledger, (uint32_t)number);
        }
        ck_assert_int_eq(kill(pid[victim], SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid[victim], &status, 0), pid[victim]);
        bury(owner[victim]);
        if (i < DEATHS)
            pid[victim] = process_start(come_and_go_for_ever, &owner[victim]);
    }
    has_free_places(1, MOST, MOST);
    ck_assert_int_eq(pool_next(&ledger.slots.pool, 0), -1);
    ck_assert_uint_eq(shared->index.sources, 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("ledger");

    tcase_add_checked_fixture(tcase, make_ledger, drop_ledger);
    tcase_add_test(tcase, source_gets_its_most_and_no_more);
    tcase_add_test(tcase, who_finds_no_slot_is_not_counted);
    tcase_add_test(tcase, who_has_too_many_takes_no_slot);
    tcase_add_test(tcase, changed_limits_apply_to_those_who_come);
    tcase_add_test(tcase, peer_that_is_no_source_is_not_counted);
    tcase_add_test(tcase, source_may_turn_out_later);
    tcase_add_test(tcase, source_may_be_said_again);
    tcase_add_test(tcase, handed_over_connection_stays_counted);
    tcase_add_test(tcase, places_of_the_dead_are_free_again);
    tcase_add_test(tcase, slot_that_nobody_owns_is_found_again);
    tcase_add_test(tcase, dead_holder_holds_nobody_up);
    tcase_add_test(tcase, stopped_holder_is_seen);
    tcase_add_test(tcase, who_waits_for_a_holder_is_told_from_it);
    tcase_add_test(tcase, sources_that_come_and_go_take_no_room);
    tcase_add_test(tcase, death_at_any_instruction_loses_no_place);
    tcase_add_test(tcase, death_at_any_instruction_counts_a_client_once);
    tcase_add_test(tcase, processes_together_stay_within_the_limit);
    tcase_add_test(tcase, deaths_in_a_crowd_lose_no_place);
    return suite_run("ledger", tcase);
}
