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
    CONF_TYPE_MODE,    /* an int field; a string of octal digits in the file */
    CONF_TYPE_LISTENERS, /* a struct conf_listeners field; a list of groups in the file */
    CONF_TYPE_NETWORKS,  /* a struct networks field; an array of strings in the file */
};

struct conf_choice {
    const char *name;
    int value;
};

/* What holds where a key is not set. */
enum conf_absent {
    CONF_ABSENT_DEFAULT,   /* its default */
    CONF_ABSENT_INHERITED, /* what the key of the same name outside of listeners is */
    CONF_ABSENT_NOTHING,
};

/*
 * A key in a group has a dotted name, "log.level", and a group's rows stand together. The keys of
 * an entry of listeners are "listeners[].port", and "listeners[0].port" finds the row.
 */
struct conf_schema {
    const char *name;
    enum conf_type type;
    size_t offset; /* of the field in struct conf, or struct conf_listener */
    int min, max;
    int number;                        /* default of an int or of choices */
    const char *text;                  /* default of a string */
    const struct conf_choice *choices; /* ended by a NULL name */
    const char *const *networks;       /* default of networks, NULL-ended */
    enum conf_absent absent;
    unsigned kinds; /* of entries of listeners that may have it: 1 << enum conf_listener_kind */
    const char *(*check)(const char *); /* says what else is wrong with a string, or NULL */
    const char *allowed;                /* what that check allows, in words */
    const char *unit;                   /* "seconds", or NULL */
    const char *help;                   /* one line */
};

/* The row of a key; never fails for a valid key. */
const struct conf_schema *conf_schema(enum conf_key key);

/* The row of a dotted name, or -1. */
int conf_schema_find(const char *name);

/* Whether a name is that of a group: "log", "listeners[0]". */
bool conf_schema_is_group(const char *name);

/* How long the group part of a row's name is: 3 for "log.level", 0 for "port". */
size_t conf_schema_group_length(const struct conf_schema *schema);

/* Sets a field to its row's default. 0 or -ENOMEM. */
int conf_schema_set_default(const struct conf_schema *schema, void *field);

/*
 * How much of a row's name is meant by a path: all of "listeners[].port" by "listeners[0].port",
 * the group of it by "listeners[0]"; 0: neither.
 */
size_t conf_schema_match(const struct conf_schema *schema, const char *path);

/* The keys of a group, "" being the whole file, as a list in words. text is returned. */
const char *conf_schema_keys(const char *group, char *text, size_t size);

/* Longer than any name in the table. */
#define CONF_SCHEMA_NAME_SIZE 64

/* Paths in a text are cut off here: a longer one is nobody's. */
#define CONF_SCHEMA_PATH_SIZE 128

/* The key or group that was probably meant by a name that is neither, perhaps in text; or NULL. */
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

/* The default as it would stand in the file: 65432, "info"; "" if it has none of its own. text is
 * returned. */
const char *conf_schema_default(const struct conf_schema *schema, char *text, size_t size);
