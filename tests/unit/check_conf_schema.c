/* SPDX-License-Identifier: MIT */
#include "base/conf_schema.h"

#include <errno.h>

#include "base/conf_files.h"
#include "conf_case.h"

/* The table, and all that is written about it: --print-config, the shipped file, the man page. */

/* ---- printing ---- */

static void print_to(const char *name)
{
    FILE *out = fopen(scratch_path(name), "w");

    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(conf_print(&conf, out), 0);
    ck_assert_int_eq(fclose(out), 0);
}

static void assert_same_networks(const struct networks *a, const struct networks *b)
{
    char text[NETWORK_TEXT_MAX], other[NETWORK_TEXT_MAX];

    ck_assert_uint_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        ck_assert_str_eq(network_format(&a->list[i], text), network_format(&b->list[i], other));
}

static void assert_same_value(const void *a, const void *b, enum conf_key key);

static void assert_same_listeners(const struct conf_listeners *a, const struct conf_listeners *b)
{
    ck_assert_uint_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        ck_assert_int_eq(a->list[i].kind, b->list[i].kind);
        for (int row = CONF_KEY_COUNT; row < CONF_ROW_COUNT; row++)
            assert_same_value(&a->list[i], &b->list[i], (enum conf_key)row);
    }
}

/* Of two struct conf, or struct conf_listener. */
static void assert_same_value(const void *a, const void *b, enum conf_key key)
{
    const struct conf_schema *schema = conf_schema(key);
    const void *field = (const char *)a + schema->offset, *other = (const char *)b + schema->offset;

    switch (schema->type) {
    case CONF_TYPE_INT:
    case CONF_TYPE_CHOICE:
    case CONF_TYPE_CHOICES:
    case CONF_TYPE_MODE:
        ck_assert_int_eq(*(const int *)field, *(const int *)other);
        break;
    case CONF_TYPE_STRING:
        ck_assert_str_eq(field, other);
        break;
    case CONF_TYPE_LISTENERS:
        assert_same_listeners(field, other);
        break;
    case CONF_TYPE_NETWORKS:
        assert_same_networks(field, other);
        break;
    }
}

START_TEST(print_reads_back)
{
    struct conf first;

    scratch_dir("a.d");
    scratch_write("a.d/@include \"x\"\n*.conf", "workers = 3;");
    ck_assert_int_eq(load_text("host = \"q\\\"u\\\\o # t // e /* \xc3\xa9\"; port = 7;\n"
                               "protocols = [ \"udp\", \"tcp\" ];\n"
                               "listeners = ( { host = \"\"; port = 9; },"
                               "{ path = \"/\\\"\"; mode = \"7\"; owner = \"a:b\"; },"
                               "{ path = \"@a\"; type = \"datagram\"; }, { vsock_port = 1; } );\n"
                               "access: { allow = [ ];\n deny = [ \"10.0.0.0/8\", \"::/1\", \"::\","
                               "\"192.0.2.1\", \"0.0.0.0/0\" ]; };\n"
                               "log: { level = \"err\"; connections = \"none\"; };"),
                     0);
    print_to("echod.conf");
    first = conf_take(&conf);
    ck_assert_int_eq(remove(scratch_path("a.d/@include \"x\"\n*.conf")), 0);
    ck_assert_int_eq(load(), 0);
    for (int key = 0; key < CONF_KEY_COUNT; key++) {
        assert_same_value(&conf, &first, (enum conf_key)key);
        ck_assert_str_eq(conf.origin[key].file, scratch_path("echod.conf"));
    }
    conf_deinit(&first);
}
END_TEST

START_TEST(print_fails)
{
    FILE *full = fopen("/dev/full", "w");

    ck_assert_ptr_nonnull(full);
    ck_assert_int_eq(conf_defaults(&conf), 0);
    ck_assert_int_eq(conf_print(&conf, full), -ENOSPC);
    (void)fclose(full);
}
END_TEST

/* ---- the table and what is written about it ---- */

