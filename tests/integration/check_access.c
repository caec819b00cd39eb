/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"
#include "sandbox.h"

/* access.allow and access.deny: who may connect, and what becomes of who may not. */

enum { EXIT_CONFIGURATION = 6 };

#define TWO "127.0.0.2"
#define THREE "127.0.0.3"

static struct echod e;

static void set_up(void)
{
    echod_init(&e);
}

static void configure_access(const char *access)
{
    echod_configure(&e, "workers = 2;\naccess: { %s };\n", access);
}

static void assert_lets_in_at(const char *source, const char *host)
{
    int fd = -1, error = peer_try_from(source, host, e.port, &fd);

    ck_assert_msg(error == 0, "%s: %s", source, strerror(error));
    ck_assert_msg(peer_tries_exchange(fd, "let in"), "%s is kept out", source);
    peer_finish(fd);
}

static void assert_lets_in(const char *source)
{
    assert_lets_in_at(source, e.host);
}

static void assert_keeps_out(const char *source)
{
    peer_expect_refusal_from(source, e.host, e.port);
}

static int connect_from(const char *source)
{
    int fd = -1;

    ck_assert_int_eq(peer_try_from(source, e.host, e.port, &fd), 0);
    return fd;
}

/* Who is let in. */

static const struct {
    const char *access;
    bool two, three;
} rules[] = {
    {"", true, true},
    {"deny = [ \"127.0.0.2\" ];", false, true},
    {"deny = [ \"127.0.0.0/8\" ];", false, false},
    {"deny = [ \"10.0.0.0/8\", \"::/0\" ];", true, true},
    {"allow = [ \"127.0.0.3\" ];", false, true},
    {"allow = [ ];", false, false},
    {"allow = [ \"::/0\" ];", false, false},
    {"allow = [ \"127.0.0.2/31\" ]; deny = [ \"127.0.0.2\" ];", false, true},
    {"allow = [ \"127.0.0.2\" ]; deny = [ \"127.0.0.0/24\" ];", true, false},
    {"allow = [ \"127.0.0.0/8\", \"127.0.0.2\" ]; deny = [ \"127.0.0.0/16\" ];", true, false},
    {"allow = [ \"127.0.0.0/24\" ]; deny = [ \"127.0.0.0/24\" ];", false, false},
    {"deny = [ \"::ffff:127.0.0.2\" ];", false, true},
};

enum { RULES = sizeof(rules) / sizeof(rules[0]) };

static void assert_access(const char *source, bool wanted)
{
    if (wanted)
        assert_lets_in(source);
    else
        assert_keeps_out(source);
}

START_TEST(lists_say_who_is_let_in)
{
    configure_access(rules[_i].access);
    echod_start(&e);
    for (int i = 0; i < 4; i++) { /* whichever worker it is */
        assert_access(TWO, rules[_i].two);
        assert_access(THREE, rules[_i].three);
    }
    echod_stop(&e);
}
END_TEST

/* A file with COUNT networks that are denied, and FIRST before them. */
static void configure_many(const char *first, unsigned count)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(out);
    (void)fprintf(out, "host = \"%s\"; port = %d;\naccess: { deny = [ \"%s\"", e.host, e.port,
                  first);
    for (unsigned i = 0; i < count; i++)
        (void)fprintf(out, ",\n%s%x:%x%s", "\"2001:db8:", i >> 8, i & 255, "::/64\"");
    (void)fputs(" ]; };\n", out);
    ck_assert_int_eq(fclose(out), 0);
    (void)echod_write(&e, "echod.conf", text);
    free(text);
}

START_TEST(ten_thousand_networks_are_obeyed)
{
    configure_many(TWO, 10000);
    echod_start(&e);
    assert_keeps_out(TWO);
    assert_lets_in(THREE);
    configure_many(THREE, 10000);
    echod_reload(&e);
    assert_keeps_out(THREE);
    assert_lets_in(TWO);
    echod_stop(&e);
}
END_TEST

/* The families: with a loopback interface of one's own. */

START_TEST(each_family_has_its_own_networks)
{
    sandbox_network();
    (void)strcpy(e.host, "");
    configure_access(_i ? "allow = [ \"::/0\" ];" : "allow = [ \"0.0.0.0/0\" ];");
    echod_start(&e);
    if (_i) {
        assert_lets_in_at("::1", "::1");
        peer_expect_refusal_from(TWO, "127.0.0.1", e.port);
    } else {
        peer_expect_refusal_from("::1", "::1", e.port);
        assert_lets_in_at(TWO, "127.0.0.1");
    }
    echod_stop(&e);
}
END_TEST

