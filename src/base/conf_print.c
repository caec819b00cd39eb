/* SPDX-License-Identifier: MIT */
#include "base/conf.h"

#include <errno.h>
#include <string.h>

#include "base/conf_listeners.h"
#include "base/conf_literal.h"
#include "base/conf_schema.h"

static bool same_group(const struct conf_schema *a, const struct conf_schema *b)
{
    size_t length = conf_schema_group_length(a);

    return conf_schema_group_length(b) == length && strncmp(a->name, b->name, length) == 0;
}

/* In one line, or in a line for each. */
static void networks_print(const struct networks *networks, const char *indent, FILE *out)
{
    enum { ONE_LINE_MAX = 4 };
    bool lines = networks->count > ONE_LINE_MAX;
    char text[NETWORK_TEXT_MAX];

    (void)fputc('[', out);
    for (size_t i = 0; i < networks->count; i++)
        (void)fprintf(out, "%s%s%s%s\"%s\"", i > 0 ? "," : "", lines ? "\n" : " ",
                      lines ? indent : "", lines ? "    " : "",
                      network_format(&networks->list[i], text));
    (void)fprintf(out, "%s%s]", lines ? "\n" : " ", lines ? indent : "");
}

static void value_print(const struct conf_schema *schema, const void *field, const char *indent,
                        FILE *out);

static void entry_print(const struct conf_listener *entry, FILE *out)
{
    for (int row = CONF_KEY_COUNT; row < CONF_ROW_COUNT; row++) {
        const struct conf_schema *schema = conf_schema((enum conf_key)row);

        if (!conf_listener_has(entry, (enum conf_key)row) ||
            (row == CONF_LISTENER_OWNER && !entry->owner[0]))
            continue;
        (void)fprintf(out, " %s = ", strrchr(schema->name, '.') + 1);
        value_print(schema, (const char *)entry + schema->offset, "", out);
        (void)fputc(';', out);
    }
}

/* A line for each entry, with what it inherits. */
static void listeners_print(const struct conf_listeners *listeners, FILE *out)
{
    (void)fputs("(", out);
    for (size_t i = 0; i < listeners->count; i++) {
        (void)fprintf(out, "%s\n    {", i > 0 ? "," : "");
        entry_print(&listeners->list[i], out);
        (void)fputs(" }", out);
    }
    (void)fputs(listeners->count > 0 ? "\n)" : " )", out);
}

static void choices_print(const struct conf_schema *schema, int set, FILE *out)
{
    bool first = true;

    (void)fputc('[', out);
    for (const struct conf_choice *choice = schema->choices; choice->name; choice++) {
        if (!(set & choice->value))
            continue;
        (void)fprintf(out, "%s\"%s\"", first ? " " : ", ", choice->name);
        first = false;
    }
    (void)fputs(" ]", out);
}

static void value_print(const struct conf_schema *schema, const void *field, const char *indent,
                        FILE *out)
{
    char text[CONF_SCHEMA_TEXT_SIZE];

    switch (schema->type) {
    case CONF_TYPE_INT:
        (void)fprintf(out, "%d", *(const int *)field);
        break;
    case CONF_TYPE_STRING:
        (void)fputs(conf_literal_quote(field, text, sizeof(text)), out);
        break;
    case CONF_TYPE_CHOICE:
        (void)fprintf(out, "\"%s\"", conf_schema_choice_name(schema, *(const int *)field));
        break;
    case CONF_TYPE_CHOICES:
        choices_print(schema, *(const int *)field, out);
        break;
    case CONF_TYPE_MODE:
        (void)fprintf(out, "\"%04o\"", *(const unsigned *)field);
        break;
    case CONF_TYPE_LISTENERS:
        listeners_print(field, out);
        break;
    case CONF_TYPE_NETWORKS:
        networks_print(field, indent, out);
        break;
    }
}

static void help_print(const struct conf_schema *schema, const char *indent, FILE *out)
{
    char text[CONF_SCHEMA_TEXT_SIZE];

    (void)fprintf(out, "%s# %s\n", indent, schema->help);
    (void)fprintf(out, "%s# Allowed: %s.\n", indent,
                  conf_schema_allowed(schema, text, sizeof(text)));
}

/* The keys that an entry of listeners can have. */
static void entry_help_print(FILE *out)
{
    char text[CONF_SCHEMA_TEXT_SIZE];

    for (int row = CONF_KEY_COUNT; row < CONF_ROW_COUNT; row++) {
        const struct conf_schema *schema = conf_schema((enum conf_key)row);

        (void)fprintf(out, "#   %s: %s\n", strrchr(schema->name, '.') + 1, schema->help);
        (void)fprintf(out, "#       Allowed: %s.\n",
                      conf_schema_allowed(schema, text, sizeof(text)));
    }
}

static void key_print(const struct conf *conf, enum conf_key key, FILE *out)
{
    const struct conf_schema *schema = conf_schema(key);
    char origin[sizeof(conf->origin[key].file) + 16];
    size_t group = conf_schema_group_length(schema);
    const char *indent = group > 0 ? "    " : "";

    help_print(schema, indent, out);
    if (key == CONF_LISTENERS)
        entry_help_print(out);
    (void)fprintf(out, "%s# Set by: %s.\n", indent,
                  conf_origin_format(conf, key, origin, sizeof(origin)));
    (void)fprintf(out, "%s%s = ", indent, schema->name + (group > 0 ? group + 1 : 0));
    value_print(schema, (const char *)conf + schema->offset, indent, out);
    (void)fputs(";\n", out);
}

int conf_print(const struct conf *conf, FILE *out)
{
    for (int key = 0; key < CONF_KEY_COUNT; key++) {
        const struct conf_schema *schema = conf_schema((enum conf_key)key);
        bool first = key == 0 || !same_group(schema, conf_schema((enum conf_key)(key - 1)));
        bool last =
            key == CONF_KEY_COUNT - 1 || !same_group(schema, conf_schema((enum conf_key)(key + 1)));
        size_t group = conf_schema_group_length(schema);

        if (key > 0)
            (void)fputc('\n', out);
        if (first && group > 0)
            (void)fprintf(out, "%.*s: {\n", (int)group, schema->name);
        key_print(conf, (enum conf_key)key, out);
        if (last && group > 0)
            (void)fputs("};\n", out);
    }
    if (fflush(out) != 0)
        return -errno;
    return ferror(out) ? -EIO : 0;
}
