/* SPDX-License-Identifier: MIT */
#include "base/crc32c.h"

#include <string.h>

#include "suite.h"

enum { SIZE = 32 };

static uint8_t zeros[SIZE], ones[SIZE], rising[SIZE], falling[SIZE];

static void make_bytes(void)
{
    memset(ones, 0xff, SIZE);
    for (unsigned i = 0; i < SIZE; i++) {
        rising[i] = (uint8_t)i;
        falling[i] = (uint8_t)(SIZE - 1 - i);
    }
}

/* The examples of RFC 3720, B.4, and the value by which lists of checksums tell them apart. */
START_TEST(published_values)
{
    ck_assert_uint_eq(crc32c(0, zeros, SIZE), 0x8a9136aa);
    ck_assert_uint_eq(crc32c(0, ones, SIZE), 0x62a8ab43);
    ck_assert_uint_eq(crc32c(0, rising, SIZE), 0x46dd794e);
    ck_assert_uint_eq(crc32c(0, falling, SIZE), 0x113fdb5c);
    ck_assert_uint_eq(crc32c(0, "123456789", 9), 0xe3069283);
    ck_assert_uint_eq(crc32c(0, "", 0), 0);
}
END_TEST

START_TEST(pieces_come_to_the_same)
{
    for (unsigned at = 0; at <= SIZE; at++)
        ck_assert_uint_eq(crc32c(crc32c(0, rising, at), rising + at, SIZE - at),
                          crc32c(0, rising, SIZE));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("crc32c");

    tcase_add_checked_fixture(tcase, make_bytes, NULL);
    tcase_add_test(tcase, published_values);
    tcase_add_test(tcase, pieces_come_to_the_same);
    return suite_run("crc32c", tcase);
}
