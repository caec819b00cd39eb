/* SPDX-License-Identifier: MIT */
#include "base/conf_listeners.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/conf_errors.h"
#include "base/conf_literal.h"
#include "base/conf_value.h"

enum { PATH_MAX_BYTES = 99 }; /* see CONF_LISTENER_PATH_ALLOWED */

const char *conf_listener_path_problem(const char *path)
{
    if (path[0] == '@')
        return path[1] ? NULL : "no name after the \"@\"";
    if (path[0] != '/')
        return "not absolute";
    if (path[strlen(path) - 1] == '/')
        return "a directory";
    return strlen(path) > PATH_MAX_BYTES ? "too long" : NULL;
}

const char *conf_listener_owner_problem(const char *owner)
{
    const char *colon = strchr(owner, ':');

    if (!*owner)
        return "an empty string";
    if (colon && !colon[1])
        return "no group after the \":\"";
    return colon && strchr(colon + 1, ':') ? "two \":\"" : NULL;
}

/* ---- a file's list ---- */

#define ENTRY_ALLOWED                                                                              \
    "host, port, backlog and protocols; or path, mode, owner, type and backlog; or vsock_port "    \
    "and "                                                                                         \
    "backlog"

static bool is_given(const struct conf_listener *entry, enum conf_key key)
{
    return entry->key_line[key - CONF_KEY_COUNT] > 0;
}

static enum conf_listener_kind kind_of(const struct conf_listener *entry)
{
    if (is_given(entry, CONF_LISTENER_PATH))
        return CONF_LISTENER_UNIX;
    return is_given(entry, CONF_LISTENER_VSOCK_PORT) ? CONF_LISTENER_VSOCK : CONF_LISTENER_IP;
}

bool conf_listener_has(const struct conf_listener *entry, enum conf_key key)
{
    if (entry->path[0] == '@' && (key == CONF_LISTENER_MODE || key == CONF_LISTENER_OWNER))
        return false;
    return conf_schema(key)->kinds & 1U << entry->kind;
}

/* Why a key that is given does not go with the others of its entry. */
static const char *misplaced(const struct conf_listener *entry)
{
    switch (entry->kind) {
    case CONF_LISTENER_UNIX:
        return entry->path[0] == '@' ? "it does not go with an abstract path"
                                     : "it does not go with path";
    case CONF_LISTENER_VSOCK:
        return "it does not go with vsock_port";
    default:
        return "it goes with path alone";
    }
}

static bool key_read(struct conf_reading *reading, const struct conf_node *node, const char *group,
                     struct conf_listener *entry)
{
    char path[CONF_SCHEMA_PATH_SIZE];
    const struct conf_schema *schema;
    int key;

    if (node->kind == CONF_KIND_NONE)
        return false; /* The place of a syntax error. */
    (void)snprintf(path, sizeof(path), "%s.%s", group, node->name);
    key = conf_schema_find(path);
    if (key < 0) {
        conf_fault_unknown(reading, node, group, path);
        return false;
    }
    schema = conf_schema((enum conf_key)key);
    if (!conf_value_read(reading, node, path, schema, (char *)entry + schema->offset))
        return false;
    entry->key_line[key - CONF_KEY_COUNT] = node->line;
    return true;
}

/* What is said beside each other has to be of one kind. */
static bool keys_check(struct conf_reading *reading, const struct conf_node *node,
                       const char *group, const struct conf_listener *entry)
{
    bool good = true;

    for (size_t i = 0; i < node->count; i++) {
        char path[CONF_SCHEMA_PATH_SIZE];

        (void)snprintf(path, sizeof(path), "%s.%s", group, node->child[i].name);
        if (conf_listener_has(entry, (enum conf_key)conf_schema_find(path)))
            continue;
        conf_fault_setting(reading, &node->child[i], path, misplaced(entry), ENTRY_ALLOWED);
        good = false;
    }
    return good;
}

static void entry_set_defaults(struct conf_listener *entry)
{
    for (int row = CONF_KEY_COUNT; row < CONF_ROW_COUNT; row++) {
        const struct conf_schema *schema = conf_schema((enum conf_key)row);

        (void)conf_schema_set_default(schema, (char *)entry + schema->offset); /* no lists */
    }
}

static bool entry_read(struct conf_reading *reading, const struct conf_node *node, size_t index,
                       struct conf_listener *entry)
{
    char group[32];
    bool good = true;

    if (node->kind == CONF_KIND_NONE)
        return false; /* The place of a syntax error. */
    (void)snprintf(group, sizeof(group), "listeners[%zu]", index);
    if (node->kind != CONF_KIND_GROUP) {
        conf_fault_group_wanted(reading, node, group);
        return false;
    }
    entry->line = node->line;
    entry_set_defaults(entry);
    for (size_t i = 0; i < node->count; i++)
        good = key_read(reading, &node->child[i], group, entry) && good;
    entry->kind = kind_of(entry);
    return good && keys_check(reading, node, group, entry);
}

bool conf_listeners_read(struct conf_reading *reading, const struct conf_node *node,
                         struct conf_listeners *ret)
{
    _cleanup_(conf_listeners_deinit) struct conf_listeners read = {.count = node->count};
    const struct conf_schema *schema = conf_schema(CONF_LISTENERS);
    bool good = true;

