/* SPDX-License-Identifier: MIT */
#include "net/slot.h"

#include <string.h>

#include "base/clock.h"
#include "suite.h"

enum { CAPACITY = 128, ALICE = SLOT_FIRST_WORKER, BOB = SLOT_FIRST_WORKER + 1 };

static _Atomic uint64_t words[CAPACITY / 64];
static struct slot slots[CAPACITY];
static struct slot_table table;

/* A table whose slots remember former connections. */
static void make_table(void)
{
    memset(words, 0, sizeof(words));
    memset(slots, 0xa5, sizeof(slots));
    for (size_t i = 0; i < CAPACITY; i++)
        slot_set_owner(&slots[i], SLOT_NOBODY);
    table = (struct slot_table){.pool = {.words = words, .capacity = CAPACITY}, .slots = slots};
}

static uint32_t open_slot(uint32_t owner)
{
    struct addr peer = addr_loopback(AF_INET, 7);
    int64_t number = slot_open(&table, CAPACITY, owner, &peer);

    ck_assert_int_ge(number, 0);
    return (uint32_t)number;
}

START_TEST(opened_slot_knows_nothing_of_the_last_connection)
{
    uint64_t usec = clock_usec(), ms = clock_ms();
    const struct slot *slot = &slots[open_slot(ALICE)];

    ck_assert_uint_eq(slot_owner(slot), ALICE);
    ck_assert_int_eq(slot->fd, -1);
    ck_assert_uint_eq(slot->interest, 0);
    ck_assert_uint_eq(slot->number, slot - slots);
    ck_assert_uint_eq(slot->spill_begin, 0);
    ck_assert_uint_eq(slot->spill_end, 0);
    ck_assert_uint_eq(slot->received, 0);
    ck_assert_uint_eq(slot->sent, 0);
    ck_assert_uint_ge(slot->opened_usec, usec);
    ck_assert_uint_le(slot->opened_usec, clock_usec());
    ck_assert_uint_ge(slot->active_ms, ms);
    ck_assert_uint_le(slot->active_ms, clock_ms());
}
END_TEST

START_TEST(no_more_slots_than_the_limit)
{
    struct addr peer = addr_loopback(AF_INET, 7);

    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(slot_open(&table, 10, ALICE, &peer), i);
    ck_assert_int_eq(slot_open(&table, 10, ALICE, &peer), -1);
    slot_close(&table, 3);
    ck_assert_int_eq(slot_open(&table, 10, BOB, &peer), 3);
}
END_TEST

START_TEST(closed_slot_belongs_to_nobody)
{
    uint32_t number = open_slot(ALICE);

    slot_close(&table, number);
    ck_assert_uint_eq(slot_owner(&slots[number]), SLOT_NOBODY);
    ck_assert_int_eq(slot_next(&table, ALICE, 0), -1);
    ck_assert_int_eq(pool_next(&table.pool, 0), -1);
}
END_TEST

START_TEST(next_finds_the_slots_of_one_owner)
{
    uint32_t alices = 0, bobs = 0;

    for (int i = 0; i < CAPACITY; i++)
        open_slot(i % 3 ? ALICE : BOB);
    for (int64_t n = slot_next(&table, ALICE, 0); n >= 0; n = slot_next(&table, ALICE, n + 1)) {
        ck_assert_int_ne(n % 3, 0);
        alices++;
    }
    for (int64_t n = slot_next(&table, BOB, 0); n >= 0; n = slot_next(&table, BOB, n + 1)) {
        ck_assert_int_eq(n % 3, 0);
        bobs++;
    }
    ck_assert_uint_eq(bobs, (CAPACITY + 2) / 3);
    ck_assert_uint_eq(alices, CAPACITY - bobs);
}
END_TEST

START_TEST(slot_in_transit_is_not_among_its_owners)
{
    uint32_t number = open_slot(ALICE);

    slot_set_owner(&slots[number], ALICE | SLOT_IN_TRANSIT);
    ck_assert_int_eq(slot_next(&table, ALICE, 0), -1);
    ck_assert_int_eq(slot_next(&table, ALICE | SLOT_IN_TRANSIT, 0), number);
    slot_set_owner(&slots[number], BOB);
    ck_assert_int_eq(slot_next(&table, BOB, 0), number);
    ck_assert_int_eq(slot_next(&table, ALICE | SLOT_IN_TRANSIT, 0), -1);
}
END_TEST

static struct addr peer_with_scope(void)
{
    struct addr peer = addr_loopback(AF_INET6, 65535);

    peer.in6.sin6_scope_id = 3;
    peer.in6.sin6_addr.s6_addr[0] = 0xfe;
    return peer;
}

static struct addr peer_in_a_guest(void)
{
    return (struct addr){.len = sizeof(struct sockaddr_vm),
                         .vm = {.svm_family = AF_VSOCK, .svm_cid = 3, .svm_port = 65536}};
}

START_TEST(peer_is_kept_whole)
{
    struct addr peers[] = {addr_loopback(AF_INET, 7), peer_with_scope(), peer_in_a_guest()};

    for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
        int64_t number = slot_open(&table, CAPACITY, ALICE, &peers[i]);
        struct addr kept = slot_peer(&slots[number]);

        ck_assert_uint_eq(kept.len, peers[i].len);
        ck_assert_mem_eq(&kept.sa, &peers[i].sa, kept.len);
        ck_assert(addr_equal(&kept, &peers[i]));
    }
}
END_TEST

START_TEST(unix_peer_is_kept_without_its_name)
{
    struct addr peer, kept;
    char text[ADDR_TEXT_MAX];
    int64_t number;

    ck_assert_int_eq(addr_unix("/a/path/that/is/longer/than/a/slot/has/room/for", &peer), 0);
    number = slot_open(&table, CAPACITY, ALICE, &peer);
    kept = slot_peer(&slots[number]);
    ck_assert_uint_eq(kept.len, sizeof(sa_family_t));
    ck_assert_str_eq(addr_format(&kept, text), "unix:");
    for (size_t i = 0; i < sizeof(slots[0].reserved); i++)
        ck_assert_uint_eq(slots[number].reserved[i], 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("slot");

    tcase_add_checked_fixture(tcase, make_table, NULL);
    tcase_add_test(tcase, opened_slot_knows_nothing_of_the_last_connection);
    tcase_add_test(tcase, no_more_slots_than_the_limit);
    tcase_add_test(tcase, closed_slot_belongs_to_nobody);
    tcase_add_test(tcase, next_finds_the_slots_of_one_owner);
    tcase_add_test(tcase, slot_in_transit_is_not_among_its_owners);
    tcase_add_test(tcase, peer_is_kept_whole);
    tcase_add_test(tcase, unix_peer_is_kept_without_its_name);
    return suite_run("slot", tcase);
}
