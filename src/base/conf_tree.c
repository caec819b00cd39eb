/* SPDX-License-Identifier: MIT */
#include "base/conf_tree.h"

#include <errno.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

static enum conf_kind kind_of(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return CONF_KIND_NUMBER;
    case CONFIG_TYPE_FLOAT:
        return CONF_KIND_FRACTION;
    case CONFIG_TYPE_BOOL:
        return CONF_KIND_BOOLEAN;
    case CONFIG_TYPE_STRING:
        return CONF_KIND_STRING;
    case CONFIG_TYPE_ARRAY:
        return CONF_KIND_ARRAY;
    case CONFIG_TYPE_LIST:
        return CONF_KIND_LIST;
    case CONFIG_TYPE_GROUP:
        return CONF_KIND_GROUP;
    default:
        return CONF_KIND_NONE;
    }
}

const char *conf_kind_name(enum conf_kind kind)
{
    static const char *const names[] = {
        [CONF_KIND_NONE] = "nothing",
        [CONF_KIND_NUMBER] = "a number",
        [CONF_KIND_FRACTION] = "a decimal fraction",
        [CONF_KIND_BOOLEAN] = "a boolean",
        [CONF_KIND_STRING] = "a string",
        [CONF_KIND_ARRAY] = "an array",
        [CONF_KIND_LIST] = "a list",
        [CONF_KIND_GROUP] = "a group",
    };

    return names[kind];
}

static unsigned length_of(const config_setting_t *setting)
{
    return config_setting_is_aggregate(setting) ? (unsigned)config_setting_length(setting) : 0;
}

/* A tree under construction. */
struct building {
    const config_setting_t *last; /* that was read of a text that libconfig gave up on, or NULL */
    size_t names;
    int r;
};

static void node_read(struct building *building, const config_setting_t *setting,
                      struct conf_node *node)
{
    const config_setting_t *last = building->last;
    unsigned count = length_of(setting);

    *node = (struct conf_node){
        .kind = kind_of(setting),
        .name = config_setting_name(setting),
        .line = config_setting_source_line(setting),
        .string = config_setting_get_string(setting),
        .number = config_setting_type(setting) == CONFIG_TYPE_INT
                      ? config_setting_get_int(setting)
                      : config_setting_get_int64(setting),
        .cut = last && (last == setting || config_setting_parent(last) == setting),
    };
    building->names += node->name != NULL;
    if (count == 0)
        return;
    node->child = calloc(count, sizeof(*node->child));
    if (!node->child) {
        building->r = -ENOMEM;
        return;
    }
    for (; node->count < count; node->count++)
        node_read(building, config_setting_get_elem(setting, (unsigned)node->count),
                  &node->child[node->count]);
}

static void node_deinit(struct conf_node *node)
{
    for (size_t i = 0; i < node->count; i++)
        node_deinit(&node->child[i]);
    free(node->child);
}

/* The setting that was read last. */
static const config_setting_t *setting_last(const config_setting_t *setting)
{
    for (unsigned count = length_of(setting); count > 0; count = length_of(setting))
        setting = config_setting_get_elem(setting, count - 1);
    return setting;
}

static struct conf_syntax_stop stop_of(const config_t *config, const struct building *building)
{
    const char *message = config_error_text(config);

    return (struct conf_syntax_stop){
        .message = message ? message : "syntax error",
        .line = (unsigned)config_error_line(config),
        .names = building->names,
        .incomplete = kind_of(building->last) == CONF_KIND_NONE,
        .duplicate = message && strstr(message, "duplicate"),
    };
}

int conf_tree_read(const char *text, struct conf_tree *ret, struct conf_syntax_stop *ret_stop)
{
    struct building building = {.last = NULL};
    struct conf_tree tree = {.config = NULL};
    config_t *config = malloc(sizeof(*config));
    const config_setting_t *root;

    if (!config)
        return -ENOMEM;
    config_init(config);
    tree.config = config;
    if (config_read_string(config, text) != CONFIG_TRUE)
        building.last = setting_last(config_root_setting(config));
    root = config_root_setting(config);
    node_read(&building, root, &tree.root);
    if (building.r < 0) {
        conf_tree_deinit(&tree);
        return building.r;
    }
    if (building.last)
        *ret_stop = stop_of(config, &building);
    *ret = tree;
    return building.last ? 1 : 0;
}

void conf_tree_deinit(struct conf_tree *tree)
{
    node_deinit(&tree->root);
    if (tree->config)
        config_destroy(tree->config);
    free(tree->config);
    *tree = (struct conf_tree){.config = NULL};
}
