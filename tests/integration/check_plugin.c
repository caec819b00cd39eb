/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client_run.h"
#include "echo_servers.h"
#include "harness.h"

/* echo-client check as monitoring systems see it: the exit status, one line, performance data. */

static struct echod e;
static char target[128];

static void set_up(void)
{
    echod_init(&e);
    (void)snprintf(target, sizeof(target), "%s:%d", e.host, e.port);
}

/* The performance data, read as the guidelines have it. */

struct metric {
    char label[128];
    char value[32], unit[4];
    char field[4][32]; /* warn, crit, min, max */
};

enum { WARN, CRIT, MIN, MAX, FIELDS };

struct performance {
    struct metric at[32];
    size_t count;
};

/* Copies the LENGTH bytes at *TEXT, and moves it behind them. */
static void take(const char **text, size_t length, char *copy, size_t size)
{
    ck_assert_msg(length < size, "too long: %s", *text);
    memcpy(copy, *text, length);
    copy[length] = '\0';
    *text += length;
}

static void take_label(const char **text, struct metric *metric)
{
    if (**text == '\'') {
        (*text)++;
        take(text, strcspn(*text, "'="), metric->label, sizeof(metric->label));
        ck_assert_int_eq(*(*text)++, '\'');
    } else {
        take(text, strcspn(*text, " '="), metric->label, sizeof(metric->label));
    }
    ck_assert_uint_gt(strlen(metric->label), 0);
    ck_assert_int_eq(*(*text)++, '=');
}

static const char *take_metric(const char *text, struct metric *metric)
{
    take_label(&text, metric);
    if (*text == 'U')
        take(&text, 1, metric->value, sizeof(metric->value));
    else
        take(&text, strspn(text, "-0123456789."), metric->value, sizeof(metric->value));
    ck_assert_uint_gt(strlen(metric->value), 0);
    take(&text, strcspn(text, "; \n"), metric->unit, sizeof(metric->unit));
    ck_assert(strcmp(metric->unit, "") == 0 || strcmp(metric->unit, "s") == 0 ||
              strcmp(metric->unit, "%") == 0);
    for (size_t i = 0; i < FIELDS && *text == ';'; i++) {
        text++;
        take(&text, strspn(text, "-0123456789.:~@"), metric->field[i], sizeof(metric->field[i]));
    }
    ck_assert_msg(*text == ' ' || *text == '\n', "no end of a metric: %s", text);
    return text;
}

/* What comes after the only bar of the first line. */
static struct performance performance_of(const char *out)
{
    struct performance performance = {0};
    const char *bar = strchr(out, '|'), *end = strchr(out, '\n');

    ck_assert_msg(bar && end && bar < end, "no performance data: %s", out);
    ck_assert_ptr_null(strchr(bar + 1, '|'));
    for (const char *text = bar + 1; text < end;) {
        ck_assert_int_eq(*text++, ' ');
        ck_assert_uint_lt(performance.count, 32);
        text = take_metric(text, &performance.at[performance.count++]);
    }
    return performance;
}

static const struct metric *find(const struct performance *performance, const char *label)
{
    for (size_t i = 0; i < performance->count; i++)
        if (strcmp(performance->at[i].label, label) == 0)
            return &performance->at[i];
    ck_abort_msg("no %s in the performance data", label);
}

static void assert_metric(const char *out, const char *label, const char *value,
                          const char *const *fields)
{
    struct performance performance = performance_of(out);
    const struct metric *metric = find(&performance, label);

    if (value)
        ck_assert_str_eq(metric->value, value);
    else
        ck_assert_msg(atof(metric->value) > 0, "%s is %s", label, metric->value);
    for (size_t i = 0; i < FIELDS && fields; i++)
        ck_assert_str_eq(metric->field[i], fields[i]);
}

#define FIELDS_ARE(...) ((const char *const[]){__VA_ARGS__})

/* The state in the first line and in the exit status, and a fact in the line. */
static void assert_state(const struct run *run, int status, const char *fact)
{
    static const char *const names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    char begin[32];

    (void)snprintf(begin, sizeof(begin), "ECHO %s - ", names[status]);
    ck_assert_msg(run->status == status, "exit %d: %s%s", run->status, run->out, run->err);
    ck_assert_msg(strncmp(run->out, begin, strlen(begin)) == 0, "not %s: %s", begin, run->out);
    ck_assert_msg(strstr(run->out, fact) != NULL, "\"%s\" is not in: %s", fact, run->out);
    ck_assert_str_eq(run->err, "");
}

