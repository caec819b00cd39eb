/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
/* vm_sockets.h needs sys/socket.h before it. */
#include <linux/vm_sockets.h>

#include "harness.h"
#include "peer.h"
#include "processes.h"

/* listeners = ( ... ): sockets of every kind, side by side, as they come, stay and go. */

static struct echod e;

static void set_up(void)
{
    echod_init(&e);
}

/* Unix sockets in the test's directory, or with an abstract name that nobody else has. */

static const char *abstract_name(void)
{
    static char name[96];

    (void)snprintf(name, sizeof(name), "@echod-check-%s-%d", e.host, e.port);
    return name;
}

static struct sockaddr_un unix_address(const char *name, socklen_t *ret_length)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    const char *path = name[0] == '@' ? name : echod_path(&e, name);

    ck_assert_uint_lt(strlen(path), sizeof(addr.sun_path));
    (void)strcpy(addr.sun_path, path);
    *ret_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) +
                              (name[0] == '@' ? 0 : 1));
    if (name[0] == '@')
        addr.sun_path[0] = '\0';
    return addr;
}

/* A descriptor, or -errno. */
static int unix_try(const char *name)
{
    socklen_t length;
    struct sockaddr_un addr = unix_address(name, &length);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

    if (connect(fd, (struct sockaddr *)&addr, length) == 0)
        return fd;
    r = -errno;
    (void)close(fd);
    return r;
}

static int unix_connect(const char *name)
{
    int fd = unix_try(name);

    ck_assert_msg(fd >= 0, "%s: %s", name, strerror(-fd));
    return fd;
}

static void assert_served_at_path(const char *name)
{
    int fd = unix_connect(name);

    peer_exchange(fd, name);
    peer_finish(fd);
}

static int stranger_listens(const char *name)
{
    socklen_t length;
    struct sockaddr_un addr = unix_address(name, &length);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, length), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    return fd;
}

/* The file's mode, or 0: there is none. */
static mode_t mode_of(const char *name)
{
    struct stat st;

    return lstat(echod_path(&e, name), &st) == 0 ? st.st_mode : 0;
}

static ino_t inode_of(const char *name)
{
    struct stat st;

    ck_assert_int_eq(lstat(echod_path(&e, name), &st), 0);
    return st.st_ino;
}

static void assert_served_on_port(int port)
{
    int fd = peer_connect_to(e.host, port);

    peer_exchange(fd, "on a port");
    peer_finish(fd);
}

static void assert_error_has(const char *text)
{
    ck_assert_msg(strstr(echod_errors(&e), text) != NULL, "no %s in: %s", text, echod_errors(&e));
}

static void configure_path(const char *name)
{
    echod_configure(&e, "listeners = ( { path = \"%s\"; } );", echod_path(&e, name));
}

/* Kinds. */

START_TEST(every_kind_side_by_side)
{
    echod_configure(&e,
                    "listeners = ( { port = %d; }, { path = \"%s\"; },\n"
                    "{ path = \"%s\"; type = \"datagram\"; }, { path = \"%s\"; } );",
                    e.port + 100, echod_path(&e, "a"), echod_path(&e, "d"), abstract_name());
    echod_start(&e);
    assert_served_on_port(e.port);
    assert_served_on_port(e.port + 100);
    assert_served_at_path("a");
    assert_served_at_path(abstract_name());
    ck_assert(S_ISSOCK(mode_of("d")));
    ck_assert_ptr_nonnull(strstr(echod_value(&e, "STATUS="), echod_path(&e, "a")));
    echod_stop(&e);
    ck_assert_uint_eq(mode_of("a"), 0);
    ck_assert_uint_eq(mode_of("d"), 0);
}
END_TEST

START_TEST(unix_socket_alone)
{
    echod_configure(&e, "protocols = [ ]; listeners = ( { path = \"%s\"; } );",
                    echod_path(&e, "a"));
    echod_start(&e);
    assert_served_at_path("a");
    peer_await_refusal(e.host, e.port);
    echod_stop(&e);
}
END_TEST

/* Whoever may talk to this machine by vsock: that one is listened on is all that can be seen here.
 */
START_TEST(vsock_is_listened_on_or_the_reason_is_said)
{
    int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_vm addr = {
        .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = 100000 + (unsigned)getpid()};

    echod_configure(&e, "listeners = ( { vsock_port = %u; } );", addr.svm_port);
    if (fd < 0) {
        ck_assert_int_eq(echod_run(&e), 1);
        assert_error_has("listeners[0].vsock_port: ");
        return;
    }
    echod_start(&e);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), -1);
    ck_assert_int_eq(errno, EADDRINUSE);
    echod_stop(&e);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    (void)close(fd);
}
END_TEST

START_TEST(path_is_logged_by_its_own_name)
{
    char wanted[256];

    configure_path("a");
    echod_start(&e);
    (void)snprintf(wanted, sizeof(wanted), "Listening on unix:%s\n", echod_path(&e, "a"));
    assert_error_has(wanted);
    echod_stop(&e);
}
END_TEST

