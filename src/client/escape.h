/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdio.h>

/*
 * Writes bytes that came from elsewhere so that they can do no harm to a terminal, a log or a
 * quoted string: characters that the locale (LC_CTYPE) prints stay, a quote and a backslash get a
 * backslash, the rest becomes \n, \r, \t or \xHH. Errors are left to ferror(3).
 */
void escape_write(FILE *out, const void *data, size_t size);
