/* SPDX-License-Identifier: MIT */
#include "base/conf_syntax.h"

#include <errno.h>
#include <string.h>

#include "base/conf_array.h"
#include "base/conf_errors.h"
#include "base/conf_literal.h"
#include "base/conf_schema.h"

#define UTF8_BOM "\xef\xbb\xbf"

/* libconfig compares each name with all before it: the time that takes grows with the square. */
#define SETTINGS_MAX 2000

/* Lines and words in messages are cut off here. */
#define EXCERPT_MAX 60

static int excerpt_length(size_t length)
{
    return (int)(length < EXCERPT_MAX ? length : EXCERPT_MAX);
}

/* ---- before libconfig ---- */

static unsigned line_of(const char *text, const char *at)
{
    unsigned line = 1;

    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

/* Bytes at which the text would end, or that are no text. */
static int bytes_check(struct conf_errors *errors, const char *file, char *text, size_t length,
                       bool *ret_broken)
{
    const char *nul = memchr(text, '\0', length);
    int r;

    if (nul) {
        *ret_broken = true;
        r = conf_errors_add(
            errors, file, line_of(text, nul),
            "a NUL byte: this is no text file, or one in UTF-16; nothing after it is "
            "read; allowed: UTF-8");
        if (r < 0)
            return r;
    }
    if (strncmp(text, UTF8_BOM, strlen(UTF8_BOM)) != 0)
        return 0;
    memset(text, ' ', strlen(UTF8_BOM)); /* Reported once; the rest can be looked at. */
    return conf_errors_add(errors, file, 1,
                           "the file begins with a UTF-8 byte order mark (BOM), three invisible "
                           "bytes; allowed: UTF-8 without it");
}

static int include_remove(struct conf_errors *errors, const char *file, char *text,
                          const struct conf_literal *where)
{
    int r = conf_errors_add(errors, file, where->line,
                            "%.*s: files cannot include others; allowed: drop-in files, *.conf in "
                            "the directory of the same name with .d",
                            excerpt_length(where->length), where->start);

    memset(text + (where->start - text), ' ', where->length);
    return r;
}

static int open_report(struct conf_errors *errors, const char *file, const char *what,
                       const char *end, const struct conf_literal *where)
{
    size_t length = strcspn(where->start, "\n");

    return conf_errors_add(
        errors, file, where->line,
        "%.*s: %s that begins here and has no end; allowed: one that ends with %s",
        excerpt_length(length), where->start, what, end);
}

static int count_check(struct conf_errors *errors, const char *file, char *text, bool *ret_broken)
{
    struct conf_text_key key;

    if (conf_text_key(text, SETTINGS_MAX, &key) < 0)
        return 0;
    text[0] = '\0'; /* Not a word of it is for libconfig. */
    *ret_broken = true;
    return conf_errors_add(errors, file, key.name.line,
                           "%s: too many settings; allowed: at most %d in a file", key.path,
                           SETTINGS_MAX);
}

int conf_syntax_prepare(struct conf_errors *errors, const char *file, char *text, size_t length,
                        bool *ret_broken)
{
    struct conf_literal where = {.start = text, .line = 1};
    enum conf_text_fault fault = CONF_TEXT_SOUND;
    int r;

    *ret_broken = false;
    r = bytes_check(errors, file, text, length, ret_broken);
    if (r == 0)
        r = count_check(errors, file, text, ret_broken);
    while (r == 0 && (fault = conf_text_check(&where)) == CONF_TEXT_INCLUDE)
        r = include_remove(errors, file, text, &where);
    if (r < 0 || fault == CONF_TEXT_SOUND)
        return r;
    *ret_broken = true;
    return fault == CONF_TEXT_OPEN_COMMENT ? open_report(errors, file, "a comment", "*/", &where)
                                           : open_report(errors, file, "a string", "\"", &where);
}

/* ---- after libconfig ---- */

static const char *line_start(const char *text, unsigned line)
{
    for (; line > 1 && *text; text++)
        line -= *text == '\n';
    return text + strspn(text, " \t");
}

static int report_line(struct conf_errors *errors, const char *file, const char *text,
                       const struct conf_syntax_stop *stop)
{
    const char *start = line_start(text, stop->line);
    size_t length = strcspn(start, "\r\n");

    return conf_errors_add(errors, file, stop->line,
                           "%.*s: %s in this line or before it; allowed: KEY = VALUE; with a "
                           "number, a \"string\", [ an array ], ( a list ) or { a group }",
                           excerpt_length(length), start, stop->message);
}

/* A key's value as it is written, on one line. */
static const char *value_excerpt(const struct conf_text_key *key, char text[static EXCERPT_MAX + 1])
{
    const char *start = key->value.start;

    if (key->value.length == 1 && strchr("{[(", *start))
        (void)snprintf(text, EXCERPT_MAX + 1, "%c ... %c", *start,
                       *start == '{'   ? '}'
                       : *start == '[' ? ']'
                                       : ')');
    else
        (void)snprintf(text, EXCERPT_MAX + 1, "%.*s", excerpt_length(key->value.length), start);
    return text;
}

static int report_duplicate(struct conf_errors *errors, const char *file, const char *text,
                            const struct conf_syntax_stop *stop)
{
    struct conf_text_key key, first;
    char value[EXCERPT_MAX + 1];

    if (conf_text_key(text, stop->names, &key) < 0 || conf_text_find(text, key.path, &first) < 0)
        return report_line(errors, file, text, stop);
    return conf_errors_add(errors, file, key.name.line,
                           "%s = %s: a duplicate, it is set in line %u already; "
                           "allowed: once in a file",
                           key.path, value_excerpt(&key, value), first.name.line);
}

static int report_word(struct conf_errors *errors, const char *file,
                       const struct conf_text_key *key)
{
    char allowed[CONF_SCHEMA_TEXT_SIZE] = "a number, or a string in double quotes";
    int known = conf_schema_find(key->path);

    if (known >= 0)
        (void)conf_schema_allowed(conf_schema((enum conf_key)known), allowed, sizeof(allowed));
    return conf_errors_add(errors, file, key->name.line,
                           "%s = %.*s: syntax error, a word without quotes; allowed: %s", key->path,
                           excerpt_length(key->value.length), key->value.start, allowed);
}

/* The first element that is no string; false when there is none. */
static bool find_other(struct conf_array *array, struct conf_element *ret)
{
    while (conf_array_next(array, ret))
        if (ret->strings == 0 || ret->others > 0)
            return true;
    return false;
}

static int report_element(struct conf_errors *errors, const char *file, const char *array,
                          size_t index, const struct conf_literal *element)
{
    size_t line = strcspn(element->start, "\n");
    size_t length = element->length < line ? element->length : line;
    const struct conf_schema *schema = conf_schema((enum conf_key)conf_schema_find(array));
    char allowed[CONF_SCHEMA_TEXT_SIZE];

    return conf_errors_add(errors, file, element->line,
                           "%s[%zu]%s%.*s: syntax error, %s; allowed: %s", array, index,
                           length ? " = " : "", excerpt_length(length), element->start,
                           length ? "no string in double quotes" : "no value at a comma",
                           conf_schema_element_allowed(schema, allowed, sizeof(allowed)));
}

/* An array of strings: a comma too many, a missing quote, a missing bracket. */
static int report_array(struct conf_errors *errors, const char *file, const char *text,
                        const struct conf_text_key *key, const struct conf_syntax_stop *stop)
{
    struct conf_array array = conf_array_begin(&key->value);
    struct conf_element element;

    if (find_other(&array, &element))
        return report_element(errors, file, key->path, array.index - 1, &element.text);
    if (array.closed)
        return report_line(errors, file, text, stop);
    return conf_errors_add(errors, file, key->name.line,
                           "%s: syntax error, an array that has no \"]\" at its end; "
                           "allowed: [ A, B ]",
                           key->path);
}

/* Whether libconfig gave up in the array that a key is set to, as far as lines tell. */
static bool is_in_array(const struct conf_text_key *key, const struct conf_syntax_stop *stop)
{
    int known = conf_schema_find(key->path);
    struct conf_element element;
    struct conf_array array;

    if (known < 0 || !conf_schema_is_array(conf_schema((enum conf_key)known)) ||
        key->value.length == 0 || *key->value.start != '[')
        return false;
    array = conf_array_begin(&key->value);
    while (conf_array_next(&array, &element))
        ;
    return !array.closed || stop->line <= array.scan.line;
}

int conf_syntax_report(struct conf_errors *errors, const char *file, const char *text,
                       const struct conf_syntax_stop *stop)
{
    struct conf_text_key key;

    if (stop->duplicate)
        return report_duplicate(errors, file, text, stop);
    if (conf_text_key(text, stop->names - 1, &key) < 0)
        return report_line(errors, file, text, stop);
    if (is_in_array(&key, stop))
        return report_array(errors, file, text, &key, stop);
    if (!stop->incomplete)
        return report_line(errors, file, text, stop);
    if (!key.assigned)
        return conf_errors_add(errors, file, key.name.line,
                               "%s: syntax error, no \"=\" after it; allowed: KEY = VALUE;",
                               key.path);
    if (key.value_is_word)
        return report_word(errors, file, &key);
    if (key.value.length == 0)
        return conf_errors_add(errors, file, key.name.line,
                               "%s: syntax error, no value after the \"=\"; allowed: KEY = VALUE;",
                               key.path);
    return report_line(errors, file, text, stop);
}