static void assert_one_line(const struct run *run)
{
    ck_assert_msg(strchr(run->out, '\n') == run->out + strlen(run->out) - 1, "%s", run->out);
}

START_TEST(ok)
{
    struct run run;

    echod_start(&e);
    run = CLIENT("check", "-w", "100", "-c", "200:", "-t", "300", "-c", "@200:250", target);
    echod_stop(&e);
    assert_state(&run, 0, target);
    assert_one_line(&run);
    ck_assert_ptr_nonnull(strstr(run.out, "12 bytes"));
    assert_metric(run.out, "time", NULL, FIELDS_ARE("100", "@200:250", "0", "300"));
    assert_metric(run.out, "connect", NULL, FIELDS_ARE("", "", "0", ""));
    assert_metric(run.out, "loss", "0", FIELDS_ARE("", "", "0", "100"));
    ck_assert_uint_eq(performance_of(run.out).count, 3);
}
END_TEST

START_TEST(thresholds)
{
    struct run run;

    echod_start(&e);
    run = CLIENT("-w", "10:", target);
    assert_state(&run, 1, "WARNING: time is");
    assert_metric(run.out, "time", NULL, FIELDS_ARE("10:", "", "0", "10"));
    run = CLIENT("-w", "10:", "-c", "~:0", target);
    assert_state(&run, 2, "CRITICAL: time is");
    run = CLIENT("-n", "2", "-i", "0", "--warn-p95", "10:", target);
    assert_state(&run, 1, "WARNING: p95 is");
    run = CLIENT("-n", "3", "-i", "0", "--crit-jitter", "10:", target);
    assert_state(&run, 2, "CRITICAL: jitter is");
    run = CLIENT("-n", "1", "--warn-loss", "@0", target);
    assert_state(&run, 1, "WARNING: loss is 0%");
    echod_stop(&e);
}
END_TEST

START_TEST(many_probes)
{
    struct run run;

    echod_start(&e);
    run = CLIENT("check", "--count", "20", "--interval", "1ms", "--size", "1K", target);
    echod_stop(&e);
    assert_state(&run, 0, "20 of 20 probes");
    assert_one_line(&run);
    assert_metric(run.out, "time", NULL, FIELDS_ARE("", "", "0", "10"));
    assert_metric(run.out, "p95", NULL, FIELDS_ARE("", "", "0", "10"));
    assert_metric(run.out, "jitter", NULL, FIELDS_ARE("", "", "0", "10"));
    ck_assert_uint_eq(performance_of(run.out).count, 5);
}
END_TEST

/* A failure has the same metrics, so that no graph loses a line. */
START_TEST(failure)
{
    char closed[ADDR_TEXT_MAX];
    int fd = listen_on(addr_loopback(AF_INET, 0), -1, closed); /* ours, and silent */
    struct run run = CLIENT("check", "-w", "0.05", "-c", "0.2", closed);

    assert_state(&run, 2, "connection refused");
    assert_one_line(&run);
    assert_metric(run.out, "time", "U", FIELDS_ARE("0.05", "0.2", "0", "10"));
    assert_metric(run.out, "connect", "U", FIELDS_ARE("", "", "0", ""));
    assert_metric(run.out, "loss", "100", FIELDS_ARE("", "", "0", "100"));
    run = CLIENT("check", "-n", "2", "-i", "0", closed);
    assert_state(&run, 2, "0 of 2 probes");
    assert_metric(run.out, "p95", "U", NULL);
    assert_metric(run.out, "jitter", "U", NULL);
    (void)close(fd);
}
END_TEST

START_TEST(many_targets)
{
    char closed[ADDR_TEXT_MAX], label[ADDR_TEXT_MAX + 16];
    int fd = listen_on(addr_loopback(AF_INET, 0), -1, closed);
    struct run run;

    echod_start(&e);
    run = CLIENT("check", target, target);
    assert_state(&run, 0, "2 of 2 answer");
    assert_one_line(&run);
    run = CLIENT("-w", "5", target, closed, target);
    echod_stop(&e);
    (void)close(fd);
    assert_state(&run, 2, "2 of 3 answer");
    assert_one_line(&run);
    ck_assert_uint_eq(performance_of(run.out).count, 9);
    (void)snprintf(label, sizeof(label), "%s time", target);
    assert_metric(run.out, label, NULL, FIELDS_ARE("5", "", "0", "10"));
    (void)snprintf(label, sizeof(label), "%s time", closed);
    assert_metric(run.out, label, "U", FIELDS_ARE("5", "", "0", "10"));
}
END_TEST

