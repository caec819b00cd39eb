/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"
#include "processes.h"
#include "sandbox.h"

/*
 * A reload: the new configuration is in force for old and new connections, or everything is as it
 * was.
 */

static struct echod e;

static void set_up(void)
{
    echod_init(&e);
}

static bool names(const char *status, const char *what)
{
    return status && strstr(status, what);
}

/* What takes effect. */

START_TEST(changed_port_moves_listener_and_keeps_connections)
{
    int old, new, old_port = e.port;

    echod_start(&e);
    old = peer_connect(&e);
    peer_exchange(old, "before");
    e.port += 100;
    echod_configure(&e, "workers = 2;");
    echod_reload(&e);
    ck_assert_ptr_nonnull(strstr(echod_value(&e, "STATUS="), e.host));
    new = peer_connect(&e);
    peer_await_refusal(e.host, old_port);
    peer_exchange(new, "new");
    peer_exchange(old, "old");
    peer_finish(new);
    peer_finish(old);
    echod_stop(&e);
}
END_TEST

START_TEST(changed_host_moves_listener_and_keeps_connections)
{
    char old_host[sizeof(e.host)];
    int old;

    echod_start(&e);
    old = peer_connect(&e);
    memcpy(old_host, e.host, sizeof(old_host));
    e.host[sizeof("127.") - 1] = '2'; /* 127.1... or 127.10...: one that no other test has */
    e.port += 1000;
    echod_configure(&e, "workers = 2;");
    echod_reload(&e);
    peer_finish(peer_connect(&e));
    peer_await_refusal(old_host, e.port - 1000);
    peer_exchange(old, "old");
    echod_stop(&e);
}
END_TEST

START_TEST(changed_number_of_workers_takes_effect)
{
    static const unsigned wanted[] = {3, 1, 2};
    struct children workers;
    int fd;

    echod_start(&e);
    workers = process_await_children(e.pid, 2, NULL);
    fd = peer_connect(&e);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        echod_configure(&e, "workers = %u;", wanted[i]);
        echod_reload(&e);
        workers = process_await_children(e.pid, wanted[i], &workers);
        peer_exchange(fd, "goes on");
    }
    echod_stop(&e);
}
END_TEST

/* With all workers stopped, nobody accepts: how many connections wait is up to the backlog. */
/* The queue takes one more than its length. */
START_TEST(changed_backlog_takes_effect_on_kept_listener)
{
    enum { SMALL = 3, LARGE = 40 };
    int fd[LARGE];

    echod_configure(&e, "workers = 1; backlog = %d;", SMALL);
    echod_start(&e);
    process_stop_children(e.pid);
    for (int i = 0; i <= SMALL; i++)
        ck_assert(peer_is_connected(peer_begin_connect(&e), DEADLINE_MS));
    fd[0] = peer_begin_connect(&e);
    ck_assert(!peer_is_connected(fd[0], 100));
    process_continue_children(e.pid);
    echod_configure(&e, "workers = 1; backlog = %d;", LARGE);
    echod_reload(&e);
    process_stop_children(e.pid);
    for (int i = 0; i < LARGE; i++)
        fd[i] = peer_begin_connect(&e);
    for (int i = 0; i < LARGE; i++)
        ck_assert(peer_is_connected(fd[i], DEADLINE_MS));
    process_continue_children(e.pid);
    echod_stop(&e);
}
END_TEST

START_TEST(changed_idle_timeout_takes_effect_for_open_connections)
{
    int old, new;

    echod_configure(&e, "idle_timeout = 0;");
    echod_start(&e);
    old = peer_connect(&e);
    peer_exchange(old, "before");
    echod_configure(&e, "idle_timeout = 1;");
    echod_reload(&e);
    new = peer_connect(&e);
    peer_expect_end(old);
    peer_expect_end(new);
    old = peer_connect(&e);
    peer_exchange(old, "before");
    echod_configure(&e, "idle_timeout = 3600;");
    echod_reload(&e);
    ck_assert(!peer_is_readable(old, 1500));
    peer_exchange(old, "long after");
    echod_stop(&e);
}
END_TEST

START_TEST(host_changes_from_address_to_all_and_back_on_same_port)
{
    int old;

    sandbox_network();
    (void)strcpy(e.host, "127.0.0.1");
    echod_configure(&e, "workers = 2;");
    echod_start(&e);
    old = peer_connect_to("127.0.0.1", e.port);
    peer_await_refusal("127.0.0.2", e.port);
    for (int i = 0; i < 3; i++) {
        e.host[0] = '\0';
        echod_configure(&e, "workers = 2;");
        echod_reload(&e);
        peer_finish(peer_connect_to("127.0.0.2", e.port));
        peer_finish(peer_connect_to("::1", e.port));
        (void)strcpy(e.host, "127.0.0.1");
        echod_configure(&e, "workers = 2;");
        echod_reload(&e);
        peer_finish(peer_connect_to("127.0.0.1", e.port));
        peer_await_refusal("127.0.0.2", e.port);
        peer_await_refusal("::1", e.port);
    }
    peer_exchange(old, "through all of it");
    echod_stop(&e);
}
END_TEST

