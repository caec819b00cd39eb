/* SPDX-License-Identifier: MIT */
#include "daemon/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "process.h"
#include "suite.h"

static struct arena arena;

static void init_arena(void)
{
    ck_assert_int_eq(arena_init(&arena), 0);
}

static void deinit_arena(void)
{
    arena_deinit(&arena);
}

START_TEST(everything_is_free_and_zero_at_first)
{
    init_arena();
    ck_assert_int_eq(pool_next(&arena.slots.pool, 0), -1);
    ck_assert_uint_eq(stats_read(&arena.workers[ARENA_WORKERS - 1].stats.accepted), 0);
    ck_assert_uint_eq(slot_owner(&arena.slots.slots[ARENA_SLOTS - 1]), SLOT_NOBODY);
}
END_TEST

/* Each part ends before the next one begins, and the last one is mapped to its end. */
START_TEST(parts_lie_behind_one_another)
{
    const struct tally *tally = &arena.ledger.tally;
    struct stat st;

    init_arena();
    ck_assert_int_eq(fstat(arena.fd, &st), 0);
    const struct {
        const void *begin, *end;
    } parts[] = {
        {arena.base, arena.base + 4096}, /* the header's page */
        {arena.slots.pool.words, arena.slots.pool.words + ARENA_SLOTS / 64},
        {arena.workers, arena.workers + ARENA_WORKERS},
        {arena.rates, arena.rates + 1},
        {arena.ledger.state, arena.ledger.state + 1},
        {tally->index, tally->index + 1},
        {tally->entries, tally->entries + ARENA_SLOTS},
        {arena.slots.slots, arena.slots.slots + ARENA_SLOTS},
        {arena.spill, spill_at(arena.spill, ARENA_SLOTS)},
        {arena.base + st.st_size, NULL},
    };

    for (size_t i = 0; i + 1 < sizeof(parts) / sizeof(parts[0]); i++)
        ck_assert((const uint8_t *)parts[i].end <= (const uint8_t *)parts[i + 1].begin);
    ck_assert_ptr_eq(arena.base + st.st_size, spill_at(arena.spill, ARENA_SLOTS));
    ck_assert_uint_eq(arena.slots.pool.capacity, ARENA_SLOTS);
    ck_assert_uint_eq(tally->capacity, ARENA_SLOTS);
}
END_TEST

START_TEST(buffers_begin_at_pages)
{
    init_arena();
    ck_assert_uint_eq((uintptr_t)arena.spill % 4096, 0);
    ck_assert_uint_eq((uintptr_t)arena.workers[0].buffer % 4096, 0);
    ck_assert_uint_eq((uintptr_t)arena.workers[1].buffer % 4096, 0);
    ck_assert_uint_eq((uintptr_t)arena.slots.slots % sizeof(struct slot), 0);
    ck_assert_uint_eq((uintptr_t)arena.rates->word % 64, 0); /* a bucket is one cache line */
}
END_TEST

/* What a later version of the program will read first. */
START_TEST(header_tells_the_layout)
{
    struct {
        char magic[8];
        uint32_t version, slot_size;
        uint64_t length;
    } header;
    struct stat st;

    init_arena();
    ck_assert_int_eq(fstat(arena.fd, &st), 0);
    ck_assert_int_eq(pread(arena.fd, &header, sizeof(header), 0), sizeof(header));
    ck_assert_mem_eq(header.magic, "echod\0\0\0", 8);
    ck_assert_uint_eq(header.version, 6);
    ck_assert_uint_eq(header.slot_size, sizeof(struct slot));
    ck_assert_uint_eq(header.length, (uint64_t)st.st_size);
}
END_TEST

START_TEST(untouched_memory_takes_none)
{
    struct stat st;

    init_arena();
    ck_assert_int_eq(fstat(arena.fd, &st), 0);
    ck_assert_int_le(st.st_blocks * 512, 65536);
    ck_assert_int_gt(st.st_size, (int64_t)ARENA_SLOTS * SPILL_BYTES);
}
END_TEST

