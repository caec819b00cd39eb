/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"
#include "processes.h"

/* --daemon, --pid-file, --user: what daemon(7) asks of a daemon. */

static struct echod e;

static void set_up_instance(struct echod *instance)
{
    echod_init(instance);
    instance->arguments[0] = "--daemon";
    instance->arguments[1] = "--pid-file";
    instance->arguments[2] = "echod.pid";
    instance->arguments[3] = "--log-target=stderr";
}

static void set_up(void)
{
    set_up_instance(&e);
}

static bool pid_file_exists(void)
{
    return access(echod_path(&e, "echod.pid"), F_OK) == 0;
}

/* Starts it; from here on e's process is the daemon. */
static void start_daemon(void)
{
    ck_assert_int_eq(echod_run(&e), 0);
    (void)close(e.pidfd);
    e.pid = echod_pid_in(&e, "echod.pid");
    e.pidfd = process_watch(e.pid);
    (void)echod_await(&e, "READY=1");
    ck_assert_int_eq(e.sender, e.pid);
}

static void stop_daemon(int signal)
{
    echod_signal(&e, signal);
    process_await_end(e.pidfd);
    ck_assert(!pid_file_exists());
    (void)echod_count_messages(&e, "",
                               0); /* Unread, they hold listeners, which were to be stored. */
    peer_await_refusal(e.host, e.port);
}

START_TEST(parent_returns_once_connects_are_served)
{
    int fd;

    ck_assert_int_eq(echod_run(&e), 0);
    fd = peer_connect(&e);
    peer_exchange(fd, "at once");
    peer_finish(fd);
    e.pid = echod_pid_in(&e, "echod.pid");
    e.pidfd = process_watch(e.pid);
    (void)echod_await(&e, "READY=1");
    stop_daemon(SIGTERM);
}
END_TEST

START_TEST(pid_file_is_removed_at_any_end)
{
    start_daemon();
    stop_daemon(SIGQUIT);
}
END_TEST

/* The steps of daemon(7). */

static void leave_a_mess(void)
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGQUIT, SIGCHLD};
    sigset_t all;

    (void)open("echod.conf", O_RDONLY); /* to be inherited */
    (void)umask(077);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        (void)signal(signals[i], SIG_IGN);
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
}

START_TEST(daemon_is_cut_off_from_who_started_it)
{
    static const char *const standard[] = {"fd/0", "fd/1", "fd/2"};

    e.prepare = leave_a_mess;
    start_daemon();
    ck_assert_str_eq(process_link(e.pid, "cwd"), "/");
    ck_assert_int_ne(getsid(e.pid), getsid(0));
    ck_assert_int_ne(getsid(e.pid), e.pid); /* no leader: it can get no terminal */
    ck_assert_str_eq(process_status(e.pid, "Umask"), "0000");
    for (size_t i = 0; i < sizeof(standard) / sizeof(standard[0]); i++)
        ck_assert_str_eq(process_link(e.pid, standard[i]), "/dev/null");
    ck_assert(!process_has_file(e.pid, e.config));
    echod_reload(&e); /* signals work, whoever had blocked them or ignores them */
    peer_finish(peer_connect(&e));
    stop_daemon(SIGTERM);
}
END_TEST

START_TEST(workers_do_not_hold_the_pid_file)
{
    int fd;

    echod_configure(&e, "workers = 1;");
    start_daemon();
    fd = peer_connect(&e);
    peer_exchange(fd, "by one that has begun");
    ck_assert(process_has_file(e.pid, echod_path(&e, "echod.pid")));
    ck_assert(!process_has_file(process_children(e.pid).pid[0], echod_path(&e, "echod.pid")));
    stop_daemon(SIGTERM);
}
END_TEST

START_TEST(relative_path_is_found_again_at_reload)
{
    e.config_name = "echod.conf";
    start_daemon();
    e.port += 100;
    echod_configure(&e, "workers = 2;");
    echod_reload(&e);
    peer_finish(peer_connect(&e));
    stop_daemon(SIGTERM);
}
END_TEST

/* Failures: non-zero, the cause on the terminal, and nothing is left running. */

static void assert_start_fails(struct echod *instance, int status, const char *named)
{
    pid_t heir = getppid(); /* of orphans: harness_run() */
    struct children before = process_children(heir);

    ck_assert_int_eq(echod_run(instance), status);
    ck_assert_msg(strstr(echod_errors(instance), named) != NULL, "no %s in: %s", named,
                  echod_errors(instance));
    (void)process_await_children(heir, before.count, NULL);
}

START_TEST(port_in_use_is_told_by_parent)
{
    int other = peer_listen(e.host, e.port);

    assert_start_fails(&e, 1, e.host);
    ck_assert(!pid_file_exists());
    (void)close(other);
}
END_TEST

START_TEST(bad_configuration_is_told_by_parent)
{
    echod_write(&e, "echod.conf", "port = 0;");
    assert_start_fails(&e, 6, "echod.conf:1");
    ck_assert(!pid_file_exists());
}
END_TEST

START_TEST(second_instance_is_refused)
{
    struct echod second;
    char holder[16];
    pid_t pid;

    start_daemon();
    pid = echod_pid_in(&e, "echod.pid");
    set_up_instance(&second);
    second.arguments[2] = echod_path(&e, "echod.pid");
    (void)snprintf(holder, sizeof(holder), "%d", (int)pid);
    assert_start_fails(&second, 1, holder);
    peer_await_refusal(second.host, second.port);
    ck_assert_int_eq(echod_pid_in(&e, "echod.pid"), pid);
    peer_finish(peer_connect(&e));
    stop_daemon(SIGTERM);
}
END_TEST

