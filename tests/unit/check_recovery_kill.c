/* SPDX-License-Identifier: MIT */
#include "net/recovery.h"

#include "net/proxy.h"
#include "process_steps.h"
#include "recovery_case.h"
#include "suite.h"

/*
 * A worker that is killed between any two instructions, and what recovers from that, too. The
 * sockets are real, and so is each byte that the peer gets back at last.
 */

enum { MESSAGE = 700, SOME = 300 };

#define HEADER "PROXY TCP4 192.0.2.1 192.0.2.2 4711 7\r\n"

static const struct stream_calls sparing = {recv, sparing_send, sparing_splice};
static const struct stream_calls immobile = {recv, sparing_send, failing_splice};

struct scene {
    const char *name;
    const struct stream_calls *calls;
    size_t takes;
    bool bulk, owing;
    enum { NO_HEADER, HEADER_COMES, HEADER_WAS_READ } header;
};

static const struct scene scenes[] = {
    {"echoes", &sparing, SIZE_MAX, .bulk = false},
    {"echoes a part", &sparing, SOME, .bulk = false},
    {"echoes nothing", &sparing, 0, .bulk = false},
    {"sends the rest", &sparing, SIZE_MAX, .owing = true},
    {"sends a part of the rest", &sparing, SOME, .owing = true},
    {"moves", &sparing, SIZE_MAX, .bulk = true},
    {"moves a part", &sparing, SOME, .bulk = true},
    {"moves nothing", &sparing, 0, .bulk = true},
    {"copies what cannot be moved", &immobile, SOME, .bulk = true},
    {"reads a header", &sparing, SOME, .header = HEADER_COMES},
    {"has read a header", &sparing, SOME, .header = HEADER_WAS_READ},
};

enum { SCENES = sizeof(scenes) / sizeof(scenes[0]) };

static _Atomic uint32_t *at; /* as arena_worker.at: it is within a step */

