/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/* What a terminal can show. */
struct terminal {
    unsigned columns, rows;
    bool unicode; /* else ASCII */
    bool colour;
};

/*
 * False when FD is no terminal, or one without a cursor to move (TERM=dumb). By the locale
 * (LC_CTYPE), TERM, and NO_COLOR (no-color.org).
 */
bool terminal_look(int fd, struct terminal *ret_terminal);

/* Its size now: it may be changed at any time, with SIGWINCH. 80 x 24 where nobody knows. */
void terminal_measure(int fd, struct terminal *terminal);
