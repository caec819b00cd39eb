/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>

#include "client/record.h"
#include "harness.h"
#include "load_case.h"

/* What echo-client load says, to whom, and how it ends. */

START_TEST(report_for_people)
{
    crowd_server_start(&server);
    LOAD(server.target, "-d", "0.2", "-n", "3", "-r", "500");
    crowd_server_stop(&server);
    ck_assert_ptr_nonnull(strstr(run.out, server.target));
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

/* Who reads JSON reads the cause there, and finds all the other fields, too. */
START_TEST(nobody_there_in_json)
{
    crowd_server_start(&server);
    crowd_server_stop(&server);
    finish(begin((const char *const[]){JSON, "-d", "0.1", NULL}, server.target, 0));
    ck_assert_int_eq(run.status, 2);
    ck_assert_ptr_nonnull(strstr(run.out, "\"error\":\"Connection refused\""));
    ck_assert_ptr_nonnull(strstr(run.out, "\"peer\":null"));
    ck_assert_double_eq(number("answers"), 0);
    ck_assert_double_eq(number_in("\"errors\":", "refused"), 0);
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

int main(void)
{
    TCase *tcase = harness_suite("load_report");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    if (harness_may(record_is_possible(), "JSON")) {
        tcase_add_test(tcase, json_has_the_fields_of_the_page);
        tcase_add_test(tcase, nobody_there_in_json);
        tcase_add_test(tcase, finds_a_rate);
        tcase_add_loop_test(tcase, interrupted_it_reports, 0, 2);
    }
    tcase_add_test(tcase, report_for_people);
    tcase_add_test(tcase, quiet);
    tcase_add_test(tcase, finds_none);
    tcase_add_test(tcase, too_few_descriptors);
    tcase_add_test(tcase, nobody_there);
    tcase_add_test(tcase, writes_files);
    tcase_add_loop_test(tcase, file_that_cannot_be_written, 0, LENGTH(bad_files));
    tcase_add_loop_test(tcase, wrong_usage, 0, LENGTH(wrongs));
    return harness_run();
}
