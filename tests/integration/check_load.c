/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/record.h"
#include "client_run.h"
#include "crowd_server.h"
#include "harness.h"

/* The real echo-client load, against echod and against servers that misbehave. */

enum { WORDS = 16 };

/* How it went. */
static struct {
    int status; /* of exit(3), -1 when a signal ended it */
    char out[65536], err[4096];
} run;
static struct crowd_server server;
static struct echod e;

static void set_up(void)
{
    server = (struct crowd_server){0};
}

static int out_fd, err_fd;

/* Begins "echo-client load OPTIONS... TARGET" with this many descriptors allowed; 0: no limit. */
static pid_t begin(const char *const *options, const char *target, unsigned descriptors)
{
    const char *argv[WORDS + 4] = {client_path(), "load"};
    struct rlimit limit = {descriptors, descriptors};
    size_t count = 2;
    pid_t pid;

    for (size_t i = 0; i < WORDS && options[i]; i++)
        argv[count++] = options[i];
    argv[count] = target;
    out_fd = memfd_create("out", MFD_CLOEXEC);
    err_fd = memfd_create("err", MFD_CLOEXEC);
    ck_assert(out_fd >= 0 && err_fd >= 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (dup2(out_fd, STDOUT_FILENO) >= 0 && dup2(err_fd, STDERR_FILENO) >= 0 &&
            (descriptors == 0 || setrlimit(RLIMIT_NOFILE, &limit) == 0))
            (void)execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    return pid;
}

static void finish(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    run.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    client_take_text(out_fd, run.out, sizeof(run.out));
    client_take_text(err_fd, run.err, sizeof(run.err));
}

/* Runs it to its end; where the machine has stalled for all of the time measured, again. */
static void load(const char *target, const char *const *options)
{
    for (unsigned i = 0; i < 5; i++) {
        finish(begin(options, target, 0));
        if (!strstr(run.out, "\"since_sent\":null"))
            return;
    }
}

#define LOAD(target, ...) load(target, (const char *const[]){__VA_ARGS__, NULL})
#define JSON "--json", "--warm-up", "0.05"

/* A number of the JSON object, by the first field of this name behind the one named FROM. */
static double number_in(const char *from, const char *name)
{
    char field[64];
    const char *at = strstr(run.out, from);

    (void)snprintf(field, sizeof(field), "\"%s\":", name);
    at = at ? strstr(at, field) : NULL;
    ck_assert_msg(at != NULL, "no %s in \"%s\", %s", field, run.out, run.err);
    return strtod(at + strlen(field), NULL);
}

static double number(const char *name)
{
    return number_in("{", name);
}

/* Everything was answered. */
static void assert_good(void)
{
    ck_assert_msg(run.status == 0, "exit %d: %s%s", run.status, run.out, run.err);
    ck_assert_double_gt(number("answers"), 0);
    ck_assert_double_gt(number_in("\"since_sent\":", "count"), 0);
    ck_assert_double_eq(number("lost"), 0);
    ck_assert_double_eq(number("unsent"), 0);
}

/* ---- every kind of load, against echod ---- */

static const char *const kinds[][WORDS] = {
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

static const char *const rates[][WORDS] = {
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

START_TEST(report_for_people)
{
    char target[96];

    echod_init(&e);
    echod_start(&e);
    (void)snprintf(target, sizeof(target), "%s:%d", e.host, e.port);
    LOAD(target, "-d", "0.2", "-n", "3", "-r", "500");
    echod_stop(&e);
    ck_assert_ptr_nonnull(strstr(run.out, target));
    ck_assert_ptr_nonnull(strstr(run.out, "3 connections"));
    ck_assert_ptr_nonnull(strstr(run.out, "99.999 %"));
    ck_assert_ptr_nonnull(strstr(run.out, "since due"));
    ck_assert_ptr_null(strstr(run.out, "\r"));
}
END_TEST

START_TEST(quiet)
{
    crowd_server_start(&server);
    LOAD(server.target, "-d", "0.5", "-q", "--warm-up", "0");
    crowd_server_stop(&server);
    ck_assert_int_eq(run.status, 0);
    ck_assert_str_eq(run.out, "");
}
END_TEST

/* The names of all fields that TEXT has, each between spaces: JSON, or the page's list of them. */
static void list_fields(const char *text, const char *before, const char *after, char *names)
{
    size_t length = 0;

    names[length++] = ' ';
    for (const char *at = text; (at = strstr(at, before)) != NULL;) {
        const char *name = at + strlen(before);
        size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789");

        at = name;
        if (size == 0 || strncmp(name + size, after, strlen(after)) != 0)
            continue;
        memcpy(names + length, name, size);
        length += size;
        names[length++] = ' ';
    }
    names[length] = '\0';
}

/* Every name of A is in B. */
static void assert_contained(const char *a, const char *b)
{
    for (const char *name = a + 1; *name; name += strcspn(name, " ") + 1) {
        char word[64];

        (void)snprintf(word, sizeof(word), " %.*s ", (int)strcspn(name, " "), name);
        ck_assert_msg(strstr(b, word) != NULL, "%s is not in%s", word, b);
    }
}

/* echo-client(1) has a list of the fields of load, between a comment and the end of the list. */
static void list_page(char *names)
{
    static char page[1 << 17];
    const char *top = getenv("top_srcdir");
    char path[4096], *begin, *end;

    (void)snprintf(path, sizeof(path), "%s/man/echo-client.1", top ? top : "..");
    client_take_text(open(path, O_RDONLY), page, sizeof(page));
    begin = strstr(page, "\n.\\\" JSON of load\n");
    ck_assert_ptr_nonnull(begin);
    end = strstr(begin, "\n.El\n");
    ck_assert_ptr_nonnull(end);
    end[1] = '\0';
    list_fields(begin, "\n.It Li ", "\n", names);
}

START_TEST(json_has_the_fields_of_the_page)
{
    static char printed[65536], listed[65536];

    crowd_server_start(&server);
    LOAD(server.target, JSON, "-d", "1.1", "--reconnect", "--find-rate", "max<1us", "-r", "1");
    crowd_server_stop(&server);
    ck_assert_int_eq(run.status, 2);
    list_fields(run.out, "\"", "\":", printed);
    list_page(listed);
    assert_contained(printed, listed);
    assert_contained(listed, printed);
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
    const char *options[WORDS];
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

/* ---- the search ---- */

START_TEST(finds_a_rate)
{
    crowd_server_start(&server);
    LOAD(server.target, JSON, "-d", "0.1", "-n", "4", "--find-rate", "max<60s");
    crowd_server_stop(&server);
    ck_assert_msg(run.status == 0, "exit %d: %s%s", run.status, run.out, run.err);
    ck_assert_double_ge(number("found_rate_per_s"), 1);
    ck_assert_double_eq(number("found_rate_per_s"), number("rate_per_s"));
    ck_assert_double_eq(number_in("\"steps\":", "rate_per_s"), 1000);
}
END_TEST

START_TEST(finds_none)
{
    server.answer = CROWD_FLIP;
    server.period = 1;
    crowd_server_start(&server);
    LOAD(server.target, "-d", "0.1", "--warm-up", "0", "-r", "60", "--verify", "full",
         "--find-rate", "max<60s");
    crowd_server_stop(&server);
    ck_assert_int_eq(run.status, 2);
    ck_assert_ptr_nonnull(strstr(run.out, "60/s  max "));
    ck_assert_ptr_nonnull(strstr(run.out, "No rate keeps max<60s"));
}
END_TEST

/* ---- ends ---- */

static bool has_messages(void *context)
{
    (void)context;
    return server.messages > 100;
}

START_TEST(interrupted_it_reports)
{
    static const char *const options[] = {"--json", "--warm-up", "0", "-d", "3600", NULL};
    pid_t pid;

    crowd_server_start(&server);
    pid = begin(options, server.target, 0);
    harness_await(has_messages, NULL, "messages");
    ck_assert_int_eq(kill(pid, _i == 0 ? SIGINT : SIGTERM), 0);
    finish(pid);
    crowd_server_stop(&server);
    assert_good();
    ck_assert_ptr_nonnull(strstr(run.out, "\"interrupted\":true"));
    ck_assert_double_gt(number("answers"), 100 - 1);
}
END_TEST

START_TEST(too_few_descriptors)
{
    static const char *const options[] = {"-n", "100", NULL};

    finish(begin(options, "127.0.0.1:1", 64));
    ck_assert_int_eq(run.status, 3);
    ck_assert_ptr_nonnull(strstr(run.err, "--connections 100"));
    ck_assert_ptr_nonnull(strstr(run.err, "64"));
}
END_TEST

START_TEST(nobody_there)
{
    crowd_server_start(&server);
    crowd_server_stop(&server); /* the port was ours, and is silent */
    LOAD(server.target, "-d", "0.1");
    ck_assert_int_eq(run.status, 2);
    ck_assert_str_eq(run.out, "");
    ck_assert_ptr_nonnull(strstr(run.err, server.target));
    ck_assert_ptr_nonnull(strstr(run.err, "refused"));
}
END_TEST

/* ---- files ---- */

START_TEST(writes_files)
{
    static char directory[] = "/tmp/check_load.XXXXXX";
    char hgrm[64], svg[64], text[4096];

    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(hgrm, sizeof(hgrm), "%s/hgrm", directory);
    (void)snprintf(svg, sizeof(svg), "%s/svg", directory);
    crowd_server_start(&server);
    LOAD(server.target, "-d", "0.5", "--hgrm", hgrm, "--svg", svg);
    crowd_server_stop(&server);
    ck_assert_int_eq(run.status, 0);
    client_take_text(open(hgrm, O_RDONLY), text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "1/(1-Percentile)"));
    client_take_text(open(svg, O_RDONLY), text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "<polyline"));
    (void)unlink(hgrm);
    (void)unlink(svg);
    (void)rmdir(directory);
}
END_TEST

static const char *const bad_files[][2] = {
    {"/nonexistent/file", "No such file"}, /* known before anything is sent */
    {"/dev/full", "No space"},             /* known at the end */
};

START_TEST(file_that_cannot_be_written)
{
    crowd_server_start(&server);
    LOAD(server.target, "-d", "0.1", "--warm-up", "0", "--hgrm", bad_files[_i][0]);
    crowd_server_stop(&server);
    ck_assert_int_eq(run.status, 3);
    ck_assert_ptr_nonnull(strstr(run.err, bad_files[_i][0]));
    ck_assert_ptr_nonnull(strstr(run.err, bad_files[_i][1]));
    ck_assert_int_eq(server.connections > 0, _i);
}
END_TEST

/* ---- usage ---- */

static const char *const wrongs[][5] = {
    {"--connections", "0"},
    {"--connections", "1000001"},
    {"--threads", "3", "-n", "2"},
    {"--threads", "257"},
    {"--depth", "0"},
    {"--rate", "0"},
    {"--rate", "1.5"},
    {"--duration", "0"},
    {"--size", "0"},
    {"--verify", "some"},
    {"--find-rate", "p99"},
    {"--reconnect", "-P", "2"},
    {"--ramp-up", "-1"},
    {"--size", "7", "udp://127.0.0.1:7"},
    {"--size", "65508", "udp://127.0.0.1:7"},
    {"--reconnect", "udp://127.0.0.1:7"},
    {"127.0.0.1:7", "127.0.0.1:8"},
};

START_TEST(wrong_usage)
{
    load(NULL, wrongs[_i]);
    ck_assert_int_eq(run.status, 3);
    ck_assert_str_eq(run.out, "");
    ck_assert_ptr_nonnull(strstr(run.err, wrongs[_i][0][0] == '-' ? wrongs[_i][0] : "target"));
}
END_TEST

#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))

static void add_loads(TCase *tcase)
{
    tcase_add_loop_test(tcase, closed_loop, 0, LENGTH(kinds));
    tcase_add_loop_test(tcase, open_loop, 0, LENGTH(rates));
    tcase_add_test(tcase, report_for_people);
    tcase_add_test(tcase, quiet);
    tcase_add_test(tcase, unix_stream);
    tcase_add_test(tcase, unix_datagram);
    tcase_add_test(tcase, udp);
    tcase_add_test(tcase, udp_at_a_rate);
}

static void add_failures(TCase *tcase)
{
    tcase_add_loop_test(tcase, failure_is_counted_by_its_kind, 0, LENGTH(failures));
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
        tcase_add_test(tcase, json_has_the_fields_of_the_page);
        tcase_add_test(tcase, finds_a_rate);
        tcase_add_loop_test(tcase, interrupted_it_reports, 0, 2);
    }
    tcase_add_test(tcase, finds_none);
    tcase_add_test(tcase, too_few_descriptors);
    tcase_add_test(tcase, nobody_there);
    tcase_add_test(tcase, writes_files);
    tcase_add_loop_test(tcase, file_that_cannot_be_written, 0, LENGTH(bad_files));
    tcase_add_loop_test(tcase, wrong_usage, 0, LENGTH(wrongs));
    return harness_run();
}
