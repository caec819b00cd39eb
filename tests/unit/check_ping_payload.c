/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "client/ping_payload.h"
#include "suite.h"

static const struct ping_payload payload = {
    .run = 0x01020304, .sequence = 5, .sent_nsec = 1000000007, .size = 300};

START_TEST(header)
{
    static const unsigned char expected[PING_PAYLOAD_MIN] = {
        'p', 'i', 'n', 'g', 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0x3b, 0x9a, 0xca, 0x07};
    struct ping_payload smallest = payload;
    unsigned char bytes[PING_PAYLOAD_MIN];

    smallest.size = sizeof(bytes);
    ping_payload_write(&smallest, bytes);
    ck_assert_mem_eq(bytes, expected, sizeof(bytes));
}
END_TEST

START_TEST(reads_what_was_written)
{
    struct ping_payload read = {0};
    unsigned char bytes[300];

    ping_payload_write(&payload, bytes);
    ck_assert(ping_payload_read(payload.run, bytes, sizeof(bytes), &read));
    ck_assert_uint_eq(read.run, payload.run);
    ck_assert_uint_eq(read.sequence, payload.sequence);
    ck_assert_int_eq(read.sent_nsec, payload.sent_nsec);
    ck_assert_uint_eq(read.size, payload.size);
    ck_assert_uint_eq(ping_payload_mismatch(&payload, 0, bytes, sizeof(bytes)), sizeof(bytes));
}
END_TEST

START_TEST(not_ours)
{
    unsigned char bytes[300];
    struct ping_payload read;

    ping_payload_write(&payload, bytes);
    ck_assert(!ping_payload_read(payload.run + 1, bytes, sizeof(bytes), &read));
    ck_assert(!ping_payload_read(payload.run, bytes, PING_PAYLOAD_MIN - 1, &read));
    ck_assert(!ping_payload_read(payload.run, bytes, 0, &read));
    bytes[0] ^= 1;
    ck_assert(!ping_payload_read(payload.run, bytes, sizeof(bytes), &read));
}
END_TEST

/* Every byte counts, and is found in whatever pieces it comes. */
START_TEST(each_byte)
{
    unsigned char bytes[300];

    for (size_t i = 0; i < sizeof(bytes); i++) {
        size_t begin = i < 10 ? 0 : i - 10;

        ping_payload_write(&payload, bytes);
        bytes[i] ^= 0x40;
        ck_assert_uint_eq(ping_payload_mismatch(&payload, 0, bytes, sizeof(bytes)), i);
        ck_assert_uint_eq(
            ping_payload_mismatch(&payload, begin, bytes + begin, sizeof(bytes) - begin),
            i - begin);
        ck_assert_uint_eq(ping_payload_mismatch(&payload, 0, bytes, i), i);
        ck_assert_uint_eq(ping_payload_mismatch(&payload, i + 1, bytes + i + 1, 299 - i), 299 - i);
    }
}
END_TEST

/* An answer put together from two probes is not intact. */
START_TEST(probes_differ)
{
    struct ping_payload next = payload;
    unsigned char bytes[300];

    next.sequence++;
    ping_payload_write(&next, bytes);
    ck_assert_uint_lt(
        ping_payload_mismatch(&payload, PING_PAYLOAD_MIN, bytes + PING_PAYLOAD_MIN, 276), 8);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("ping_payload");

    tcase_add_test(tcase, header);
    tcase_add_test(tcase, reads_what_was_written);
    tcase_add_test(tcase, not_ours);
    tcase_add_test(tcase, each_byte);
    tcase_add_test(tcase, probes_differ);
    return suite_run("ping_payload", tcase);
}