/* At a socket of IPv6 that takes IPv4, too, peers are ::ffff:127.0.0.2 and the like. */
START_TEST(mapped_addresses_are_ipv4)
{
    sandbox_network();
    e.passed[e.passed_count++] = peer_listen("::", e.port);
    configure_access("allow = [ \"127.0.0.0/8\" ]; deny = [ \"127.0.0.2\", \"::/0\" ];");
    echod_start(&e);
    peer_expect_refusal_from(TWO, "127.0.0.1", e.port);
    assert_lets_in_at(THREE, "127.0.0.1");
    peer_expect_refusal_from("::1", "::1", e.port);
    echod_stop(&e);
}
END_TEST

START_TEST(unix_peers_are_not_subject_to_it)
{
    int fd;

    e.passed[e.passed_count++] = peer_listen_unix(echod_path(&e, "sock"));
    configure_access("allow = [ ]; deny = [ \"0.0.0.0/0\", \"::/0\" ];");
    echod_start(&e);
    fd = peer_connect_unix(echod_path(&e, "sock"));
    peer_exchange(fd, "by a path");
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

/* What becomes of who is kept out. */

START_TEST(denied_connections_are_counted_and_take_no_place)
{
    enum { DENIED = 30 };
    char counts[64];
    int fd;

    echod_configure(&e, "workers = 1; limits: { connections = 1; };\n"
                        "access: { deny = [ \"127.0.0.2\" ]; };");
    echod_start(&e);
    for (int i = 0; i < DENIED; i++)
        assert_keeps_out(TWO);
    fd = connect_from(THREE);
    peer_exchange(fd, "in the only place");
    assert_keeps_out(TWO);
    (void)snprintf(counts, sizeof(counts), "connections: 1, so far %d, refused %d", DENIED + 2,
                   DENIED + 1);
    ck_assert_msg(strstr(echod_try_reload(&e), counts) != NULL, "%s is not in %s", counts,
                  echod_value(&e, "STATUS="));
    peer_exchange(fd, "still there");
    echod_stop(&e);
}
END_TEST

/* Its own reason, even where there is no place left. */
START_TEST(denied_connection_is_told_with_its_reason)
{
    int fd;

    echod_configure(&e, "workers = 1; limits: { connections = 1; };\n"
                        "access: { deny = [ \"127.0.0.2\" ]; };");
    echod_start(&e);
    fd = connect_from(THREE);
    peer_exchange(fd, "in the only place");
    assert_keeps_out(TWO);
    echod_await_error(&e, "access.deny");
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), TWO));
    ck_assert_ptr_null(strstr(echod_errors(&e), "limits.connections"));
    assert_keeps_out(THREE);
    echod_await_error(&e, "limits.connections");
    peer_finish(fd);
    echod_stop(&e);
}
END_TEST

START_TEST(denied_connection_is_not_told_unless_asked_for)
{
    configure_access("deny = [ \"127.0.0.2\" ]; }; log: { connections = \"none\";");
    echod_start(&e);
    assert_keeps_out(TWO);
    echod_stop(&e);
    ck_assert_ptr_null(strstr(echod_errors(&e), TWO));
}
END_TEST

/* Reload. */

START_TEST(reload_is_for_new_connections)
{
    int old;

    echod_start(&e);
    old = connect_from(TWO);
    peer_exchange(old, "before");
    configure_access("deny = [ \"127.0.0.2\" ];");
    echod_reload(&e);
    assert_keeps_out(TWO);
    assert_lets_in(THREE);
    peer_exchange(old, "stays");
    configure_access("allow = [ \"127.0.0.2\" ];");
    echod_reload(&e);
    assert_lets_in(TWO);
    assert_keeps_out(THREE);
    peer_exchange(old, "stays again");
    peer_finish(old);
    echod_stop(&e);
}
END_TEST

START_TEST(reload_that_fails_changes_nothing)
{
    const char *status;

    configure_access("deny = [ \"127.0.0.2\" ];");
    echod_start(&e);
    configure_access("deny = [ \"127.0.0.3\",\n\"127.0.0.4/8\" ];");
    status = echod_try_reload(&e);
    ck_assert_msg(strstr(status, "echod.conf:4: access.deny[1]") != NULL, "%s", status);
    assert_keeps_out(TWO);
    assert_lets_in(THREE);
    configure_access("");
    echod_reload(&e);
    assert_lets_in(TWO);
    echod_stop(&e);
}
END_TEST

/* The command line. */

