/* SPDX-License-Identifier: MIT */
#include "base/conf_scan.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static void advance(struct conf_scan *scan, size_t length)
{
    for (; length > 0; length--)
        if (*scan->at++ == '\n')
            scan->line++;
}

/* Where a comment at this place ends, or NULL: it has no end. The place itself: no comment. */
static const char *comment_end(const char *at)
{
    const char *end;

    if (at[0] == '#' || (at[0] == '/' && at[1] == '/'))
        return at + strcspn(at, "\n");
    if (at[0] != '/' || at[1] != '*')
        return at;
    end = strstr(at + 2, "*/");
    return end ? end + 2 : NULL;
}

/* Skips space and comments; false at a comment that has no end. */
static bool skip_blank(struct conf_scan *scan)
{
    for (;;) {
        size_t space = strspn(scan->at, " \t\r\n\f");
        const char *end;

        advance(scan, space);
        end = comment_end(scan->at);
        if (!end)
            return false;
        if (end == scan->at)
            return true;
        advance(scan, (size_t)(end - scan->at));
    }
}

static size_t name_length(const char *at)
{
    size_t length = 0;

    if (!isalpha((unsigned char)*at) && *at != '*')
        return 0;
    while (isalnum((unsigned char)at[length]) || (at[length] && strchr("-_*", at[length])))
        length++;
    return length;
}

static size_t string_length(const char *at)
{
    size_t length = 1;

    while (at[length] && at[length] != '"')
        length += at[length] == '\\' && (at[length + 1] == '\\' || at[length + 1] == '"') ? 2 : 1;
    return at[length] ? length + 1 : 0;
}

static size_t long_suffix(const char *at)
{
    return at[0] != 'L' ? 0 : at[1] != 'L' ? 1 : 2;
}

static size_t digits(const char *at)
{
    return strspn(at, "0123456789");
}

static size_t exponent_length(const char *at)
{
    size_t sign = at[0] && (at[1] == '+' || at[1] == '-') ? 1 : 0;
    size_t length;

    if (*at != 'e' && *at != 'E')
        return 0;
    length = digits(at + 1 + sign);
    return length > 0 ? 1 + sign + length : 0;
}

static size_t hex_length(const char *at)
{
    size_t length;

    if (at[0] != '0' || (at[1] != 'x' && at[1] != 'X'))
        return 0;
    length = strspn(at + 2, "0123456789abcdefABCDEF");
    return length > 0 ? 2 + length + long_suffix(at + 2 + length) : 0;
}

static size_t number_length(const char *at)
{
    size_t sign = *at == '+' || *at == '-' ? 1 : 0;
    size_t length = hex_length(at), exponent;

    if (length > 0)
        return length;
    length = sign + digits(at + sign);
    if (at[length] == '.') {
        length += 1 + digits(at + length + 1);
        return length + exponent_length(at + length);
    }
    if (length == sign)
        return 0;
    exponent = exponent_length(at + length);
    return exponent > 0 ? length + exponent : length + long_suffix(at + length);
}

static bool is_boolean(const char *at, size_t length)
{
    return (length == 4 && strncasecmp(at, "true", 4) == 0) ||
           (length == 5 && strncasecmp(at, "false", 5) == 0);
}

static enum conf_token_kind punctuation(const char *at)
{
    switch (*at) {
    case '=':
    case ':':
        return CONF_TOKEN_ASSIGN;
    case '{':
    case '[':
    case '(':
        return CONF_TOKEN_OPEN;
    case '}':
    case ']':
    case ')':
        return CONF_TOKEN_CLOSE;
    default:
        return CONF_TOKEN_OTHER;
    }
}

/* The kind of the token at this place, and its length. */
static enum conf_token_kind token_measure(const char *at, size_t *ret_length)
{
    if (*at == '"') {
        *ret_length = string_length(at);
        return *ret_length > 0 ? CONF_TOKEN_STRING : CONF_TOKEN_OPEN_STRING;
    }
    if ((*ret_length = name_length(at)) > 0)
        return is_boolean(at, *ret_length) ? CONF_TOKEN_SCALAR : CONF_TOKEN_NAME;
    if ((*ret_length = number_length(at)) > 0)
        return CONF_TOKEN_SCALAR;
    /* libconfig wants it at the beginning of a line, but better one too many than one missed. */
    if (strncmp(at, "@include", 8) == 0) {
        *ret_length = strcspn(at, "\n");
        return CONF_TOKEN_INCLUDE;
    }
    *ret_length = 1;
    return punctuation(at);
}

struct conf_token conf_scan_next(struct conf_scan *scan)
{
    struct conf_token token = {.kind = CONF_TOKEN_END};

    if (!skip_blank(scan))
        token.kind = CONF_TOKEN_OPEN_COMMENT;
    token.text.start = scan->at;
    token.text.line = scan->line;
    if (token.kind == CONF_TOKEN_END && *scan->at)
        token.kind = token_measure(scan->at, &token.text.length);
    if (token.kind == CONF_TOKEN_OPEN_COMMENT || token.kind == CONF_TOKEN_OPEN_STRING)
        token.text.length = strlen(scan->at); /* All the rest. */
    advance(scan, token.text.length);
    return token;
}

struct conf_token conf_scan_peek(const struct conf_scan *scan)
{
    struct conf_scan copy = *scan;

    return conf_scan_next(&copy);
}
