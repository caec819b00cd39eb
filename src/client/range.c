/* SPDX-License-Identifier: MIT */
#include "client/range.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Reads a plain decimal number, and moves *TEXT behind it. */
static bool take_number(const char **text, bool percent, double *ret_number)
{
    size_t length = strspn(*text, "-0123456789.");
    char *end;

    *ret_number = strtod(*text, &end);
    if (length == 0 || end != *text + length) /* also what strtod(3) takes beyond: 1e3, 0x10, inf */
        return false;
    if (percent && *end == '%')
        end++;
    *text = end;
    return true;
}

/* START and its colon, where there are any. */
static bool take_start(const char **text, bool percent, struct range *range)
{
    if (!strchr(*text, ':'))
        return true;
    if (strncmp(*text, "~:", 2) == 0) {
        range->start = -INFINITY;
        *text += 1;
    } else if (**text != ':' && !take_number(text, percent, &range->start)) {
        return false;
    }
    if (**text != ':')
        return false;
    *text += 1;
    range->end = INFINITY;
    return true;
}

const char *range_parse(const char *text, bool percent, struct range *ret_range)
{
    struct range range = {.given = true, .inside = *text == '@', .end = NAN};

    if (range.inside)
        text++;
    if (!take_start(&text, percent, &range))
        return "not a range";
    if ((*text != '\0' || isnan(range.end)) && !take_number(&text, percent, &range.end))
        return "not a range";
    if (*text != '\0')
        return "not a range";
    if (range.start > range.end)
        return "a range that ends before it starts";
    *ret_range = range;
    return NULL;
}

bool range_alerts(const struct range *range, double value)
{
    bool outside = value < range->start || value > range->end;

    return range->given && !isnan(value) && outside != range->inside;
}

/* The guidelines know no exponents: at most nine decimals, without zeros at the end. */
static void print_number(FILE *out, double number)
{
    char text[512];
    int length = snprintf(text, sizeof(text), "%.9f", number);

    while (text[length - 1] == '0')
        length--;
    if (text[length - 1] == '.')
        length--;
    (void)fprintf(out, "%.*s", length, text);
}

void range_print(FILE *out, const struct range *range)
{
    if (!range->given)
        return;
    if (range->inside)
        (void)fputc('@', out);
    if (isinf(range->start)) {
        (void)fputs("~:", out);
    } else if (range->start != 0 || isinf(range->end)) {
        print_number(out, range->start);
        (void)fputc(':', out);
    }
    if (!isinf(range->end))
        print_number(out, range->end);
}
