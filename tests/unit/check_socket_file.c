/* SPDX-License-Identifier: MIT */
#include "net/socket_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "process.h"
#include "scratch.h"
#include "suite.h"

static struct socket_file file;
static const char *what;

static struct addr address(const char *name)
{
    struct addr addr;

    ck_assert_int_eq(addr_unix(scratch_path(name), &addr), 0);
    return addr;
}

static struct socket_access access_of(mode_t mode)
{
    return (struct socket_access){.mode = mode, .uid = geteuid(), .gid = getegid()};
}

/* A descriptor, or -errno. */
static int make(const char *name, int type, mode_t mode)
{
    struct socket_access access = access_of(mode);
    struct addr addr = address(name);
    int fd = socket(AF_UNIX, type, 0);
    int r;

    ck_assert_int_ge(fd, 0);
    file = (struct socket_file){.inode = 0};
    r = socket_file_make(fd, &addr, &access, type == SOCK_STREAM ? 8 : 0, &file, &what);
    if (r == 0)
        return fd;
    ck_assert_uint_eq(file.inode, 0);
    (void)close(fd);
    return r;
}

/* 0 or -errno. */
static int connect_to(const char *name, int type)
{
    struct addr addr = address(name);
    int fd = socket(AF_UNIX, type, 0);
    int r = connect(fd, &addr.sa, addr.len) < 0 ? -errno : 0;

    (void)close(fd);
    return r;
}

static int stranger_binds(const char *name, int type)
{
    struct addr addr = address(name);
    int fd = socket(AF_UNIX, type, 0);

    ck_assert_int_eq(bind(fd, &addr.sa, addr.len), 0);
    return fd;
}

static mode_t mode_of(const char *name)
{
    struct stat st;

    ck_assert_int_eq(lstat(scratch_path(name), &st), 0);
    return st.st_mode;
}

static void assert_files(unsigned wanted)
{
    DIR *directory = opendir(scratch);
    unsigned count = 0;

    ck_assert_ptr_nonnull(directory);
    while (readdir(directory))
        count++;
    (void)closedir(directory);
    ck_assert_uint_eq(count - 2, wanted); /* but for "." and ".." */
}

START_TEST(socket_is_there_with_its_mode_and_listens)
{
    static const mode_t modes[] = {0600, 0666, 0, 0757};

    (void)umask(0027); /* which has no say */
    for (size_t i = 0; i < 4; i++) {
        struct addr addr = address("x");
        int fd = make("x", SOCK_STREAM, modes[i]);

        ck_assert_int_ge(fd, 0);
        ck_assert_uint_eq(mode_of("x"), S_IFSOCK | modes[i]);
        ck_assert(socket_file_is_at(&file, &addr));
        if (modes[i] == 0666)
            ck_assert_int_eq(connect_to("x", SOCK_STREAM), 0);
        assert_files(1);
        socket_file_remove(&file, &addr);
        assert_files(0);
        (void)close(fd);
    }
}
END_TEST

START_TEST(datagram_socket)
{
    int fd = make("x", SOCK_DGRAM, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect_to("x", SOCK_DGRAM), 0);
    (void)close(fd);
}
END_TEST

/* bind(2) makes the file with the permissions of the descriptor. */
START_TEST(nobody_has_permissions_before_the_file_has_its_own)
{
    struct stat st;
    int fd;

    (void)umask(0);
    fd = make("x", SOCK_DGRAM, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0);
    (void)close(fd);
}
END_TEST

static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

START_TEST(dead_socket_is_replaced)
{
    int fd;

    (void)close(stranger_binds("x", types[_i]));
    fd = make("x", SOCK_STREAM, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect_to("x", SOCK_STREAM), 0);
    assert_files(1);
    (void)close(fd);
}
END_TEST

