/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"
#include "processes.h"

/* SIGUSR2: the process becomes the program that is at its path by then, connections and all. */

enum { WORKERS = 2 };

static struct echod e;

static void copy_file(const char *from, const char *to)
{
    char block[65536];
    ssize_t n;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

    ck_assert_int_ge(in, 0);
    ck_assert_int_ge(out, 0);
    while ((n = read(in, block, sizeof(block))) > 0)
        ck_assert_int_eq(write(out, block, (size_t)n), n);
    ck_assert_int_eq(n, 0);
    (void)close(in);
    (void)close(out);
}

/* Puts a program where the running one was, as a package manager does: by rename(2). */
static void install(const char *program)
{
    copy_file(program, echod_path(&e, "new"));
    ck_assert_int_eq(rename(echod_path(&e, "new"), echod_path(&e, "echod")), 0);
}

static void install_script(const char *text)
{
    (void)echod_write(&e, "new", text);
    ck_assert_int_eq(chmod(echod_path(&e, "new"), 0755), 0);
    ck_assert_int_eq(rename(echod_path(&e, "new"), echod_path(&e, "echod")), 0);
}

static const char *original; /* $ECHOD */

static void set_up(void)
{
    echod_init(&e);
    original = strdup(getenv("ECHOD"));
    install(original);
    ck_assert_int_eq(setenv("ECHOD", echod_path(&e, "echod"), 1), 0);
    echod_configure(&e, "workers = %d;", WORKERS);
}

/* Messages are read, as those of a service manager are. */
static bool is_upgraded(void *old)
{
    struct children now = process_children(e.pid);

    (void)echod_count_messages(&e, "", 0);
    return now.count == WORKERS && !process_has_child_of(e.pid, old);
}

static void upgrade(void)
{
    struct children old = process_children(e.pid);

    echod_signal(&e, SIGUSR2);
    harness_await(is_upgraded, &old, "the workers of the next program");
}

static void assert_going_on(int fd)
{
    peer_exchange(fd, "still here");
    (void)process_await_children(e.pid, WORKERS, NULL); /* and no trial, once it is reaped */
}

START_TEST(connections_go_on)
{
    int old[2], new;

    echod_configure(&e, "workers = %d; listeners = ( { path = \"%s\"; } );", WORKERS,
                    echod_path(&e, "sock"));
    echod_start(&e);
    old[0] = peer_connect(&e);
    old[1] = peer_connect_unix(echod_path(&e, "sock"));
    for (int i = 0; i < 2; i++)
        peer_exchange(old[i], "before");
    for (int i = 0; i < 3; i++) {
        upgrade();
        new = peer_connect(&e);
        peer_exchange(new, "new");
        peer_finish(new);
        peer_exchange(old[0], "old");
        peer_exchange(old[1], "old");
    }
    new = peer_connect_unix(echod_path(&e, "sock"));
    peer_exchange(new, "at the same path");
    peer_finish(new);
    peer_finish(old[0]);
    peer_finish(old[1]);
    ck_assert_int_eq(e.sender, e.pid);
    echod_stop(&e);
    ck_assert_int_eq(access(echod_path(&e, "sock"), F_OK), -1);
}
END_TEST

START_TEST(stream_comes_back_identical)
{
    enum { UPGRADES = 10 };
    struct flow flow;

    echod_start(&e);
    flow = flow_begin(peer_connect(&e));
    for (int i = 0; i < UPGRADES; i++) {
        uint64_t before = flow.received, deadline = harness_now_ms() + DEADLINE_MS;
        struct children old = process_children(e.pid);

        echod_signal(&e, SIGUSR2);
        while (process_has_child_of(e.pid, &old) || flow.received == before) {
            ck_assert_msg(harness_now_ms() < deadline, "the upgrade or the stream stands still");
            flow_step(&flow, UINT64_MAX, 1);
            (void)echod_count_messages(&e, "", 0); /* It waits for a reader. */
        }
    }
    flow_finish(&flow, flow.sent);
    echod_stop(&e);
}
END_TEST

/* Nobody is refused, as the addresses are listened on all the time. */
START_TEST(nobody_is_refused)
{
    struct children old;
    uint64_t deadline = harness_now_ms() + DEADLINE_MS;

    echod_start(&e);
    old = process_children(e.pid);
    echod_signal(&e, SIGUSR2);
    while (process_has_child_of(e.pid, &old)) {
        int fd = peer_connect(&e);

        ck_assert_msg(harness_now_ms() < deadline, "the upgrade stands still");
        peer_exchange(fd, "meanwhile");
        peer_finish(fd);
    }
    echod_stop(&e);
}
END_TEST

