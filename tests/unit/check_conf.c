/* SPDX-License-Identifier: MIT */
#include "base/conf.h"

#include <errno.h>

#include "base/conf_files.h"
#include "base/conf_schema.h"
#include "conf_case.h"

/* ---- values ---- */

START_TEST(nothing_to_read)
{
    ck_assert_int_eq(conf_load(&(struct conf_paths){0}, &conf, &errors), 0);
    assert_defaults();
    conf_deinit(&conf);
    ck_assert_int_eq(
        conf_load(&(struct conf_paths){.file = "/nonexistent/echod.conf"}, &conf, &errors), 0);
    assert_defaults();
}
END_TEST

static const char *const empties[] = {"",           "\n",          "# comment without an end",
                                      "// another", "/* third */", "log: { }; limits = { };"};

START_TEST(empty_files)
{
    ck_assert_int_eq(load_text(empties[_i]), 0);
    assert_defaults();
}
END_TEST

START_TEST(every_key)
{
    int r = load_text("host = \"::1\"; port = 1;\nbacklog = 0x10; workers = 256;\n"
                      "idle_timeout = 604800L; drain_timeout = +0;\nlimits: { connections = 5; };\n"
                      "access: { allow = [ \"10.0.0.0/8\" ]; deny = [ \"::1\" ]; };\n"
                      "proxy_protocol = [ \"192.0.2.7\", \"fd00::/8\" ];\n"
                      "log = { level = \"debug\", target = \"stderr\" connections = \"all\" }\r\n");

    no_errors();
    ck_assert_int_eq(r, 0);
    ck_assert_str_eq(conf.host, "::1");
    ck_assert_int_eq(conf.port, 1);
    ck_assert_int_eq(conf.backlog, 16);
    ck_assert_int_eq(conf.workers, 256);
    ck_assert_int_eq(conf.idle_timeout, 604800);
    ck_assert_int_eq(conf.drain_timeout, 0);
    ck_assert_int_eq(conf.limit_connections, 5);
    networks_are(&conf.access_allow, "10.0.0.0/8 ");
    networks_are(&conf.access_deny, "::1 ");
    networks_are(&conf.proxy_protocol, "192.0.2.7 fd00::/8 ");
    ck_assert_int_eq(conf.log_level, LOG_DEBUG);
    ck_assert_int_eq(conf.log_target, CONF_LOG_TARGET_STDERR);
    ck_assert_int_eq(conf.log_connections, CONF_LOG_CONNECTIONS_ALL);
    ck_assert_uint_eq(conf.origin[CONF_PORT].line, 1);
    ck_assert_uint_eq(conf.origin[CONF_WORKERS].line, 2);
    ck_assert_uint_eq(conf.origin[CONF_ACCESS_DENY].line, 5);
    ck_assert_uint_eq(conf.origin[CONF_PROXY_PROTOCOL].line, 6);
    ck_assert_uint_eq(conf.origin[CONF_LOG_TARGET].line, 7);
}
END_TEST

/* What the schema calls a bound is accepted, and the number next to it is not. */
START_TEST(bounds)
{
    const struct conf_schema *schema = conf_schema((enum conf_key)_i);
    size_t group = conf_schema_group_length(schema);
    const long long numbers[] = {schema->min, schema->max, schema->min - 1LL, schema->max + 1LL};
    char text[256];

    if (schema->type != CONF_TYPE_INT)
        return;
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(text, sizeof(text), "%.*s%s%s = %lld;%s", (int)group, schema->name,
                       group > 0 ? ": { " : "", schema->name + (group > 0 ? group + 1 : 0),
                       numbers[i], group > 0 ? " };" : "");
        ck_assert_int_eq(load_text(text), i < 2 ? 0 : -EINVAL);
        if (i < 2)
            ck_assert_int_eq(*(const int *)(const void *)((const char *)&conf + schema->offset),
                             numbers[i]);
    }
}
END_TEST

START_TEST(longest_host)
{
    char text[512] = "host = \"";

    memset(text + strlen(text), 'h', 255);
    strcat(text, "\";");
    ck_assert_int_eq(load_text(text), 0);
    ck_assert_uint_eq(strlen(conf.host), 255);
    strcpy(text + strlen(text) - 2, "h\";");
    ck_assert_int_eq(load_text(text), -EINVAL);
    error_is(0, "echod.conf", "1: host = \"hhhh", "too long; allowed: a string of at most 255");
}
END_TEST