/* Of any type, and whether it listens already or not. */
START_TEST(living_socket_is_left_alone)
{
    int stranger = stranger_binds("x", types[_i]);
    mode_t mode = mode_of("x");

    ck_assert_int_eq(make("x", SOCK_STREAM, 0600), -EADDRINUSE);
    ck_assert_int_eq(make("x", SOCK_DGRAM, 0600), -EADDRINUSE);
    ck_assert_uint_eq(mode_of("x"), mode);
    if (types[_i] != SOCK_DGRAM)
        ck_assert_int_eq(listen(stranger, 1), 0);
    ck_assert_int_eq(connect_to("x", types[_i]), 0);
    assert_files(1);
    (void)close(stranger);
}
END_TEST

START_TEST(asking_who_lives_leaves_no_trace)
{
    int stranger = stranger_binds("x", SOCK_STREAM);
    struct pollfd waits = {.fd = stranger, .events = POLLIN};

    ck_assert_int_eq(listen(stranger, 1), 0);
    ck_assert_int_eq(make("x", SOCK_STREAM, 0600), -EADDRINUSE);
    ck_assert_int_eq(poll(&waits, 1, 0), 0); /* not even a connection that ended */
    (void)close(stranger);
}
END_TEST

static void make_file(void)
{
    scratch_write("x", "precious");
}

static void make_directory(void)
{
    scratch_dir("x");
}

static void make_link_to_nothing(void)
{
    scratch_link("nothing", "x");
}

static void make_link_to_dead_socket(void)
{
    (void)close(stranger_binds("y", SOCK_STREAM));
    scratch_link("y", "x");
}

static void (*const others[])(void) = {make_file, make_directory, make_link_to_nothing,
                                       make_link_to_dead_socket};

START_TEST(what_is_no_socket_is_left_alone)
{
    mode_t mode;

    others[_i]();
    mode = mode_of("x");
    ck_assert_int_eq(make("x", SOCK_STREAM, 0600), -EEXIST);
    ck_assert_uint_eq(mode_of("x"), mode);
    assert_files(_i == 3 ? 2 : 1);
}
END_TEST

START_TEST(missing_directory)
{
    ck_assert_int_eq(make("no/x", SOCK_STREAM, 0600), -ENOENT);
    ck_assert_str_eq(what, "bind");
}
END_TEST

/* The temporary name of a process that had our number, and was killed. */
START_TEST(left_over_name_is_used_again)
{
    char name[32];
    int fd;

    (void)snprintf(name, sizeof(name), "x.%d", (int)getpid());
    (void)close(stranger_binds(name, SOCK_STREAM));
    fd = make("x", SOCK_STREAM, 0600);
    ck_assert_int_ge(fd, 0);
    assert_files(1);
    (void)close(fd);
}
END_TEST

/* Owners that we may not choose: everything is as it was, and the dead one still there. */
START_TEST(failure_leaves_the_path_as_it_was)
{
    struct socket_access access = access_of(0600);
    struct addr addr = address("x");
    mode_t mode;
    int fd;

    if (geteuid() == 0) { /* The test is a process of its own. */
        ck_assert_int_eq(chmod(scratch, 0777), 0);
        ck_assert_int_eq(setresgid(12345, 12345, 12345), 0);
        ck_assert_int_eq(setresuid(12345, 12345, 12345), 0);
        access = access_of(0600);
    }
    (void)close(stranger_binds("x", SOCK_STREAM));
    mode = mode_of("x");
    access.uid = 54321;
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(socket_file_make(fd, &addr, &access, 8, &file, &what), -EPERM);
    ck_assert_str_eq(what, "chmod or chown");
    ck_assert_uint_eq(mode_of("x"), mode);
    assert_files(1);
    (void)unlink(scratch_path("x"));
    (void)close(fd);
}
END_TEST

