/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "client/options.h"

/* A command line has no more rows than this. */
enum { OPTION_ROWS_MAX = 48 };

/* Prints the help of a mode, with these rows. Errors are left to ferror(3). */
void options_print_help(const struct command_line *line, const struct option_row *const *rows,
                        size_t count, FILE *out);
