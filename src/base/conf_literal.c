/* SPDX-License-Identifier: MIT */
#include "base/conf_literal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/conf_scan.h"

/* Groups and lists within each other: what lies deeper has no path of its own. */
#define DEPTH_MAX 32

/* A walk over the settings of a text, with the path to where it is. */
struct walk {
    struct conf_scan scan;
    char path[sizeof(((struct conf_text_key *)NULL)->path)];
    size_t length;           /* of the path */
    size_t base;             /* of that part of it that leads to the group we are in */
    size_t bases[DEPTH_MAX]; /* those of the groups around it */
    bool list;               /* we are in a list, not in a group */
    bool lists[DEPTH_MAX];
    size_t element; /* of the list */
    size_t elements[DEPTH_MAX];
    size_t depth;
    bool named; /* the last name's value has not been reached yet */
};

/* ---- the whole text ---- */

enum conf_text_fault conf_text_check(struct conf_literal *where)
{
    struct conf_scan scan = {.at = where->start, .line = where->line};

    for (;;) {
        struct conf_token token = conf_scan_next(&scan);

        if (token.kind >= CONF_TOKEN_INCLUDE)
            *where = token.text;
        switch (token.kind) {
        case CONF_TOKEN_END:
            return CONF_TEXT_SOUND;
        case CONF_TOKEN_INCLUDE:
            return CONF_TEXT_INCLUDE;
        case CONF_TOKEN_OPEN_COMMENT:
            return CONF_TEXT_OPEN_COMMENT;
        case CONF_TOKEN_OPEN_STRING:
            return CONF_TEXT_OPEN_STRING;
        default:
            break;
        }
    }
}

/* ---- settings ---- */

static void path_append(struct walk *walk, const char *text, size_t length)
{
    size_t room = sizeof(walk->path) - 1 - walk->length;

    /* A path that was cut off is longer than any key that we know: it is nobody's. */
    length = length < room ? length : room;
    memcpy(walk->path + walk->length, text, length);
    walk->length += length;
    walk->path[walk->length] = '\0';
}

static void walk_name(struct walk *walk, const struct conf_literal *name)
{
    walk->length = walk->base;
    if (walk->base > 0)
        path_append(walk, ".", 1);
    path_append(walk, name->start, name->length);
    walk->named = true;
}

/* What stands in a list has the path of the list and its number there; in an array, none. */
static void path_append_element(struct walk *walk)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "[%zu]", walk->element);
    walk->length = walk->base;
    path_append(walk, text, strlen(text));
}

static void walk_open(struct walk *walk, char bracket)
{
    if (walk->depth < DEPTH_MAX) {
        walk->bases[walk->depth] = walk->base;
        walk->lists[walk->depth] = walk->list;
        walk->elements[walk->depth] = walk->element;
    }
    walk->depth++;
    if (!walk->named)
        path_append_element(walk);
    walk->base = walk->length;
    walk->list = bracket != '{';
    walk->element = 0;
    walk->named = false;
}

static void walk_close(struct walk *walk)
{
    if (walk->depth == 0)
        return; /* A syntax error: libconfig says so. */
    walk->depth--;
    if (walk->depth < DEPTH_MAX) {
        walk->base = walk->bases[walk->depth];
        walk->list = walk->lists[walk->depth];
        walk->element = walk->elements[walk->depth];
    }
    walk->named = false;
}

/* Goes on to the next setting; false at the end of the text. */
static bool walk_next(struct walk *walk, struct conf_literal *ret_name)
{
    for (;;) {
        struct conf_token token = conf_scan_next(&walk->scan);

        switch (token.kind) {
        case CONF_TOKEN_END:
        case CONF_TOKEN_OPEN_COMMENT:
        case CONF_TOKEN_OPEN_STRING:
            return false;
        case CONF_TOKEN_NAME:
            walk_name(walk, &token.text);
            *ret_name = token.text;
            return true;
        case CONF_TOKEN_OPEN:
            walk_open(walk, *token.text.start);
            break;
        case CONF_TOKEN_CLOSE:
            walk_close(walk);
            break;
        case CONF_TOKEN_OTHER:
            walk->element += walk->list && *token.text.start == ',';
            break;
        default:
            break;
        }
    }
}

/* Strings that follow each other are one. */
static void value_extend(struct conf_scan *scan, struct conf_literal *value)
{
    while (conf_scan_peek(scan).kind == CONF_TOKEN_STRING) {
        struct conf_token more = conf_scan_next(scan);

        value->length = (size_t)(more.text.start + more.text.length - value->start);
    }
}