START_TEST(strings)
{
    ck_assert_int_eq(load_text("host = \"\";"), 0);
    ck_assert_str_eq(conf.host, "");
    ck_assert_int_eq(load_text("host = \"a\\x2Eb\" /* and */\n \".c\";"), 0);
    ck_assert_str_eq(conf.host, "a.b.c");
    ck_assert_int_eq(load_text("host = \"q\\\"b\\\\ \xc3\xa9\";"), 0);
    ck_assert_str_eq(conf.host, "q\"b\\ \xc3\xa9");
}
END_TEST

/* ---- errors ---- */

static const struct {
    const char *text, *start, *rest;
} faults[] = {
    /* ranges */
    {"\n\nport = 70000;", "3: port = 70000: ", "range; allowed: 1 to 65535"},
    {"port = 0;", "1: port = 0: ", "allowed: 1 to 65535"},
    {"port = -7;", "1: port = -7: ", "allowed: 1 to 65535"},
    {"backlog = 0;", "1: backlog = 0: ", "allowed: 1 to 1000000"},
    {"drain_timeout = 3601;", "1: drain_timeout = 3601: ", "allowed: 0 to 3600 seconds"},
    {"limits: {\n connections = 0; };", "2: limits.connections = 0: ", "allowed: 1 to 1000000"},
    /* numbers that libconfig damages, some of them into the range */
    {"port = 4294967303;", "1: port = 4294967303: ", "out of range"},
    {"port = 0x100000007;", "1: port = 0x100000007: ", "out of range"},
    {"port = 5000000000L;", "1: port = 5000000000L: ", "out of range"},
    {"workers = 18446744073709551616;", "1: workers = 18446744073709551616: ", "out of range"},
    {"workers = 0xFFFFFFFF00000000L;", "1: workers = 0xFFFFFFFF00000000L: ", "out of range"},
    {"port = 007;", "1: port = 007: ", "leading zero"},
    {"limits: { };\nport =\n\n 0644;", "2: port = 0644: ", "leading zero"},
    /* types */
    {"port = \"7\";",
     "1: port = \"7\": ", "a string where a number is wanted; allowed: 1 to 65535"},
    {"port = 7.0;", "1: port = 7.0: ", "where a number is wanted; allowed: 1 to 65535"},
    {"port = true;", "1: port = true: ", "where a number is wanted; allowed: 1 to 65535"},
    {"port = [ 7 ];", "1: port = [ ... ]: ", "where a number is wanted"},
    {"port = ( );", "1: port = ( ): ", "where a number is wanted"},
    {"port: { };", "1: port = { ... }: ", "where a number is wanted"},
    {"host = 7;", "1: host = 7: ", "a number where a string is wanted; allowed: a string"},
    {"log: { level = 6; };", "1: log.level = 6: ", "a string is wanted; allowed: \"err\""},
    {"log = 3;", "1: log = 3: ", "a number where a group is wanted"},
    {"log = [ 3 ];", "1: log = [ ... ]: ", "an array where a group is wanted"},
    {"log = ( { level = \"err\"; } );", "1: log = ( ... ): ", "a list where a group is wanted"},
    /* choices */
    {"log: {\n level = \"loud\"; };", "2: log.level = \"loud\": ",
     "allowed: \"err\", \"warning\", \"notice\", \"info\" or \"debug\""},
    {"log: { level = \"warn\"; };", "1: log.level = \"warn\": ", "\"warning\""},
    {"log: { target = \"\"; };", "1: log.target = \"\": ", "allowed: \"auto\""},
    {"log: { connections = \"ALL\"; };", "1: log.connections = \"ALL\": ", "did you mean \"all\""},
    /* strings */
    {"host = \"a\\x00b\";", "1: host = \"ab\": ", "NUL"},
    {"host = \"a\" \"b\\X00\";", "1: host = \"ab\": ", "NUL"},
    {"host = \"a\\nb\";", "1: host = \"a\\x0Ab\": ", "control character"},
    {"host = \"a\nb\";", "1: host = \"a\\x0Ab\": ", "control character"},
    {"host = \"\\x7f\";", "1: host = \"\\x7F\": ", "control character"},
    /* unknown keys */
    {"port = 7;\n\n\nprot = 7;", "4: prot: ", "did you mean \"port\"?"},
    {"Port = 7;", "1: Port: ", "did you mean \"port\"?"},
    {"logs: { level = \"info\"; };", "1: logs: ", "did you mean \"log\"?"},
    {"log: { levle = \"info\"; };", "1: log.levle: ", "did you mean \"log.level\"?"},
    {"level = \"info\";", "1: level: ", "did you mean \"log.level\"?"},
    {"log: { port = 7; };", "1: log.port: ", "did you mean \"port\"?"},
    {"frobnicate = 1;", "1: frobnicate: ", "known keys: host, port,"},
    {"log: { frobnicate = 1; };", "1: log.frobnicate: ", "log.target, log.connections"},
    /* duplicates */
    {"port = 7;\nhost = \"\"; port = 8;", "2: port = 8: ", "line 1"},
    {"log: { level = \"err\";\nlevel\n= \"info\"; };", "2: log.level = \"info\": ", "line 1"},
    {"log: { };\n\nlog: { };", "3: log = { ... }: ", "line 1"},
    /* syntax */
    {"port = 7;\nhost = localhost;", "2: host = localhost: ", "allowed: a string"},
    {"workers = yes;", "1: workers = yes: ", "allowed: 0 to 256"},
    {"log: { level = info; };", "1: log.level = info: ", "allowed: \"err\""},
    {"port 7;", "1: port: ", "\"=\""},
    {"port =\n;", "1: port: ", "no value"},
    {"port =\nhost = \"\";", "1: port: ", "no value"},
    {"\nport = 7 8;\n", "2: port = 7 8;: ", "syntax error"},
    {"\n\tport = 7l;\n", "2: l: ", "\"=\""},
    {"log: {\n level = \"err\";\n", "4: ", "syntax error"},
    {"port = 7; };", "1: port = 7; };: ", "syntax error"},
    {"host = \"127.0.0.1;\nport = 7;", "1: \"127.0.0.1;: ", "a string that begins here"},
    {"port = 7;\n /* port = 8;\n", "2: /* port = 8;: ", "a comment that begins here"},
    {"\xef\xbb\xbfport = 7;", "1: ", "byte order mark"},
    {"port = 7;\n@include \"other.conf\"\n", "2: @include \"other.conf\": ", "drop-in"},
};

