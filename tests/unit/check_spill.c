/* SPDX-License-Identifier: MIT */
#include "net/spill.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

/* More buffers than keep their memory when they are given back. */
enum { BUFFERS = 128, SIZE = BUFFERS * SPILL_BYTES };

static _Atomic uint64_t words[BUFFERS / 64];
static struct spill spill;
static int memory = -1;

static void make_spill(void)
{
    memset(words, 0, sizeof(words));
    memory = memfd_create("spill", MFD_CLOEXEC);
    ck_assert_int_ge(memory, 0);
    ck_assert_int_eq(ftruncate(memory, SIZE), 0);
    spill = (struct spill){
        .pool = {.words = words, .capacity = BUFFERS},
        .base = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0),
    };
    ck_assert_ptr_ne(spill.base, MAP_FAILED);
}

static void free_spill(void)
{
    (void)munmap(spill.base, SIZE);
    (void)close(memory);
}

static uint64_t bytes_in_memory(void)
{
    struct stat st;

    ck_assert_int_eq(fstat(memory, &st), 0);
    return (uint64_t)st.st_blocks * 512;
}

static void take_all_and_fill(void)
{
    for (int i = 0; i < BUFFERS; i++) {
        ck_assert_int_eq(spill_take(&spill), i);
        memset(spill_at(&spill, (uint32_t)i), i + 1, SPILL_BYTES);
    }
}

static void assert_filled(uint32_t number, int value)
{
    const uint8_t *bytes = spill_at(&spill, number);

    ck_assert_int_eq(bytes[0], value);
    ck_assert_mem_eq(bytes, bytes + 1, SPILL_BYTES - 1);
}

START_TEST(buffers_do_not_overlap)
{
    take_all_and_fill();
    for (uint32_t i = 0; i < BUFFERS; i++)
        assert_filled(i, (int)i + 1);
}
END_TEST

START_TEST(no_buffer_is_left_when_all_are_taken)
{
    take_all_and_fill();
    ck_assert_int_eq(spill_take(&spill), -1);
    spill_give(&spill, 77);
    ck_assert_int_eq(spill_take(&spill), 77);
    ck_assert_int_eq(spill_take(&spill), -1);
}
END_TEST

START_TEST(giving_one_back_leaves_the_others_alone)
{
    take_all_and_fill();
    for (uint32_t i = 0; i < BUFFERS; i += 2)
        spill_give(&spill, i);
    for (uint32_t i = 1; i < BUFFERS; i += 2)
        assert_filled(i, (int)i + 1);
}
END_TEST

START_TEST(memory_of_a_flood_goes_back_to_the_kernel)
{
    uint64_t most;

    take_all_and_fill();
    most = bytes_in_memory();
    for (uint32_t i = 0; i < BUFFERS; i++)
        spill_give(&spill, i);
    ck_assert_uint_ge(most, SIZE);
    ck_assert_uint_le(bytes_in_memory(), most / 2);
}
END_TEST

START_TEST(buffer_is_usable_after_its_memory_went_back)
{
    take_all_and_fill();
    spill_give(&spill, BUFFERS - 1);
    ck_assert_int_eq(spill_take(&spill), BUFFERS - 1);
    memset(spill_at(&spill, BUFFERS - 1), 42, SPILL_BYTES);
    assert_filled(BUFFERS - 1, 42);
}
END_TEST

START_TEST(first_buffer_keeps_its_memory)
{
    ck_assert_int_eq(spill_take(&spill), 0);
    memset(spill_at(&spill, 0), 1, SPILL_BYTES);
    spill_give(&spill, 0);
    ck_assert_uint_eq(bytes_in_memory(), SPILL_BYTES);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("spill");

    tcase_add_checked_fixture(tcase, make_spill, free_spill);
    tcase_add_test(tcase, buffers_do_not_overlap);
    tcase_add_test(tcase, no_buffer_is_left_when_all_are_taken);
    tcase_add_test(tcase, giving_one_back_leaves_the_others_alone);
    tcase_add_test(tcase, memory_of_a_flood_goes_back_to_the_kernel);
    tcase_add_test(tcase, buffer_is_usable_after_its_memory_went_back);
    tcase_add_test(tcase, first_buffer_keeps_its_memory);
    return suite_run("spill", tcase);
}
