/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../unit/suite.h"
#include "client_run.h"
#include "ping_servers.h"

/* What "echo-client ping" says in JSON: that it is JSON, and just what the manual page says. */

enum field_type { TEXT, INTEGER, NUMBER, BOOLEAN };

struct field {
    const char *name;
    enum field_type type;
};

static const struct field summary_fields[] = {
    {"target", TEXT},           {"peer", TEXT},
    {"size_bytes", INTEGER},    {"sent", INTEGER},
    {"received", INTEGER},      {"lost", INTEGER},
    {"corrupted", INTEGER},     {"pending", INTEGER},
    {"duplicates", INTEGER},    {"reordered", INTEGER},
    {"late", INTEGER},          {"strays", INTEGER},
    {"errors", INTEGER},        {"connections", INTEGER},
    {"kernel_times", INTEGER},  {"loss_percent", NUMBER},
    {"rtt_min_us", NUMBER},     {"rtt_mean_us", NUMBER},
    {"rtt_p50_us", NUMBER},     {"rtt_p95_us", NUMBER},
    {"rtt_p99_us", NUMBER},     {"rtt_max_us", NUMBER},
    {"rtt_mdev_us", NUMBER},    {"jitter_us", NUMBER},
    {"connect_min_us", NUMBER}, {"connect_mean_us", NUMBER},
    {"connect_p50_us", NUMBER}, {"connect_max_us", NUMBER},
};

static const struct field event_fields[] = {
    {"time_us", INTEGER},
    {"target", TEXT},
    {"event", TEXT},
    {"sequence", INTEGER},
    {"received_bytes", INTEGER},
    {"rtt_us", NUMBER},
    {"connect_us", NUMBER},
    {"kernel_time", BOOLEAN},
    {"reordered", BOOLEAN},
    {"wrong_offset_bytes", INTEGER},
    {"error", TEXT},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static bool is_of_type(const json_t *value, enum field_type type)
{
    switch (type) {
    case TEXT:
        return json_is_string(value);
    case INTEGER:
        return json_is_integer(value);
    case NUMBER:
        return json_is_real(value) || json_is_null(value);
    case BOOLEAN:
        return json_is_boolean(value);
    }
    return false;
}

/* The object has no field but these, each of its type. */
static void assert_fields(json_t *object, const struct field *fields, size_t count)
{
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        size_t i = 0;

        while (i < count && strcmp(fields[i].name, name) != 0)
            i++;
        ck_assert_msg(i < count, "unknown field \"%s\"", name);
        ck_assert_msg(is_of_type(value, fields[i].type), "type of \"%s\"", name);
    }
}

static json_t *parse(const char *line)
{
    json_error_t error;
    json_t *object = json_loads(line, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);

    ck_assert_msg(object != NULL, "%s in: %s", error.text, line);
    ck_assert(json_is_object(object));
    return object;
}

static struct run ping(const char *script, int type, const char *const *options)
{
    struct ping_server server = {.script = script, .type = type};
    const char *argv[10] = {client_path(), "ping"};
    size_t argc = 2;
    struct run run;

    for (size_t i = 0; i < 7 && options[i]; i++)
        argv[argc++] = options[i];
    ping_server_start(&server);
    argv[argc] = server.target;
    run = client_run(argv);
    ping_server_stop(&server);
    return run;
}

