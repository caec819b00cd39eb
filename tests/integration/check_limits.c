/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"
#include "processes.h"
#include "sandbox.h"

/* The limits of a source: that they are exact whatever happens, and hurt nobody else. */

#define TWO "127.0.0.2"
#define THREE "127.0.0.3"

static char two[] = TWO, three[] = THREE;

enum { CROWD_MAX = 64 };

static struct echod e;

static void set_up(void)
{
    echod_init(&e);
}

static void configure(unsigned workers, const char *limits)
{
    echod_configure(&e, "workers = %u; log: { connections = \"none\"; };\nlimits: { %s };\n",
                    workers, limits);
}

static void start(unsigned workers, const char *limits)
{
    configure(workers, limits);
    echod_start(&e);
}

static void reload(unsigned workers, const char *limits)
{
    configure(workers, limits);
    echod_reload(&e);
}

/* A connection that is served, or -1 when it is reset. */
static int try_from(const char *source)
{
    int fd = -1, error = peer_try_from(source, e.host, e.port, &fd);

    ck_assert_msg(error == 0 || error == ECONNRESET, "%s: %s", source, strerror(error));
    if (error == 0 && !peer_tries_exchange(fd, "let in")) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static int connect_from(const char *source)
{
    int fd = try_from(source);

    ck_assert_msg(fd >= 0, "%s is kept out", source);
    return fd;
}

static void assert_keeps_out(const char *source)
{
    for (int i = 0; i < 8; i++) /* whichever worker it is */
        ck_assert_msg(try_from(source) < 0, "%s is let in", source);
}

static void assert_lets_in(const char *source)
{
    peer_finish(connect_from(source));
}

/* The source gets FREE more connections, which are written to fd, and no other. */
static void fill(const char *source, unsigned free, int *fd)
{
    for (unsigned i = 0; i < free; i++)
        fd[i] = connect_from(source);
    assert_keeps_out(source);
}

static void finish(const int *fd, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        peer_finish(fd[i]);
}

static void assert_has_free(const char *source, unsigned free)
{
    int fd[CROWD_MAX];

    fill(source, free, fd);
    finish(fd, free);
}

static bool is_let_in(void *source)
{
    int fd = try_from(source);

    if (fd >= 0)
        peer_finish(fd);
    return fd >= 0;
}

/* Connections at the same time. */

START_TEST(limit_is_exact_across_workers)
{
    int fd[10];

    start(4, "connections_per_source = 10;");
    fill(TWO, 10, fd);
    assert_lets_in(THREE);
    for (unsigned i = 0; i < 10; i++) { /* each one that ends makes room for one */
        peer_finish(fd[i]);
        fill(TWO, 1, &fd[i]);
    }
    assert_has_free(THREE, 10);
    for (unsigned i = 0; i < 10; i++)
        peer_exchange(fd[i], "still there");
    echod_stop(&e);
}
END_TEST

/* All at once: as many are served as may be, whoever accepts them. */
START_TEST(burst_gets_what_is_allowed)
{
    enum { COUNT = 200, MOST = 23 };
    int fd[COUNT], served = 0;

    start(4, "connections_per_source = 23;");
    for (int i = 0; i < COUNT; i++)
        fd[i] = peer_begin_connect(&e);
    for (int i = 0; i < COUNT; i++)
        if (peer_is_connected(fd[i], DEADLINE_MS) && peer_tries_exchange(fd[i], "served"))
            served++;
    ck_assert_int_eq(served, MOST);
    echod_stop(&e);
}
END_TEST

START_TEST(none_is_no_limit)
{
    int fd[CROWD_MAX];

    start(2, "connections_per_source = 0;");
    for (int i = 0; i < CROWD_MAX; i++)
        fd[i] = connect_from(TWO);
    finish(fd, CROWD_MAX);
    echod_stop(&e);
}
END_TEST

START_TEST(refused_source_takes_no_place_from_others)
{
    int fd[2];

    start(2, "connections = 3; connections_per_source = 2;");
    fill(TWO, 2, fd);
    assert_has_free(THREE, 1); /* then all places are taken */
    assert_has_free(THREE, 1);
    echod_stop(&e);
}
END_TEST

START_TEST(refusal_is_told_and_counted)
{
    char counts[64];
    int fd;

    echod_configure(&e, "limits: { connections_per_source = 1; };");
    echod_start(&e);
    fd = connect_from(TWO);
    assert_keeps_out(TWO);
    echod_await_error(&e, "limits.connections_per_source");
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), TWO));
    echod_signal(&e, SIGUSR1);
    echod_await_error(&e, "refused 8, of these denied 0, too many of one source 8;");
    (void)snprintf(counts, sizeof(counts), "connections: 1, so far %d, refused %d", 9, 8);
    ck_assert_ptr_nonnull(strstr(echod_try_reload(&e), counts));
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

/* Workers that die. */

