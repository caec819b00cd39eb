/* SPDX-License-Identifier: MIT */
#include "client/record.h"
#include "harness.h"
#include "load_case.h"

/* The real echo-client load, against echod and against servers that misbehave. */

static struct echod e;

/* ---- every kind of load, against echod ---- */

static const char *const kinds[][LOAD_WORDS] = {
    {JSON, "-d", "0.3"},
    {JSON, "-d", "0.3", "-n", "20", "-T", "3"},
    {JSON, "-d", "0.3", "-n", "5", "-P", "100", "--verify", "full"},
    {JSON, "-d", "0.3", "-n", "5", "-s", "1", "-P", "7", "--verify", "full"},
    {JSON, "-d", "0.3", "-n", "4", "-s", "100K", "-P", "3", "--verify", "full"},
    {JSON, "-d", "1", "-n", "2", "-s", "1M", "--verify=sample"},
    {JSON, "-d", "0.3", "-n", "20", "--verify", "none"},
    {JSON, "-d", "0.3", "-n", "10", "--ramp-up", "0.2"},
    {JSON, "-d", "0.3", "-n", "5", "--reconnect"},
    {JSON, "-d", "0.3", "-n", "5", "--reconnect", "--reset"},
    {JSON, "-d", "0.3", "-n", "2", "--reconnect", "-s", "200000", "--verify", "full"},
    {JSON, "-d", "0.3", "-n", "10", "--source", "127.0.0.1"},
};

START_TEST(closed_loop)
{
    char target[96];

    echod_init(&e);
    echod_start(&e);
    (void)snprintf(target, sizeof(target), "%s:%d", e.host, e.port);
    load(target, kinds[_i]);
    echod_stop(&e);
    assert_good();
    ck_assert_ptr_nonnull(strstr(run.out, "\"rate_per_s\":null"));
    ck_assert_ptr_nonnull(strstr(run.out, "\"since_due\":null"));
}
END_TEST

static const char *const rates[][LOAD_WORDS] = {
    {JSON, "-d", "0.5", "-r", "200"},
    {JSON, "-d", "0.5", "-r", "200", "-n", "7", "-T", "2"},
    {JSON, "-d", "0.5", "-r", "200", "-n", "3", "-P", "10", "--verify", "full"},
    {JSON, "-d", "0.5", "-r", "200", "-n", "3", "--reconnect"},
    {JSON, "-d", "0.5", "-r", "200", "-n", "10", "--ramp-up", "0.1"},
};

/* As many messages as were asked for, no more and no less, however busy the machine is. */
START_TEST(open_loop)
{
    char target[96];

    echod_init(&e);
    echod_start(&e);
    (void)snprintf(target, sizeof(target), "%s:%d", e.host, e.port);
    load(target, rates[_i]);
    echod_stop(&e);
    ck_assert_double_eq(number("lost"), 0);
    ck_assert_double_eq_tol(number_in("\"since_due\":", "count"), 100, 1);
    ck_assert_double_eq_tol(number_in("\"since_sent\":", "count") + number("unsent"), 100, 1);
}
END_TEST

/* ---- datagrams, against echod ---- */

static const char *const datagram_kinds[][LOAD_WORDS] = {
    {JSON, "-d", "0.3"},
    {JSON, "-d", "0.3", "-n", "5", "-T", "2", "-P", "8", "--verify", "full"},
    {JSON, "-d", "0.3", "-n", "2", "-s", "65507", "--verify", "full"},
    {JSON, "-d", "0.3", "-n", "3", "-r", "300"},
};

/* Loads an echod that listens on UDP and on a Unix socket of datagrams. */
static void load_datagrams(bool is_unix, const char *limits, const char *const *options)
{
    char target[256], path[192];

    echod_init(&e);
    (void)snprintf(path, sizeof(path), "%s/socket", e.directory);
    echod_configure(&e,
                    "protocols = [ \"udp\" ]; limits: { %s };\n"
                    "listeners = ( { path = \"%s\"; type = \"datagram\"; } );",
                    limits, path);
    echod_start(&e);
    if (is_unix)
        (void)snprintf(target, sizeof(target), "unixgram:%s", path);
    else
        (void)snprintf(target, sizeof(target), "udp://%s:%d", e.host, e.port);
    load(target, options);
    echod_stop(&e);
}

START_TEST(datagrams_of_udp)
{
    load_datagrams(false, "datagram_rate_per_source = 0;", datagram_kinds[_i]);
    assert_good();
}
END_TEST

START_TEST(datagrams_of_unix)
{
    load_datagrams(true, "datagram_rate_per_source = 0;", datagram_kinds[_i]);
    assert_good();
}
END_TEST