START_TEST(only_the_own_file_is_removed_and_changed)
{
    struct socket_access access = access_of(0606);
    struct addr addr = address("x");
    int fd = make("x", SOCK_STREAM, 0600);
    struct socket_file ours = file;
    int stranger;

    ck_assert_int_eq(socket_file_set_access(&ours, &addr, &access), 0);
    ck_assert_uint_eq(mode_of("x"), S_IFSOCK | 0606);
    ck_assert_int_eq(unlink(addr.un.sun_path), 0);
    ck_assert(!socket_file_is_at(&ours, &addr));
    ck_assert_int_eq(socket_file_set_access(&ours, &addr, &access), -ENOENT);
    stranger = stranger_binds("x", SOCK_STREAM);
    ck_assert(!socket_file_is_at(&ours, &addr));
    ck_assert_int_eq(chmod(addr.un.sun_path, 0640), 0);
    ck_assert_int_eq(socket_file_set_access(&ours, &addr, &access), -ESTALE);
    ck_assert_uint_eq(mode_of("x"), S_IFSOCK | 0640);
    socket_file_remove(&ours, &addr);
    assert_files(1);
    (void)close(stranger);
    (void)close(fd);
}
END_TEST

/* Of two that begin at the same time. */
struct racer {
    int start, done, end; /* read to begin; written when it has tried; at its end, it may go */
    int other[3];         /* the far ends, which would keep the pipes open */
};

/* Tries, says so, and keeps what it has until the other one has tried, too. */
static int race(void *argument)
{
    const struct racer *racer = argument;
    char byte = 'x';
    int fd;

    for (size_t i = 0; i < 3; i++)
        (void)close(racer->other[i]);
    if (read(racer->start, &byte, 1) != 1)
        return EXIT_FAILURE;
    fd = make("x", SOCK_STREAM, 0600);
    if (write(racer->done, "x", 1) != 1 || read(racer->end, &byte, 1) != 0)
        return EXIT_FAILURE;
    return fd >= 0 ? 0 : fd == -EADDRINUSE ? 2 : EXIT_FAILURE;
}

/* Both may find the dead socket; one has it in the end, and the other one knows. */
START_TEST(one_of_two_at_a_time_has_it)
{
    int start[2], done[2], end[2], statuses[2];
    struct racer racer;
    pid_t pids[2];
    char bytes[2];

    for (int round = 0; round < 200; round++) {
        (void)close(stranger_binds("x", SOCK_STREAM));
        ck_assert(pipe(start) == 0 && pipe(done) == 0 && pipe(end) == 0);
        racer = (struct racer){start[0], done[1], end[0], {start[1], done[0], end[1]}};
        for (int i = 0; i < 2; i++)
            pids[i] = process_start(race, &racer);
        ck_assert_int_eq(write(start[1], "xx", 2), 2);
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(read(done[0], bytes, 1), 1);
        ck_assert_int_eq(connect_to("x", SOCK_STREAM), 0);
        assert_files(1);
        (void)close(end[1]);
        for (int i = 0; i < 2; i++)
            statuses[i] = process_wait(pids[i]);
        ck_assert_int_eq(statuses[0] + statuses[1], 2); /* 0 and 2 */
        ck_assert_int_ne(statuses[0], statuses[1]);
        for (int i = 0; i < 2; i++) {
            (void)close(start[i]);
            (void)close(done[i]);
        }
        (void)close(end[0]);
        scratch_clear();
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("socket_file");

    scratch_case(tcase);
    tcase_add_test(tcase, socket_is_there_with_its_mode_and_listens);
    tcase_add_test(tcase, datagram_socket);
    tcase_add_test(tcase, nobody_has_permissions_before_the_file_has_its_own);
    tcase_add_loop_test(tcase, dead_socket_is_replaced, 0, 3);
    tcase_add_loop_test(tcase, living_socket_is_left_alone, 0, 3);
    tcase_add_test(tcase, asking_who_lives_leaves_no_trace);
    tcase_add_loop_test(tcase, what_is_no_socket_is_left_alone, 0, 4);
    tcase_add_test(tcase, missing_directory);
    tcase_add_test(tcase, left_over_name_is_used_again);
    tcase_add_test(tcase, failure_leaves_the_path_as_it_was);
    tcase_add_test(tcase, only_the_own_file_is_removed_and_changed);
    tcase_add_test(tcase, one_of_two_at_a_time_has_it);
    return suite_run("socket_file", tcase);
}
