/* SPDX-License-Identifier: MIT */
#include "base/conf_schema.h"

#include <string.h>

#include "base/conf_listeners.h"
#include "base/conf_literal.h"
#include "base/conf_network.h"
#include "base/suggest.h"

/* What the table says, in words. */

/* "a", "b" or "c" */
static void choices_format(const struct conf_choice *choice, const char *last, char *text,
                           size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (bool first = true; choice->name && used < size; choice++, first = false) {
        const char *before = first ? "" : choice[1].name ? ", " : last;

        used += (size_t)snprintf(text + used, size - used, "%s\"%s\"", before, choice->name);
    }
}

const char *conf_schema_allowed(const struct conf_schema *schema, char *text, size_t size)
{
    char choices[CONF_SCHEMA_TEXT_SIZE / 2];

    if (schema->allowed) {
        (void)snprintf(text, size, "%s", schema->allowed);
        return text;
    }
    switch (schema->type) {
    case CONF_TYPE_INT:
        (void)snprintf(text, size, "%d to %d%s%s", schema->min, schema->max,
                       schema->unit ? " " : "", schema->unit ? schema->unit : "");
        break;
    case CONF_TYPE_STRING:
        (void)snprintf(text, size, "a string of at most %d bytes", schema->max);
        break;
    case CONF_TYPE_CHOICE:
        choices_format(schema->choices, " or ", text, size);
        break;
    case CONF_TYPE_CHOICES:
        choices_format(schema->choices, " and ", choices, sizeof(choices));
        (void)snprintf(text, size, "an array of %s, each at most once", choices);
        break;
    case CONF_TYPE_MODE:
        (void)snprintf(text, size, "octal digits in double quotes, \"%04o\" to \"%04o\"",
                       (unsigned)schema->min, (unsigned)schema->max);
        break;
    case CONF_TYPE_LISTENERS:
        (void)snprintf(text, size, "a list of groups, at most %d, as %s", CONF_LISTENERS_MAX,
                       "( { port = 7; }, { path = \"/run/echod/echod.sock\"; } )");
        break;
    case CONF_TYPE_NETWORKS:
        (void)snprintf(text, size, "an array of IPv4 and IPv6 networks or addresses, as %s",
                       "[ \"10.0.0.0/8\", \"2001:db8::1\" ]");
        break;
    }
    return text;
}

const char *conf_schema_element_allowed(const struct conf_schema *schema, char *text, size_t size)
{
    if (schema->type == CONF_TYPE_CHOICES)
        choices_format(schema->choices, " or ", text, size);
    else
        (void)snprintf(text, size, "%s", CONF_NETWORK_ALLOWED);
    return text;
}

bool conf_schema_is_array(const struct conf_schema *schema)
{
    return schema->type == CONF_TYPE_NETWORKS || schema->type == CONF_TYPE_CHOICES;
}

/* [ "a", "b" ] */
static void array_format(const char *const *string, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "[");

    for (bool first = true; *string && used < size; string++, first = false)
        used += (size_t)snprintf(text + used, size - used, "%s\"%s\"", first ? " " : ", ", *string);
    if (used < size)
        (void)snprintf(text + used, size - used, " ]");
}

/* Those of the choices whose bits are set, in the order of the table. */
static void set_format(const struct conf_schema *schema, int set, char *text, size_t size)
{
    const char *names[8 * sizeof(int) + 1] = {NULL};
    size_t count = 0;

    for (const struct conf_choice *choice = schema->choices; choice->name; choice++)
        if (set & choice->value)
            names[count++] = choice->name;
    array_format(names, text, size);
}