static void set_at(uint32_t value)
{
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(at, value, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

static bool has_header(void)
{
    const char *fault;

    if (!shared->slot.header_due)
        return true;
    if (shared->slot.header == 0 && proxy_step(&shared->slot, &io, &fault) != PROXY_CLIENT)
        return false;
    proxy_begin_stream(&shared->slot, &io);
    return true;
}

/* What a worker does when epoll(7) tells of the connection. */
static int work(void *unused)
{
    bool served_it;

    (void)unused;
    set_at(NUMBER + 1);
    served_it = has_header() && stream_step(&shared->slot, &io) != STREAM_BROKEN;
    set_at(0);
    return served_it ? EXIT_SUCCESS : EXIT_FAILURE;
}

static enum recovery recover_from_death(void)
{
    struct wreck wreck = wreck_of_step();

    if (atomic_load(at) == 0)
        wreck.buffer = NULL;
    return recovery_of_stream(&shared->slot, served, &wreck);
}

static int recover_in_process(void *unused)
{
    (void)unused;
    return recover_from_death() == RECOVERED ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void new_connection(void)
{
    ck_assert_int_eq(close(peer), 0);
    ck_assert_int_eq(close(served), 0);
    connect_pair(true);
    make_slot();
}

static void proxy_sends_header(void)
{
    size_t length = strlen(HEADER);

    new_connection();
    shared->slot.header_due = true;
    ck_assert_int_eq(send(peer, HEADER, length, 0), (ssize_t)length);
    while (unread() < length)
        (void)sched_yield();
}

static void set_scene(const struct scene *scene)
{
    const char *fault;

    close_pipe();
    stream_open_pipe(io.pipe);
    ck_assert_int_ge(io.pipe[0], 0);
    io.calls = scene->calls;
    takes = scene->takes;
    memset(shared->buffer, 0, sizeof(shared->buffer)); /* Nothing there is right by chance. */
    if (scene->header != NO_HEADER)
        proxy_sends_header();
    shared->slot.bulk = scene->bulk;
    peer_sends(MESSAGE);
    if (scene->header == HEADER_WAS_READ)
        ck_assert_int_eq(proxy_step(&shared->slot, &io, &fault), PROXY_CLIENT);
    if (scene->owing) {
        takes = SOME;
        ck_assert_int_eq(stream_step(&shared->slot, &io), STREAM_WRITE);
        takes = scene->takes;
    }
}

/* The slot says what is owed, and the peer gets it, after deaths at these instructions. */
static void settle_and_serve(const struct scene *scene, uint64_t death, uint64_t second)
{
    ck_assert_msg(recover_from_death() == RECOVERED, "%s: dead after %ju and %ju instructions",
                  scene->name, (uintmax_t)death, (uintmax_t)second);
    if (shared->slot.header_due)
        ck_assert(has_header());
    assert_exact();
    serve_all();
    set_at(0);
}

/*
 * The worker is killed after DEATH instructions, and what recovers from that after SECOND, if that
 * is not 0: how many the worker took.
 */
static uint64_t die_twice(const struct scene *scene, uint64_t death, uint64_t second)
{
    uint64_t steps;

    set_scene(scene);
    steps = process_kill_after(work, NULL, death);
    if (second > 0)
        (void)process_kill_after(recover_in_process, NULL, second);
    settle_and_serve(scene, death, second);
    return steps;
}

static void count_steps(const struct scene *scene, uint64_t *ret_work, uint64_t *ret_recovery)
{
    *ret_work = die_twice(scene, UINT64_MAX, 0);
    set_scene(scene);
    set_at(NUMBER + 1); /* killed just then */
    *ret_recovery = process_kill_after(recover_in_process, NULL, UINT64_MAX);
    set_at(0);
    if (shared->slot.header_due)
        ck_assert(has_header());
    serve_all();
}

/*
 * Every instruction, if there is time for it, else each so many; and every other time one of the
 * recovery's, too, as they come in turn.
 */
START_TEST(death_at_any_instruction_loses_no_byte)
{
    enum { TURN = 37 };
    const struct scene *scene = &scenes[_i];
    uint64_t all, recovery, stride;

    count_steps(scene, &all, &recovery);
    stride = process_stride(all, all / 2 + recovery / 4);
    for (uint64_t i = 0; i * stride < all; i++)
        (void)die_twice(scene, i * stride, i % 2 * (1 + i * TURN % recovery));
    if (scene->header == NO_HEADER)
        end_stream();
}
END_TEST

/* A worker that has read what came, and dies at the moment when it would send it. */
static ssize_t die_sending(int fd, const void *from, size_t size, int flags)
{
    (void)fd;
    (void)from;
    (void)size;
    (void)flags;
    _exit(EXIT_SUCCESS);
}

static ssize_t die_moving_out(int from, off_t *from_at, int to, off_t *to_at, size_t size,
                              unsigned flags)
{
    if (to == served)
        _exit(EXIT_SUCCESS);
    return splice(from, from_at, to, to_at, size, flags);
}

static const struct stream_calls deadly = {recv, die_sending, die_moving_out};

static const struct scene last_scenes[] = {
    {"read", &deadly, .bulk = false},
    {"moved", &deadly, .bulk = true},
    {"read a header", &deadly, .header = HEADER_WAS_READ},
};

enum { LAST_SCENES = sizeof(last_scenes) / sizeof(last_scenes[0]) };

/* How many instructions the recovery took until it was killed. */
static uint64_t die_recovering(const struct scene *scene, uint64_t death)
{
    uint64_t steps;

    set_scene(scene);
    ck_assert_int_eq(process_run(work, NULL), EXIT_SUCCESS);
    ck_assert_uint_eq(atomic_load(at), NUMBER + 1);
    steps = process_kill_after(recover_in_process, NULL, death);
    settle_and_serve(scene, 0, death);
    return steps;
}

/* What recovers from a death is killed itself, after each instruction in turn. */
START_TEST(death_of_the_recovery_loses_no_byte)
{
    const struct scene *scene = &last_scenes[_i];
    uint64_t all = die_recovering(scene, UINT64_MAX), stride = process_stride(all, all / 2);

    for (uint64_t death = 0; death < all; death += stride)
        ck_assert_uint_le(die_recovering(scene, death), death);
}
END_TEST

static int give_up(void *unused)
{
    (void)unused;
    set_at(NUMBER + 1);
    stream_drop(&shared->slot, &io);
    return EXIT_SUCCESS;
}

/* What becomes of it when its worker is killed after so many instructions, which are returned. */
static uint64_t die_giving_up(uint64_t death, unsigned *went_on)
{
    static const struct scene scene = {"gives up", &sparing, SIZE_MAX, .owing = true};
    uint64_t steps;

    new_connection();
    set_scene(&scene);
    steps = process_kill_after(give_up, NULL, death);
    if (recover_from_death() == RECOVERED) {
        assert_exact();
        serve_all();
        ++*went_on;
    }
    set_at(0);
    return steps;
}

/* It ends while something is owed: then it is reset, or goes on, but never with other bytes. */
START_TEST(death_at_an_end_sends_nothing_wrong)
{
    unsigned went_on = 0, deaths = 0;
    uint64_t all = die_giving_up(UINT64_MAX, &went_on), stride = process_stride(all, all / 2);

    ck_assert_uint_eq(went_on, 0);
    for (uint64_t death = 0; death < all; death += stride, deaths++)
        ck_assert_uint_le(die_giving_up(death, &went_on), death);
    ck_assert_uint_gt(went_on, 0);
    ck_assert_uint_lt(went_on, deaths);
}
END_TEST

static void make_worker(void)
{
    make_case();
    at = mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(at, MAP_FAILED);
}

static void drop_worker(void)
{
    ck_assert_int_eq(munmap(at, sizeof(*at)), 0);
    drop_case();
}

int main(void)
{
    TCase *tcase = tcase_create("recovery_kill");

    tcase_add_checked_fixture(tcase, make_worker, drop_worker);
    tcase_add_loop_test(tcase, death_at_any_instruction_loses_no_byte, 0, SCENES);
    tcase_add_loop_test(tcase, death_of_the_recovery_loses_no_byte, 0, LAST_SCENES);
    tcase_add_test(tcase, death_at_an_end_sends_nothing_wrong);
    return suite_run("recovery_kill", tcase);
}
