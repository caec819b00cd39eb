/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/conf.h"

/*
 * The one table of what may stand in echod.conf. Parsing, --print-config, the check for unknown
 * keys and the tests of echod.conf(5) and etc/echod.conf all read it.
 */

enum conf_type {
    CONF_TYPE_INT,     /* an int field, min..max */
    CONF_TYPE_STRING,  /* a char array field of max + 1 bytes */
    CONF_TYPE_CHOICE,  /* an int field, set to the value of one of the choices */
    CONF_TYPE_CHOICES, /* an int field, of their values all bits; an array of strings in the file */
    CONF_TYPE_NETWORKS, /* a struct networks field; an array of strings in the file */
};

struct conf_choice {
    const char *name;
    int value;
};

struct conf_schema {
    const char *name; /* dotted for a key in a group: "log.level"; a group's rows stand together */
    enum conf_type type;
    size_t offset; /* of the field in struct conf */
    int min, max;
    int number;                        /* default of an int or of choices */
    const char *text;                  /* default of a string */
    const struct conf_choice *choices; /* ended by a NULL name */
    const char *const *networks;       /* default of networks, NULL-ended */
    const char *unit;                  /* "seconds", or NULL */
    const char *help;                  /* one line */
};

/* The row of a key; never fails for a valid key. */
const struct conf_schema *conf_schema(enum conf_key key);

/* The key of a dotted name, or -1. */
int conf_schema_find(const char *name);

/* Whether a name is that of a group: "log". */
bool conf_schema_is_group(const char *name);

/* How long the group part of a row's name is: 3 for "log.level", 0 for "port". */
size_t conf_schema_group_length(const struct conf_schema *schema);

/* The keys of a group, "" being the whole file, as a list in words. text is returned. */
const char *conf_schema_keys(const char *group, char *text, size_t size);

/* Longer than any name in the table. */
#define CONF_SCHEMA_NAME_SIZE 64

/* The key or group that was probably meant by a name that is neither, in text; or NULL. */
const char *conf_schema_suggest(const char *path, char text[static CONF_SCHEMA_NAME_SIZE]);

/* The value of a choice's name, or -1. */
int conf_schema_choice(const struct conf_schema *schema, const char *name);

/* The name of a choice's value; never fails for a value from the table. */
const char *conf_schema_choice_name(const struct conf_schema *schema, int value);

/* Enough for conf_schema_allowed() and conf_schema_default() of any row. */
#define CONF_SCHEMA_TEXT_SIZE 1280

/* What is allowed, in words: "1 to 65535", "\"none\", \"refused\" or \"all\"". text is returned. */
const char *conf_schema_allowed(const struct conf_schema *schema, char *text, size_t size);

/* What is allowed as an element of an array, in words. text is returned. */
const char *conf_schema_element_allowed(const struct conf_schema *schema, char *text, size_t size);

/* Whether a value of this type is an array in the file. */
bool conf_schema_is_array(const struct conf_schema *schema);

/* The default as it would stand in the file: 65432, "info". text is returned. */
const char *conf_schema_default(const struct conf_schema *schema, char *text, size_t size);