START_TEST(one_error)
{
    ck_assert_int_eq(load_text(faults[_i].text), -EINVAL);
    error_is(0, "echod.conf", faults[_i].start, faults[_i].rest);
    ck_assert_uint_eq(errors.count, 1);
}
END_TEST

START_TEST(nul_byte)
{
    static const char text[] = "port = 70000;\n\0workers = 999;";

    scratch_write_bytes("echod.conf", text, sizeof(text) - 1);
    ck_assert_int_eq(load(), -EINVAL);
    ck_assert_uint_eq(errors.count, 2);
    error_is(0, "echod.conf", "2: ", "NUL");
    error_is(1, "echod.conf", "1: port = 70000: ", "out of range");
}
END_TEST

/* Every fault of every file, in one run; a syntax error only hides the rest of its own file. */
START_TEST(all_errors_at_once)
{
    scratch_dir("a.d");
    scratch_write("a.d/10.conf", "workers = 999;\n= ;\nworkers = 998;");
    scratch_write("a.d/20.conf", "log: { level = \"x\"; colour = 1; };\nprt = 2;\n");
    scratch_dir("a.d/30.conf");
    ck_assert_int_eq(load_text("port = 0; backlog = 0; host = 1;\n@include \"x\"\nlog = 1;"),
                     -EINVAL);
    error_is(0, "echod.conf", "2: @include", "");
    error_is(1, "echod.conf", "1: port = 0: ", "");
    error_is(2, "echod.conf", "1: backlog = 0: ", "");
    error_is(3, "echod.conf", "1: host = 1: ", "");
    error_is(4, "echod.conf", "3: log = 1: ", "");
    error_is(5, "a.d/10.conf", "1: workers = 999: ", "");
    error_is(6, "a.d/10.conf", "2: = ;: ", "syntax error");
    error_is(7, "a.d/20.conf", "1: log.level = \"x\": ", "");
    error_is(8, "a.d/20.conf", "1: log.colour: ", "");
    error_is(9, "a.d/20.conf", "2: prt: ", "");
    error_is(10, "a.d/30.conf", " ", strerror(EISDIR));
    ck_assert_uint_eq(errors.count, 11);
}
END_TEST

