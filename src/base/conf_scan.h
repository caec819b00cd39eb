/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/conf_literal.h"

/* The tokens of a configuration file, cut by the rules of libconfig's own scanner. */

enum conf_token_kind {
    CONF_TOKEN_END,
    CONF_TOKEN_NAME,
    CONF_TOKEN_ASSIGN, /* = : */
    CONF_TOKEN_OPEN,   /* { [ ( */
    CONF_TOKEN_CLOSE,  /* ) ] } */
    CONF_TOKEN_SCALAR, /* a number, true, false */
    CONF_TOKEN_STRING,
    CONF_TOKEN_OTHER,        /* separators, and all that libconfig will refuse */
    CONF_TOKEN_INCLUDE,      /* all the rest of the line */
    CONF_TOKEN_OPEN_COMMENT, /* one without an end: all the rest of the text */
    CONF_TOKEN_OPEN_STRING,  /* likewise */
};

struct conf_token {
    enum conf_token_kind kind;
    struct conf_literal text;
};

/* A place in a text that ends with a NUL; a new one starts at line 1. */
struct conf_scan {
    const char *at;
    unsigned line;
};

/* The token at this place, and on to behind it. */
struct conf_token conf_scan_next(struct conf_scan *scan);

/* The token at this place. */
struct conf_token conf_scan_peek(const struct conf_scan *scan);
