/* SPDX-License-Identifier: MIT */
#include "client/terminal.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The console's fonts have no Braille; these terminals have no colours, or no escape sequences. */
static bool is_one_of(const char *term, const char *const *names)
{
    for (; *names; names++)
        if (strncmp(term, *names, strlen(*names)) == 0)
            return true;
    return false;
}

static bool wants_colour(const char *term)
{
    static const char *const without[] = {"vt", "xterm-mono", NULL};
    const char *no_color = getenv("NO_COLOR");

    return !(no_color && no_color[0]) && !is_one_of(term, without);
}

static bool has_braille(const char *term)
{
    static const char *const without[] = {"linux", "vt", "cons", NULL};

    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 && !is_one_of(term, without);
}

void terminal_measure(int fd, struct terminal *terminal)
{
    struct winsize size = {0};

    (void)ioctl(fd, TIOCGWINSZ, &size); /* Without an answer, it is what it mostly is. */
    terminal->columns = size.ws_col ? size.ws_col : 80;
    terminal->rows = size.ws_row ? size.ws_row : 24;
}

bool terminal_look(int fd, struct terminal *ret_terminal)
{
    const char *term = getenv("TERM");

    if (!isatty(fd) || !term || term[0] == '\0' || strcmp(term, "dumb") == 0)
        return false;
    ret_terminal->unicode = has_braille(term);
    ret_terminal->colour = wants_colour(term);
    terminal_measure(fd, ret_terminal);
    return true;
}
