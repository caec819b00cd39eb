/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"

/* The command line and what it says of the configuration. */

enum { EXIT_USAGE = 2, EXIT_CONFIGURATION = 6 };

static struct echod e;

static void set_up(void)
{
    echod_init(&e);
}

/* Runs with up to three arguments after --config FILE. */
static int run(const char *first, const char *second, const char *third)
{
    e.arguments[0] = first;
    e.arguments[1] = second;
    e.arguments[2] = third;
    return echod_run(&e);
}

static void assert_error_names(const char *text)
{
    ck_assert_msg(strstr(echod_errors(&e), text) != NULL, "no %s in: %s", text, echod_errors(&e));
}

static unsigned count_lines(const char *text)
{
    unsigned count = 0;

    for (; *text; text++)
        count += *text == '\n';
    return count;
}

/* --check-config */

START_TEST(good_configuration_passes_in_silence)
{
    echod_configure(&e, "workers = 3; limits: { connections = 5; }; log: { level = \"debug\"; };");
    ck_assert_int_eq(run("--check-config", NULL, NULL), 0);
    ck_assert_str_eq(echod_errors(&e), "");
    ck_assert_str_eq(echod_output(&e), "");
}
END_TEST

START_TEST(check_neither_resolves_nor_listens)
{
    int other = peer_listen(e.host, e.port);

    ck_assert_int_eq(run("--check-config", NULL, NULL), 0);
    (void)close(other);
    echod_write(&e, "echod.conf", "host = \"no-such-host.invalid\";");
    ck_assert_int_eq(run("--check-config", NULL, NULL), 0);
}
END_TEST

static void write_five_errors(void)
{
    echod_write(&e, "echod.conf",
                "host = 7;\n"
                "prt = 65432;\n"
                "backlog = -1;\n"
                "limits: { connections = 5000000000; };\n"
                "log: { level = \"loud\"; };\n");
}

static void assert_five_errors(void)
{
    static const char *const places[] = {
        "echod.conf:1: host", "echod.conf:2: prt", "echod.conf:3: backlog",
        "echod.conf:4: limits.connections", "echod.conf:5: log.level"};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        assert_error_names(places[i]);
    ck_assert_uint_eq(count_lines(echod_errors(&e)), sizeof(places) / sizeof(places[0]));
}

START_TEST(every_error_is_told_with_its_place)
{
    write_five_errors();
    ck_assert_int_eq(run("--check-config", NULL, NULL), EXIT_CONFIGURATION);
    assert_five_errors();
    ck_assert_str_eq(echod_output(&e), "");
}
END_TEST

START_TEST(start_with_errors_is_the_same)
{
    write_five_errors();
    ck_assert_int_eq(run(NULL, NULL, NULL), EXIT_CONFIGURATION);
    assert_five_errors();
}
END_TEST

START_TEST(print_with_errors_prints_nothing)
{
    write_five_errors();
    ck_assert_int_eq(run("--print-config", NULL, NULL), EXIT_CONFIGURATION);
    assert_five_errors();
    ck_assert_str_eq(echod_output(&e), "");
}
END_TEST

START_TEST(errors_of_all_files_are_told)
{
    ck_assert_int_eq(mkdir(echod_path(&e, "echod.conf.d"), 0755), 0);
    echod_write(&e, "echod.conf", "port = 0;\n");
    echod_write(&e, "echod.conf.d/10-a.conf", "\nworkers = ;\n");
    echod_write(&e, "echod.conf.d/20-b.conf", "idle_timeout = 1.5;\n");
    ck_assert_int_eq(run("--check-config", NULL, NULL), EXIT_CONFIGURATION);
    assert_error_names("echod.conf:1");
    assert_error_names("10-a.conf:2");
    assert_error_names("20-b.conf:1");
}
END_TEST

START_TEST(missing_file_is_an_error)
{
    ck_assert_int_eq(unlink(e.config), 0);
    ck_assert_int_eq(run("--check-config", NULL, NULL), EXIT_CONFIGURATION);
    assert_error_names(e.config);
    ck_assert_int_eq(run(NULL, NULL, NULL), EXIT_CONFIGURATION);
}
END_TEST

/* --print-config */

