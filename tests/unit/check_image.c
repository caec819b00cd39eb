/* SPDX-License-Identifier: MIT */
#include "daemon/image.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>

#include "base/descriptors.h"
#include "process.h"
#include "scratch.h"
#include "suite.h"

/* In a process of its own: exits with the line of what did not hold. */
#define EXPECT(what)                                                                               \
    do {                                                                                           \
        if (!(what))                                                                               \
            return __LINE__ % 256;                                                                 \
    } while (0)

static char program[] = "program", option[] = "--option";
static char *arguments[] = {program, option, NULL};

static void init(struct image *image, const char *path)
{
    ck_assert_int_eq(image_init(image, arguments), 0);
    (void)snprintf(image->path, sizeof(image->path), "%s", path);
}

START_TEST(image_knows_its_program)
{
    struct image image;

    ck_assert_int_eq(image_init(&image, arguments), 0);
    ck_assert_int_eq(access(image.path, X_OK), 0);
    ck_assert_int_eq(image.path[0], '/');
    ck_assert(!image_was_replaced());
}
END_TEST

static bool is_set(const char *name)
{
    return getenv(name) != NULL;
}

/* An epoll and a pipe are where descriptors are to go, and work afterwards. */
static int fail_to_become(void *unused)
{
    struct image image;
    struct image_fd fds[3] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 42}, seen = {0};
    int ends[2];
    char *before;

    (void)unused;
    init(&image, scratch_path("missing"));
    descriptors_close_except(NULL, 0);
    EXPECT(epoll_create1(EPOLL_CLOEXEC) == 3 && pipe2(ends, O_CLOEXEC) == 0 && ends[0] == 4);
    EXPECT(epoll_ctl(3, EPOLL_CTL_ADD, ends[0], &event) == 0);
    fds[0].fd = ends[1];
    fds[1].fd = ends[0];
    fds[2].fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    before = process_descriptors();
    EXPECT(image_become(&image, fds, 3) == -ENOENT);
    process_assert_descriptors(before);
    for (int fd = 3; fd <= 6; fd++)
        EXPECT(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    EXPECT(!is_set("LISTEN_FDS") && !is_set("LISTEN_PID") && !is_set("LISTEN_FDNAMES"));
    EXPECT(!image_was_replaced());
    EXPECT(epoll_wait(3, &seen, 1, 0) == 0);
    EXPECT(write(ends[1], "x", 1) == 1);
    EXPECT(epoll_wait(3, &seen, 1, 0) == 1 && seen.data.u32 == 42);
    return 0;
}

START_TEST(failure_changes_nothing)
{
    ck_assert_int_eq(process_run(fail_to_become, NULL), 0);
}
END_TEST

/* The descriptors arrive in order, under their names, and no other one does. */
static int become_script(void *unused)
{
    struct image image;
    struct image_fd fds[2] = {{.name = "first"}, {.name = "second"}};

    (void)unused;
    init(&image, scratch_path("program"));
    descriptors_close_except(NULL, 0);
    fds[1].fd = open(scratch_path("one"), O_RDONLY | O_CLOEXEC);
    fds[0].fd = open(scratch_path("two"), O_RDONLY | O_CLOEXEC);
    EXPECT(open("/dev/null", O_RDONLY) == 5); /* not marked: somebody else's */
    EXPECT(setenv("SCRATCH", scratch_path("out"), 1) == 0);
    (void)image_become(&image, fds, 2);
    return __LINE__ % 256;
}

START_TEST(program_gets_its_descriptors)
{
    scratch_write("one", "1\n");
    scratch_write("two", "2\n");
    scratch_write("program", "#!/bin/sh\n"
                             "read a <&3 && read b <&4 || exit 101\n"
                             "[ \"$a$b\" = 21 ] || exit 102\n"
                             "[ \"$LISTEN_FDS $LISTEN_FDNAMES\" = '2 first:second' ] || exit 103\n"
                             "[ \"$LISTEN_PID\" = $$ ] || exit 104\n"
                             "[ \"$1\" = --option ] || exit 105\n"
                             "[ \"$ECHOD_REPLACED\" = $$ ] || exit 106\n"
                             "[ ! -e /proc/self/fd/5 ] || exit 107\n"
                             "[ \"$PWD\" = \"$(pwd)\" ] || exit 108\n");
    ck_assert_int_eq(chmod(scratch_path("program"), 0755), 0);
    ck_assert_int_eq(process_run(become_script, NULL), 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("image");

    scratch_case(tcase);
    tcase_add_test(tcase, image_knows_its_program);
    tcase_add_test(tcase, failure_changes_nothing);
    tcase_add_test(tcase, program_gets_its_descriptors);
    return suite_run("image", tcase);
}
