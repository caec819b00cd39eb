/* SPDX-License-Identifier: MIT */
#include "net/spill.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"

/* More buffers than keep their memory when they are empty. */
enum { BUFFERS = 256, SIZE = BUFFERS * SPILL_BYTES };

static uint8_t *base;
static int memory = -1;

static void make_spill(void)
{
    memory = memfd_create("spill", MFD_CLOEXEC);
    ck_assert_int_ge(memory, 0);
    ck_assert_int_eq(ftruncate(memory, SIZE), 0);
    base = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    ck_assert_ptr_ne(base, MAP_FAILED);
}

static void free_spill(void)
{
    (void)munmap(base, SIZE);
    (void)close(memory);
}

static uint64_t bytes_in_memory(void)
{
    struct stat st;

    ck_assert_int_eq(fstat(memory, &st), 0);
    return (uint64_t)st.st_blocks * 512;
}

static uint8_t value_of(uint32_t number)
{
    return (uint8_t)(number % 255 + 1);
}

static void fill_all(void)
{
    for (uint32_t i = 0; i < BUFFERS; i++)
        memset(spill_at(base, i), value_of(i), SPILL_BYTES);
}

static void assert_filled(uint32_t number, int value)
{
    const uint8_t *bytes = spill_at(base, number);

    ck_assert_int_eq(bytes[0], value);
    ck_assert_mem_eq(bytes, bytes + 1, SPILL_BYTES - 1);
}

START_TEST(buffers_do_not_overlap)
{
    fill_all();
    for (uint32_t i = 0; i < BUFFERS; i++)
        assert_filled(i, value_of(i));
}
END_TEST

START_TEST(releasing_one_leaves_the_others_alone)
{
    fill_all();
    for (uint32_t i = 0; i < BUFFERS; i += 2)
        spill_release(base, i);
    for (uint32_t i = 1; i < BUFFERS; i += 2)
        assert_filled(i, value_of(i));
}
END_TEST

START_TEST(memory_of_a_crowd_goes_back_to_the_kernel)
{
    uint64_t most;

    fill_all();
    most = bytes_in_memory();
    for (uint32_t i = 0; i < BUFFERS; i++)
        spill_release(base, i);
    ck_assert_uint_ge(most, SIZE);
    ck_assert_uint_le(bytes_in_memory(), most / 2);
}
END_TEST

START_TEST(buffer_is_usable_after_its_memory_went_back)
{
    fill_all();
    spill_release(base, BUFFERS - 1);
    memset(spill_at(base, BUFFERS - 1), 42, SPILL_BYTES);
    assert_filled(BUFFERS - 1, 42);
    assert_filled(BUFFERS - 2, value_of(BUFFERS - 2));
}
END_TEST

START_TEST(first_buffer_keeps_its_memory)
{
    memset(spill_at(base, 0), 1, SPILL_BYTES);
    spill_release(base, 0);
    ck_assert_uint_eq(bytes_in_memory(), SPILL_BYTES);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("spill");

    tcase_add_checked_fixture(tcase, make_spill, free_spill);
    tcase_add_test(tcase, buffers_do_not_overlap);
    tcase_add_test(tcase, releasing_one_leaves_the_others_alone);
    tcase_add_test(tcase, memory_of_a_crowd_goes_back_to_the_kernel);
    tcase_add_test(tcase, buffer_is_usable_after_its_memory_went_back);
    tcase_add_test(tcase, first_buffer_keeps_its_memory);
    return suite_run("spill", tcase);
}
