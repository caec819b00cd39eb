/* SPDX-License-Identifier: MIT */
#include "base/siphash.h"

#include "suite.h"

/*
 * The vectors of the reference implementation, for the key 00 01 ... 0f and the messages "", 00,
 * 00 01 and so on. The one of 15 bytes is worked out step by step in the paper's appendix A.
 */
static const struct siphash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};

static const uint64_t vectors[] = {
    UINT64_C(0x726fdb47dd0e0e31), UINT64_C(0x74f839c593dc67fd), UINT64_C(0x0d6c8009d9a94f5a),
    UINT64_C(0x85676696d7fb7e2d), UINT64_C(0xcf2794e0277187b7), UINT64_C(0x18765564cd99a68d),
    UINT64_C(0xcbc9466e58fee3ce), UINT64_C(0xab0200f58b01d137), UINT64_C(0x93f5f5799a932462),
    UINT64_C(0x9e0082df0ba9e4b0), UINT64_C(0x7a5dbbc594ddb9f3), UINT64_C(0xf4b32f46226bada7),
    UINT64_C(0x751e8fbc860ee5fb), UINT64_C(0x14ea5627c0843d90), UINT64_C(0xf723ca908e7af2ee),
    UINT64_C(0xa129ca6149be45e5), UINT64_C(0x3f2acc7f57c29bdb), UINT64_C(0x699ae9f52cbe4794),
    UINT64_C(0x4bc1b3f0968dd39c),
};

START_TEST(hashes_as_the_reference_does)
{
    uint8_t message[32];

    for (uint8_t i = 0; i < sizeof(message); i++)
        message[i] = i;
    ck_assert_uint_eq(siphash(&key, message, (size_t)_i), vectors[_i]);
}
END_TEST

START_TEST(message_may_begin_anywhere)
{
    uint8_t message[32] = {0};

    for (uint8_t i = 0; i < 18; i++)
        message[i + 3] = i;
    ck_assert_uint_eq(siphash(&key, message + 3, 18), vectors[18]);
}
END_TEST

START_TEST(other_keys_give_other_hashes)
{
    struct siphash_key first, second;

    ck_assert_int_eq(siphash_key_draw(&first), 0);
    ck_assert_int_eq(siphash_key_draw(&second), 0);
    ck_assert(first.k0 != second.k0);
    ck_assert(first.k1 != second.k1);
    ck_assert(siphash(&first, "a", 1) != siphash(&second, "a", 1));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("siphash");

    tcase_add_loop_test(tcase, hashes_as_the_reference_does, 0,
                        (int)(sizeof(vectors) / sizeof(vectors[0])));
    tcase_add_test(tcase, message_may_begin_anywhere);
    tcase_add_test(tcase, other_keys_give_other_hashes);
    return suite_run("siphash", tcase);
}