/* Without its comments, which name the files. */
static void take_values(char *values, size_t size)
{
    char text[16384], *rest = text;
    size_t used = 0;

    (void)snprintf(text, sizeof(text), "%s", echod_output(&e));
    values[0] = '\0';
    for (const char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
        if (line[strspn(line, " ")] != '#')
            used += (size_t)snprintf(values + used, size - used, "%s\n", line);
}

START_TEST(printed_configuration_is_read_again)
{
    char first[8192], second[8192];

    echod_configure(&e, "workers = 3; idle_timeout = 77; limits: { connections = 5; };");
    ck_assert_int_eq(run("--print-config", NULL, NULL), 0);
    take_values(first, sizeof(first));
    ck_assert_ptr_nonnull(strstr(first, "idle_timeout = 77;"));
    echod_write(&e, "printed.conf", echod_output(&e));
    echod_write(&e, "out", "");
    e.config_name = "printed.conf";
    ck_assert_int_eq(run("--print-config", NULL, NULL), 0);
    take_values(second, sizeof(second));
    ck_assert_str_eq(second, first);
    memset(e.arguments, 0, sizeof(e.arguments));
    echod_start(&e);
    peer_finish(peer_connect(&e));
    echod_stop(&e);
}
END_TEST

START_TEST(printed_values_name_their_origin)
{
    ck_assert_int_eq(mkdir(echod_path(&e, "echod.conf.d"), 0755), 0);
    echod_write(&e, "echod.conf.d/10-a.conf", "\n\nworkers = 7;\n");
    ck_assert_int_eq(run("--print-config", NULL, NULL), 0);
    ck_assert_ptr_nonnull(strstr(echod_output(&e), "workers = 7;"));
    ck_assert_ptr_nonnull(strstr(echod_output(&e), "10-a.conf:3"));
}
END_TEST

START_TEST(dropin_overrides_file)
{
    int port = e.port + 100;
    char text[32];

    ck_assert_int_eq(mkdir(echod_path(&e, "echod.conf.d"), 0755), 0);
    (void)snprintf(text, sizeof(text), "port = %d;\n", port);
    echod_write(&e, "echod.conf.d/10-port.conf", text);
    echod_start(&e);
    peer_finish(peer_connect_to(e.host, port));
    peer_await_refusal(e.host, e.port);
    echod_stop(&e);
}
END_TEST

/* The command line. */

static const char *const wrong_usage[][3] = {
    {"--no-such-option"},
    {"--log-level", "loud"},
    {"--log-target", "printer"},
    {"argument"},
    {"--config"},
    {"--config", ""},
    {"--pid-file", "x"},
    {"--daemon", "--inetd"},
    {"--inetd", "--user=nobody"},
    {"--check-config=yes"},
};

enum { WRONG_USAGES = sizeof(wrong_usage) / sizeof(wrong_usage[0]) };

START_TEST(wrong_usage_is_exit_2)
{
    const char *const *words = wrong_usage[_i];

    ck_assert_int_eq(run(words[0], words[1], words[2]), EXIT_USAGE);
    ck_assert_str_ne(echod_errors(&e), "");
    ck_assert_str_eq(echod_output(&e), "");
}
END_TEST

static const char *const informing[] = {"--help", "--version"};

START_TEST(help_and_version_go_to_standard_output)
{
    e.config_name = "";
    ck_assert_int_eq(run(informing[_i], NULL, NULL), 0);
    ck_assert_ptr_nonnull(strstr(echod_output(&e), "echod"));
    ck_assert_str_eq(echod_errors(&e), "");
}
END_TEST

START_TEST(log_level_of_command_line_wins)
{
    echod_configure(&e, "log: { level = \"debug\"; };");
    ck_assert_int_eq(run("--log-level=warning", "--print-config", NULL), 0);
    ck_assert_ptr_nonnull(strstr(echod_output(&e), "level = \"warning\";"));
}
END_TEST

int main(void)
{
    TCase *tcase = harness_suite("check_config_cli");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, good_configuration_passes_in_silence);
    tcase_add_test(tcase, check_neither_resolves_nor_listens);
    tcase_add_test(tcase, every_error_is_told_with_its_place);
    tcase_add_test(tcase, start_with_errors_is_the_same);
    tcase_add_test(tcase, print_with_errors_prints_nothing);
    tcase_add_test(tcase, errors_of_all_files_are_told);
    tcase_add_test(tcase, missing_file_is_an_error);
    tcase_add_test(tcase, printed_configuration_is_read_again);
    tcase_add_test(tcase, printed_values_name_their_origin);
    tcase_add_test(tcase, dropin_overrides_file);
    tcase_add_loop_test(tcase, wrong_usage_is_exit_2, 0, WRONG_USAGES);
    tcase_add_loop_test(tcase, help_and_version_go_to_standard_output, 0, 2);
    tcase_add_test(tcase, log_level_of_command_line_wins);
    return harness_run();
}
