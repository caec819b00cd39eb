/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/conf_array.h"
#include "base/conf_schema.h"
#include "base/conf_tree.h"

/* A file that is being read, and what is said about what is wrong in it. */

struct conf_reading {
    struct conf_errors *errors;
    const char *file;
    const char *text;
    int r; /* -ENOMEM, once that happened */
};

/* Remembers a failure. */
void conf_reading_result(struct conf_reading *reading, int r);

/* "FILE:LINE: ..."; line 0 is the file as a whole. */
#define conf_fault(reading, line, ...)                                                             \
    conf_reading_result(reading,                                                                   \
                        conf_errors_add((reading)->errors, (reading)->file, line, __VA_ARGS__))

/* "PATH = VALUE: problem; allowed: ...". PATH is that of the text: "listeners[1].port". */
void conf_fault_value(struct conf_reading *reading, const struct conf_node *node, const char *path,
                      const struct conf_schema *schema, const char *problem);

/* The same, where the row does not say what is allowed. */
void conf_fault_setting(struct conf_reading *reading, const struct conf_node *node,
                        const char *path, const char *problem, const char *allowed);

/* The same: it is of a kind that the key cannot have. */
void conf_fault_kind(struct conf_reading *reading, const struct conf_node *node, const char *path,
                     const struct conf_schema *schema);

/* "PATH[INDEX] = VALUE: problem; allowed: ..." */
void conf_fault_element(struct conf_reading *reading, const char *path,
                        const struct conf_schema *schema, size_t index,
                        const struct conf_element *element, const char *problem);

/* Something else where a group is due. */
void conf_fault_group_wanted(struct conf_reading *reading, const struct conf_node *node,
                             const char *path);

/* A key that nobody knows, in a group, "" being the whole file. */
void conf_fault_unknown(struct conf_reading *reading, const struct conf_node *node,
                        const char *group, const char *path);