static int write_to_the_ends(void *unused)
{
    (void)unused;
    arena.slots.slots[ARENA_SLOTS - 1].received = 1;
    arena.workers[ARENA_WORKERS - 1].buffer[STREAM_BUFFER - 1] = 2;
    spill_at(arena.spill, ARENA_SLOTS - 1)[SPILL_BYTES - 1] = 3;
    return pool_take(&arena.slots.pool, ARENA_SLOTS) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

START_TEST(child_writes_what_the_parent_reads)
{
    init_arena();
    ck_assert_int_eq(process_run(write_to_the_ends, NULL), EXIT_SUCCESS);
    ck_assert_uint_eq(arena.slots.slots[ARENA_SLOTS - 1].received, 1);
    ck_assert_uint_eq(arena.workers[ARENA_WORKERS - 1].buffer[STREAM_BUFFER - 1], 2);
    ck_assert_uint_eq(spill_at(arena.spill, ARENA_SLOTS - 1)[SPILL_BYTES - 1], 3);
    ck_assert_int_eq(pool_take(&arena.slots.pool, ARENA_SLOTS), 1);
}
END_TEST

START_TEST(descriptor_is_not_for_other_programs)
{
    init_arena();
    ck_assert_int_eq(fcntl(arena.fd, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(end_leaves_nothing_open)
{
    char *before = process_descriptors();

    init_arena();
    arena_deinit(&arena);
    ck_assert_int_eq(arena.fd, -1);
    process_assert_descriptors(before);
    arena_deinit(&arena); /* harmless */
}
END_TEST

/* The soft limit as it was. */
static rlim_t limit_to(__rlimit_resource_t resource, rlim_t most)
{
    struct rlimit limit;
    rlim_t before;

    ck_assert_int_eq(getrlimit(resource, &limit), 0);
    before = limit.rlim_cur;
    limit.rlim_cur = most;
    ck_assert_int_eq(setrlimit(resource, &limit), 0);
    return before;
}

START_TEST(failure_leaves_nothing_open)
{
    char *before = process_descriptors();

    ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    (void)limit_to(RLIMIT_FSIZE, 1 << 20);
    ck_assert_int_eq(arena_init(&arena), -EFBIG);
    ck_assert_int_eq(arena.fd, -1);
    process_assert_descriptors(before);
}
END_TEST

START_TEST(no_descriptor_is_a_failure)
{
    rlim_t before = limit_to(RLIMIT_NOFILE, 0);

    ck_assert_int_eq(arena_init(&arena), -EMFILE);
    (void)limit_to(RLIMIT_NOFILE, before);
}
END_TEST

/* The next process maps the same file; what was in it is there. */
START_TEST(what_a_process_leaves_is_inherited)
{
    struct addr peer = addr_loopback(AF_INET, 7);
    struct arena next;
    int fd;

    ck_assert_int_eq(arena_init(&arena), 0);
    ck_assert_int_eq(slot_open(&arena.slots, 10, SLOT_FIRST_WORKER, &peer), 0);
    stats_add(&arena.past->accepted, 862);
    arena_use_place(&arena, 4);
    fd = dup(arena.fd);
    arena_deinit(&arena);
    ck_assert_int_eq(arena_inherit(&next, fd), 0);
    ck_assert_int_eq(next.fd, fd);
    ck_assert_uint_eq(slot_owner(&next.slots.slots[0]), SLOT_FIRST_WORKER);
    ck_assert_uint_eq(stats_read(&next.past->accepted), 862);
    ck_assert_uint_eq(arena_places(&next), 5);
    arena_use_place(&next, UINT32_MAX - 1); /* as a worker might that an attacker has */
    ck_assert_uint_eq(arena_places(&next), ARENA_WORKERS);
    arena_deinit(&next);
}
END_TEST

enum damage { OTHER_VERSION, OTHER_MAGIC, TOO_SHORT, TOO_MANY_PLACES, DAMAGES };

START_TEST(what_is_no_arena_of_ours_is_not_inherited)
{
    struct arena next;
    uint32_t *header;
    int fd;

    ck_assert_int_eq(arena_init(&arena), 0);
    header = (void *)arena.base;
    switch ((enum damage)_i) {
    case OTHER_VERSION:
        header[2]++;
        break;
    case OTHER_MAGIC:
        header[0]++;
        break;
    case TOO_SHORT:
        ck_assert_int_eq(ftruncate(arena.fd, 1 << 20), 0);
        break;
    case TOO_MANY_PLACES:
        arena_use_place(&arena, ARENA_WORKERS);
        break;
    case DAMAGES:
        break;
    }
    fd = dup(arena.fd);
    ck_assert_int_eq(arena_inherit(&next, fd), -EPROTO);
    ck_assert_int_eq(next.fd, -1);
    ck_assert_int_eq(close(fd), 0); /* It was not taken over. */
}
END_TEST

/* A worker that an attacker has may write there at any time. */
START_TEST(places_are_no_more_than_there_are)
{
    init_arena();
    arena_use_place(&arena, UINT32_MAX - 1);
    ck_assert_uint_eq(arena_places(&arena), ARENA_WORKERS);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("arena");

    tcase_add_checked_fixture(tcase, NULL, deinit_arena);
    tcase_add_test(tcase, places_are_no_more_than_there_are);
    tcase_add_test(tcase, everything_is_free_and_zero_at_first);
    tcase_add_test(tcase, parts_lie_behind_one_another);
    tcase_add_test(tcase, buffers_begin_at_pages);
    tcase_add_test(tcase, header_tells_the_layout);
    tcase_add_test(tcase, untouched_memory_takes_none);
    tcase_add_test(tcase, child_writes_what_the_parent_reads);
    tcase_add_test(tcase, descriptor_is_not_for_other_programs);
    tcase_add_test(tcase, end_leaves_nothing_open);
    tcase_add_test(tcase, failure_leaves_nothing_open);
    tcase_add_test(tcase, no_descriptor_is_a_failure);
    tcase_add_test(tcase, what_a_process_leaves_is_inherited);
    tcase_add_loop_test(tcase, what_is_no_arena_of_ours_is_not_inherited, 0, DAMAGES);
    return suite_run("arena", tcase);
}