/* Whether a token is, or was meant to be, a value: not the end of a setting or the next one. */
static bool is_value(const struct conf_token *token)
{
    switch (token->kind) {
    case CONF_TOKEN_OPEN:
    case CONF_TOKEN_SCALAR:
    case CONF_TOKEN_STRING:
        return true;
    case CONF_TOKEN_OTHER:
        return *token->text.start != ';' && *token->text.start != ',';
    default:
        return false;
    }
}

/* What the setting that a walk has reached is set to. */
static void value_read(struct conf_scan scan, struct conf_text_key *key)
{
    struct conf_token token;

    key->assigned = conf_scan_peek(&scan).kind == CONF_TOKEN_ASSIGN;
    if (!key->assigned)
        return;
    (void)conf_scan_next(&scan);
    token = conf_scan_next(&scan);
    key->value_is_word =
        token.kind == CONF_TOKEN_NAME && conf_scan_peek(&scan).kind != CONF_TOKEN_ASSIGN;
    if (!key->value_is_word && !is_value(&token))
        return;
    key->value = token.text;
    if (token.kind == CONF_TOKEN_STRING)
        value_extend(&scan, &key->value);
}

static void key_read(const struct walk *walk, const struct conf_literal *name,
                     struct conf_text_key *ret_key)
{
    *ret_key = (struct conf_text_key){.name = *name};
    memcpy(ret_key->path, walk->path, sizeof(walk->path));
    value_read(walk->scan, ret_key);
}

int conf_text_key(const char *text, size_t index, struct conf_text_key *ret_key)
{
    struct walk walk = {.scan = {.at = text, .line = 1}};
    struct conf_literal name;

    for (size_t i = 0; walk_next(&walk, &name); i++)
        if (i == index) {
            key_read(&walk, &name, ret_key);
            return 0;
        }
    return -ENOENT;
}

int conf_text_find(const char *text, const char *path, struct conf_text_key *ret_key)
{
    struct walk walk = {.scan = {.at = text, .line = 1}};
    struct conf_literal name;

    while (walk_next(&walk, &name))
        if (strcmp(walk.path, path) == 0) {
            key_read(&walk, &name, ret_key);
            return 0;
        }
    return -ENOENT;
}

int conf_literal_find(const char *text, const char *path, struct conf_literal *ret_literal)
{
    struct conf_text_key key;

    if (conf_text_find(text, path, &key) < 0 || key.value.length == 0)
        return -ENOENT;
    *ret_literal = key.value;
    return 0;
}

/* ---- values ---- */

static bool is_long_suffix(const char *text, size_t length)
{
    return length <= 2 && strncmp(text, "LL", length) == 0;
}

int conf_literal_parse(const struct conf_literal *literal, long long *ret_number)
{
    const char *at = literal->start;
    bool hex = literal->length > 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
    size_t before = hex ? 2 : literal->length > 0 && (*at == '+' || *at == '-') ? 1 : 0;
    size_t digits = strspn(at + before, hex ? "0123456789abcdefABCDEF" : "0123456789");
    long long number;

    if (digits == 0 || before + digits > literal->length ||
        !is_long_suffix(at + before + digits, literal->length - before - digits))
        return -EINVAL;
    if (!hex && at[before] == '0' && digits > 1)
        return -EDOM;
    errno = 0;
    number = strtoll(at, NULL, hex ? 16 : 10);
    if (errno == ERANGE)
        return -ERANGE;
    *ret_number = number;
    return 0;
}

bool conf_literal_has_nul(const struct conf_literal *literal)
{
    const char *end = literal->start + literal->length;

    for (const char *at = literal->start; at + 3 < end; at++) {
        if (*at != '\\')
            continue;
        if (strncasecmp(at + 1, "x00", 3) == 0)
            return true;
        if (at[1] == '\\' || at[1] == '"')
            at++;
    }
    return false;
}

/* One byte of a string as it stands in a literal. */
static int byte_quote(unsigned char byte, char text[static 5])
{
    if (byte == '"' || byte == '\\')
        return snprintf(text, 5, "\\%c", byte);
    if (byte < 0x20 || byte == 0x7f)
        return snprintf(text, 5, "\\x%02X", byte);
    return snprintf(text, 5, "%c", byte);
}

const char *conf_literal_quote(const char *string, char *text, size_t size)
{
    size_t used = 1;

    (void)snprintf(text, size, "\"");
    for (; *string; string++) {
        char byte[5];
        size_t length = (size_t)byte_quote((unsigned char)*string, byte);

        if (used + length + sizeof("...\"") > size) {
            (void)snprintf(text + used, size - used, "...\"");
            return text;
        }
        memcpy(text + used, byte, length);
        used += length;
    }
    (void)snprintf(text + used, size - used, "\"");
    return text;
}