static json_int_t integer(json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* The only target of the summary in OUT; the summary itself is the caller's. */
static json_t *target_in(const char *out, json_t **ret_summary)
{
    json_t *summary = parse(out), *targets = json_object_get(summary, "targets"), *target;

    ck_assert_str_eq(json_string_value(json_object_get(summary, "mode")), "ping");
    ck_assert_uint_eq(json_array_size(targets), 1);
    target = json_array_get(targets, 0);
    assert_fields(target, summary_fields, COUNT(summary_fields));
    ck_assert_uint_eq(json_object_size(target), COUNT(summary_fields));
    *ret_summary = summary;
    return target;
}

START_TEST(summary)
{
    static const char *const options[] = {"--json", "-c3", "-i0.5", NULL};
    struct run run = ping("2c.", SOCK_DGRAM, options);
    json_t *all, *target = target_in(run.out, &all);

    ck_assert_int_eq(run.status, 0);
    ck_assert_ptr_eq(strchr(run.out, '\n'), run.out + strlen(run.out) - 1);
    ck_assert_int_eq(integer(target, "sent"), 3);
    ck_assert_int_eq(integer(target, "received"), 2);
    ck_assert_int_eq(integer(target, "duplicates"), 1);
    ck_assert_int_eq(integer(target, "corrupted"), 1);
    ck_assert(json_real_value(json_object_get(target, "rtt_min_us")) > 0);
    ck_assert(json_is_null(json_object_get(target, "connect_min_us")));
    json_decref(all);
}
END_TEST

START_TEST(nothing_received)
{
    static const char *const options[] = {"--json", "-c1", "-W0.01", NULL};
    struct run run = ping("x", SOCK_STREAM, options);
    json_t *all, *target = target_in(run.out, &all);

    ck_assert_int_eq(run.status, 1);
    ck_assert_int_eq(integer(target, "connections"), 1);
    ck_assert(json_real_value(json_object_get(target, "loss_percent")) == 100);
    ck_assert(json_is_null(json_object_get(target, "rtt_p99_us")));
    ck_assert(json_is_real(json_object_get(target, "connect_min_us")));
    json_decref(all);
}
END_TEST

static const struct {
    const char *script;
    int type;
    const char *options[6];
    const char *events[4]; /* in this order */
} runs[] = {
    {"2.", SOCK_DGRAM, {"-c2", "-i0.5"}, {"answer", "duplicate", "answer"}},
    {"h.", SOCK_DGRAM, {"-c3", "-i1.5", "-W1"}, {"lost", "answer", "late", "answer"}},
    {"ct.", SOCK_DGRAM, {"-c3", "-i0.5"}, {"corrupted", "corrupted", "answer"}},
    {"s.", SOCK_DGRAM, {"-c1"}, {"answer"}},
    {"r.", SOCK_STREAM, {"-c2", "-i0.5"}, {"broken", "failed", "connected", "answer"}},
    {".", SOCK_STREAM, {"-c2", "-i0", "--connect"}, {"answer", "answer"}},
};

START_TEST(lines)
{
    const char *options[8] = {"--json-lines"}, *line;
    struct run run;

    memcpy(options + 1, runs[_i].options, sizeof(runs[_i].options));
    run = ping(runs[_i].script, runs[_i].type, options);
    line = run.out;
    for (size_t i = 0; i < 4 && runs[_i].events[i]; i++) {
        json_t *event = parse(line);

        assert_fields(event, event_fields, COUNT(event_fields));
        ck_assert_str_eq(json_string_value(json_object_get(event, "event")), runs[_i].events[i]);
        json_decref(event);
        line = strchr(line, '\n') + 1;
    }
}
END_TEST

/* The page has the fields in lines such as ".It Li sent , lost Ta integer". */
static bool page_names(const char *page, const struct field *field)
{
    static const char *const types[] = {" Ta text", " Ta integer", " Ta number", " Ta boolean"};
    size_t length = strlen(field->name);

    for (const char *line = page; (line = strstr(line, "\n.It Li ")) != NULL;) {
        const char *end = strchr(++line, '\n'), *type = strstr(line, types[field->type]);
        const char *found = line;

        if (!type || type > end)
            continue;
        while ((found = strstr(found, field->name)) != NULL && found < type) {
            if (found[-1] == ' ' && found[length] == ' ')
                return true;
            found += length;
        }
    }
    return false;
}

START_TEST(manual_page)
{
    static char page[200000];
    char path[4096];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/man/echo-client.1", getenv("top_srcdir"));
    file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s cannot be opened", path);
    page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
    (void)fclose(file);
    for (size_t i = 0; i < COUNT(summary_fields); i++)
        ck_assert_msg(page_names(page, &summary_fields[i]), "%s", summary_fields[i].name);
    for (size_t i = 0; i < COUNT(event_fields); i++)
        ck_assert_msg(page_names(page, &event_fields[i]), "%s", event_fields[i].name);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("ping_json");

    tcase_add_test(tcase, summary);
    tcase_add_test(tcase, nothing_received);
    tcase_add_loop_test(tcase, lines, 0, (int)COUNT(runs));
    tcase_add_test(tcase, manual_page);
    return suite_run("ping_json", tcase);
}