/* Each of three that never answer has all the time: they do not wait for each other. */
START_TEST(all_at_once)
{
    struct server servers[3];
    size_t waited = 0;
    struct run run;

    for (size_t i = 0; i < 3; i++) {
        servers[i] = (struct server){.serve = serve_silence};
        server_start(&servers[i]);
    }
    run = CLIENT("check", "-t", "0.5", servers[0].target, servers[1].target, servers[2].target);
    for (size_t i = 0; i < 3; i++)
        server_stop(&servers[i]);
    assert_state(&run, 2, "0 of 3 answer");
    for (const char *text = run.out; (text = strstr(text, "while waiting")); text++)
        waited++;
    ck_assert_uint_eq(waited, 3);
}
END_TEST

/* The limit holds for a server that has something to read or takes something all the time. */
START_TEST(limit_of_a_busy_connection)
{
    struct run run;

    echod_start(&e);
    run = CLIENT("check", "-t", "0.02", "-s", "1G", target);
    echod_stop(&e);
    assert_state(&run, 2, "timed out after 0.02 s");
}
END_TEST

START_TEST(details)
{
    struct run run;

    echod_start(&e);
    run = CLIENT("check", "-v", target);
    ck_assert_ptr_nonnull(strstr(run.out, "\nOK: "));
    ck_assert_ptr_null(strstr(run.out, "probe 1"));
    run = CLIENT("check", "-vv", "-n", "2", "-i", "0", target);
    ck_assert_ptr_nonnull(strstr(run.out, "\n  probe 2: "));
    ck_assert_ptr_null(strstr(run.out, "connected in"));
    run = CLIENT("check", "-vvv", target);
    ck_assert_ptr_nonnull(strstr(run.out, "connected in"));
    assert_metric(run.out, "time", NULL, NULL);
    run = CLIENT("check", "-q", target);
    ck_assert_int_eq(run.status, 0);
    ck_assert_str_eq(run.out, "");
    run = CLIENT("check", "-q", "-w", "10:", target);
    assert_state(&run, 1, "WARNING");
    echod_stop(&e);
}
END_TEST

/* A bar begins the performance data, and must not come from anywhere else. */
START_TEST(bars)
{
    struct run run = CLIENT("check", "-vvv", "unix:/no|where/it's=x", "unix:/nowhere");

    assert_state(&run, 2, "unix:/no/where/it's=x");
    assert_metric(run.out, "unix:/no_where/it_s_x time", "U", NULL);
}
END_TEST

/* The same facts for programs; which fields there are, check-json.sh compares with the page. */
START_TEST(json)
{
    struct run run;

    echod_start(&e);
    run = CLIENT("check", "--json", "-n", "2", "-i", "0", "-w", "10:", target);
    echod_stop(&e);
    if (run.status == 3 && strstr(run.err, "jansson"))
        return;
    ck_assert_int_eq(run.status, 1);
    assert_one_line(&run);
    ck_assert_ptr_nonnull(strstr(run.out, "\"mode\":\"check\",\"state\":\"WARNING\""));
    ck_assert_ptr_nonnull(strstr(run.out, "\"sent\":2,\"received\":2,\"loss_percent\":0.0,"));
    ck_assert_ptr_nonnull(strstr(run.out, "\"outcome\":\"ok\""));
    ck_assert_ptr_null(strstr(run.out, "\"rtt_us\":null"));
    run = CLIENT("--json", "unix:/nonexistent/socket");
    ck_assert_int_eq(run.status, 2);
    ck_assert_ptr_nonnull(strstr(run.out, "\"outcome\":\"not_connected\""));
    ck_assert_ptr_nonnull(strstr(run.out, "\"rtt_us\":null"));
    ck_assert_str_eq(run.err, "");
}
END_TEST

