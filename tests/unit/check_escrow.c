/* SPDX-License-Identifier: MIT */
#include "daemon/escrow.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"

static struct escrow escrow;
static struct escrow_entry got[ESCROW_BATCH];
static int got_fds[ESCROW_BATCH];

static void set_up(void)
{
    (void)unsetenv("NOTIFY_SOCKET");
    escrow_init(&escrow, 1);
}

/* A descriptor whose copies can be seen to be gone: by the other end, which is returned. */
static int put(uint32_t number)
{
    const struct escrow_entry entry = {.number = number, .mark = number + 1000};
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_eq(escrow_put(&escrow, &entry, &pair[0], 1), 0);
    ck_assert_int_eq(close(pair[0]), 0);
    return pair[1];
}

static bool is_held(int other_end)
{
    char byte;
    ssize_t n = recv(other_end, &byte, 1, MSG_DONTWAIT);

    ck_assert(n == 0 || (n < 0 && errno == EAGAIN));
    return n < 0;
}

/* All numbers that are in it are FIRST and those that follow, in this order. */
static void expect_numbers(uint32_t first, uint32_t count)
{
    uint32_t next = first;
    int n;

    escrow_rewind(&escrow);
    while ((n = escrow_next(&escrow, got, got_fds)) > 0) {
        for (int i = 0; i < n; i++) {
            ck_assert_uint_eq(got[i].number, next);
            ck_assert_uint_eq(got[i].mark, next + 1000);
            ck_assert_int_ge(got_fds[i], 0);
            next++;
        }
        rights_close(got_fds);
    }
    ck_assert_int_eq(n, 0);
    ck_assert_uint_eq(next - first, count);
}

START_TEST(copies_outlive_the_original)
{
    int end = put(7);

    ck_assert(is_held(end));
    ck_assert_int_eq(escrow.count, 1);
    ck_assert(!escrow_is_inherited(&escrow));
    escrow_deinit(&escrow);
    ck_assert(!is_held(end));
}
END_TEST

/* Whoever looks and dies has taken nothing out. */
START_TEST(looking_takes_nothing_out)
{
    for (uint32_t i = 0; i < 10; i++)
        (void)put(i);
    for (int i = 0; i < 3; i++)
        expect_numbers(0, 10);
    escrow_rewind(&escrow);
    ck_assert_int_eq(escrow_next(&escrow, got, got_fds), 1);
    rights_close(got_fds);
    expect_numbers(0, 10);
    escrow_deinit(&escrow);
}
END_TEST

/* The limit on descriptors may be lower than it was. */
START_TEST(too_many_are_taken_out)
{
    struct escrow next;
    int end[10], held = 0;

    for (uint32_t i = 0; i < 10; i++)
        end[i] = put(i);
    escrow_init(&next, 2);
    ck_assert_int_eq(escrow_inherit(&next, dup(escrow.box[0].receive), 1), 0);
    escrow_deinit(&escrow);
    ck_assert_uint_eq(escrow_shrink(&next, 10), 0);
    ck_assert_uint_eq(next.entries, 10);
    ck_assert_uint_eq(escrow_shrink(&next, 4), 6);
    ck_assert_uint_eq(next.entries, 4);
    for (int i = 0; i < 10; i++)
        held += is_held(end[i]);
    ck_assert_int_eq(held, 4);
    escrow_deinit(&next);
}
END_TEST

START_TEST(copy_is_the_same_socket)
{
    int end = put(1);
    char byte = 'x';

    escrow_rewind(&escrow);
    ck_assert_int_eq(escrow_next(&escrow, got, got_fds), 1);
    ck_assert_int_eq(write(got_fds[0], &byte, 1), 1);
    ck_assert_int_eq(read(end, &byte, 1), 1);
    ck_assert_int_eq(got_fds[1], -1);
    rights_close(got_fds);
    escrow_deinit(&escrow);
}
END_TEST