START_TEST(unreadable_files)
{
    ck_assert_int_eq(load(), -EINVAL);
    ck_assert_uint_eq(errors.count, 1);
    error_is(0, "echod.conf", " ", strerror(ENOENT));
    scratch_dir("echod.conf");
    ck_assert_int_eq(load(), -EINVAL);
    error_is(0, "echod.conf", " ", strerror(EISDIR));
    scratch_clear();
    scratch_link("echod.conf", "echod.conf");
    ck_assert_int_eq(load(), -EINVAL);
    error_is(0, "echod.conf", " ", strerror(ELOOP));
}
END_TEST

START_TEST(forbidden_file)
{
    if (geteuid() == 0)
        return; /* Nothing is forbidden to root. */
    scratch_write("echod.conf", "");
    ck_assert_int_eq(chmod(scratch_path("echod.conf"), 0), 0);
    ck_assert_int_eq(load(), -EINVAL);
    error_is(0, "echod.conf", " ", strerror(EACCES));
}
END_TEST

START_TEST(huge_file)
{
    char *bytes = malloc(CONF_FILE_SIZE_MAX + 1);

    ck_assert_ptr_nonnull(bytes);
    memset(bytes, '\n', CONF_FILE_SIZE_MAX + 1);
    scratch_write_bytes("echod.conf", bytes, CONF_FILE_SIZE_MAX);
    ck_assert_int_eq(load(), 0);
    scratch_write_bytes("echod.conf", bytes, CONF_FILE_SIZE_MAX + 1);
    ck_assert_int_eq(load(), -EINVAL);
    error_is(0, "echod.conf", " too large", "1048576 bytes");
    free(bytes);
}
END_TEST

/* libconfig would end the whole process on an included directory, and wait for a FIFO. */
START_TEST(include_is_never_followed)
{
    ck_assert_int_eq(mkfifo(scratch_path("fifo"), 0600), 0);
    ck_assert_int_eq(chdir(scratch), 0);
    ck_assert_int_eq(load_text("@include \".\"\n@include \"fifo\"\nlog: {\n\t@include \"x\"\n};"),
                     -EINVAL);
    ck_assert_uint_eq(errors.count, 3);
    error_is(0, "echod.conf", "1: @include", "");
    error_is(2, "echod.conf", "4: @include", "");
}
END_TEST

START_TEST(error_lines_stay_lines)
{
    scratch_dir("a.d");
    scratch_write("a.d/1\n2\033.conf", "port = 0;\nx\001y = 3;");
    scratch_write("echod.conf", "");
    ck_assert_int_eq(load(), -EINVAL);
    ck_assert_uint_eq(errors.count, 2);
    for (size_t i = 0; i < errors.count; i++)
        for (const char *at = errors.text[i]; *at; at++)
            ck_assert_uint_ge((unsigned char)*at, 0x20);
}
END_TEST

START_TEST(deep_nesting)
{
    char *text = malloc(30001);

    ck_assert_ptr_nonnull(text);
    memset(text, '(', 30000);
    text[30000] = '\0';
    memcpy(text, "\na=", 3);
    ck_assert_int_eq(load_text(text), -EINVAL);
    ck_assert_uint_eq(errors.count, 2);
    error_is(0, "echod.conf", "2: a: ", "unknown key");
    error_is(1, "echod.conf", "2: a=((((", "");
    free(text);
}
END_TEST

START_TEST(too_many_settings)
{
    char *text = malloc(65536);
    size_t length = 0;

    ck_assert_ptr_nonnull(text);
    for (int i = 0; i < 2000; i++)
        length += (size_t)snprintf(text + length, 65536 - length, "k%d=1\n", i);
    ck_assert_int_eq(load_text(text), -EINVAL);
    ck_assert_uint_eq(errors.count, 2000);
    error_is(1999, "echod.conf", "2000: k1999: ", "unknown key");
    (void)snprintf(text + length, 65536 - length, "port=0\n");
    ck_assert_int_eq(load_text(text), -EINVAL);
    ck_assert_uint_eq(errors.count, 1);
    error_is(0, "echod.conf", "2001: port: ", "at most 2000");
    free(text);
}
END_TEST

START_TEST(many_includes)
{
    char *text = malloc(3001 * 11);

    ck_assert_ptr_nonnull(text);
    for (int i = 0; i < 3000; i++)
        memcpy(text + 10L * i, "@include \n", 11);
    ck_assert_int_eq(load_text(text), -EINVAL);
    ck_assert_uint_eq(errors.count, 3000);
    error_is(2999, "echod.conf", "3000: @include", "");
    free(text);
}
END_TEST

/* ---- drop-ins ---- */

