/* SPDX-License-Identifier: MIT */
#include "client/pattern.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 10000 };

START_TEST(message)
{
    struct pattern pattern = pattern_message("Hello, world");
    char buffer[16] = "";

    ck_assert_uint_eq(pattern.size, 12);
    pattern_fill(&pattern, 0, buffer, 12);
    ck_assert_str_eq(buffer, "Hello, world");
    pattern_fill(&pattern, 7, buffer, 5);
    ck_assert_mem_eq(buffer, "world", 5);
    ck_assert_uint_eq(pattern_byte(&pattern, 4), 'o');
    ck_assert_uint_eq(pattern_mismatch(&pattern, 7, "world", 5), 5);
    ck_assert_uint_eq(pattern_mismatch(&pattern, 7, "wor1d", 5), 3);
}
END_TEST

START_TEST(known_values)
{
    /* The first outputs of SplitMix64 for the seed 1234567, as other implementations have them. */
    static const uint64_t published[] = {
        UINT64_C(6457827717110365317), UINT64_C(3203168211198807973), UINT64_C(9817491932198370423),
        UINT64_C(4593380528125082431), UINT64_C(16408922859458223821)};
    struct pattern pattern = pattern_random(1234567, SIZE);
    unsigned char bytes[sizeof(published)];

    pattern_fill(&pattern, 0, bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        ck_assert_uint_eq(bytes[i], (uint8_t)(published[i / 8] >> i % 8 * 8));
}
END_TEST

START_TEST(pure_function_of_offset)
{
    struct pattern pattern = pattern_random(42, SIZE);
    unsigned char whole[SIZE], part[64];

    pattern_fill(&pattern, 0, whole, sizeof(whole));
    for (size_t offset = 0; offset < 100; offset++)
        for (size_t length = 0; length <= sizeof(part); length++) {
            memset(part, 0, sizeof(part));
            pattern_fill(&pattern, offset, part, length);
            ck_assert_mem_eq(part, whole + offset, length);
        }
    for (size_t offset = 0; offset < SIZE; offset++)
        ck_assert_uint_eq(pattern_byte(&pattern, offset), whole[offset]);
}
END_TEST

START_TEST(fill_stays_in_its_buffer)
{
    struct pattern pattern = pattern_random(42, SIZE);
    unsigned char buffer[40];

    for (size_t length = 0; length < 30; length++) {
        memset(buffer, 0xaa, sizeof(buffer));
        pattern_fill(&pattern, 3, buffer, length);
        for (size_t i = length; i < sizeof(buffer); i++)
            ck_assert_uint_eq(buffer[i], 0xaa);
    }
}
END_TEST

START_TEST(far_offsets)
{
    struct pattern pattern = pattern_random(7, UINT64_C(1) << 40);
    unsigned char a[16], b[16];

    pattern_fill(&pattern, (UINT64_C(1) << 40) - 16, a, sizeof(a));
    for (size_t i = 0; i < sizeof(b); i++)
        b[i] = pattern_byte(&pattern, (UINT64_C(1) << 40) - 16 + i);
    ck_assert_mem_eq(a, b, sizeof(a));
    /* Not the beginning over again, as with an offset cut to 32 bits. */
    pattern_fill(&pattern, 0, a, sizeof(a));
    pattern_fill(&pattern, UINT64_C(1) << 32, b, sizeof(b));
    ck_assert_mem_ne(a, b, sizeof(a));
}
END_TEST

START_TEST(mismatch_finds_every_place)
{
    struct pattern pattern = pattern_random(99, SIZE + 5);
    unsigned char bytes[SIZE];

    pattern_fill(&pattern, 5, bytes, sizeof(bytes));
    ck_assert_uint_eq(pattern_mismatch(&pattern, 5, bytes, sizeof(bytes)), SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] ^= (unsigned char)(1 << i % 8);
        ck_assert_uint_eq(pattern_mismatch(&pattern, 5, bytes, sizeof(bytes)), i);
        bytes[i] ^= (unsigned char)(1 << i % 8);
    }
    ck_assert_uint_eq(pattern_mismatch(&pattern, 5, bytes, 0), 0);
    /* A byte lost or doubled shifts all the rest. */
    ck_assert_uint_lt(pattern_mismatch(&pattern, 6, bytes, sizeof(bytes) - 1), 16);
}
END_TEST

START_TEST(bytes_are_spread)
{
    struct pattern pattern = pattern_random(1, SIZE);
    unsigned counts[256] = {0};

    for (size_t i = 0; i < SIZE; i++)
        counts[pattern_byte(&pattern, i)]++;
    for (size_t i = 0; i < 256; i++) /* 39 on average, give or take six standard deviations */
        ck_assert_msg(counts[i] > 2 && counts[i] < 77, "byte %zu: %u times", i, counts[i]);
}
END_TEST

START_TEST(seeds_differ)
{
    struct pattern a = pattern_random(pattern_new_seed(), SIZE);
    struct pattern b = pattern_random(pattern_new_seed(), SIZE);
    unsigned char x[64], y[64];

    ck_assert_uint_ne(a.seed, b.seed);
    pattern_fill(&a, 0, x, sizeof(x));
    pattern_fill(&b, 0, y, sizeof(y));
    ck_assert_mem_ne(x, y, sizeof(x));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pattern");
    TCase *tcase = tcase_create("pattern");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, message);
    tcase_add_test(tcase, known_values);
    tcase_add_test(tcase, pure_function_of_offset);
    tcase_add_test(tcase, fill_stays_in_its_buffer);
    tcase_add_test(tcase, far_offsets);
    tcase_add_test(tcase, mismatch_finds_every_place);
    tcase_add_test(tcase, bytes_are_spread);
    tcase_add_test(tcase, seeds_differ);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
