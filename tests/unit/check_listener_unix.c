/* SPDX-License-Identifier: MIT */
#include "net/listener.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <linux/capability.h>

#include "process.h"
#include "scratch.h"
#include "suite.h"

/* Unix sockets as listeners: what becomes of their files when listeners come, stay, go, and fail.
 */

enum { MANY = 4 };

static struct listener_set pool, set;
static struct listener_fault fault;
static struct listener_wanted wanted[MANY];

static struct listener_wanted want(const char *name, int type, mode_t mode)
{
    struct listener_wanted one = {
        .type = type,
        .backlog = 8,
        .access = {.mode = mode, .uid = geteuid(), .gid = getegid()},
    };

    ck_assert_int_eq(addr_unix(name[0] == '@' ? name : scratch_path(name), &one.addr), 0);
    return one;
}

static int open_wanted(size_t count)
{
    return listeners_open(wanted, count, &pool, &set, &fault);
}

/* As after a reload; what the set has no more is closed. */
static void set_becomes_pool(void)
{
    listeners_close_except(&pool, &set);
    pool = set;
    set = (struct listener_set){0};
}

static void open_one(const char *name, int type, mode_t mode)
{
    wanted[0] = want(name, type, mode);
    ck_assert_int_eq(open_wanted(1), 0);
    ck_assert_uint_eq(set.count, 1);
}

/* The permission bits, or -1: there is no such file. */
static int mode_of(const char *name)
{
    struct stat st;

    return lstat(scratch_path(name), &st) < 0 ? -1 : (int)(st.st_mode & 0777);
}

static void assert_accepts(const struct listener *listener)
{
    int client = socket(AF_UNIX, SOCK_STREAM, 0), server;

    ck_assert_int_eq(connect(client, &listener->addr.sa, listener->addr.len), 0);
    server = accept(listener->fd, NULL, NULL);
    ck_assert_int_ge(server, 0);
    (void)close(server);
    (void)close(client);
}

START_TEST(sockets_of_both_types)
{
    wanted[0] = want("a", SOCK_STREAM, 0600);
    wanted[1] = want("b", SOCK_DGRAM, 0660);
    ck_assert_int_eq(open_wanted(2), 0);
    ck_assert_int_eq(mode_of("a"), 0600);
    ck_assert_int_eq(mode_of("b"), 0660);
    assert_accepts(&set.list[0]);
    listeners_close_except(&set, NULL);
    ck_assert_int_eq(mode_of("a"), -1);
    ck_assert_int_eq(mode_of("b"), -1);
}
END_TEST

START_TEST(abstract_socket)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "@echod-check-%d", (int)getpid());
    open_one(name, SOCK_STREAM, 0600);
    assert_accepts(&set.list[0]);
    set_becomes_pool();
    wanted[0].access.mode = 0666; /* It has none. */
    ck_assert_int_eq(open_wanted(1), 0);
    ck_assert_int_eq(set.list[0].fd, pool.list[0].fd);
}
END_TEST

START_TEST(kept_socket_is_the_same)
{
    int fd;

    open_one("a", SOCK_STREAM, 0600);
    set_becomes_pool();
    fd = pool.list[0].fd;
    wanted[0].access.mode = 0606;
    wanted[0].backlog = 9;
    ck_assert_int_eq(open_wanted(1), 0);
    set_becomes_pool();
    ck_assert_int_eq(pool.list[0].fd, fd);
    ck_assert_int_eq(pool.list[0].backlog, 9);
    ck_assert_int_eq(mode_of("a"), 0606);
    assert_accepts(&pool.list[0]);
}
END_TEST

START_TEST(dropped_socket_is_removed)
{
    wanted[0] = want("a", SOCK_STREAM, 0600);
    wanted[1] = want("b", SOCK_STREAM, 0600);
    ck_assert_int_eq(open_wanted(2), 0);
    set_becomes_pool();
    ck_assert_int_eq(open_wanted(1), 0);
    ck_assert_int_eq(mode_of("b"), 0600); /* not yet: it may still fail */
    set_becomes_pool();
    ck_assert_int_eq(mode_of("b"), -1);
    assert_accepts(&pool.list[0]);
}
END_TEST