START_TEST(host_name_is_looked_up_and_leaves_no_process)
{
    struct children workers;
    int old;

    sandbox_network();
    (void)strcpy(e.host, "127.0.0.2");
    echod_configure(&e, "workers = 2;");
    echod_start(&e);
    old = peer_connect(&e);
    workers = process_children(e.pid);
    (void)strcpy(e.host, "localhost");
    echod_configure(&e, "workers = 2;");
    echod_reload(&e);
    (void)process_await_children(e.pid, 2, &workers);
    peer_finish(peer_connect_to("127.0.0.1", e.port));
    peer_await_refusal("127.0.0.2", e.port);
    peer_exchange(old, "goes on");
    echod_stop(&e);
}
END_TEST

START_TEST(passed_listeners_stay_with_a_notice)
{
    int listener = peer_listen(e.host, e.port), elsewhere = e.port + 100, old;
    size_t said;

    e.passed[0] = listener;
    e.passed_count = 1;
    echod_start(&e);
    old = peer_connect(&e);
    said = strlen(echod_errors(&e));
    e.port = elsewhere;
    echod_configure(&e, "workers = 1;");
    e.port -= 100;
    echod_reload(&e);
    ck_assert_ptr_nonnull(strstr(echod_errors(&e) + said, "service manager"));
    (void)process_await_children(e.pid, 1, NULL);
    peer_finish(peer_connect(&e));
    peer_await_refusal(e.host, elsewhere);
    peer_exchange(old, "goes on");
    echod_stop(&e);
}
END_TEST

/* What fails. */

/* Reloads a configuration that cannot be had: the status names WHAT, all else is as before. */
static void reload_in_vain(const char *what)
{
    struct children before = process_children(e.pid), after;
    int old = peer_connect(&e);
    const char *status;

    peer_exchange(old, "before");
    status = echod_try_reload(&e);
    ck_assert_msg(names(status, what), "the status does not name %s: %s", what, status);
    ck_assert_msg(strstr(echod_errors(&e), what) != NULL, "no error names %s", what);
    after = process_await_children(e.pid, before.count, NULL);
    ck_assert_mem_eq(&after, &before, sizeof(before));
    peer_exchange(old, "goes on");
    peer_finish(old);
    peer_finish(peer_connect(&e));
}

START_TEST(bad_file_changes_nothing_and_is_reported)
{
    echod_start(&e);
    echod_write(&e, "echod.conf", "port = 1234;\nworkers = 5;\nbacklog = 0;\n");
    reload_in_vain("echod.conf:3");
    echod_write(&e, "echod.conf", "port = ;");
    reload_in_vain("echod.conf:1");
    echod_configure(&e, "workers = 1;");
    echod_reload(&e); /* the next good one is as good as ever, and the status says no more of it */
    (void)process_await_children(e.pid, 1, NULL);
    echod_stop(&e);
}
END_TEST

START_TEST(missing_file_changes_nothing_and_is_reported)
{
    echod_start(&e);
    ck_assert_int_eq(unlink(e.config), 0);
    reload_in_vain(e.config);
    echod_stop(&e);
}
END_TEST

START_TEST(address_in_use_changes_nothing_and_is_reported)
{
    int port = e.port, other = peer_listen(e.host, e.port + 100);
    char address[96];

    echod_start(&e);
    e.port += 100;
    echod_configure(&e, "workers = 5;");
    (void)snprintf(address, sizeof(address), "%s:%d", e.host, e.port);
    e.port = port;
    reload_in_vain(address);
    (void)close(other);
    echod_stop(&e);
}
END_TEST

START_TEST(unknown_host_changes_nothing_and_is_reported)
{
    char host[sizeof(e.host)];

    sandbox_network();
    echod_start(&e);
    memcpy(host, e.host, sizeof(host));
    (void)strcpy(e.host, "no-such-host.invalid");
    echod_configure(&e, "workers = 5;");
    memcpy(e.host, host, sizeof(host));
    reload_in_vain("no-such-host.invalid");
    echod_stop(&e);
}
END_TEST

/* What comes while a reload is under way. */

