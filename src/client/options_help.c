/* SPDX-License-Identifier: MIT */
#include "client/options_help.h"

#include <string.h>

/* Where the texts begin: columns from the left. */
enum { TEXT_COLUMN = 29 };

static int print_name(const struct option_row *row, bool first, FILE *out)
{
    int width = 0;

    if (!first)
        width += fprintf(out, ", ");
    else if (!row->letter)
        width += fprintf(out, "    "); /* long names stand below each other */
    if (row->letter)
        width += fprintf(out, row->name ? "-%c, " : "-%c", row->letter);
    if (row->name)
        width += fprintf(out, "--%s", row->name);
    return width;
}

/* One line: rows without a text join the first one that has one. Returns how many rows it took. */
static size_t print_line(const struct option_row *const *rows, FILE *out)
{
    size_t last = 0;
    int width = fprintf(out, "  ");

    width += print_name(rows[0], true, out);
    while (!rows[last]->help)
        width += print_name(rows[++last], false, out);
    if (rows[last]->argument)
        width += fprintf(out, " %s", rows[last]->argument);
    (void)fprintf(out, "%*s%s\n", width < TEXT_COLUMN - 1 ? TEXT_COLUMN - width : 2, "",
                  rows[last]->help);
    return last + 1;
}

void options_print_help(const struct command_line *line, const struct option_row *const *rows,
                        size_t count, FILE *out)
{
    (void)fprintf(out, "Usage: echo-client %s\n%s\n", line->usage, line->about);
    for (size_t i = 0; i < count;)
        i += print_line(rows + i, out);
    (void)fprintf(out,
                  "\nTARGET (default " TARGET_DEFAULT
                  "): HOST  HOST:PORT  [IPV6]:PORT  tcp://HOST:PORT\n  %s\n%s",
                  command_line_takes_datagrams(line)
                      ? "udp://HOST:PORT  unix:/PATH  unix:@NAME  unixgram:/PATH  vsock:CID:PORT"
                      : "unix:/PATH  unix:@NAME  vsock:CID:PORT",
                  line->closing);
}
