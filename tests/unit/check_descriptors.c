/* SPDX-License-Identifier: MIT */
#include "base/descriptors.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "process.h"
#include "suite.h"

/*
 * What closes descriptors runs in a process of its own, which needs none to say how it went.
 */

enum { FIRST = 3, LAST = 40 };

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void open_all(void)
{
    for (int fd = FIRST; fd <= LAST; fd++)
        (void)dup2(STDIN_FILENO, fd);
}

/* Whether exactly those of FIRST .. LAST are open that are listed. */
static bool are_open(const int *list, size_t count)
{
    for (int fd = FIRST; fd <= LAST; fd++) {
        bool listed = false;

        for (size_t i = 0; i < count; i++)
            listed |= list[i] == fd;
        if (is_open(fd) != listed)
            return false;
    }
    return is_open(STDIN_FILENO) && is_open(STDOUT_FILENO) && is_open(STDERR_FILENO);
}

struct keep {
    int fds[6];
    size_t count;
};

static int close_and_look(void *argument)
{
    const struct keep *keep = argument;
    struct keep sorted = *keep;

    open_all();
    descriptors_close_except(sorted.fds, sorted.count);
    for (size_t i = 1; i < sorted.count; i++)
        if (sorted.fds[i - 1] > sorted.fds[i])
            return EXIT_FAILURE;
    return are_open(keep->fds, keep->count) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static struct keep keeps[] = {
    {{0}, 0},
    {{FIRST}, 1},
    {{LAST}, 1},
    {{20, 5, 6, 39, 7}, 5}, /* in any order, side by side */
    {{5, 5, 30, 5}, 4},     /* more than once */
    {{-1, 8, -1}, 3},       /* none at all */
    {{0, 2, 8, 1}, 4},      /* those that stay anyway */
    {{LAST, LAST - 1, FIRST + 1, FIRST}, 4},
    {{8, 1000000}, 2}, /* one that is not open */
};

START_TEST(closes_all_but_what_is_kept)
{
    ck_assert_int_eq(process_run(close_and_look, &keeps[_i]), EXIT_SUCCESS);
}
END_TEST

static int close_a_high_one(void *unused)
{
    struct rlimit limit;
    int high;

    (void)unused;
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    high = (int)limit.rlim_cur - 1;
    if (dup2(STDIN_FILENO, high) != high)
        return EXIT_FAILURE;
    descriptors_close_except(&high, 0);
    return is_open(high) ? EXIT_FAILURE : EXIT_SUCCESS;
}

START_TEST(closes_the_highest_there_can_be)
{
    ck_assert_int_eq(process_run(close_a_high_one, NULL), EXIT_SUCCESS);
}
END_TEST

static bool is_unwritable_null(int fd)
{
    struct stat null, st;

    return stat("/dev/null", &null) == 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
           st.st_rdev == null.st_rdev && write(fd, "x", 1) < 0;
}

/* The numbers whose bits are set in *argument are closed, the others are a pipe. */
static int open_standard_and_look(void *argument)
{
    int closed = *(const int *)argument, ends[2];

    if (pipe(ends) < 0)
        return EXIT_FAILURE;
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        (void)(closed & 1 << fd ? close(fd) : dup2(ends[1], fd));
    if (descriptors_open_standard() < 0)
        return EXIT_FAILURE;
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (closed & 1 << fd ? !is_unwritable_null(fd) : write(fd, "x", 1) != 1)
            return EXIT_FAILURE;
    return EXIT_SUCCESS;
}

START_TEST(closed_standard_descriptors_become_null)
{
    for (int closed = 0; closed < 8; closed++)
        ck_assert_int_eq(process_run(open_standard_and_look, &closed), EXIT_SUCCESS);
}
END_TEST

START_TEST(open_standard_descriptors_stay_and_nothing_else_is_opened)
{
    char *before = process_descriptors();

    ck_assert_int_eq(descriptors_open_standard(), 0);
    process_assert_descriptors(before);
}
END_TEST

START_TEST(limit_is_raised_to_the_hard_one)
{
    struct rlimit limit;
    size_t raised = 0;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max / 2;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(descriptors_raise_limit(&raised), 0);
    ck_assert_uint_eq(raised, limit.rlim_max);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(limit.rlim_cur, limit.rlim_max);
}
END_TEST

START_TEST(limit_that_is_the_hard_one_stays)
{
    size_t first = 0, second = 0;

    ck_assert_int_eq(descriptors_raise_limit(&first), 0);
    ck_assert_int_eq(descriptors_raise_limit(&second), 0);
    ck_assert_uint_eq(first, second);
    ck_assert_uint_gt(first, 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("descriptors");

    tcase_add_loop_test(tcase, closes_all_but_what_is_kept, 0,
                        (int)(sizeof(keeps) / sizeof(keeps[0])));
    tcase_add_test(tcase, closes_the_highest_there_can_be);
    tcase_add_test(tcase, closed_standard_descriptors_become_null);
    tcase_add_test(tcase, open_standard_descriptors_stay_and_nothing_else_is_opened);
    tcase_add_test(tcase, limit_is_raised_to_the_hard_one);
    tcase_add_test(tcase, limit_that_is_the_hard_one_stays);
    return suite_run("descriptors", tcase);
}