static void write_dropin(const char *text)
{
    ck_assert_int_eq(mkdir(echod_path(&e, "echod.conf.d"), 0755), 0);
    (void)echod_write(&e, "echod.conf.d/10-access.conf", text);
}

START_TEST(check_names_the_place_of_each_error)
{
    static const char *const places[] = {"echod.conf:4: access.allow[1] = \"::1/0\": ",
                                         "10-access.conf:1: access.deny[0] = \"nobody\": ",
                                         "10-access.conf:2: access.deny[1] = \"10.0.0.0/33\": "};

    configure_access("allow = [ \"::2\",\n\"::1/0\" ];");
    write_dropin("access: { deny = [ \"nobody\",\n\"10.0.0.0/33\" ]; };");
    e.arguments[0] = "--check-config";
    ck_assert_int_eq(echod_run(&e), EXIT_CONFIGURATION);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        ck_assert_msg(strstr(echod_errors(&e), places[i]) != NULL, "no %s in: %s", places[i],
                      echod_errors(&e));
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), "did you mean \"::/0\"?"));
}
END_TEST

START_TEST(printed_lists_are_those_in_force)
{
    configure_access("allow = [ \"::2\" ]; deny = [ \"10.0.0.0/8\", \"::1\" ];");
    write_dropin("\naccess: { deny = [ \"192.0.2.0/24\", \"192.0.2.1/32\" ]; };");
    e.arguments[0] = "--print-config";
    ck_assert_int_eq(echod_run(&e), 0);
    ck_assert_ptr_nonnull(strstr(echod_output(&e), "allow = [ \"::2\" ];"));
    ck_assert_ptr_nonnull(strstr(echod_output(&e),
                                 "10-access.conf:2.\n"
                                 "    deny = [ \"192.0.2.0/24\", \"192.0.2.1\" ];"));
}
END_TEST

/* inetd, which keeps a copy of the connection. */

static int accept_for_inetd(const char *source, int *ret_peer)
{
    int listener = peer_listen(e.host, e.port), fd;

    *ret_peer = connect_from(source);
    fd = accept(listener, NULL, NULL);
    ck_assert_int_ge(fd, 0);
    (void)close(listener);
    e.arguments[0] = "--inetd";
    e.input = e.output = fd;
    return fd;
}

START_TEST(inetd_keeps_out_who_is_denied)
{
    int peer, copy;

    configure_access("deny = [ \"127.0.0.2\" ];");
    copy = accept_for_inetd(TWO, &peer);
    ck_assert_int_eq(echod_run(&e), 0);
    ck_assert(peer_is_readable(peer, 0)); /* by then: the copy is open still */
    peer_expect_reset(peer);
    ck_assert_ptr_nonnull(strstr(echod_errors(&e), "access.deny"));
    (void)close(copy);
}
END_TEST

START_TEST(inetd_serves_who_is_allowed)
{
    int peer, copy;

    configure_access("allow = [ \"127.0.0.3\" ];");
    copy = accept_for_inetd(THREE, &peer);
    echod_spawn(&e);
    (void)close(copy);
    peer_exchange(peer, "let in");
    peer_finish(peer);
    ck_assert_int_eq(echod_wait(&e), 0);
    ck_assert_str_eq(echod_errors(&e), "");
}
END_TEST

static void add_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, lists_say_who_is_let_in, 0, RULES);
    tcase_add_test(tcase, ten_thousand_networks_are_obeyed);
    tcase_add_test(tcase, unix_peers_are_not_subject_to_it);
    tcase_add_test(tcase, denied_connections_are_counted_and_take_no_place);
    tcase_add_test(tcase, denied_connection_is_told_with_its_reason);
    tcase_add_test(tcase, denied_connection_is_not_told_unless_asked_for);
    tcase_add_test(tcase, reload_is_for_new_connections);
    tcase_add_test(tcase, reload_that_fails_changes_nothing);
    tcase_add_test(tcase, check_names_the_place_of_each_error);
    tcase_add_test(tcase, printed_lists_are_those_in_force);
    tcase_add_test(tcase, inetd_keeps_out_who_is_denied);
    tcase_add_test(tcase, inetd_serves_who_is_allowed);
}

int main(void)
{
    TCase *tcase = harness_suite("check_access");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    add_tests(tcase);
    if (harness_may(sandbox_may_have_network(), "a network namespace")) {
        tcase_add_loop_test(tcase, each_family_has_its_own_networks, 0, 2);
        tcase_add_test(tcase, mapped_addresses_are_ipv4);
    }
    return harness_run();
}
