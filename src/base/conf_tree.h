/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/conf_syntax.h"

/* What a configuration file is made of, as libconfig says: libconfig is known to conf_tree.c alone.
 */

enum conf_kind {
    CONF_KIND_NONE, /* the place of a syntax error */
    CONF_KIND_NUMBER,
    CONF_KIND_FRACTION,
    CONF_KIND_BOOLEAN,
    CONF_KIND_STRING,
    CONF_KIND_ARRAY,
    CONF_KIND_LIST,
    CONF_KIND_GROUP,
};

/* A setting, or an element of an array or a list. */
struct conf_node {
    enum conf_kind kind;
    const char *name; /* NULL for an element */
    unsigned line;
    const char *string;      /* of a string, without quotes and escapes */
    long long number;        /* as libconfig understood it, see base/conf_literal.h */
    bool cut;                /* libconfig gave up right here or right inside */
    struct conf_node *child; /* of an array, a list, a group */
    size_t count;
};

struct conf_tree {
    struct conf_node root; /* a group: the file */
    void *config;          /* libconfig's, which the strings are part of */
};

/*
 * Reads a text that went through conf_syntax_prepare(). 0; 1 where libconfig gave up, with
 * *ret_stop set: the tree is what it had read so far; or -ENOMEM.
 */
int conf_tree_read(const char *text, struct conf_tree *ret, struct conf_syntax_stop *ret_stop);

void conf_tree_deinit(struct conf_tree *tree);

/* "a number", "a string", ... */
const char *conf_kind_name(enum conf_kind kind);