/* What the listeners before it have done is taken back. */
START_TEST(failure_changes_nothing)
{
    char *descriptors;

    open_one("a", SOCK_STREAM, 0600);
    set_becomes_pool();
    descriptors = process_descriptors();
    wanted[0].access.mode = 0666;
    wanted[1] = want("b", SOCK_STREAM, 0600);
    wanted[2] = want("no/c", SOCK_STREAM, 0600);
    ck_assert_int_eq(open_wanted(3), -ENOENT);
    ck_assert(addr_equal(&fault.wanted.addr, &wanted[2].addr));
    process_assert_descriptors(descriptors);
    ck_assert_int_eq(mode_of("a"), 0600);
    ck_assert_int_eq(mode_of("b"), -1);
    assert_accepts(&pool.list[0]);
}
END_TEST

/* Takes the right to change the permissions of others' files, but leaves that to give files away.
 */
static void drop_fowner(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
    data[0].effective &= ~(1U << CAP_FOWNER);
    ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

/* An owner may be changed and the permissions then not any more: the owner is taken back, too. */
START_TEST(failure_in_the_middle_changes_nothing)
{
    struct stat st;

    open_one("a", SOCK_STREAM, 0600);
    set_becomes_pool();
    wanted[0].access = (struct socket_access){.mode = 0666, .uid = 1, .gid = 1};
    drop_fowner();
    ck_assert_int_eq(open_wanted(1), -EPERM);
    ck_assert_int_eq(lstat(scratch_path("a"), &st), 0);
    ck_assert_uint_eq(st.st_uid, geteuid());
    ck_assert_uint_eq(st.st_gid, getegid());
    ck_assert_int_eq(mode_of("a"), 0600);
    assert_accepts(&pool.list[0]);
}
END_TEST

START_TEST(undo_changes_nothing)
{
    open_one("a", SOCK_STREAM, 0600);
    set_becomes_pool();
    wanted[0].access.mode = 0666;
    wanted[1] = want("b", SOCK_STREAM, 0600);
    ck_assert_int_eq(open_wanted(2), 0);
    ck_assert_int_eq(mode_of("a"), 0666);
    listeners_undo(&set, &pool);
    ck_assert_int_eq(mode_of("a"), 0600);
    ck_assert_int_eq(mode_of("b"), -1);
    assert_accepts(&pool.list[0]);
}
END_TEST

/* Somebody removed the file, or put another one there: a reload puts it right, where it may. */
START_TEST(socket_without_its_file_is_opened_anew)
{
    open_one("a", SOCK_STREAM, 0600);
    set_becomes_pool();
    ck_assert_int_eq(unlink(scratch_path("a")), 0);
    ck_assert_int_eq(open_wanted(1), 0);
    ck_assert_int_ne(set.list[0].fd, pool.list[0].fd);
    set_becomes_pool();
    ck_assert_int_eq(mode_of("a"), 0600);
    assert_accepts(&pool.list[0]);

    ck_assert_int_eq(unlink(scratch_path("a")), 0);
    scratch_write("a", "precious");
    ck_assert_int_eq(open_wanted(1), -EEXIST);
    listeners_close_except(&pool, NULL);
    ck_assert_int_ge(mode_of("a"), 0);
}
END_TEST

START_TEST(connection_leads_to_its_listener)
{
    struct addr local;
    int client = socket(AF_UNIX, SOCK_STREAM, 0), server;

    open_one("a", SOCK_STREAM, 0600);
    ck_assert_int_eq(connect(client, &set.list[0].addr.sa, set.list[0].addr.len), 0);
    server = accept(set.list[0].fd, NULL, NULL);
    ck_assert_int_eq(addr_of_socket(server, &local), 0);
    ck_assert_ptr_eq(listeners_serving(&set, SOCK_STREAM, &local), &set.list[0]);
    (void)close(server);
    (void)close(client);
}
END_TEST

/* A process that ends leaves its listener to the next: as good as new, but for its file's mode. */
START_TEST(listener_is_recovered_with_its_file)
{
    struct socket_file file;
    int type = _i == 0 ? SOCK_STREAM : SOCK_DGRAM, fd;

    open_one("a", type, 0600);
    file = set.list[0].file;
    fd = dup(set.list[0].fd);
    set.list[0].stored = 7;
    listeners_leave(&set);
    ck_assert_int_eq(mode_of("a"), 0600);

    ck_assert_int_eq(listener_recover(fd, 7, &file, &pool, &fault), 0);
    ck_assert(addr_equal(&pool.list[0].addr, &wanted[0].addr));
    wanted[0].access.mode = 0606;
    ck_assert_int_eq(open_wanted(1), 0);
    ck_assert_int_eq(set.list[0].fd, fd);
    ck_assert_int_eq(mode_of("a"), 0606);
    if (type == SOCK_STREAM)
        assert_accepts(&set.list[0]);
    set_becomes_pool();
    listeners_close_except(&pool, NULL);
    ck_assert_int_eq(mode_of("a"), -1);
}
END_TEST

START_TEST(listener_that_is_not_stored_leaves_no_file)
{
    open_one("a", SOCK_STREAM, 0600);
    listeners_leave(&set);
    ck_assert_int_eq(mode_of("a"), -1);
}
END_TEST

/* What is at its path is somebody's, and stays; nothing of it is taken for ours. */
START_TEST(listener_without_its_file_is_not_recovered)
{
    struct socket_file file;

    open_one("a", SOCK_STREAM, 0600);
    file = set.list[0].file;
    set_becomes_pool();
    ck_assert_int_eq(unlink(scratch_path("a")), 0);
    ck_assert_int_eq(listener_recover(pool.list[0].fd, 7, &file, &set, &fault), -ESTALE);
    scratch_write("a", "precious");
    ck_assert_int_eq(listener_recover(pool.list[0].fd, 7, &file, &set, &fault), -ESTALE);
    file.inode = 0;
    ck_assert_int_eq(listener_recover(pool.list[0].fd, 7, &file, &set, &fault), -ESTALE);
    ck_assert_uint_eq(set.count, 0);
}
END_TEST

START_TEST(abstract_listener_is_recovered)
{
    struct socket_file none = {.inode = 0};
    char name[64];
    int fd;

    (void)snprintf(name, sizeof(name), "@echod-check-%d.7", (int)getpid());
    open_one(name, SOCK_STREAM, 0600);
    fd = dup(set.list[0].fd);
    listeners_leave(&set);
    ck_assert_int_eq(listener_recover(fd, 7, &none, &pool, &fault), 0);
    ck_assert(addr_equal(&pool.list[0].addr, &wanted[0].addr));
    assert_accepts(&pool.list[0]);
}
END_TEST

static void close_all(void)
{
    listeners_close_except(&set, &pool);
    listeners_close_except(&pool, NULL);
}

int main(void)
{
    TCase *tcase = tcase_create("listener_unix");

    scratch_case(tcase);
    tcase_add_checked_fixture(tcase, NULL, close_all);
    tcase_add_test(tcase, sockets_of_both_types);
    tcase_add_test(tcase, abstract_socket);
    tcase_add_test(tcase, kept_socket_is_the_same);
    tcase_add_test(tcase, dropped_socket_is_removed);
    tcase_add_test(tcase, failure_changes_nothing);
    tcase_add_test(tcase, failure_in_the_middle_changes_nothing);
    tcase_add_test(tcase, undo_changes_nothing);
    tcase_add_test(tcase, socket_without_its_file_is_opened_anew);
    tcase_add_test(tcase, connection_leads_to_its_listener);
    tcase_add_loop_test(tcase, listener_is_recovered_with_its_file, 0, 2);
    tcase_add_test(tcase, listener_that_is_not_stored_leaves_no_file);
    tcase_add_test(tcase, listener_without_its_file_is_not_recovered);
    tcase_add_test(tcase, abstract_listener_is_recovered);
    return suite_run("listener_unix", tcase);
}