/* The service manager's are the listeners then, at a reload, too. */
START_TEST(nothing_is_opened_beside_passed_sockets)
{
    e.passed[e.passed_count++] = peer_listen(e.host, e.port);
    configure_path("a");
    echod_start(&e);
    assert_served_on_port(e.port);
    assert_error_has("listeners are not used");
    echod_reload(&e);
    ck_assert_uint_eq(mode_of("a"), 0);
    assert_served_on_port(e.port);
    echod_stop(&e);
}
END_TEST

/* Names differ, so the configuration is sound; the kernel would blame another process. */
START_TEST(listeners_that_overlap_are_named)
{
    echod_configure(&e, "listeners = ( { host = \"0.0.0.0\"; } );");
    ck_assert_int_eq(echod_run(&e), 1);
    assert_error_has("listeners[0]: ");
    assert_error_has("another address of the configuration covers it");
}
END_TEST

/* Permissions and owners. */

START_TEST(permissions_are_the_configured_ones_whatever_the_umask)
{
    (void)umask(0);
    echod_configure(&e, "listeners = ( { path = \"%s\"; mode = \"0604\"; }, { path = \"%s\"; } );",
                    echod_path(&e, "a"), echod_path(&e, "b"));
    echod_start(&e);
    ck_assert_uint_eq(mode_of("a"), S_IFSOCK | 0604);
    ck_assert_uint_eq(mode_of("b"), S_IFSOCK | 0660);
    echod_stop(&e);
}
END_TEST

START_TEST(owner_is_the_configured_one)
{
    struct stat st;

    if (geteuid() != 0)
        return; /* Only root can choose. */
    echod_configure(&e, "listeners = ( { path = \"%s\"; owner = \"12345:54321\"; } );",
                    echod_path(&e, "a"));
    echod_start(&e);
    ck_assert_int_eq(lstat(echod_path(&e, "a"), &st), 0);
    ck_assert_uint_eq(st.st_uid, 12345);
    ck_assert_uint_eq(st.st_gid, 54321);
    echod_stop(&e);
}
END_TEST

START_TEST(unknown_owner_is_exit_1)
{
    echod_configure(&e, "listeners = ( { path = \"%s\"; owner = \"no such user\"; } );",
                    echod_path(&e, "a"));
    ck_assert_int_eq(echod_run(&e), 1);
    assert_error_has("listeners[0].owner: ");
    ck_assert_uint_eq(mode_of("a"), 0);
}
END_TEST

/* With --user the supervisor stays root, so it can remove what it made. */
START_TEST(socket_is_removed_with_another_user)
{
    if (geteuid() != 0)
        return;
    e.arguments[0] = "--user";
    e.arguments[1] = "nobody";
    echod_configure(&e, "listeners = ( { path = \"%s\"; } );", echod_path(&e, "a"));
    echod_start(&e);
    assert_served_at_path("a");
    echod_stop(&e);
    ck_assert_uint_eq(mode_of("a"), 0);
}
END_TEST

/* What is at the path already. */

/* Kills it with its workers, who would keep the socket open for a moment. */
static void kill_hard(void)
{
    struct children workers = process_await_children(e.pid, 0, NULL);
    int watch[CHILDREN_MAX], supervisor = process_watch(e.pid);

    for (unsigned i = 0; i < workers.count; i++)
        watch[i] = process_watch(workers.pid[i]);
    echod_signal(&e, SIGKILL);
    process_await_end(supervisor);
    for (unsigned i = 0; i < workers.count; i++)
        process_await_end(watch[i]);
    ck_assert_int_eq(waitpid(e.pid, NULL, 0), e.pid);
}

START_TEST(socket_of_a_killed_echod_is_replaced)
{
    ino_t left;

    configure_path("a");
    echod_start(&e);
    kill_hard();
    left = inode_of("a"); /* It is still there, for nobody. */
    ck_assert_int_eq(unix_try("a"), -ECONNREFUSED);
    echod_start(&e);
    ck_assert_uint_ne(inode_of("a"), left);
    assert_served_at_path("a");
    echod_stop(&e);
    ck_assert_uint_eq(mode_of("a"), 0);
}
END_TEST

START_TEST(living_socket_is_refused)
{
    int stranger = stranger_listens("a");
    ino_t inode = inode_of("a");

    configure_path("a");
    ck_assert_int_eq(echod_run(&e), 1);
    assert_error_has("listeners[0].path: ");
    assert_error_has("another process has this socket open");
    ck_assert_uint_eq(inode_of("a"), inode);
    (void)close(unix_connect("a"));
    (void)close(stranger);
}
END_TEST

START_TEST(file_that_is_no_socket_is_refused)
{
    (void)echod_write(&e, "a", "precious");
    configure_path("a");
    ck_assert_int_eq(echod_run(&e), 1);
    assert_error_has("it is a file, but no socket");
    ck_assert(S_ISREG(mode_of("a")));
}
END_TEST

START_TEST(socket_that_is_not_ours_any_more_stays)
{
    int stranger;

    configure_path("a");
    echod_start(&e);
    ck_assert_int_eq(unlink(echod_path(&e, "a")), 0);
    stranger = stranger_listens("a");
    echod_stop(&e);
    (void)close(unix_connect("a"));
    (void)close(stranger);
}
END_TEST

