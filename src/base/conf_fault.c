/* SPDX-License-Identifier: MIT */
#include "base/conf_fault.h"

#include <stdio.h>
#include <string.h>

#include "base/conf_errors.h"
#include "base/conf_literal.h"

/* Values in messages are cut off here. */
#define EXCERPT_SIZE 64

void conf_reading_result(struct conf_reading *reading, int r)
{
    if (r < 0)
        reading->r = r;
}

static const char *excerpt(const char *start, size_t length, char text[static EXCERPT_SIZE])
{
    bool cut = length > EXCERPT_SIZE - 4;

    (void)snprintf(text, EXCERPT_SIZE, "%.*s%s", (int)(cut ? EXCERPT_SIZE - 4 : length), start,
                   cut ? "..." : "");
    return text;
}

/* A setting's value as it stands in the file. */
static const char *value_excerpt(const struct conf_reading *reading, const struct conf_node *node,
                                 const char *path, char text[static EXCERPT_SIZE])
{
    struct conf_literal literal = {0};

    switch (node->kind) {
    case CONF_KIND_STRING:
        return conf_literal_quote(node->string, text, EXCERPT_SIZE);
    case CONF_KIND_ARRAY:
        return node->count > 0 ? "[ ... ]" : "[ ]";
    case CONF_KIND_LIST:
        return node->count > 0 ? "( ... )" : "( )";
    case CONF_KIND_GROUP:
        return "{ ... }";
    default:
        if (conf_literal_find(reading->text, path, &literal) == 0)
            return excerpt(literal.start, literal.length, text);
        (void)snprintf(text, EXCERPT_SIZE, node->kind == CONF_KIND_NUMBER ? "%lld" : "?",
                       node->number); /* An element of a list has no literal. */
        return text;
    }
}

void conf_fault_setting(struct conf_reading *reading, const struct conf_node *node,
                        const char *path, const char *problem, const char *allowed)
{
    char value[EXCERPT_SIZE];

    conf_fault(reading, node->line, "%s = %s: %s; allowed: %s", path,
               value_excerpt(reading, node, path, value), problem, allowed);
}

void conf_fault_value(struct conf_reading *reading, const struct conf_node *node, const char *path,
                      const struct conf_schema *schema, const char *problem)
{
    char allowed[CONF_SCHEMA_TEXT_SIZE];

    conf_fault_setting(reading, node, path, problem,
                       conf_schema_allowed(schema, allowed, sizeof(allowed)));
}

static const char *kind_wanted(enum conf_type type)
{
    switch (type) {
    case CONF_TYPE_INT:
        return "a number";
    case CONF_TYPE_CHOICES:
    case CONF_TYPE_NETWORKS:
        return "an array";
    case CONF_TYPE_LISTENERS:
        return "a list";
    default:
        return "a string";
    }
}

void conf_fault_kind(struct conf_reading *reading, const struct conf_node *node, const char *path,
                     const struct conf_schema *schema)
{
    char problem[64];

    (void)snprintf(problem, sizeof(problem), "%s where %s is wanted", conf_kind_name(node->kind),
                   kind_wanted(schema->type));
    conf_fault_value(reading, node, path, schema, problem);
}

void conf_fault_element(struct conf_reading *reading, const char *path,
                        const struct conf_schema *schema, size_t index,
                        const struct conf_element *element, const char *problem)
{
    char value[EXCERPT_SIZE], allowed[CONF_SCHEMA_TEXT_SIZE];

    conf_fault(reading, element->text.line, "%s[%zu] = %s: %s; allowed: %s", path, index,
               excerpt(element->text.start, element->text.length, value), problem,
               conf_schema_element_allowed(schema, allowed, sizeof(allowed)));
}

void conf_fault_group_wanted(struct conf_reading *reading, const struct conf_node *node,
                             const char *path)
{
    char value[EXCERPT_SIZE], keys[CONF_SCHEMA_TEXT_SIZE];

    conf_fault(reading, node->line, "%s = %s: %s where a group is wanted; allowed: { ... } with %s",
               path, value_excerpt(reading, node, path, value), conf_kind_name(node->kind),
               conf_schema_keys(path, keys, sizeof(keys)));
}

void conf_fault_unknown(struct conf_reading *reading, const struct conf_node *node,
                        const char *group, const char *path)
{
    char text[CONF_SCHEMA_NAME_SIZE], keys[CONF_SCHEMA_TEXT_SIZE], name[EXCERPT_SIZE];
    const char *near = conf_schema_suggest(path, text);

    (void)excerpt(path, strlen(path), name);
    if (near)
        conf_fault(reading, node->line, "%s: unknown key; did you mean \"%s\"?", name, near);
    else
        conf_fault(reading, node->line, "%s: unknown key; known keys: %s", name,
                   conf_schema_keys(group, keys, sizeof(keys)));
}