START_TEST(reload_is_told_with_its_time)
{
    echod_start(&e);
    echod_signal(&e, SIGHUP);
    (void)echod_await(&e, "RELOADING=1");
    ck_assert_ptr_nonnull(echod_value(&e, "MONOTONIC_USEC="));
    ck_assert_uint_le(strtoull(echod_value(&e, "MONOTONIC_USEC="), NULL, 10) / 1000,
                      harness_now_ms());
    ck_assert_uint_gt(strtoull(echod_value(&e, "MONOTONIC_USEC="), NULL, 10), 0);
    (void)echod_await(&e, "READY=1");
    echod_stop(&e);
}
END_TEST

/* Waits for one end of a reload after the other until the newest configuration is in force. */
static void await_newest(void)
{
    int fd = -1;

    do
        (void)echod_await(&e, "READY=1");
    while (peer_try(e.host, e.port, &fd) != 0);
    peer_finish(fd);
}

START_TEST(signal_during_reload_makes_another_one)
{
    int fd;

    echod_start(&e);
    fd = peer_connect(&e);
    peer_exchange(fd, "before");
    process_stop_children(e.pid); /* they give up their connections no sooner than they go on */
    echod_signal(&e, SIGHUP);
    (void)echod_await(&e, "RELOADING=1");
    e.port += 100;
    echod_configure(&e, "workers = 1;");
    echod_signal(&e, SIGHUP);
    process_continue_children(e.pid);
    await_newest();
    peer_exchange(fd, "through both");
    echod_stop(&e);
}
END_TEST

START_TEST(many_signals_in_succession_end_in_the_newest_configuration)
{
    int fd;

    echod_start(&e);
    fd = peer_connect(&e);
    for (int i = 0; i < 20; i++) {
        e.port++;
        echod_configure(&e, "workers = 2;");
        echod_signal(&e, SIGHUP);
    }
    await_newest();
    peer_exchange(fd, "through all of them");
    echod_stop(&e);
}
END_TEST

START_TEST(stop_during_reload_is_obeyed)
{
    struct children workers;

    echod_start(&e);
    process_stop_children(e.pid);
    workers = process_children(e.pid);
    echod_signal(&e, SIGHUP);
    (void)echod_await(&e, "RELOADING=1");
    echod_signal(&e, SIGINT);
    (void)echod_await(&e, "STOPPING=1");
    for (unsigned i = 0; i < workers.count; i++)
        process_continue(workers.pid[i]);
    ck_assert_int_eq(echod_wait(&e), 0);
}
END_TEST

/* To systemd it may be one: then SIGTERM is all that is said. Nobody waits for who is stopped. */
START_TEST(restart_during_reload_leaves)
{
    echod_start(&e);
    process_stop_children(e.pid);
    echod_signal(&e, SIGHUP);
    (void)echod_await(&e, "RELOADING=1");
    echod_signal(&e, SIGTERM);
    (void)echod_await(&e, "STOPPING=1");
    (void)echod_await(&e, "BARRIER=1");
    ck_assert_int_eq(close(e.attached), 0); /* All was read. */
    e.attached = -1;
    ck_assert_int_eq(echod_wait(&e), 0);
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), "Left\n"));
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, changed_port_moves_listener_and_keeps_connections);
    tcase_add_test(tcase, changed_host_moves_listener_and_keeps_connections);
    tcase_add_test(tcase, changed_number_of_workers_takes_effect);
    tcase_add_test(tcase, changed_backlog_takes_effect_on_kept_listener);
    tcase_add_test(tcase, changed_idle_timeout_takes_effect_for_open_connections);
    tcase_add_test(tcase, passed_listeners_stay_with_a_notice);
    tcase_add_test(tcase, bad_file_changes_nothing_and_is_reported);
    tcase_add_test(tcase, missing_file_changes_nothing_and_is_reported);
    tcase_add_test(tcase, address_in_use_changes_nothing_and_is_reported);
    tcase_add_test(tcase, reload_is_told_with_its_time);
    tcase_add_test(tcase, signal_during_reload_makes_another_one);
    tcase_add_test(tcase, many_signals_in_succession_end_in_the_newest_configuration);
    tcase_add_test(tcase, stop_during_reload_is_obeyed);
    tcase_add_test(tcase, restart_during_reload_leaves);
}

int main(void)
{
    TCase *tcase = harness_suite("check_reload");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    add_tests(tcase);
    if (harness_may(sandbox_may_have_network(), "a network namespace")) {
        tcase_add_test(tcase, host_changes_from_address_to_all_and_back_on_same_port);
        tcase_add_test(tcase, host_name_is_looked_up_and_leaves_no_process);
        tcase_add_test(tcase, unknown_host_changes_nothing_and_is_reported);
    }
    return harness_run();
}