/* What echod does not answer, since one source sends too much, is lost, and the client says so. */
START_TEST(datagrams_beyond_the_rate_are_lost)
{
    static const char *const options[] = {JSON, "-d",  "0.5", "-r",  "500",
                                          "-P", "100", "-t",  "0.2", NULL};

    load_datagrams(false, "datagram_rate_per_source = 100;", options);
    ck_assert_int_eq(run.status, 2);
    ck_assert_double_gt(number("answers"), 0);
    ck_assert_double_gt(number("lost"), 0);
    ck_assert_double_eq(number("lost"), number_in("\"errors\":", "timed_out"));
    ck_assert_ptr_nonnull(strstr(run.err, "limit"));
}
END_TEST

/* ---- other addresses ---- */

static void check_other(int type, const char *name)
{
    server.type = type;
    if (name)
        ck_assert_int_eq(addr_unix(name, &server.addr), 0);
    crowd_server_start(&server);
    LOAD(server.target, JSON, "-d", "0.3", "-n", "5", "-P", "4", "--verify", "full");
    crowd_server_stop(&server);
    assert_good();
}

START_TEST(unix_stream)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "@check_load.%d", getpid());
    check_other(SOCK_STREAM, name);
}
END_TEST

START_TEST(unix_datagram)
{
    static char directory[] = "/tmp/check_load.XXXXXX";
    char path[64];

    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/socket", directory);
    check_other(SOCK_DGRAM, path);
    (void)unlink(path);
    (void)rmdir(directory);
}
END_TEST

START_TEST(udp)
{
    check_other(SOCK_DGRAM, NULL);
}
END_TEST

START_TEST(udp_at_a_rate)
{
    server.type = SOCK_DGRAM;
    crowd_server_start(&server);
    LOAD(server.target, JSON, "-d", "0.5", "-r", "200", "-n", "3");
    crowd_server_stop(&server);
    ck_assert_double_eq_tol(number_in("\"since_due\":", "count") + number("lost"), 100, 1);
}
END_TEST

/* ---- errors by kind ---- */

static const struct {
    int type;
    enum crowd_answer answer;
    unsigned period;
    const char *options[LOAD_WORDS];
    const char *kind;
} failures[] = {
    {SOCK_STREAM, CROWD_CLOSE, 5, {JSON, "-n", "2", "-d", "0.5"}, "closed"},
    {SOCK_STREAM, CROWD_RESET, 5, {JSON, "-n", "2", "-d", "0.5"}, "reset"},
    {SOCK_STREAM, CROWD_DROP, 5, {JSON, "-n", "2", "-d", "0.5", "-t", "0.05"}, "timed_out"},
    {SOCK_STREAM, CROWD_TWICE, 5, {JSON, "-n", "2", "-d", "0.5"}, "surplus"},
    {SOCK_STREAM, CROWD_FLIP, 5, {JSON, "-n", "2", "-d", "0.5", "--verify", "full"}, "wrong"},
    {SOCK_STREAM, CROWD_FLIP, 5, {JSON, "-n", "2", "-d", "0.5", "-s", "8"}, "wrong"},
    {SOCK_STREAM, CROWD_FLIP, 1, {JSON, "-n", "2", "-d", "0.5", "-s", "9"}, "wrong"},
    {SOCK_STREAM, CROWD_LEAVE, 5, {JSON, "-n", "1", "-d", "0.5"}, "refused"},
    {SOCK_STREAM, CROWD_CLOSE, 5, {JSON, "-n", "2", "-d", "0.5", "--reconnect"}, "closed"},
    {SOCK_DGRAM, CROWD_DROP, 5, {JSON, "-n", "2", "-d", "0.5", "-t", "0.05"}, "timed_out"},
    {SOCK_DGRAM, CROWD_TWICE, 5, {JSON, "-n", "1", "-P", "4", "-d", "0.5"}, "stray"},
    {SOCK_DGRAM, CROWD_CUT, 5, {JSON, "-n", "2", "-d", "0.5"}, "cut"},
    {SOCK_DGRAM, CROWD_FLIP, 5, {JSON, "-n", "2", "-d", "0.5", "--verify", "full"}, "wrong"},
};

START_TEST(failure_is_counted_by_its_kind)
{
    server.type = failures[_i].type;
    server.answer = failures[_i].answer;
    server.period = failures[_i].period;
    crowd_server_start(&server);
    finish(begin(failures[_i].options, server.target, 0));
    crowd_server_stop(&server);
    ck_assert_msg(run.status == 2, "exit %d: %s%s", run.status, run.out, run.err);
    ck_assert_double_gt(number_in("\"errors\":", failures[_i].kind), 0);
}
END_TEST

