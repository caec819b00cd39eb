/* SPDX-License-Identifier: MIT */
#include "base/conf_origin.h"

#include <string.h>

#include "base/conf_schema.h"

void conf_origin_set(struct conf_origin *origin, const char *file, unsigned line)
{
    size_t length = strlen(file), size = sizeof(origin->file);

    /* The end of a path says more than its beginning. */
    if (length < size)
        (void)snprintf(origin->file, size, "%s", file);
    else
        (void)snprintf(origin->file, size, "...%s", file + length - size + 4);
    for (char *at = origin->file; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?'; /* It goes into logs, and into comments of --print-config. */
    origin->line = line;
}

const char *conf_listener_origin_format(const struct conf *conf, size_t entry, enum conf_key key,
                                        char *text, size_t size)
{
    const struct conf_listener *listener = &conf->listeners.list[entry];
    unsigned line = listener->key_line[key - CONF_KEY_COUNT];
    const char *name = line > 0 ? strrchr(conf_schema(key)->name, '.') : "";

    (void)snprintf(text, size, "listeners[%zu]%s: %s:%u", entry, name,
                   conf->origin[CONF_LISTENERS].file, line > 0 ? line : listener->line);
    return text;
}

const char *conf_origin_format(const struct conf *conf, enum conf_key key, char *text, size_t size)
{
    const struct conf_origin *origin = &conf->origin[key];

    if (origin->line > 0)
        (void)snprintf(text, size, "%s:%u", origin->file, origin->line);
    else
        (void)snprintf(text, size, "%s", origin->file[0] ? origin->file : "built-in default");
    return text;
}
