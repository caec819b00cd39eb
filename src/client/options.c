/* SPDX-License-Identifier: MIT */
#include "client/options.h"

#include <assert.h>
#include <config.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "client/deadline.h"
#include "client/escape.h"
#include "client/options_help.h"
#include "client/record.h"
#include "client/value.h"
#include "net/resolve.h"

#define TIMEOUT_ALLOWED "0.001 to 86400 (seconds, or with us, ms, s, m or h)"

/* Rows, and what getopt_long(3) wants to know of them. */
struct parser {
    const struct command_line *line;
    const struct option_row *row[OPTION_ROWS_MAX];
    size_t count;
    struct option longs[OPTION_ROWS_MAX + 1];
    char shorts[2 * OPTION_ROWS_MAX + 1];
};

/* What getopt_long(3) returns for the long option of row I. */
enum { LONG_OPTION = 256 };

const char *option_take_flag(const struct option_row *row, const char *text)
{
    (void)text;
    *(bool *)row->value = true;
    return NULL;
}

const char *option_take_count(const struct option_row *row, const char *text)
{
    (void)text;
    (*(unsigned *)row->value)++;
    return NULL;
}

const char *option_take_text(const struct option_row *row, const char *text)
{
    *(const char **)row->value = text;
    return NULL;
}

const char *option_take_number(const struct option_row *row, const char *text)
{
    return value_number(text, row->min, row->max, row->value);
}

const char *option_take_size(const struct option_row *row, const char *text)
{
    return value_size(text, row->min, row->max, row->value);
}

const char *option_take_duration(const struct option_row *row, const char *text)
{
    return value_duration(text, (int64_t)row->min, (int64_t)row->max, row->value);
}

/* Numeric addresses only: a name may have several, and the wrong one would be no error. */
static const char *take_source(const struct option_row *row, const char *text)
{
    struct addr_list list;

    if (text[0] == '\0' || resolve(text, 0, AF_UNSPEC, RESOLVE_NUMERIC, &list) != 0)
        return "not an address";
    *(struct addr *)row->value = list.addr[0];
    addr_list_deinit(&list);
    return NULL;
}

static const char *take_proxy(const struct option_row *row, const char *text)
{
    if (strcmp(text, "v1") != 0 && strcmp(text, "v2") != 0)
        return "not a version";
    *(unsigned *)row->value = text[1] == '1' ? 1 : 2;
    return NULL;
}

/* Options that are the parser's own business. */
struct switches {
    bool inet, inet6, help, version;
};

static enum options_action hint(const struct command_line *line)
{
    (void)fprintf(stderr, "Try \"echo-client %s --help\".\n", line->mode);
    return OPTIONS_WRONG;
}

enum options_action options_wrong(const struct command_line *line, const char *problem)
{
    (void)fprintf(stderr, "echo-client: %s\n", problem);
    return hint(line);
}

/* WHAT names what the value is for; PROBLEM follows it. */
static enum options_action wrong_value(const struct command_line *line, const char *what,
                                       const char *value, const char *problem, const char *allowed)
{
    (void)fprintf(stderr, "echo-client: %s \"", what);
    escape_write(stderr, value, strlen(value));
    (void)fprintf(stderr, "\": %s; allowed: %s\n", problem, allowed);
    return hint(line);
}

static void add_rows(struct parser *parser, const struct option_row *rows)
{
    for (; rows->take; rows++) {
        assert(parser->count < OPTION_ROWS_MAX);
        parser->row[parser->count++] = rows;
    }
}

static void describe_to_getopt(struct parser *parser)
{
    char *shorts = parser->shorts;
    struct option *longs = parser->longs;

    for (size_t i = 0; i < parser->count; i++) {
        const struct option_row *row = parser->row[i];

        if (row->letter)
            *shorts++ = (char)row->letter;
        if (row->letter && row->argument)
            *shorts++ = ':';
        if (row->name)
            *longs++ = (struct option){.name = row->name,
                                       .has_arg = row->argument ? required_argument : no_argument,
                                       .val = LONG_OPTION + (int)i};
    }
}

static const struct option_row *find_row(const struct parser *parser, int found)
{
    if (found >= LONG_OPTION)
        return parser->row[found - LONG_OPTION];
    for (size_t i = 0; i < parser->count; i++)
        if (parser->row[i]->letter == found)
            return parser->row[i];
    return NULL; /* "?": getopt_long(3) has said what is wrong */
}

static enum options_action take_option(const struct parser *parser, const struct option_row *row)
{
    char what[64];
    const char *problem = row->take(row, optarg);

    if (!problem)
        return OPTIONS_RUN;
    if (row->name)
        (void)snprintf(what, sizeof(what), "--%s", row->name);
    else
        (void)snprintf(what, sizeof(what), "-%c", row->letter);
    return wrong_value(parser->line, what, optarg, problem, row->allowed);
}

static enum options_action take_options(struct parser *parser, int argc, char **argv)
{
    int found;

    describe_to_getopt(parser);
    optind = 0; /* Begin anew: glibc's own state, too. */
    while ((found = getopt_long(argc, argv, parser->shorts, parser->longs, NULL)) != -1) {
        const struct option_row *row = find_row(parser, found);
        enum options_action action = row ? take_option(parser, row) : hint(parser->line);

        if (action != OPTIONS_RUN)
            return action;
    }
    return OPTIONS_RUN;
}

bool command_line_takes_datagrams(const struct command_line *line)
{
    return line->kinds & (1U << TARGET_UDP | 1U << TARGET_UNIXGRAM);
}

