/* SPDX-License-Identifier: MIT */
#include "client/value.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "client/deadline.h"

static const char not_a_number[] = "not a number";
static const char out_of_range[] = "out of range";

/* A number of digits alone, times a power of two; strtoull(3) would also take "-1" and " 1". */
static const char *scaled_number(const char *text, size_t digits, int shift, uint64_t *ret_number)
{
    unsigned long long number;

    if (digits == 0)
        return not_a_number;
    errno = 0;
    number = strtoull(text, NULL, 10);
    if (errno != 0 || number > UINT64_MAX >> shift)
        return out_of_range;
    *ret_number = (uint64_t)number << shift;
    return NULL;
}

static const char *within(uint64_t number, uint64_t min, uint64_t max, uint64_t *ret_number)
{
    if (number < min || number > max)
        return out_of_range;
    *ret_number = number;
    return NULL;
}

const char *value_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number)
{
    size_t digits = strspn(text, "0123456789");
    const char *problem;
    uint64_t number;

    if (text[digits] != '\0')
        return not_a_number;
    problem = scaled_number(text, digits, 0, &number);
    return problem ? problem : within(number, min, max, ret_number);
}

const char *value_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret_bytes)
{
    static const char suffixes[] = "KkMmGg";
    size_t digits = strspn(text, "0123456789");
    const char *suffix = text + digits, *problem;
    uint64_t number;
    int shift = 0;

    if (*suffix != '\0') {
        const char *known = strchr(suffixes, *suffix);

        if (!known || suffix[1] != '\0')
            return not_a_number;
        shift = 10 * ((int)(known - suffixes) / 2 + 1);
    }
    problem = scaled_number(text, digits, shift, &number);
    return problem ? problem : within(number, min, max, ret_bytes);
}

/* The nanoseconds of a unit, 0 for what is none. */
static double unit_nsec(const char *unit)
{
    static const struct {
        const char *name;
        double nsec;
    } units[] = {{"", 1e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"m", 60e9}, {"h", 3600e9}};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(unit, units[i].name) == 0)
            return units[i].nsec;
    return 0;
}

/* Plain decimal numbers only: what strtod(3) takes beyond them (hex, inf, nan) is no duration. */
const char *value_duration(const char *text, int64_t min_nsec, int64_t max_nsec, int64_t *ret_nsec)
{
    size_t length = strspn(text, "0123456789.");
    double unit = unit_nsec(text + length), nsec;
    char *end;

    if (unit == 0)
        return not_a_number;
    nsec = strtod(text, &end) * unit;
    if (length == 0 || end != text + length)
        return not_a_number;
    if (nsec < (double)min_nsec || nsec > (double)max_nsec)
        return out_of_range;
    *ret_nsec = (int64_t)(nsec + 0.5);
    return NULL;
}
