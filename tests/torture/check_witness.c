/* SPDX-License-Identifier: MIT */
#include "torture/witness.h"

#include <check.h>
#include <string.h>

#include "unit/suite.h"

enum { SIZE = 200000 };

static uint8_t stream[SIZE], answer[2 * SIZE];
static size_t answer_size;
static struct witness witness;

static void set_up(void)
{
    struct pattern pattern = pattern_random(7, UINT64_MAX);

    pattern_fill(&pattern, 0, stream, SIZE);
    answer_size = 0;
    witness_init(&witness, 7);
}

static void comes(size_t from, size_t to)
{
    memcpy(answer + answer_size, stream + from, to - from);
    answer_size += to - from;
}

/* All that comes, in pieces of PIECE bytes, then the end. */
static unsigned see(size_t piece)
{
    unsigned findings = 0;

    for (size_t at = 0; at < answer_size; at += piece)
        findings += witness_see(&witness, answer + at,
                                answer_size - at < piece ? answer_size - at : piece, SIZE);
    return findings + witness_end(&witness, SIZE);
}

static void assert_counts(uint64_t lost, uint64_t doubled, uint64_t reordered, uint64_t corrupted)
{
    ck_assert_uint_eq(witness.counts[LOST], lost);
    ck_assert_uint_eq(witness.counts[DOUBLED], doubled);
    ck_assert_uint_eq(witness.counts[REORDERED], reordered);
    ck_assert_uint_eq(witness.counts[CORRUPTED], corrupted);
}

static const size_t pieces[] = {1, 5, 100, 4096, WITNESS_MOST};
enum { PIECES = sizeof(pieces) / sizeof(pieces[0]) };

START_TEST(what_is_right)
{
    comes(0, SIZE);
    ck_assert_uint_eq(see(pieces[_i]), 0);
    assert_counts(0, 0, 0, 0);
    ck_assert_uint_eq(witness.at, SIZE);
}
END_TEST

START_TEST(lost)
{
    comes(0, 5000);
    comes(5100, SIZE);
    ck_assert_uint_eq(see(pieces[_i]), 1);
    assert_counts(100, 0, 0, 0);
    ck_assert_uint_eq(witness.last.offset, 5000);
    ck_assert_uint_eq(witness.last.size, 100);
}
END_TEST

/* What is far away is found as well: a whole buffer, more than one step of the search. */
START_TEST(much_lost)
{
    comes(0, 5000);
    comes(SIZE - 5000, SIZE);
    ck_assert_uint_eq(see(pieces[_i]), 1);
    assert_counts(SIZE - 10000, 0, 0, 0);
}
END_TEST

/* That is an end which comes too early: who sees it is the caller. */
START_TEST(end_missing)
{
    comes(0, SIZE - 1);
    ck_assert_uint_eq(see(pieces[_i]), 0);
    assert_counts(0, 0, 0, 0);
    ck_assert_uint_eq(witness.at, SIZE - 1);
}
END_TEST

START_TEST(doubled)
{
    comes(0, 70000);
    comes(5000, SIZE);
    ck_assert_uint_eq(see(pieces[_i]), 1);
    assert_counts(0, 65000, 0, 0);
}
END_TEST

START_TEST(end_doubled)
{
    comes(0, SIZE);
    comes(SIZE - 1, SIZE);
    ck_assert_uint_ge(see(pieces[_i]), 1);
    ck_assert_uint_eq(witness.counts[LOST], 0);
    ck_assert_uint_ge(witness.counts[DOUBLED] + witness.counts[CORRUPTED], 1);
}
END_TEST

START_TEST(reordered)
{
    comes(0, 5000);
    comes(6000, 9000);
    comes(5000, 6000);
    comes(9000, SIZE);
    ck_assert_uint_eq(see(pieces[_i]), 2);
    assert_counts(0, 0, 1000, 0);
    ck_assert_uint_eq(witness.at, SIZE);
}
END_TEST

/* One byte, at each place near the end of a piece, and of everything. */
START_TEST(corrupted)
{
    comes(0, SIZE);
    for (size_t at = SIZE - 40; at < SIZE; at++) {
        answer[at] ^= 1;
        witness_init(&witness, 7);
        ck_assert_uint_eq(see(pieces[_i]), 1);
        assert_counts(0, 0, 0, 1);
        ck_assert_uint_eq(witness.last.offset, at);
        answer[at] ^= 1;
    }
}
END_TEST

/* Bytes that are nobody's, or somebody else's, in place of the stream's. */
START_TEST(foreign)
{
    struct pattern other = pattern_random(8, UINT64_MAX);

    comes(0, SIZE);
    pattern_fill(&other, 50000, answer + 50000, 20000);
    ck_assert_uint_ge(see(pieces[_i]), 1);
    ck_assert_uint_ge(witness.counts[CORRUPTED], 19000);
    ck_assert_uint_le(witness.counts[CORRUPTED], 20000);
}
END_TEST

/* The last bytes that were sent so far are judged at once: more may never come. */
START_TEST(nothing_is_waited_for)
{
    uint8_t byte = (uint8_t)~stream[999];

    ck_assert_uint_eq(witness_see(&witness, stream, 999, 1000), 0);
    ck_assert_uint_eq(witness_see(&witness, &byte, 1, 1000), 1);
    assert_counts(0, 0, 0, 1);
    ck_assert_uint_eq(witness_see(&witness, &byte, 1, 1000), 0);
    assert_counts(0, 0, 0, 2);
    ck_assert_uint_eq(witness.at, 1000);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("witness");

    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_loop_test(tc, what_is_right, 0, PIECES);
    tcase_add_loop_test(tc, lost, 0, PIECES);
    tcase_add_loop_test(tc, much_lost, 0, PIECES);
    tcase_add_loop_test(tc, end_missing, 0, PIECES);
    tcase_add_loop_test(tc, doubled, 0, PIECES);
    tcase_add_loop_test(tc, end_doubled, 0, PIECES);
    tcase_add_loop_test(tc, reordered, 0, PIECES);
    tcase_add_loop_test(tc, corrupted, 0, PIECES);
    tcase_add_loop_test(tc, foreign, 0, PIECES);
    tcase_add_test(tc, nothing_is_waited_for);
    return suite_run("witness", tc);
}
