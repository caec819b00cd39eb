/* SPDX-License-Identifier: MIT */
#include "base/conf.h"

#include <errno.h>
#include <string.h>

#include "base/conf_schema.h"

const char *conf_origin_format(const struct conf *conf, enum conf_key key, char *text, size_t size)
{
    const struct conf_origin *origin = &conf->origin[key];

    if (origin->line > 0)
        (void)snprintf(text, size, "%s:%u", origin->file, origin->line);
    else
        (void)snprintf(text, size, "%s", origin->file[0] ? origin->file : "built-in default");
    return text;
}

static bool same_group(const struct conf_schema *a, const struct conf_schema *b)
{
    size_t length = conf_schema_group_length(a);

    return conf_schema_group_length(b) == length && strncmp(a->name, b->name, length) == 0;
}

static void key_print(const struct conf *conf, enum conf_key key, FILE *out)
{
    const struct conf_schema *schema = conf_schema(key);
    char text[CONF_SCHEMA_TEXT_SIZE], origin[sizeof(conf->origin[key].file) + 16];
    size_t group = conf_schema_group_length(schema);
    const char *indent = group > 0 ? "    " : "";

    (void)fprintf(out, "%s# %s\n", indent, schema->help);
    (void)fprintf(out, "%s# Allowed: %s.\n", indent,
                  conf_schema_allowed(schema, text, sizeof(text)));
    (void)fprintf(out, "%s# Set by: %s.\n", indent,
                  conf_origin_format(conf, key, origin, sizeof(origin)));
    (void)fprintf(out, "%s%s = %s;\n", indent, schema->name + (group > 0 ? group + 1 : 0),
                  conf_schema_value(schema, conf, text, sizeof(text)));
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
