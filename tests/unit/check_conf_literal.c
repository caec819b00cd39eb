/* SPDX-License-Identifier: MIT */
#include "base/conf_literal.h"

#include <check.h>
#include <errno.h>
#include <libconfig.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- finding ---- */

static const struct {
    const char *text, *path, *literal;
    unsigned line;
} found[] = {
    {"port = 7;", "port", "7", 1},
    {"port=7", "port", "7", 1},
    {"port : 0x7L;", "port", "0x7L", 1},
    {"a=1;port=7;b=2;", "port", "7", 1},
    {"a = 1 port = 7 b = 2", "port", "7", 1},
    {"a=7port=8;", "port", "8", 1},
    {"a=1.5e3port=8;", "port", "8", 1},
    {"a=0xFFport=8;", "port", "8", 1},
    {"a=7Lport=8;", "port", "8", 1},
    {"\nport\n=\n\n 7 ;", "port", "7", 5},
    {"port = # 8\n // 9\n /* 10 \n*/ 7;", "port", "7", 4},
    {"# port = 8;\n// port = 9;\n/* port = 10; */ port = 7;", "port", "7", 3},
    {"/*/ port = 8; */ port = 7;", "port", "7", 1},
    {"//* port = 8;\nport = 7;", "port", "7", 2},
    {"a = \"port = 8;\"; port = 7;", "port", "7", 1},
    {"a = \"\\\"port = 8;\"; port = 7;", "port", "7", 1},
    {"a = \"\\\\\"; port = 7;", "port", "7", 1},
    {"a = \"/*\"; port = 7; b = \"*/\";", "port", "7", 1},
    {"a = \"x\n\ny\"; port = 7;", "port", "7", 3},
    {"log: { level = 1; }; level = 2;", "log.level", "1", 1},
    {"log: { level = 1; }; level = 2;", "level", "2", 1},
    {"log: { a: { level = 3; }; level = 1; };", "log.level", "1", 1},
    {"log = { a = [ 1, 2 ]; b = ( 1, { level = 3; } ); level = 1; };", "log.level", "1", 1},
    {"l = ( { port = 8; }, ( { port = 9; } ) ); port = 7;", "port", "7", 1},
    {"true_port = 1; ports = 2; Port = 3; port- = 4; *port = 5; port = 7;", "port", "7", 1},
    {"a = true b = FALSE port = 7", "port", "7", 1},
    {"host = \"a\";", "host", "\"a\"", 1},
    {"host = \"a\" /* b */\n \"c\"; d = 1", "host", "\"a\" /* b */\n \"c\"", 1},
    {"port = -7;", "port", "-7", 1},
    {"port = .5;", "port", ".5", 1},
    {"port = False;", "port", "False", 1},
};

START_TEST(literal_found)
{
    struct conf_literal literal = {0};

    ck_assert_int_eq(conf_literal_find(found[_i].text, found[_i].path, &literal), 0);
    ck_assert_uint_eq(literal.length, strlen(found[_i].literal));
    ck_assert_mem_eq(literal.start, found[_i].literal, literal.length);
    ck_assert_uint_eq(literal.line, found[_i].line);
}
END_TEST

/* What the tests above take for a configuration, libconfig has to take for one. */
START_TEST(literal_found_by_libconfig)
{
    config_t config;

    config_init(&config);
    ck_assert_int_eq(config_read_string(&config, found[_i].text), CONFIG_TRUE);
    ck_assert_ptr_nonnull(config_lookup(&config, found[_i].path));
    config_destroy(&config);
}
END_TEST

static const struct {
    const char *text, *path;
} absent[] = {
    {"", "port"},
    {"# port = 7;\n", "port"},
    {"log: { port = 7; };", "port"},
    {"l = ( { port = 7; } );", "l.port"},
    {"port", "port"},
    {"port = ", "port"},
    {"port = /* 7", "port"},
    {"log = 3; level = 4;", "log.level"},
    {"}}}) port", "port"},
};

START_TEST(literal_absent)
{
    struct conf_literal literal;

    ck_assert_int_eq(conf_literal_find(absent[_i].text, absent[_i].path, &literal), -ENOENT);
}
END_TEST