const char *conf_schema_default(const struct conf_schema *schema, char *text, size_t size)
{
    text[0] = '\0';
    if (schema->absent != CONF_ABSENT_DEFAULT)
        return text;
    switch (schema->type) {
    case CONF_TYPE_INT:
        (void)snprintf(text, size, "%d", schema->number);
        break;
    case CONF_TYPE_STRING:
        conf_literal_quote(schema->text, text, size);
        break;
    case CONF_TYPE_CHOICE:
        (void)snprintf(text, size, "\"%s\"", conf_schema_choice_name(schema, schema->number));
        break;
    case CONF_TYPE_CHOICES:
        set_format(schema, schema->number, text, size);
        break;
    case CONF_TYPE_MODE:
        (void)snprintf(text, size, "\"%04o\"", (unsigned)schema->number);
        break;
    case CONF_TYPE_LISTENERS:
        (void)snprintf(text, size, "( )");
        break;
    case CONF_TYPE_NETWORKS:
        array_format(schema->networks, text, size);
        break;
    }
    return text;
}

const char *conf_schema_keys(const char *group, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (int row = 0; row < CONF_ROW_COUNT; row++) {
        const struct conf_schema *schema = conf_schema((enum conf_key)row);
        size_t length = conf_schema_group_length(schema);

        if ((!*group || (length > 0 && conf_schema_match(schema, group) == length)) && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "",
                                     schema->name);
    }
    return text;
}

/* The key that has this name, but in another group: "log.level" for "level". */
static const char *suggest_elsewhere(const char *name)
{
    for (int row = 0; row < CONF_ROW_COUNT; row++) {
        const struct conf_schema *schema = conf_schema((enum conf_key)row);
        size_t group = conf_schema_group_length(schema);

        if (strcmp(schema->name + (group > 0 ? group + 1 : 0), name) == 0)
            return schema->name;
    }
    return NULL;
}

static const char *last_name(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot ? dot + 1 : path;
}

/* The key of a known group whose own name is near: the group's would make all of them near. */
static const char *suggest_in_group(const char *group, const char *name)
{
    const char *known[CONF_ROW_COUNT + 1] = {NULL}, *near;
    size_t count = 0;
    int rows[CONF_ROW_COUNT];

    for (int row = 0; row < CONF_ROW_COUNT; row++) {
        const struct conf_schema *schema = conf_schema((enum conf_key)row);
        size_t length = conf_schema_group_length(schema);

        if (length == 0 || conf_schema_match(schema, group) != length)
            continue;
        rows[count] = row;
        known[count++] = last_name(schema->name);
    }
    near = suggest(name, known);
    for (size_t i = 0; near && i < count; i++)
        if (known[i] == near)
            return conf_schema((enum conf_key)rows[i])->name;
    return NULL;
}

/* The key or group that is near. */
static const char *suggest_outside(const char *path, char text[static CONF_SCHEMA_NAME_SIZE])
{
    char groups[CONF_ROW_COUNT][CONF_SCHEMA_NAME_SIZE];
    const char *known[2 * CONF_ROW_COUNT + 1] = {NULL}, *near;
    size_t count = 0;

    for (int row = 0; row < CONF_ROW_COUNT; row++) {
        const struct conf_schema *schema = conf_schema((enum conf_key)row);
        size_t length = conf_schema_group_length(schema);

        known[count++] = schema->name;
        (void)snprintf(groups[row], sizeof(groups[row]), "%.*s", (int)length, schema->name);
        if (length > 0)
            known[count++] = groups[row];
    }
    near = suggest(path, known);
    if (near)
        (void)snprintf(text, CONF_SCHEMA_NAME_SIZE, "%s", near);
    return near ? text : NULL;
}

const char *conf_schema_suggest(const char *path, char text[static CONF_SCHEMA_NAME_SIZE])
{
    const char *name = last_name(path), *near = suggest_elsewhere(name);
    char group[CONF_SCHEMA_PATH_SIZE];

    (void)snprintf(group, sizeof(group), "%.*s", (int)(name > path ? name - path - 1 : 0), path);
    if (near)
        return near;
    if (*group && conf_schema_is_group(group))
        return suggest_in_group(group, name);
    return suggest_outside(path, text);
}
