/* SPDX-License-Identifier: MIT */
#include "client/difference.h"

#include <string.h>

size_t first_difference(const unsigned char *a, const unsigned char *b, size_t length)
{
    size_t i = 0;

    if (memcmp(a, b, length) == 0)
        return length;
    while (a[i] == b[i])
        i++;
    return i;
}
