/* SPDX-License-Identifier: MIT */
#include "client/load_pad.h"

#include <stdbool.h>
#include <string.h>

#include "suite.h"

/* What the connections of a load send. */

enum { SEED = 1, MESSAGE = 64 };

static struct load_pad *pad;

static void setup(void)
{
    pad = load_pad_new(SEED);
    ck_assert_ptr_nonnull(pad);
}

static void teardown(void)
{
    free(pad);
}

/* A stream has no seam, where the period ends or elsewhere. */
START_TEST(offsets_follow_each_other)
{
    const uint64_t steps[] = {1, 64, LOAD_PAD_RUN / 2, LOAD_PAD_RUN - 1};
    uint64_t offset = UINT64_C(1) << 40;

    for (unsigned i = 0; i < 1000; i++) {
        uint64_t step = steps[i % 4];
        const unsigned char *bytes = load_pad_at(pad, 7, offset);

        ck_assert_mem_eq(bytes + step, load_pad_at(pad, 7, offset + step), LOAD_PAD_RUN - step);
        offset += step;
    }
}
END_TEST

static bool are_same(unsigned a, uint64_t a_offset, unsigned b, uint64_t b_offset)
{
    return memcmp(load_pad_at(pad, a, a_offset), load_pad_at(pad, b, b_offset), 8) == 0;
}

/* The first bytes, which a sample looks at, tell a message from all others that may be under way.
 */
START_TEST(messages_of_a_window_differ)
{
    for (uint64_t i = 1; i < 65536; i++)
        ck_assert(!are_same(3, 0, 3, i * MESSAGE));
}
END_TEST

START_TEST(connections_differ)
{
    for (unsigned i = 1; i < 100000; i++)
        ck_assert(!are_same(0, 0, i, 0));
}
END_TEST

START_TEST(seeds_differ)
{
    struct load_pad *other = load_pad_new(SEED + 1);

    ck_assert_ptr_nonnull(other);
    ck_assert_mem_ne(load_pad_at(pad, 0, 0), load_pad_at(other, 0, 0), 8);
    free(other);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("load_pad");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, offsets_follow_each_other);
    tcase_add_test(tcase, messages_of_a_window_differ);
    tcase_add_test(tcase, connections_differ);
    tcase_add_test(tcase, seeds_differ);
    return suite_run("load_pad", tcase);
}