START_TEST(death_of_a_worker_frees_its_places_and_no_others)
{
    enum { WORKERS = 3, MOST = 30 };
    struct children workers;
    int fd[MOST];
    unsigned lost = 0;

    start(WORKERS, "connections_per_source = 30;");
    workers = process_await_children(e.pid, WORKERS, NULL);
    fill(TWO, MOST, fd);
    ck_assert_int_eq(kill(workers.pid[0], SIGKILL), 0);
    for (unsigned i = 0; i < MOST; i++)
        if (!peer_tries_exchange(fd[i], "still there")) {
            (void)close(fd[i]);
            fd[lost++] = fd[i];
        }
    echod_await_error(&e, "killed by signal 9"); /* its places are free before that is said */
    fill(TWO, lost, fd);
    echod_stop(&e);
}
END_TEST

/* A client that comes and goes until it, or the test, is killed. */
static pid_t start_load(void)
{
    pid_t test = getpid(), pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != test))
        _exit(EXIT_FAILURE);
    while (pid == 0) {
        int fd = -1;

        if (peer_try_from(TWO, e.host, e.port, &fd) == 0) {
            (void)send(fd, "x", 1, MSG_NOSIGNAL); /* It may have been reset. */
            (void)shutdown(fd, SHUT_WR);
            (void)recv(fd, &(char){0}, 1, 0);
            (void)close(fd);
        }
    }
    return pid;
}

