/* SPDX-License-Identifier: MIT */
#include "base/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/conf_errors.h"
#include "base/conf_fault.h"
#include "base/conf_files.h"
#include "base/conf_listeners.h"
#include "base/conf_origin.h"
#include "base/conf_syntax.h"
#include "base/conf_tree.h"
#include "base/conf_value.h"

/*
 * The files, one after the other, over the built-in defaults. libconfig says what a file is made
 * of (base/conf_tree.h); what the values are is read from the text (base/conf_literal.h). A file
 * that libconfig gave up on is walked as far as it came, so that one run reports as many faults as
 * possible.
 */

/* A load under way; nothing of conf gets out unless all went well. */
struct load {
    struct conf conf;
    struct conf_reading reading;
};

static void key_apply(struct load *load, const struct conf_node *node, const char *path,
                      enum conf_key key)
{
    const struct conf_schema *schema = conf_schema(key);
    void *field = (char *)&load->conf + schema->offset;

    if (conf_value_read(&load->reading, node, path, schema, field))
        conf_origin_set(&load->conf.origin[key], load->reading.file, node->line);
}

static void group_apply(struct load *load, const struct conf_node *group, const char *name);

static void setting_apply(struct load *load, const struct conf_node *node, const char *group)
{
    char path[CONF_SCHEMA_PATH_SIZE];
    int key;

    if (node->kind == CONF_KIND_NONE)
        return; /* The place of a syntax error. */
    (void)snprintf(path, sizeof(path), "%s%s%s", group, *group ? "." : "", node->name);
    key = conf_schema_find(path);
    if (key >= 0)
        key_apply(load, node, path, (enum conf_key)key);
    else if (!conf_schema_is_group(path))
        conf_fault_unknown(&load->reading, node, group, path);
    else if (node->kind != CONF_KIND_GROUP)
        conf_fault_group_wanted(&load->reading, node, path);
    else
        group_apply(load, node, path);
}

/* Only known groups are gone into, so this goes no deeper than the schema. */
static void group_apply(struct load *load, const struct conf_node *group, const char *name)
{
    for (size_t i = 0; i < group->count; i++)
        setting_apply(load, &group->child[i], name);
}

static void text_apply(struct load *load, char *text, size_t length)
{
    struct conf_reading *reading = &load->reading;
    _cleanup_(conf_tree_deinit) struct conf_tree tree = {.config = NULL};
    struct conf_syntax_stop stop;
    bool broken = false;
    int r;

    reading->text = text;
    r = conf_syntax_prepare(reading->errors, reading->file, text, length, &broken);
    if (r == 0)
        r = conf_tree_read(text, &tree, &stop);
    conf_reading_result(reading, r);
    if (r < 0)
        return;
    group_apply(load, &tree.root, "");
    if (r > 0 && !broken)
        conf_reading_result(reading,
                            conf_syntax_report(reading->errors, reading->file, text, &stop));
}

static void fault_read(struct conf_reading *reading, int r)
{
    if (r == -EFBIG)
        conf_fault(reading, 0, "too large; allowed: at most %zu bytes", CONF_FILE_SIZE_MAX);
    else if (r == -EBADF)
        conf_fault(reading, 0, "not a regular file");
    else
        conf_fault(reading, 0, "cannot be read: %s", strerror(-r));
}

static void file_apply(struct load *load, const char *file, bool required)
{
    _cleanup_(freep) char *text = NULL;
    size_t length = 0;
    int r;

    load->reading.file = file;
    r = conf_file_read(file, &text, &length);
    if (r == -ENOMEM)
        conf_reading_result(&load->reading, r);
    else if (r == 0)
        text_apply(load, text, length);
    else if (r != -ENOENT || required)
        fault_read(&load->reading, r);
}

static void dropins_apply(struct load *load, const char *const *dirs)
{
    _cleanup_(conf_files_deinit) struct conf_files files = {0};

    conf_reading_result(&load->reading, conf_files_find(dirs, &files, load->reading.errors));
    for (size_t i = 0; i < files.count; i++)
        file_apply(load, files.path[i], true);
}

int conf_load(const struct conf_paths *paths, struct conf *ret_conf, struct conf_errors *errors)
{
    struct load load = {.reading.errors = errors};
    int r;

    conf_reading_result(&load.reading, conf_defaults(&load.conf));
    if (paths->file)
        file_apply(&load, paths->file, paths->file_required);
    if (paths->dirs)
        dropins_apply(&load, paths->dirs);
    if (errors->count == 0) /* else values may be missing, and contradict in their places */
        conf_reading_result(&load.reading, conf_listeners_complete(&load.conf, errors));
    r = load.reading.r;
    if (r == 0 && errors->count > 0)
        r = -EINVAL;
    if (r == 0)
        *ret_conf = conf_take(&load.conf);
    conf_deinit(&load.conf);
    return r;
}