static enum options_action take_target(const struct command_line *line, const char *text,
                                       struct target_list *list)
{
    const char *allowed =
        command_line_takes_datagrams(line) ? TARGET_ALLOWED : TARGET_ALLOWED_STREAM;
    struct target *target = &list->at[list->count];
    char limit[64];
    const char *problem;

    (void)snprintf(limit, sizeof(limit), "%zu at most", line->targets_max);
    if (list->count == line->targets_max)
        return wrong_value(line, "target", text, "one too many", limit);
    if (target_parse(text, target, &problem) < 0)
        return wrong_value(line, "target", text, problem, allowed);
    if (!(line->kinds & 1U << target->kind))
        return wrong_value(line, "target", text, "datagrams are no stream of bytes", allowed);
    list->count++;
    return OPTIONS_RUN;
}

static enum options_action take_targets(const struct command_line *line, char **operand,
                                        size_t count, struct target_list *list)
{
    list->at = calloc(count + 1, sizeof(*list->at));
    if (!list->at)
        return options_wrong(line, strerror(ENOMEM));
    if (count == 0)
        return take_target(line, TARGET_DEFAULT, list);
    for (size_t i = 0; i < count; i++) {
        enum options_action action = take_target(line, operand[i], list);

        if (action != OPTIONS_RUN)
            return action;
    }
    return OPTIONS_RUN;
}

static bool all_have_hosts(const struct target_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (!target_has_host(list->at[i].kind))
            return false;
    return true;
}

/* What each option allows by itself, but not together. */
static const char *contradiction(const struct switches *given, const struct common_options *common)
{
    int family = common->dial.source.len > 0 ? common->dial.source.sa.sa_family : AF_UNSPEC;

    if (given->inet && given->inet6)
        return "-4 and -6 exclude each other";
    if ((given->inet && family == AF_INET6) || (given->inet6 && family == AF_INET))
        return "--source is not of the family that -4 or -6 asks for";
    if ((given->inet || given->inet6) && !all_have_hosts(&common->target))
        return "-4 and -6 mean nothing to a target that is no host";
    if (common->dial.proxy && target_list_has_datagrams(&common->target))
        return "--proxy-protocol begins streams: a target of datagrams has none";
    if (common->json && !record_is_possible())
        return "--json is not possible: this echo-client was built without jansson";
    if (family != AF_UNSPEC && !all_have_hosts(&common->target))
        return "--source means nothing to a target that is no host";
    return NULL;
}

static int family_of(const struct switches *given, const struct addr *source)
{
    if (source->len > 0)
        return source->sa.sa_family;
    if (given->inet)
        return AF_INET;
    return given->inet6 ? AF_INET6 : AF_UNSPEC;
}

static enum options_action run_parser(struct parser *parser, int argc, char **argv,
                                      const struct switches *given, struct common_options *common)
{
    enum options_action action = take_options(parser, argc, argv);
    const char *problem;

    if (action != OPTIONS_RUN)
        return action;
    if (given->help)
        options_print_help(parser->line, parser->row, parser->count, stdout);
    else if (given->version)
        options_print_version(stdout);
    if (given->help || given->version)
        return OPTIONS_DONE;
    action = take_targets(parser->line, argv + optind, (size_t)(argc - optind), &common->target);
    if (action != OPTIONS_RUN)
        return action;
    problem = contradiction(given, common);
    if (problem)
        return options_wrong(parser->line, problem);
    common->family = family_of(given, &common->dial.source);
    return OPTIONS_RUN;
}

enum options_action options_parse(const struct command_line *line, int argc, char **argv,
                                  struct common_options *common)
{
    struct switches given = {0};
    const struct option_row rows[] = {
        {'t', "timeout", "SECONDS", line->timeout_help, option_take_duration,
         .value = &common->timeout_nsec, .min = NSEC_PER_MSEC, .max = 86400 * NSEC_PER_SEC,
         .allowed = TIMEOUT_ALLOWED},
        {'4', .take = option_take_flag, .value = &given.inet},
        {'6', .help = "use IPv4 only, IPv6 only", .take = option_take_flag, .value = &given.inet6},
        {0, "source", "ADDRESS", "the address to send from", take_source,
         .value = &common->dial.source, .allowed = "an IPv4 or IPv6 address of this machine"},
        {0, "proxy-protocol", "v1|v2", "begin each connection with a PROXY header", take_proxy,
         .value = &common->dial.proxy, .allowed = "v1, v2"},
        {'q', "quiet", NULL, line->quiet_help ? line->quiet_help : "print nothing when all is well",
         option_take_flag, .value = &common->quiet},
        {'h', "help", .take = option_take_flag, .value = &given.help},
        {'V', "version", NULL, "print this, print the version", option_take_flag,
         .value = &given.version},
        {0},
    };
    const struct option_row json_rows[] = {
        {0, "json", NULL, line->json_help, option_take_flag, .value = &common->json},
        {0},
    };
    struct parser parser = {.line = line};

    add_rows(&parser, line->rows);
    if (line->json_help)
        add_rows(&parser, json_rows);
    add_rows(&parser, rows);
    return run_parser(&parser, argc, argv, &given, common);
}

void common_options_deinit(struct common_options *common)
{
    free(common->target.at);
    common->target = (struct target_list){0};
}

void options_print_version(FILE *out)
{
    (void)fputs("echo-client (echod) " PACKAGE_VERSION "\n", out);
}
