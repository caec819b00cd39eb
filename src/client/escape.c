/* SPDX-License-Identifier: MIT */
#include "client/escape.h"

#include <string.h>
#include <wchar.h>
#include <wctype.h>

/* The length of the printable character at TEXT, 0 when it is none. */
static size_t printable_length(const char *text, size_t size)
{
    mbstate_t state = {0};
    wchar_t wide;
    size_t length = mbrtowc(&wide, text, size, &state);

    /* (size_t)-1 and -2: not a character, or the beginning of one. */
    if (length == 0 || length > size || !iswprint((wint_t)wide))
        return 0;
    return length;
}

static void escape_byte(FILE *out, unsigned char byte)
{
    static const char names[] = "nrt\"\\", bytes[] = "\n\r\t\"\\";
    const char *known = byte ? strchr(bytes, byte) : NULL;

    if (known)
        (void)fprintf(out, "\\%c", names[known - bytes]);
    else
        (void)fprintf(out, "\\x%02x", byte);
}

void escape_write(FILE *out, const void *data, size_t size)
{
    const char *text = data;

    while (size > 0) {
        size_t length = *text == '"' || *text == '\\' ? 0 : printable_length(text, size);

        if (length > 0) {
            (void)fwrite(text, 1, length, out);
        } else {
            escape_byte(out, (unsigned char)*text);
            length = 1;
        }
        text += length;
        size -= length;
    }
}