START_TEST(deep_and_long)
{
    struct conf_literal literal = {0};
    char text[4096] = "";

    for (int i = 0; i < 100; i++)
        strcat(text, "a={");
    strcat(text, "port=8;");
    for (int i = 0; i < 100; i++)
        strcat(text, "};");
    for (int i = 0; i < 300; i++)
        strcat(text, "n");
    strcat(text, "=1; port=7;");
    ck_assert_int_eq(conf_literal_find(text, "port", &literal), 0);
    ck_assert_mem_eq(literal.start, "7;", 2);
}
END_TEST

START_TEST(keys_in_order)
{
    const char *text = "a = 1; log: {\n level = 5; l = ( { x = [ 2 ]; } ); };\nb\nc =\nd = 4; e =;";
    static const char *const paths[] = {"a", "log", "log.level", "log.l", "log.l[0].x",
                                        "b", "c",   "d",         "e"};
    struct conf_text_key key;

    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        ck_assert_int_eq(conf_text_key(text, i, &key), 0);
        ck_assert_str_eq(key.path, paths[i]);
        ck_assert_int_eq(key.assigned, strcmp(key.path, "b") != 0);
        ck_assert_int_eq(key.value.length == 0, strchr("bce", key.path[0]) != NULL);
        ck_assert(!key.value_is_word);
    }
    ck_assert_int_eq(conf_text_key(text, 9, &key), -ENOENT);
}
END_TEST

START_TEST(words_for_values)
{
    struct conf_text_key key;

    ck_assert_int_eq(conf_text_find("host = localhost;", "host", &key), 0);
    ck_assert(key.value_is_word);
    ck_assert_mem_eq(key.value.start, "localhost", key.value.length);
    ck_assert_int_eq(conf_text_find("host = port = 7;", "host", &key), 0);
    ck_assert(!key.value_is_word);
}
END_TEST

/* ---- numbers ---- */

static const struct {
    const char *literal;
    int r;
    long long number;
} numbers[] = {
    {"0", 0, 0},
    {"7", 0, 7},
    {"+7", 0, 7},
    {"-7", 0, -7},
    {"-0", 0, 0},
    {"7L", 0, 7},
    {"7LL", 0, 7},
    {"0x1F", 0, 31},
    {"0X1fL", 0, 31},
    {"0x0007", 0, 7},
    {"4294967303", 0, 4294967303LL}, /* libconfig: 7 */
    {"5000000000L", 0, 5000000000LL},
    {"0xFFFFFFFF", 0, 4294967295LL}, /* libconfig: -1 */
    {"9223372036854775807", 0, LLONG_MAX},
    {"-9223372036854775808", 0, LLONG_MIN},
    {"9223372036854775808", -ERANGE, 0},
    {"0xFFFFFFFFFFFFFFFF", -ERANGE, 0},
    {"99999999999999999999L", -ERANGE, 0}, /* libconfig: clamped */
    {"007", -EDOM, 0},
    {"0644", -EDOM, 0},
    {"00", -EDOM, 0},
    {"-01", -EDOM, 0},
    {"+00L", -EDOM, 0},
    {"", -EINVAL, 0},
    {"-", -EINVAL, 0},
    {"L", -EINVAL, 0},
    {"7LLL", -EINVAL, 0},
    {"7l", -EINVAL, 0},
    {"7.0", -EINVAL, 0},
    {"7e1", -EINVAL, 0},
    {"0x", -EINVAL, 0},
    {"0xL", -EINVAL, 0},
    {"-0x7", -EINVAL, 0},
    {"\"7\"", -EINVAL, 0},
    {"true", -EINVAL, 0},
};

START_TEST(number_parsed)
{
    struct conf_literal literal = {numbers[_i].literal, strlen(numbers[_i].literal), 1};
    long long number = 4711;

    ck_assert_int_eq(conf_literal_parse(&literal, &number), numbers[_i].r);
    ck_assert_int_eq(number, numbers[_i].r == 0 ? numbers[_i].number : 4711);
}
END_TEST

START_TEST(number_ends_where_the_literal_ends)
{
    struct conf_literal literal = {"123", 2, 1};
    long long number = 0;

    ck_assert_int_eq(conf_literal_parse(&literal, &number), -EINVAL);
}
END_TEST

/* ---- strings ---- */