/* The end of a server that says nothing may be there as soon as the connection is. */
START_TEST(end_that_comes_with_the_connection_is_seen)
{
    static const char *const options[] = {JSON, "-n", "100", "-d", "0.2", "-t", "2", NULL};

    server.answer = CROWD_MUTE;
    crowd_server_start(&server);
    finish(begin(options, server.target, 0));
    crowd_server_stop(&server);
    ck_assert_int_eq(run.status, 2);
    ck_assert_double_ge(number_in("\"errors\":", "closed"), 100);
    ck_assert_double_eq(number_in("\"errors\":", "timed_out"), 0);
}
END_TEST

/* A sample leaves most bytes alone; that is what it is for. */
START_TEST(sample_does_not_compare_all)
{
    server.answer = CROWD_FLIP;
    server.period = 5;
    server.limit = 1;
    crowd_server_start(&server);
    LOAD(server.target, JSON, "-d", "0.3", "--verify", "sample");
    crowd_server_stop(&server);
    assert_good();
}
END_TEST

START_TEST(connections_that_break_come_back)
{
    server.answer = CROWD_CLOSE;
    server.period = 5;
    server.limit = 1;
    crowd_server_start(&server);
    LOAD(server.target, JSON, "-d", "0.5", "-n", "1");
    crowd_server_stop(&server);
    ck_assert_double_eq(number("connections_opened"), 2);
    ck_assert_double_eq(number_in("\"errors\":", "closed"), 1);
    ck_assert_double_eq(number("lost"), 1);
    ck_assert_double_gt(number("answers"), 0);
    ck_assert_uint_eq(server.connections, 3); /* and the one that looks who is there */
}
END_TEST

/* One stall, and the messages that should have left meanwhile: one in five of all. */
START_TEST(coordinated_omission_is_corrected)
{
    double due, sent;

    server.answer = CROWD_STALL;
    server.period = 200;
    server.limit = 1;
    crowd_server_start(&server);
    LOAD(server.target, JSON, "-d", "1", "-r", "1000");
    crowd_server_stop(&server);
    due = number_in("\"since_due\":", "p99_us");
    sent = number_in("\"since_sent\":", "p99_us");
    /* A tenth of all were due in the first half of the stall, whose other half they all waited. */
    ck_assert_double_ge(due, CROWD_STALL_MS * 1000 / 2);
    ck_assert_msg(sent < due / 2, "since sent %f, since due %f", sent, due);
    ck_assert_double_ge(number_in("\"since_sent\":", "max_us"), CROWD_STALL_MS * 1000);
}
END_TEST

/* A server that answers no more: what could not be sent has waited, and counts. */
START_TEST(what_could_not_be_sent_counts)
{
    static const char *const options[] = {JSON, "-d", "0.4", "-r", "1000", "-t", "1", NULL};

    server.answer = CROWD_DROP;
    server.period = 1;
    crowd_server_start(&server);
    finish(begin(options, server.target, 0));
    crowd_server_stop(&server);
    ck_assert_int_eq(run.status, 2);
    ck_assert_double_eq_tol(number("unsent"), 400, 1);
    ck_assert_double_eq(number_in("\"since_due\":", "count"), number("unsent"));
    ck_assert_double_ge(number_in("\"since_due\":", "max_us"), 390000);
}
END_TEST

static void add_loads(TCase *tcase)
{
    tcase_add_loop_test(tcase, closed_loop, 0, LENGTH(kinds));
    tcase_add_loop_test(tcase, open_loop, 0, LENGTH(rates));
    tcase_add_loop_test(tcase, datagrams_of_udp, 0, LENGTH(datagram_kinds));
    tcase_add_loop_test(tcase, datagrams_of_unix, 0, LENGTH(datagram_kinds));
    tcase_add_test(tcase, datagrams_beyond_the_rate_are_lost);
    tcase_add_test(tcase, unix_stream);
    tcase_add_test(tcase, unix_datagram);
    tcase_add_test(tcase, udp);
    tcase_add_test(tcase, udp_at_a_rate);
}

static void add_failures(TCase *tcase)
{
    tcase_add_loop_test(tcase, failure_is_counted_by_its_kind, 0, LENGTH(failures));
    tcase_add_test(tcase, end_that_comes_with_the_connection_is_seen);
    tcase_add_test(tcase, sample_does_not_compare_all);
    tcase_add_test(tcase, connections_that_break_come_back);
    tcase_add_test(tcase, coordinated_omission_is_corrected);
    tcase_add_test(tcase, what_could_not_be_sent_counts);
}

int main(void)
{
    TCase *tcase = harness_suite("load");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    if (harness_may(record_is_possible(), "JSON")) {
        add_loads(tcase);
        add_failures(tcase);
    }
    return harness_run();
}