    if (node->kind != CONF_KIND_LIST) {
        conf_fault_kind(reading, node, schema->name, schema);
        return false;
    }
    if (node->count > CONF_LISTENERS_MAX) {
        conf_fault_value(reading, node, schema->name, schema, "too many");
        return false;
    }
    read.list = calloc(node->count + 1, sizeof(*read.list));
    if (!read.list) {
        conf_reading_result(reading, -ENOMEM);
        return false;
    }
    for (size_t i = 0; i < node->count; i++)
        good = entry_read(reading, &node->child[i], i, &read.list[i]) && good;
    if (!good)
        return false;
    conf_listeners_deinit(ret);
    *ret = read;
    read = (struct conf_listeners){0}; /* now owned by the configuration */
    return true;
}

void conf_listeners_deinit(struct conf_listeners *listeners)
{
    free(listeners->list);
    *listeners = (struct conf_listeners){0};
}

/* ---- all files together ---- */

static void entry_inherit(const struct conf *conf, struct conf_listener *entry)
{
    if (!is_given(entry, CONF_LISTENER_HOST))
        memcpy(entry->host, conf->host, sizeof(entry->host));
    if (!is_given(entry, CONF_LISTENER_PORT))
        entry->port = conf->port;
    if (!is_given(entry, CONF_LISTENER_BACKLOG))
        entry->backlog = conf->backlog;
    if (!is_given(entry, CONF_LISTENER_PROTOCOLS))
        entry->protocols = conf->protocols;
}

/* Whether the kernel would refuse the second one, as far as names tell. */
static bool collide(const struct conf_listener *a, const struct conf_listener *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case CONF_LISTENER_IP:
        return a->port == b->port && (a->protocols & b->protocols) != 0 &&
               (strcmp(a->host, b->host) == 0 || !*a->host || !*b->host);
    case CONF_LISTENER_UNIX:
        return strcmp(a->path, b->path) == 0;
    case CONF_LISTENER_VSOCK:
        return a->vsock_port == b->vsock_port;
    }
    return false;
}

/* The entry as it might stand in the file. */
static const char *entry_format(const struct conf_listener *entry, char *text, size_t size)
{
    char quoted[64];

    switch (entry->kind) {
    case CONF_LISTENER_IP:
        (void)snprintf(text, size, "{ host = %s; port = %d; }",
                       conf_literal_quote(entry->host, quoted, sizeof(quoted)), entry->port);
        break;
    case CONF_LISTENER_UNIX:
        (void)snprintf(text, size, "{ path = %s; }",
                       conf_literal_quote(entry->path, quoted, sizeof(quoted)));
        break;
    case CONF_LISTENER_VSOCK:
        (void)snprintf(text, size, "{ vsock_port = %d; }", entry->vsock_port);
        break;
    }
    return text;
}

static int entry_fault(const struct conf *conf, size_t index, struct conf_errors *errors,
                       const char *problem, const char *allowed)
{
    const struct conf_listener *entry = &conf->listeners.list[index];
    char text[128];

    return conf_errors_add(errors, conf->origin[CONF_LISTENERS].file, entry->line,
                           "listeners[%zu] = %s: %s; allowed: %s", index,
                           entry_format(entry, text, sizeof(text)), problem, allowed);
}

/* An entry against host and port, and the entries before it. */
static int entry_check(const struct conf *conf, size_t index, struct conf_errors *errors)
{
    const struct conf_listener *entry = &conf->listeners.list[index];
    struct conf_listener outside = {.kind = CONF_LISTENER_IP};
    char problem[128];

    entry_inherit(conf, &outside);
    if (entry->kind == CONF_LISTENER_IP && entry->protocols == 0)
        return entry_fault(conf, index, errors,
                           "protocols = [ ], so there is nothing to listen for",
                           "protocols = [ \"tcp\" ], for instance, in the entry");
    if (collide(entry, &outside))
        return entry_fault(conf, index, errors, "host and port say so already",
                           "each address and protocol once; protocols = [ ] outside of listeners "
                           "for none there");
    for (size_t i = 0; i < index; i++) {
        if (!collide(entry, &conf->listeners.list[i]))
            continue;
        (void)snprintf(problem, sizeof(problem), "listeners[%zu] in line %u says so already", i,
                       conf->listeners.list[i].line);
        return entry_fault(conf, index, errors, problem, "each address and protocol once");
    }
    return 0;
}

int conf_listeners_complete(struct conf *conf, struct conf_errors *errors)
{
    const struct conf_origin *origin = &conf->origin[CONF_PROTOCOLS];
    int r = 0;

    if (conf->protocols == 0 && conf->listeners.count == 0)
        return conf_errors_add(errors, origin->file, origin->line,
                               "protocols = [ ]: nothing to listen on; allowed: with entries in "
                               "listeners only");
    for (size_t i = 0; i < conf->listeners.count; i++)
        entry_inherit(conf, &conf->listeners.list[i]);
    for (size_t i = 0; i < conf->listeners.count && r == 0; i++)
        r = entry_check(conf, i, errors);
    return r;
}