START_TEST(schema_is_sound)
{
    const struct conf_schema *schema = conf_schema((enum conf_key)_i);

    ck_assert_ptr_nonnull(schema->name);
    ck_assert_ptr_nonnull(schema->help);
    ck_assert_int_eq(conf_schema_find(schema->name), _i);
    ck_assert_uint_lt(strlen(schema->name), CONF_SCHEMA_NAME_SIZE);
    ck_assert_uint_lt(schema->offset, _i < CONF_KEY_COUNT ? offsetof(struct conf, origin)
                                                          : offsetof(struct conf_listener, line));
    ck_assert(_i < CONF_KEY_COUNT || schema->kinds);
    if (schema->absent == CONF_ABSENT_INHERITED)
        ck_assert_int_ge(conf_schema_find(strrchr(schema->name, '.') + 1), 0);
    if (schema->absent != CONF_ABSENT_DEFAULT)
        return;
    if (schema->type == CONF_TYPE_INT)
        ck_assert(schema->min <= schema->number && schema->number <= schema->max);
    if (schema->type == CONF_TYPE_CHOICE)
        ck_assert_ptr_nonnull(conf_schema_choice_name(schema, schema->number));
    if (schema->type == CONF_TYPE_NETWORKS)
        ck_assert_ptr_nonnull(schema->networks);
}
END_TEST

START_TEST(names_of_choices)
{
    ck_assert_int_eq(conf_log_level_parse("err"), LOG_ERR);
    ck_assert_int_eq(conf_log_level_parse("warning"), LOG_WARNING);
    ck_assert_int_eq(conf_log_level_parse("notice"), LOG_NOTICE);
    ck_assert_int_eq(conf_log_level_parse("info"), LOG_INFO);
    ck_assert_int_eq(conf_log_level_parse("debug"), LOG_DEBUG);
    ck_assert_int_eq(conf_log_level_parse("loud"), -1);
    ck_assert_int_eq(conf_log_level_parse(""), -1);
    ck_assert_int_eq(conf_log_target_parse("journal"), CONF_LOG_TARGET_JOURNAL);
    ck_assert_int_eq(conf_log_target_parse("file"), -1);
}
END_TEST

static char *source_read(const char *name)
{
    const char *top = getenv("top_srcdir");
    char path[PATH_MAX], *text = NULL;
    size_t length;

    ck_assert_msg(top != NULL, "top_srcdir is not set");
    (void)snprintf(path, sizeof(path), "%s/%s", top, name);
    ck_assert_int_eq(conf_file_read(path, &text, &length), 0);
    return text;
}

START_TEST(shipped_file_changes_nothing)
{
    char *text = source_read("etc/echod.conf");
    int r = load_text(text);

    no_errors();
    ck_assert_int_eq(r, 0);
    assert_defaults();
    free(text);
}
END_TEST

/* Takes the "#" away from each setting, as the file tells its reader to. */
static void settings_uncomment(char *text)
{
    for (char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        char *first = line + strspn(line, " ");

        if (first[0] == '#' && first[1] >= 'a' && first[1] <= 'z')
            *first = ' ';
    }
}

START_TEST(shipped_file_names_the_keys_of_an_entry)
{
    char *text = source_read("etc/echod.conf"), quoted[CONF_SCHEMA_NAME_SIZE];
    const char *name = strrchr(conf_schema((enum conf_key)_i)->name, '.') + 1;

    (void)snprintf(quoted, sizeof(quoted), " %s = ", name);
    ck_assert_msg(strstr(text, quoted) != NULL, "no %s in it", name);
    free(text);
}
END_TEST

START_TEST(shipped_file_shows_every_default)
{
    char *text = source_read("etc/echod.conf");
    int r;

    settings_uncomment(text);
    r = load_text(text);
    no_errors();
    ck_assert_int_eq(r, 0);
    for (int key = 0; key < CONF_KEY_COUNT; key++)
        ck_assert_msg(conf.origin[key].line > 0, "%s is missing",
                      conf_schema((enum conf_key)key)->name);
    memset(conf.origin, 0, sizeof(conf.origin));
    assert_defaults();
    free(text);
}
END_TEST

