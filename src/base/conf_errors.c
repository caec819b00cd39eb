/* SPDX-License-Identifier: MIT */
#include "base/conf_errors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* File names and excerpts can hold anything, a line feed or an escape sequence, too. */
static void text_disarm(char *text)
{
    for (; *text; text++)
        if (*text == '\t')
            *text = ' ';
        else if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

static int text_format(char **ret_text, const char *file, unsigned line, const char *message)
{
    int r;

    if (line > 0)
        r = asprintf(ret_text, "%s:%u: %s", file, line, message);
    else
        r = asprintf(ret_text, "%s: %s", file, message);
    if (r < 0)
        return -ENOMEM;
    text_disarm(*ret_text);
    return 0;
}

static int text_append(struct conf_errors *errors, char *text)
{
    size_t count = errors->count;

    /* Room for 1, 2, 4, 8 and so on: it is full at each power of two. */
    if ((count & (count - 1)) == 0) {
        char **grown = reallocarray(errors->text, count > 0 ? 2 * count : 1, sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        errors->text = grown;
    }
    errors->text[errors->count++] = text;
    return 0;
}

int conf_errors_add(struct conf_errors *errors, const char *file, unsigned line, const char *format,
                    ...)
{
    _cleanup_(freep) char *message = NULL;
    char *text = NULL;
    va_list args;
    int r;

    va_start(args, format);
    r = vasprintf(&message, format, args);
    va_end(args);
    if (r < 0) {
        message = NULL;
        return -ENOMEM;
    }
    r = text_format(&text, file, line, message);
    if (r < 0)
        return r;
    r = text_append(errors, text);
    if (r < 0)
        free(text);
    return r;
}

void conf_errors_deinit(struct conf_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++)
        free(errors->text[i]);
    free(errors->text);
    *errors = (struct conf_errors){0};
}