/* Reloads. */

START_TEST(reload_adds_keeps_and_drops)
{
    int waiting, connected;
    ino_t kept;

    echod_configure(&e, "listeners = ( { path = \"%s\"; }, { path = \"%s\"; }, { port = %d; } );",
                    echod_path(&e, "kept"), echod_path(&e, "dropped"), e.port + 100);
    echod_start(&e);
    kept = inode_of("kept");
    connected = unix_connect("dropped");
    peer_exchange(connected, "before");
    process_stop_children(e.pid);
    waiting = unix_connect("kept"); /* in the queue */
    echod_configure(&e,
                    "listeners = ( { path = \"%s\"; }, { path = \"%s\"; mode = \"0600\"; },\n"
                    "{ port = %d; } );",
                    echod_path(&e, "new"), echod_path(&e, "kept"), e.port + 200);
    process_continue_children(e.pid);
    echod_reload(&e);
    ck_assert_uint_eq(inode_of("kept"), kept);
    ck_assert_uint_eq(mode_of("kept"), S_IFSOCK | 0600);
    ck_assert_uint_eq(mode_of("dropped"), 0);
    peer_exchange(waiting, "waited");
    peer_exchange(connected, "after");
    assert_served_at_path("new");
    assert_served_at_path("kept");
    assert_served_on_port(e.port + 200);
    peer_await_refusal(e.host, e.port + 100);
    peer_finish(waiting);
    peer_finish(connected);
    echod_stop(&e);
}
END_TEST

START_TEST(reload_that_fails_leaves_everything_as_it_was)
{
    const char *status;

    configure_path("a");
    echod_start(&e);
    echod_configure(&e,
                    "listeners = ( { path = \"%s\"; mode = \"0606\"; }, { path = \"%s\"; },\n"
                    "{ path = \"%s\"; } );",
                    echod_path(&e, "a"), echod_path(&e, "b"), echod_path(&e, "no/c"));
    status = echod_try_reload(&e);
    ck_assert_ptr_nonnull(status);
    ck_assert_msg(strstr(status, "listeners[2].path: ") != NULL, "%s", status);
    ck_assert_uint_eq(mode_of("a"), S_IFSOCK | 0660);
    ck_assert_uint_eq(mode_of("b"), 0);
    assert_served_at_path("a");
    assert_served_on_port(e.port);
    echod_stop(&e);
}
END_TEST

/* A user's name is looked up in a child, as a host's is. */
START_TEST(reload_with_names)
{
    configure_path("a");
    echod_start(&e);
    echod_configure(&e, "listeners = ( { path = \"%s\"; }, { path = \"%s\"; owner = \"%s\"; } );",
                    echod_path(&e, "a"), echod_path(&e, "b"), "root");
    if (geteuid() == 0) {
        echod_reload(&e);
        assert_served_at_path("b");
    }
    echod_configure(&e, "listeners = ( { path = \"%s\"; owner = \"no such user\"; } );",
                    echod_path(&e, "a"));
    ck_assert_ptr_nonnull(strstr(echod_try_reload(&e), "there is no user"));
    assert_served_at_path("a");
    echod_stop(&e);
}
END_TEST

/* Nobody shall wait for what does not come. */
START_TEST(socket_is_gone_while_connections_drain)
{
    int fd;

    configure_path("a");
    echod_start(&e);
    fd = unix_connect("a");
    peer_exchange(fd, "before");
    echod_signal(&e, SIGTERM);
    (void)echod_await(&e, "STOPPING=1");
    ck_assert_uint_eq(mode_of("a"), 0);
    peer_exchange(fd, "still served");
    peer_finish(fd);
    ck_assert_int_eq(echod_wait(&e), 0);
}
END_TEST

int main(void)
{
    TCase *tcase = harness_suite("listeners");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, every_kind_side_by_side);
    tcase_add_test(tcase, unix_socket_alone);
    tcase_add_test(tcase, vsock_is_listened_on_or_the_reason_is_said);
    tcase_add_test(tcase, path_is_logged_by_its_own_name);
    tcase_add_test(tcase, nothing_is_opened_beside_passed_sockets);
    tcase_add_test(tcase, listeners_that_overlap_are_named);
    tcase_add_test(tcase, permissions_are_the_configured_ones_whatever_the_umask);
    tcase_add_test(tcase, owner_is_the_configured_one);
    tcase_add_test(tcase, unknown_owner_is_exit_1);
    tcase_add_test(tcase, socket_is_removed_with_another_user);
    tcase_add_test(tcase, socket_of_a_killed_echod_is_replaced);
    tcase_add_test(tcase, living_socket_is_refused);
    tcase_add_test(tcase, file_that_is_no_socket_is_refused);
    tcase_add_test(tcase, socket_that_is_not_ours_any_more_stays);
    tcase_add_test(tcase, reload_adds_keeps_and_drops);
    tcase_add_test(tcase, reload_that_fails_leaves_everything_as_it_was);
    tcase_add_test(tcase, reload_with_names);
    tcase_add_test(tcase, socket_is_gone_while_connections_drain);
    return harness_run();
}