/* Takes mdoc's \& out, which keeps a quote from being taken for punctuation. */
static void roff_plain(char *text)
{
    for (char *at; (at = strstr(text, "\\&"));)
        memmove(at, at + 2, strlen(at + 2) + 1);
}

/* The section of a key in echod.conf(5): from its own ".It" to the next one. */
static char *page_section(const char *name)
{
    char *page = source_read("man/echod.conf.5"), item[128], *start, *end, *section;

    roff_plain(page);
    (void)snprintf(item, sizeof(item), "\n.It Cm %s\n", name);
    start = strstr(page, item);
    ck_assert_msg(start != NULL, "echod.conf(5) has no entry for %s", name);
    end = strstr(start + strlen(item), "\n.It Cm ");
    if (!end)
        end = strstr(start, "\n.El");
    ck_assert_ptr_nonnull(end);
    section = strndup(start + strlen(item), (size_t)(end + 1 - start) - strlen(item));
    ck_assert_ptr_nonnull(section);
    free(page);
    return section;
}

START_TEST(page_says_what_is_allowed)
{
    const struct conf_schema *schema = conf_schema((enum conf_key)_i);
    char *section = page_section(schema->name), text[CONF_SCHEMA_TEXT_SIZE];
    char line[CONF_SCHEMA_TEXT_SIZE + 32];

    (void)snprintf(line, sizeof(line), "Allowed: %s.\n",
                   conf_schema_allowed(schema, text, sizeof(text)));
    ck_assert_msg(strstr(section, line) != NULL, "%s lacks: %s", schema->name, line);
    switch (schema->absent) {
    case CONF_ABSENT_DEFAULT:
        (void)snprintf(line, sizeof(line), "Default:\n.Ql %s .\n",
                       conf_schema_default(schema, text, sizeof(text)));
        break;
    case CONF_ABSENT_INHERITED:
        (void)snprintf(line, sizeof(line), "Default: that of\n.Cm %s .\n",
                       strrchr(schema->name, '.') + 1);
        break;
    case CONF_ABSENT_NOTHING:
        (void)snprintf(line, sizeof(line), "Default: none.\n");
        break;
    }
    ck_assert_msg(strstr(section, line) != NULL, "%s lacks: %s", schema->name, line);
    free(section);
}
END_TEST

/* Each entry ends with an example, which works and sets the key. */
START_TEST(page_examples_work)
{
    const struct conf_schema *schema = conf_schema((enum conf_key)_i);
    char *section = page_section(schema->name), *example = strstr(section, "Example:\n.Ql ");

    ck_assert_msg(example != NULL, "%s has no example", schema->name);
    example += strlen("Example:\n.Ql ");
    ck_assert_int_eq(load_text(example), 0);
    if (_i < CONF_KEY_COUNT)
        ck_assert_uint_eq(conf.origin[_i].line, 1);
    else
        ck_assert_uint_eq(conf.listeners.list[0].key_line[_i - CONF_KEY_COUNT], 1);
    free(section);
}
END_TEST

static TCase *schema_case(void)
{
    TCase *tcase = tcase_create("schema");

    tcase_add_loop_test(tcase, schema_is_sound, 0, CONF_ROW_COUNT);
    tcase_add_test(tcase, names_of_choices);
    tcase_add_test(tcase, shipped_file_changes_nothing);
    tcase_add_test(tcase, shipped_file_shows_every_default);
    tcase_add_loop_test(tcase, shipped_file_names_the_keys_of_an_entry, CONF_KEY_COUNT,
                        CONF_ROW_COUNT);
    tcase_add_loop_test(tcase, page_says_what_is_allowed, 0, CONF_ROW_COUNT);
    tcase_add_loop_test(tcase, page_examples_work, 0, CONF_ROW_COUNT);
    tcase_add_test(tcase, print_reads_back);
    tcase_add_test(tcase, print_fails);
    return tcase;
}

int main(void)
{
    TCase *tcase = schema_case();
    Suite *suite = suite_create("conf_schema");
    SRunner *runner;
    int failed;

    conf_case(tcase);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