START_TEST(configuration_is_read_again)
{
    int fd;

    echod_start(&e);
    fd = peer_connect(&e);
    echod_configure(&e, "workers = 1; listeners = ( { path = \"%s\"; } );", echod_path(&e, "sock"));
    echod_signal(&e, SIGUSR2);
    echod_await_error(&e, "Upgraded");
    ck_assert_int_eq(process_children(e.pid).count, 1);
    peer_exchange(fd, "old");
    peer_finish(fd);
    fd = peer_connect_unix(echod_path(&e, "sock"));
    peer_exchange(fd, "new");
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

/* The one that could say no, as at a reload, is no more by then. */
START_TEST(listeners_of_before_stay_if_there_cannot_be_others)
{
    int fd;

    echod_start(&e);
    fd = peer_connect(&e);
    echod_configure(&e, "listeners = ( { path = \"%s\"; } );", echod_path(&e, "nowhere/sock"));
    echod_signal(&e, SIGUSR2);
    echod_await_error(&e, "listeners of before");
    echod_await_error(&e, "Upgraded");
    peer_exchange(fd, "old");
    peer_finish(fd);
    fd = peer_connect(&e);
    peer_exchange(fd, "new");

    /* And it works when it is put right. */
    echod_configure(&e, "listeners = ( { path = \"%s\"; } );", echod_path(&e, "sock"));
    upgrade();
    peer_exchange(fd, "newer");
    peer_finish(fd);
    fd = peer_connect_unix(echod_path(&e, "sock"));
    peer_exchange(fd, "newest");
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

START_TEST(passed_listeners_stay_passed)
{
    int fd;

    e.passed[e.passed_count++] = peer_listen(e.host, e.port);
    e.passed[e.passed_count++] = peer_listen_unix(echod_path(&e, "sock"));
    e.passed_names = "front:back.socket";
    echod_configure(&e, "workers = %d; log: { connections = \"all\"; };", WORKERS);
    echod_start(&e);
    for (int i = 0; i < 2; i++)
        upgrade();
    fd = peer_connect(&e);
    peer_exchange(fd, "passed");
    peer_finish(fd);
    fd = peer_connect_unix(echod_path(&e, "sock"));
    peer_exchange(fd, "passed");
    peer_finish(fd);
    echod_await_error(&e, "(back.socket)");
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), "(front)"));
    echod_stop(&e);
}
END_TEST

/* One or two are there for a moment. */
START_TEST(descriptors_do_not_pile_up)
{
    enum { UPGRADES = 6, FOR_A_MOMENT = 2 };
    unsigned before;

    echod_start(&e);
    upgrade();
    before = process_descriptor_count(e.pid);
    for (int i = 0; i < UPGRADES; i++)
        upgrade();
    ck_assert_uint_le(process_descriptor_count(e.pid), before + FOR_A_MOMENT);
    echod_stop(&e);
}
END_TEST

/* Whatever else is asked for at the same time happens as well. */
START_TEST(signals_are_not_lost)
{
    echod_start(&e);
    echod_signal(&e, SIGUSR2);
    echod_signal(&e, SIGHUP);
    echod_await_error(&e, "Reloaded");
    echod_await_error(&e, "Upgraded");
    echod_signal(&e, SIGUSR2);
    echod_signal(&e, SIGTERM);
    ck_assert_int_eq(echod_wait(&e), 0);
}
END_TEST

/* The order of a worker that died while there was nobody to hear of it. */
START_TEST(worker_that_dies_meanwhile_is_replaced)
{
    struct children old;

    echod_start(&e);
    old = process_children(e.pid);
    process_stop(e.pid);
    ck_assert_int_eq(kill(old.pid[0], SIGKILL), 0);
    echod_signal(&e, SIGUSR2);
    process_continue(e.pid);
    (void)process_await_children(e.pid, WORKERS, &old);
    echod_stop(&e);
}
END_TEST

/* What cannot take its place. */

static void assert_refused(const char *why)
{
    struct children workers = process_children(e.pid);
    int fd = peer_connect(&e);

    peer_exchange(fd, "before");
    echod_signal(&e, SIGUSR2);
    echod_await_error(&e, "Upgrade failed");
    ck_assert_msg(strstr(echod_errors(&e), why), "not about \"%s\": %s", why, echod_errors(&e));
    assert_going_on(fd);
    for (unsigned i = 0; i < WORKERS; i++)
        ck_assert(process_has_child_of(e.pid, &(struct children){{workers.pid[i]}, 1}));

    /* And it works when it is put right. */
    install(original);
    echod_configure(&e, "workers = %d;", WORKERS);
    upgrade();
    assert_going_on(fd);
    peer_finish(fd);
    echod_stop(&e);
}

START_TEST(program_that_is_gone)
{
    echod_start(&e);
    ck_assert_int_eq(unlink(echod_path(&e, "echod")), 0);
    assert_refused(strerror(ENOENT));
}
END_TEST

START_TEST(program_that_is_none)
{
    echod_start(&e);
    install_script("no program\n");
    assert_refused(strerror(ENOEXEC));
}
END_TEST