START_TEST(stale_pid_file_is_taken_over)
{
    echod_write(&e, "echod.pid", "1\nand more text than a pid has\n");
    start_daemon();
    ck_assert_int_ne(e.pid, 1);
    stop_daemon(SIGTERM);
}
END_TEST

START_TEST(pid_file_of_killed_daemon_is_taken_over)
{
    start_daemon();
    echod_signal(&e, SIGKILL);
    process_await_end(e.pidfd);
    ck_assert(pid_file_exists());
    start_daemon();
    stop_daemon(SIGTERM);
}
END_TEST

START_TEST(pid_file_in_missing_directory_is_told)
{
    e.arguments[2] = "missing/echod.pid";
    assert_start_fails(&e, 1, "missing/echod.pid");
    peer_await_refusal(e.host, e.port);
}
END_TEST

static void drop_override_capability(void)
{
    (void)prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0);
}

START_TEST(pid_file_in_unwritable_directory_is_exit_4)
{
    ck_assert_int_eq(mkdir(echod_path(&e, "locked"), 0555), 0);
    e.prepare = drop_override_capability;
    e.arguments[2] = "locked/echod.pid";
    assert_start_fails(&e, 4, "locked/echod.pid");
    peer_await_refusal(e.host, e.port);
}
END_TEST

START_TEST(passed_descriptors_are_a_usage_error)
{
    e.passed[e.passed_count++] = peer_listen(e.host, e.port);
    ck_assert_int_eq(echod_run(&e), 2);
    ck_assert(!pid_file_exists());
}
END_TEST

/* --user */

static const struct passwd *nobody(void)
{
    return getpwnam("nobody");
}

static bool may_become_nobody(void)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0)
        _exit(nobody() && setgroups(0, NULL) == 0 && setgid(nobody()->pw_gid) == 0 &&
                      setuid(nobody()->pw_uid) == 0
                  ? 0
                  : 1);
    return waitpid(pid, &status, 0) == pid && status == 0;
}

/* The ids of a process, real, effective, saved and for files, are all this one. */
static void assert_ids(pid_t pid, const char *which, unsigned id)
{
    char wanted[64];

    (void)snprintf(wanted, sizeof(wanted), "%u\t%u\t%u\t%u", id, id, id, id);
    ck_assert_str_eq(process_status(pid, which), wanted);
}

static void assert_workers_are_nobody(void)
{
    struct children workers = process_await_children(e.pid, 1, NULL);

    assert_ids(workers.pid[0], "Uid", nobody()->pw_uid);
    assert_ids(workers.pid[0], "Gid", nobody()->pw_gid);
    ck_assert_str_eq(process_status(workers.pid[0], "CapEff"), "0000000000000000");
    ck_assert_str_eq(process_status(workers.pid[0], "CapPrm"), "0000000000000000");
    assert_ids(e.pid, "Uid", 0);
}

START_TEST(user_is_that_of_workers_alone)
{
    int fd, watch;

    memset(e.arguments, 0, sizeof(e.arguments));
    e.arguments[0] = "--user=nobody";
    echod_configure(&e, "workers = 1;");
    echod_start(&e);
    fd = peer_connect(&e);
    peer_exchange(fd, "by nobody");
    assert_workers_are_nobody();
    echod_reload(&e);
    peer_exchange(fd, "by nobody");
    assert_workers_are_nobody();
    watch = process_watch(process_children(e.pid).pid[0]);
    process_stop(process_children(e.pid).pid[0]);
    echod_signal(&e, SIGKILL);
    process_await_end(watch); /* a change of user makes the kernel forget PR_SET_PDEATHSIG */
}
END_TEST

START_TEST(unknown_user_is_exit_1)
{
    memset(e.arguments, 0, sizeof(e.arguments));
    e.arguments[0] = "--user=no-such-user";
    ck_assert_int_eq(echod_run(&e), 1);
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), "no-such-user"));
}
END_TEST

int main(void)
{
    TCase *tcase = harness_suite("check_daemonize");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, parent_returns_once_connects_are_served);
    tcase_add_test(tcase, pid_file_is_removed_at_any_end);
    tcase_add_test(tcase, daemon_is_cut_off_from_who_started_it);
    tcase_add_test(tcase, workers_do_not_hold_the_pid_file);
    tcase_add_test(tcase, relative_path_is_found_again_at_reload);
    tcase_add_test(tcase, port_in_use_is_told_by_parent);
    tcase_add_test(tcase, bad_configuration_is_told_by_parent);
    tcase_add_test(tcase, second_instance_is_refused);
    tcase_add_test(tcase, stale_pid_file_is_taken_over);
    tcase_add_test(tcase, pid_file_of_killed_daemon_is_taken_over);
    tcase_add_test(tcase, pid_file_in_missing_directory_is_told);
    tcase_add_test(tcase, pid_file_in_unwritable_directory_is_exit_4);
    tcase_add_test(tcase, passed_descriptors_are_a_usage_error);
    tcase_add_test(tcase, unknown_user_is_exit_1);
    if (harness_may(may_become_nobody(), "root, who may become another user"))
        tcase_add_test(tcase, user_is_that_of_workers_alone);
    return harness_run();
}
