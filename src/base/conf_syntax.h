/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/conf.h"

/* What to say about a text that is no configuration: libconfig's own "syntax error" helps nobody.
 */

/*
 * Reports what libconfig must not see or would not mention, and takes every @include out of the
 * text: libconfig 1.5 looks for the files in one directory whoever includes them, and ends the
 * whole process when one is a directory. length is that of the text; ret_broken: libconfig
 * will give up on what has been reported here. 0 or -ENOMEM.
 */
int conf_syntax_prepare(struct conf_errors *errors, const char *file, char *text, size_t length,
                        bool *ret_broken);

/* How far libconfig came in a text, and what it said. */
struct conf_syntax_stop {
    const char *message;
    unsigned line;
    size_t names;    /* of settings that it read, the last one perhaps without its value */
    bool incomplete; /* it is without */
    bool duplicate;  /* the next name is there already */
};

/* Reports where libconfig gave up, and why as far as can be told. 0 or -ENOMEM. */
int conf_syntax_report(struct conf_errors *errors, const char *file, const char *text,
                       const struct conf_syntax_stop *stop);