START_TEST(merging)
{
    scratch_dir("a.d");
    scratch_dir("b.d");
    scratch_write("a.d/20.conf", "port = 20;\nlog: { level = \"err\"; };");
    scratch_write("b.d/10.conf", "port = 10; workers = 10;");
    scratch_write("b.d/30.conf", "\nlog: { target = \"stderr\"; }; host = \"thirty\";");
    scratch_write("b.d/20.conf", "port = 99; backlog = 99;");
    ck_assert_int_eq(load_text("port = 1; workers = 1;\nidle_timeout = 1;\n"
                               "log: { connections = \"all\"; };"),
                     0);
    ck_assert_int_eq(conf.port, 20);
    ck_assert_int_eq(conf.workers, 10);
    ck_assert_int_eq(conf.idle_timeout, 1);
    ck_assert_int_eq(conf.backlog, 4096);
    ck_assert_str_eq(conf.host, "thirty");
    ck_assert_int_eq(conf.log_level, LOG_ERR);
    ck_assert_int_eq(conf.log_target, CONF_LOG_TARGET_STDERR);
    ck_assert_int_eq(conf.log_connections, CONF_LOG_CONNECTIONS_ALL);
}
END_TEST

START_TEST(origins)
{
    char text[PATH_MAX], wanted[PATH_MAX];

    scratch_dir("a.d");
    scratch_write("a.d/1.conf", "\n\nport = 7;");
    ck_assert_int_eq(load_text("port = 9;\nworkers = 1;"), 0);
    (void)snprintf(wanted, sizeof(wanted), "%s:3", scratch_path("a.d/1.conf"));
    ck_assert_str_eq(conf_origin_format(&conf, CONF_PORT, text, sizeof(text)), wanted);
    (void)snprintf(wanted, sizeof(wanted), "%s:2", scratch_path("echod.conf"));
    ck_assert_str_eq(conf_origin_format(&conf, CONF_WORKERS, text, sizeof(text)), wanted);
    ck_assert_str_eq(conf_origin_format(&conf, CONF_HOST, text, sizeof(text)), "built-in default");
}
END_TEST

START_TEST(masked)
{
    scratch_dir("a.d");
    scratch_dir("b.d");
    scratch_link("/dev/null", "a.d/10.conf");
    scratch_write("b.d/10.conf", "port = broken");
    ck_assert_int_eq(load_text("port = 1;"), 0);
    ck_assert_int_eq(conf.port, 1);
}
END_TEST

START_TEST(unreadable_dropins)
{
    scratch_dir("a.d");
    scratch_link("nowhere", "a.d/10.conf");
    scratch_write("b.d", "");
    ck_assert_int_eq(load_text(""), -EINVAL);
    ck_assert_uint_eq(errors.count, 2);
    error_is(0, "b.d", " ", strerror(ENOTDIR));
    error_is(1, "a.d/10.conf", " ", strerror(ENOENT));
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

static TCase *files_case(void)
{
    TCase *tcase = tcase_create("files");

    tcase_add_test(tcase, nothing_to_read);
    tcase_add_loop_test(tcase, empty_files, 0, COUNT(empties));
    tcase_add_test(tcase, every_key);
    tcase_add_loop_test(tcase, bounds, 0, CONF_KEY_COUNT);
    tcase_add_test(tcase, longest_host);
    tcase_add_test(tcase, strings);
    tcase_add_test(tcase, merging);
    tcase_add_test(tcase, origins);
    tcase_add_test(tcase, masked);
    tcase_add_test(tcase, unreadable_dropins);
    return tcase;
}

static TCase *errors_case(void)
{
    TCase *tcase = tcase_create("errors");

    tcase_add_loop_test(tcase, one_error, 0, COUNT(faults));
    tcase_add_test(tcase, nul_byte);
    tcase_add_test(tcase, all_errors_at_once);
    tcase_add_test(tcase, unreadable_files);
    tcase_add_test(tcase, forbidden_file);
    tcase_add_test(tcase, huge_file);
    tcase_add_test(tcase, include_is_never_followed);
    tcase_add_test(tcase, error_lines_stay_lines);
    tcase_add_test(tcase, deep_nesting);
    tcase_add_test(tcase, too_many_settings);
    tcase_add_test(tcase, many_includes);
    return tcase;
}

int main(void)
{
    TCase *cases[] = {files_case(), errors_case()};
    Suite *suite = suite_create("conf");
    SRunner *runner;
    int failed;

    for (int i = 0; i < COUNT(cases); i++) {
        conf_case(cases[i]);
        suite_add_tcase(suite, cases[i]);
    }
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