START_TEST(nul_escapes)
{
    static const char *const with[] = {"\"\\x00\"", "\"a\\X00b\"", "\"\\\\\\x00\""};
    static const char *const without[] = {"\"\"", "\"\\x01\"", "\"\\\\x00\"", "\"x00\"", "\"\\x0"};

    for (size_t i = 0; i < 3; i++)
        ck_assert(conf_literal_has_nul(&(struct conf_literal){with[i], strlen(with[i]), 1}));
    for (size_t i = 0; i < 5; i++)
        ck_assert(!conf_literal_has_nul(&(struct conf_literal){without[i], strlen(without[i]), 1}));
}
END_TEST

/* Whatever is quoted, libconfig reads the same string back. */
START_TEST(quote_reads_back)
{
    char string[256], text[1024 + 16], line[2048];
    const char *back = NULL;
    config_t config;

    for (int i = 0; i < 255; i++)
        string[i] = (char)(i + 1);
    string[255] = '\0';
    (void)snprintf(line, sizeof(line), "s = %s;\n", conf_literal_quote(string, text, sizeof(text)));
    config_init(&config);
    ck_assert_int_eq(config_read_string(&config, line), CONFIG_TRUE);
    ck_assert_int_eq(config_lookup_string(&config, "s", &back), CONFIG_TRUE);
    ck_assert_str_eq(back, string);
    config_destroy(&config);
}
END_TEST

START_TEST(quote_cuts)
{
    char text[12];

    ck_assert_str_eq(conf_literal_quote("", text, sizeof(text)), "\"\"");
    ck_assert_str_eq(conf_literal_quote("abcdef", text, sizeof(text)), "\"abcdef\"");
    ck_assert_str_eq(conf_literal_quote("abcdefghijkl", text, sizeof(text)), "\"abcdef...\"");
    ck_assert_str_eq(conf_literal_quote("abcde\"ghijkl", text, sizeof(text)), "\"abcde...\"");
    ck_assert_str_eq(conf_literal_quote("abcdef", text, 8), "\"ab...\"");
}
END_TEST

/* ---- whole texts ---- */

static const struct {
    const char *text;
    enum conf_text_fault fault;
    unsigned line;
} texts[] = {
    {"", CONF_TEXT_SOUND, 1},
    {"port = 7; # @include \"x\"\n", CONF_TEXT_SOUND, 1},
    {"a = \"\n@include \\\"x\\\"\";\n/*\n@include \"x\"\n*/", CONF_TEXT_SOUND, 1},
    {"port = 7;\n@include \"x\"\n", CONF_TEXT_INCLUDE, 2},
    {"/* \n */\n \t@include \t\"x\"", CONF_TEXT_INCLUDE, 3},
    {"log: {\n@include \"x\"\n};", CONF_TEXT_INCLUDE, 2},
    {"a = \"*/\"; /* b\n", CONF_TEXT_OPEN_COMMENT, 1},
    {"\n/*/", CONF_TEXT_OPEN_COMMENT, 2},
    {"a = 1;\nb = \"\\\";\n", CONF_TEXT_OPEN_STRING, 2},
};

START_TEST(text_checked)
{
    struct conf_literal where = {.start = texts[_i].text, .line = 1};

    ck_assert_int_eq(conf_text_check(&where), texts[_i].fault);
    ck_assert_uint_eq(where.line, texts[_i].line);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
    Suite *suite = suite_create("conf_literal");
    TCase *tcase = tcase_create("literals");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tcase, literal_found, 0, COUNT(found));
    tcase_add_loop_test(tcase, literal_found_by_libconfig, 0, COUNT(found));
    tcase_add_loop_test(tcase, literal_absent, 0, COUNT(absent));
    tcase_add_test(tcase, deep_and_long);
    tcase_add_test(tcase, keys_in_order);
    tcase_add_test(tcase, words_for_values);
    tcase_add_loop_test(tcase, number_parsed, 0, COUNT(numbers));
    tcase_add_test(tcase, number_ends_where_the_literal_ends);
    tcase_add_test(tcase, nul_escapes);
    tcase_add_test(tcase, quote_reads_back);
    tcase_add_test(tcase, quote_cuts);
    tcase_add_loop_test(tcase, text_checked, 0, COUNT(texts));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