START_TEST(wrong_usage_and_local_trouble)
{
    struct run run = CLIENT("check", "-w", "x", target);

    ck_assert_int_eq(run.status, 3);
    ck_assert_ptr_eq(strstr(run.out, "ECHO UNKNOWN - "), run.out);
    assert_one_line(&run);
    ck_assert_ptr_nonnull(strstr(run.err, "--warning \"x\""));
    ck_assert_str_eq(CLIENT("check", "--json", "-w", "x", target).out, "");
    ck_assert_str_eq(CLIENT("-w", "x", target).out, "");
    run = CLIENT("check", "-4", "::1");
    ck_assert_int_eq(run.status, 2);
}
END_TEST

/* Datagrams. */

static const struct {
    size_t (*answer)(unsigned number, unsigned char *data, size_t length);
    const char *options[6];
    int status;
    const char *fact;
} datagrams[] = {
    {answer_all, {NULL}, 0, "12 bytes"},
    {answer_all, {"-s", "65507"}, 0, "64.0 KiB"},
    {answer_all, {"-n", "5", "-i", "0"}, 0, "5 of 5 probes"},
    {answer_none, {"-t", "0.2"}, 2, "timed out after 0.2 s while waiting"},
    {answer_cut, {"-s", "2048"}, 0, "2.0 KiB"},
    {answer_cut, {"-s", "2049"}, 2, "2048 of 2049 bytes (the limit of xinetd)"},
    {answer_changed, {NULL}, 2, "wrong byte at offset 11"},
    {answer_changed, {"-n", "2", "--crit-loss", "100"}, 2, "wrong byte"},
    {answer_surplus, {NULL}, 2, "surplus bytes"},
    {answer_some, {"-n", "4", "-i", "0", "-t", "1"}, 1, "2 of 4 probes"},
    {answer_some, {"-n", "4", "-i0", "-t1", "--crit-loss", "49%"}, 2, "CRITICAL: loss is 50%"},
    {answer_some, {"-n", "4", "-i0", "-t1", "--crit-loss", "50%"}, 0, "2 of 4 probes"},
};

static struct run run_datagrams(int i, struct addr addr)
{
    struct datagram_server server = {.answer = datagrams[i].answer, .addr = addr};
    const char *argv[10] = {client_path(), "check"};
    size_t count = 2;
    struct run run;

    for (size_t j = 0; j < 6 && datagrams[i].options[j]; j++)
        argv[count++] = datagrams[i].options[j];
    datagram_server_start(&server);
    argv[count] = server.target;
    run = client_run(argv);
    datagram_server_stop(&server);
    ck_assert_msg(strstr(run.out, server.target) != NULL, "%s", run.out);
    return run;
}

START_TEST(udp)
{
    struct run run = run_datagrams(_i, (struct addr){0});

    assert_state(&run, datagrams[_i].status, datagrams[_i].fact);
    assert_one_line(&run);
    (void)performance_of(run.out);
}
END_TEST

START_TEST(unix_datagrams)
{
    struct addr addr;
    char name[64];
    struct run run;

    (void)snprintf(name, sizeof(name), "@check_plugin.%d", getpid());
    ck_assert_int_eq(addr_unix(name, &addr), 0);
    run = run_datagrams(_i, addr);
    assert_state(&run, datagrams[_i].status, datagrams[_i].fact);
}
END_TEST

START_TEST(udp_port_closed)
{
    struct datagram_server server = {.answer = answer_all};
    struct run run;

    datagram_server_start(&server);
    datagram_server_stop(&server);
    run = CLIENT("check", server.target);
    assert_state(&run, 2, "connection refused");
    run = CLIENT("udp://127.0.0.1:1");
    ck_assert_int_eq(run.status, 2);
    ck_assert_ptr_nonnull(strstr(run.err, "echo-client: udp://127.0.0.1:1: connection refused"));
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
    TCase *tcase = harness_suite("check_plugin");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, ok);
    tcase_add_test(tcase, thresholds);
    tcase_add_test(tcase, many_probes);
    tcase_add_test(tcase, failure);
    tcase_add_test(tcase, many_targets);
    tcase_add_test(tcase, all_at_once);
    tcase_add_test(tcase, limit_of_a_busy_connection);
    tcase_add_test(tcase, details);
    tcase_add_test(tcase, bars);
    tcase_add_test(tcase, json);
    tcase_add_test(tcase, wrong_usage_and_local_trouble);
    tcase_add_loop_test(tcase, udp, 0, COUNT(datagrams));
    tcase_add_loop_test(tcase, unix_datagrams, 0, COUNT(datagrams));
    tcase_add_test(tcase, udp_port_closed);
    return harness_run();
}
