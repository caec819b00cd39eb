/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * What is written in a configuration file, to the letter. libconfig 1.5 hands out damaged values
 * without a word: integers cut to 32 bits, 0644 read as decimal 644, "\x00" left out of a string.
 * So the values are read here, from the text of the file, and libconfig is left to say what the
 * file is made of. The text is scanned by libconfig's own rules and ends with a NUL.
 */

/* A piece of the text; nobody's memory but the text's. */
struct conf_literal {
    const char *start;
    size_t length; /* 0: there is none */
    unsigned line; /* the first is 1 */
};

/* What else may be wrong with a text, which libconfig would not say, or not survive. */
enum conf_text_fault {
    CONF_TEXT_SOUND,
    CONF_TEXT_INCLUDE,      /* @include "..." */
    CONF_TEXT_OPEN_COMMENT, /* a comment without an end: hides the rest of the file */
    CONF_TEXT_OPEN_STRING,  /* a string without an end */
};

/*
 * The first fault of a text. where is the place to begin at, outside of comments and strings, and
 * becomes that of the fault if there is one.
 */
enum conf_text_fault conf_text_check(struct conf_literal *where);

/* A setting as the text has it: NAME = VALUE. */
struct conf_text_key {
    char path[128];           /* "log.level", "listeners[0].port"; cut off when longer */
    struct conf_literal name; /* the last part of the path */
    struct conf_literal value;
    bool value_is_word; /* a word without quotes, which libconfig takes for the next name */
    bool assigned;      /* the name is followed by "=" or ":" */
};

/* The setting that comes index-th in the text, the first is 0. 0, or -ENOENT. */
int conf_text_key(const char *text, size_t index, struct conf_text_key *ret_key);

/* The first setting with this path. 0, or -ENOENT. */
int conf_text_find(const char *text, const char *path, struct conf_text_key *ret_key);

/* The literal that a key of the text is set to: "log.level". 0, or -ENOENT. */
int conf_literal_find(const char *text, const char *path, struct conf_literal *ret_literal);

/*
 * The whole number that a literal stands for: decimal, or hexadecimal after 0x; an L or LL at the
 * end means nothing. Returns 0; -EINVAL: no whole number; -EDOM: a leading zero, which means octal
 * to some and decimal to libconfig; -ERANGE: more than a long long can hold.
 */
int conf_literal_parse(const struct conf_literal *literal, long long *ret_number);

/* Whether a string literal has a \x00 in it, which libconfig would drop silently. */
bool conf_literal_has_nul(const struct conf_literal *literal);

/*
 * Writes a string as a literal that reads back to it: quotes around, special characters escaped.
 * Four bytes for each of the string's and seven more always suffice; a string that does not fit
 * is cut off and ends in "...". size is 8 at least. text is returned.
 */
const char *conf_literal_quote(const char *string, char *text, size_t size);