START_TEST(another_program)
{
    echod_start(&e);
    install("/bin/true");
    assert_refused("status 0");
}
END_TEST

START_TEST(program_that_does_not_start)
{
    echod_start(&e);
    install_script("#!/bin/sh\necho no libfoo.so.1 >&2\nexit 127\n");
    assert_refused("no libfoo.so.1");
}
END_TEST

START_TEST(program_that_is_killed)
{
    echod_start(&e);
    install_script("#!/bin/sh\necho '"
                   "echod can go on: here"
                   "'\nkill -KILL $$\n");
    assert_refused("signal 9");
}
END_TEST

START_TEST(program_that_says_much)
{
    echod_start(&e);
    install_script("#!/bin/sh\nseq 1 100000\nexit 1\n");
    assert_refused("1 2 3 4 5");
}
END_TEST

/* It stops what it tries after a time, or when it is told to stop itself. */
START_TEST(program_that_hangs)
{
    echod_start(&e);
    install_script("#!/bin/sh\nwhile :; do sleep 100; done\n");
    assert_refused("more than");
}
END_TEST

START_TEST(stop_does_not_wait_for_a_trial)
{
    echod_start(&e);
    install_script("#!/bin/sh\nwhile :; do sleep 100; done\n");
    echod_signal(&e, SIGUSR2);
    echod_await_error(&e, "Upgrading");
    (void)process_await_children(e.pid, WORKERS + 1, NULL);
    echod_signal(&e, SIGTERM);
    ck_assert_int_eq(echod_wait(&e), 0);
}
END_TEST

START_TEST(configuration_that_is_wrong)
{
    echod_start(&e);
    echod_configure(&e, "prot = 7;");
    assert_refused("prot");
}
END_TEST

/* --daemon: the process is one already, and its paths are those of where it was started. */

START_TEST(daemon_stays_one)
{
    static const char *const arguments[] = {"--daemon", "--pid-file", "echod.pid"};
    int fd;

    memcpy(e.arguments, arguments, sizeof(arguments));
    e.config_name = strrchr(e.config, '/') + 1;
    ck_assert_int_eq(echod_run(&e), 0);
    (void)close(e.pidfd);
    e.pid = echod_pid_in(&e, "echod.pid");
    e.pidfd = process_watch(e.pid);
    fd = peer_connect(&e);
    for (int i = 0; i < 2; i++) {
        upgrade();
        peer_exchange(fd, "again");
        ck_assert_int_eq(echod_pid_in(&e, "echod.pid"), e.pid);
        ck_assert_str_eq(process_link(e.pid, "cwd"), "/");
    }
    ck_assert_int_eq(kill(e.pid, SIGTERM), 0);
    peer_finish(fd);
    process_await_end(e.pidfd);
    ck_assert_int_eq(access(echod_path(&e, "echod.pid"), F_OK), -1);
}
END_TEST

/* Its lock is held all the time. */
START_TEST(second_daemon_is_refused)
{
    static const char *const arguments[] = {"--daemon", "--pid-file", "echod.pid"};
    pid_t pid;

    memcpy(e.arguments, arguments, sizeof(arguments));
    ck_assert_int_eq(echod_run(&e), 0);
    (void)close(e.pidfd);
    pid = e.pid = echod_pid_in(&e, "echod.pid");
    upgrade();
    ck_assert_int_eq(echod_run(&e), 1);
    ck_assert_int_eq(echod_pid_in(&e, "echod.pid"), pid);
    (void)close(e.pidfd);
    e.pidfd = process_watch(pid);
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    process_await_end(e.pidfd);
}
END_TEST

int main(void)
{
    TCase *tcase = harness_suite("check_upgrade");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, connections_go_on);
    tcase_add_test(tcase, stream_comes_back_identical);
    tcase_add_test(tcase, nobody_is_refused);
    tcase_add_test(tcase, configuration_is_read_again);
    tcase_add_test(tcase, listeners_of_before_stay_if_there_cannot_be_others);
    tcase_add_test(tcase, passed_listeners_stay_passed);
    tcase_add_test(tcase, descriptors_do_not_pile_up);
    tcase_add_test(tcase, signals_are_not_lost);
    tcase_add_test(tcase, worker_that_dies_meanwhile_is_replaced);
    tcase_add_test(tcase, program_that_is_gone);
    tcase_add_test(tcase, program_that_is_none);
    tcase_add_test(tcase, another_program);
    tcase_add_test(tcase, program_that_does_not_start);
    tcase_add_test(tcase, program_that_is_killed);
    tcase_add_test(tcase, program_that_says_much);
    tcase_add_test(tcase, program_that_hangs);
    tcase_add_test(tcase, stop_does_not_wait_for_a_trial);
    tcase_add_test(tcase, configuration_that_is_wrong);
    tcase_add_test(tcase, daemon_stays_one);
    tcase_add_test(tcase, second_daemon_is_refused);
    return harness_run();
}