/* More than one box takes, one by one, and none is lost. */
START_TEST(boxes_are_added)
{
    enum { MOST = 20000, PER_MESSAGE = 50 };
    struct escrow_entry entries[PER_MESSAGE];
    int fds[PER_MESSAGE], fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    uint32_t count = 0;

    while (escrow.count < 3) {
        for (uint32_t i = 0; i < PER_MESSAGE; i++) {
            entries[i] = (struct escrow_entry){.number = count + i, .mark = count + i + 1000};
            fds[i] = fd;
        }
        ck_assert_int_eq(escrow_put(&escrow, entries, fds, PER_MESSAGE), 0);
        count += PER_MESSAGE;
        ck_assert_uint_lt(count, 1000 * MOST);
    }
    expect_numbers(0, count);
    ck_assert_uint_eq(escrow.entries, count);
    escrow_deinit(&escrow);
}
END_TEST

/* The end to send into is gone with the one who had it. */
START_TEST(inherited_box_is_read_and_not_added_to)
{
    struct escrow before;
    int end = put(0);

    before = escrow;
    ck_assert_int_eq(close(before.box[0].send), 0);
    escrow_init(&escrow, before.next_number);
    ck_assert_int_eq(escrow_inherit(&escrow, before.box[0].receive, before.box[0].number), 0);
    expect_numbers(0, 1);
    (void)put(1);
    ck_assert_int_eq(escrow.count, 2);
    ck_assert_uint_ne(escrow.box[1].number, before.box[0].number);
    expect_numbers(0, 2);
    ck_assert(escrow_is_sparse(&escrow, 1000));
    ck_assert(escrow_is_inherited(&escrow));
    escrow_deinit(&escrow);
    ck_assert(!is_held(end));
}
END_TEST

START_TEST(too_many_boxes_are_refused)
{
    for (unsigned i = 0; i < ESCROW_BOXES; i++)
        ck_assert_int_eq(escrow_inherit(&escrow, -1, i), 0);
    ck_assert_int_eq(escrow_inherit(&escrow, -1, ESCROW_BOXES), -ENOBUFS);
    escrow_deinit(&escrow);
}
END_TEST

START_TEST(what_is_not_in_the_new_boxes_goes)
{
    struct escrow old;
    int gone = put(0), stays;

    old = escrow;
    escrow_init(&escrow, old.next_number);
    stays = put(1);
    {
        struct escrow fresh = escrow;

        escrow = old;
        escrow_replace(&escrow, &fresh);
    }
    expect_numbers(1, 1);
    ck_assert(!is_held(gone));
    ck_assert(is_held(stays));
    escrow_deinit(&escrow);
}
END_TEST

/* There is no room for the copies: it can be told from there being none. */
START_TEST(copies_without_room_are_marked)
{
    struct rlimit limit;
    int lowest;

    (void)put(5);
    lowest = dup(0);
    ck_assert_int_eq(close(lowest), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = (rlim_t)lowest;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    escrow_rewind(&escrow);
    ck_assert_int_eq(escrow_next(&escrow, got, got_fds), 1);
    ck_assert_int_eq(got_fds[0], -1);
    limit.rlim_cur = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    expect_numbers(5, 1);
    escrow_deinit(&escrow);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("escrow");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, copies_outlive_the_original);
    tcase_add_test(tcase, looking_takes_nothing_out);
    tcase_add_test(tcase, too_many_are_taken_out);
    tcase_add_test(tcase, copy_is_the_same_socket);
    tcase_add_test(tcase, boxes_are_added);
    tcase_add_test(tcase, inherited_box_is_read_and_not_added_to);
    tcase_add_test(tcase, too_many_boxes_are_refused);
    tcase_add_test(tcase, what_is_not_in_the_new_boxes_goes);
    tcase_add_test(tcase, copies_without_room_are_marked);
    return suite_run("escrow", tcase);
}