static void end_load(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static bool nobody_is_connected(void *unused)
{
    (void)unused;
    return strstr(echod_try_reload(&e), "connections: 0,") != NULL;
}

enum { LOADS = 3 };

/* Twelve rounds of sixteen deaths, each at a moment that the load decides. */
START_TEST(deaths_under_load_leave_the_limit_whole)
{
    enum { ROUNDS = 12, WORKERS = 17, MOST = 5 };
    pid_t load[LOADS];

    start(WORKERS, "connections_per_source = 5;");
    for (int i = 0; i < LOADS; i++)
        load[i] = start_load();
    for (int round = 0; round < ROUNDS; round++) {
        struct children workers = process_await_children(e.pid, WORKERS, NULL);

        for (unsigned i = 1; i < WORKERS; i++) {
            ck_assert_int_eq(kill(workers.pid[i], SIGKILL), 0);
            harness_await(is_let_in, three, "somebody to serve another source");
        }
        echod_reload(&e);
    }
    for (int i = 0; i < LOADS; i++)
        end_load(load[i]);
    harness_await(nobody_is_connected, NULL, "the last connections to end");
    assert_has_free(TWO, MOST);
    echod_stop(&e);
}
END_TEST

static bool has_halted(void *pid)
{
    char state = process_state(*(pid_t *)pid);

    return state == 'T' || state == 'Z' || state == '\0';
}

/* Wherever a worker is when it is stopped, the others go on. */
START_TEST(stopped_worker_holds_nobody_up)
{
    enum { ROUNDS = 150, MOST = 5 };
    pid_t load[LOADS];

    start(2, "connections_per_source = 5;");
    for (int i = 0; i < LOADS; i++)
        load[i] = start_load();
    for (int round = 0; round < ROUNDS; round++) {
        struct children workers = process_await_children(e.pid, 2, NULL);
        pid_t victim = workers.pid[round % 2];

        ck_assert_int_eq(kill(victim, SIGSTOP), 0);
        harness_await(has_halted, &victim, "the worker to halt");
        assert_lets_in(THREE);
        (void)kill(victim, SIGCONT); /* It may have been killed for it. */
    }
    for (int i = 0; i < LOADS; i++)
        end_load(load[i]);
    harness_await(nobody_is_connected, NULL, "the last connections to end");
    assert_has_free(TWO, MOST);
    echod_stop(&e);
}
END_TEST

/* Reload. */

START_TEST(reload_keeps_the_count)
{
    int fd[10];

    start(2, "connections_per_source = 5;");
    fill(TWO, 5, fd);
    reload(3, "connections_per_source = 5;");
    assert_keeps_out(TWO);
    reload(2, "connections_per_source = 8;");
    fill(TWO, 3, fd + 5);
    reload(2, "connections_per_source = 4;"); /* ends nobody */
    assert_keeps_out(TWO);
    for (unsigned i = 0; i < 8; i++)
        peer_exchange(fd[i], "still there");
    finish(fd, 5);
    assert_has_free(TWO, 1);
    finish(fd + 5, 3);
    assert_has_free(TWO, 4);
    echod_stop(&e);
}
END_TEST

START_TEST(reload_from_no_limit_finds_who_is_there)
{
    int fd[5];

    start(2, "connections_per_source = 0;");
    for (int i = 0; i < 5; i++)
        fd[i] = connect_from(TWO);
    reload(2, "connections_per_source = 6;");
    assert_has_free(TWO, 1);
    finish(fd, 5);
    assert_has_free(TWO, 6);
    echod_stop(&e);
}
END_TEST

/* Those from before stay what they were: their address's, and not their network's. */
START_TEST(reload_of_a_prefix_is_for_new_connections)
{
    int before[3], after[3];

    start(2, "connections_per_source = 3;");
    fill(TWO, 3, before);
    assert_has_free(THREE, 3);
    reload(2, "connections_per_source = 3; ipv4_prefix = 24;");
    fill(TWO, 3, after);
    assert_keeps_out(THREE);
    assert_lets_in("127.0.1.2");
    finish(before, 3);
    assert_keeps_out(THREE);
    peer_finish(after[0]);
    assert_has_free(THREE, 1);
    finish(after + 1, 2);
    reload(2, "connections_per_source = 3;");
    assert_has_free(TWO, 3);
    assert_has_free(THREE, 3);
    echod_stop(&e);
}
END_TEST

/* IPv6: with a loopback interface of one's own. */

START_TEST(network_of_64_bits_is_one_source)
{
    static const char *const sources[] = {"2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"};
    int fd[2];

    sandbox_network();
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
        sandbox_add_ipv6(sources[i]);
    (void)strcpy(e.host, "::1");
    start(2, "connections_per_source = 2;");
    fd[0] = connect_from(sources[0]);
    fd[1] = connect_from(sources[1]);
    assert_keeps_out(sources[0]);
    assert_keeps_out(sources[1]);
    assert_has_free(sources[2], 2);
    finish(fd, 2);
    reload(2, "connections_per_source = 2; ipv6_prefix = 128;");
    fill(sources[0], 2, fd);
    assert_has_free(sources[1], 2);
    echod_stop(&e);
}
END_TEST

/* At a socket of IPv6 that takes IPv4, too, peers are ::ffff:127.0.0.2 and the like. */
START_TEST(mapped_addresses_are_sources_of_their_own)
{
    int fd[2];

    sandbox_network();
    e.passed[e.passed_count++] = peer_listen("::", e.port);
    (void)strcpy(e.host, "127.0.0.1");
    start(2, "connections_per_source = 2;");
    fill(TWO, 2, fd);
    assert_has_free(THREE, 2);
    echod_stop(&e);
}
END_TEST

/* The rate. */

/* Lets a source try until it is refused: how often it was let in. */
static unsigned use_up(const char *source)
{
    unsigned count = 0;
    int fd;

    while ((fd = try_from(source)) >= 0) {
        peer_finish(fd);
        count++;
    }
    return count;
}

/* However slow the machine: never more than the burst and what the time that has passed brings. */
START_TEST(rate_is_kept_and_recovers_by_itself)
{
    enum { RATE = 10 };
    uint64_t begin = harness_now_ms(), took;
    unsigned count;

    start(3, "connection_rate_per_source = 10;");
    count = use_up(TWO);
    took = harness_now_ms() + 1 - begin;
    ck_assert_uint_ge(count, RATE);
    ck_assert_uint_le(count, RATE + took * RATE / 1000);
    assert_lets_in(THREE);
    for (int i = 0; i < 5; i++) { /* who keeps trying gets its rate */
        harness_await(is_let_in, two, "its rate to let it in");
        count++;
    }
    took = harness_now_ms() + 1 - begin;
    ck_assert_uint_le(count, RATE + took * RATE / 1000);
    echod_stop(&e);
}
END_TEST

START_TEST(rate_is_counted_apart)
{
    echod_configure(&e, "limits: { connection_rate_per_source = 1; };");
    echod_start(&e);
    (void)use_up(TWO);
    echod_await_error(&e, "limits.connection_rate_per_source");
    echod_signal(&e, SIGUSR1);
    echod_await_error(&e, "refused 1, of these denied 0, too fast 1;");
    echod_stop(&e);
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_test(tcase, limit_is_exact_across_workers);
    tcase_add_test(tcase, burst_gets_what_is_allowed);
    tcase_add_test(tcase, none_is_no_limit);
    tcase_add_test(tcase, refused_source_takes_no_place_from_others);
    tcase_add_test(tcase, refusal_is_told_and_counted);
    tcase_add_test(tcase, death_of_a_worker_frees_its_places_and_no_others);
    tcase_add_test(tcase, deaths_under_load_leave_the_limit_whole);
    tcase_add_test(tcase, stopped_worker_holds_nobody_up);
    tcase_add_test(tcase, reload_keeps_the_count);
    tcase_add_test(tcase, reload_from_no_limit_finds_who_is_there);
    tcase_add_test(tcase, reload_of_a_prefix_is_for_new_connections);
    tcase_add_test(tcase, rate_is_kept_and_recovers_by_itself);
    tcase_add_test(tcase, rate_is_counted_apart);
}

int main(void)
{
    TCase *tcase = harness_suite("check_limits");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    add_tests(tcase);
    if (harness_may(sandbox_may_have_network(), "a network namespace")) {
        tcase_add_test(tcase, network_of_64_bits_is_one_source);
        tcase_add_test(tcase, mapped_addresses_are_sources_of_their_own);
    }
    return harness_run();
}
