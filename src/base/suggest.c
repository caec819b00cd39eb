/* SPDX-License-Identifier: MIT */
#include "base/suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A longer word is nobody's slip of the finger. */
#define WORD_MAX 64

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned min(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/*
 * The Damerau-Levenshtein distance (optimal string alignment): how many characters have to be
 * inserted, deleted, replaced or swapped with their neighbour to make b of a.
 */
static unsigned distance(const char *a, const char *b)
{
    size_t length_a = strlen(a), length_b = strlen(b);
    unsigned d[WORD_MAX + 1][WORD_MAX + 1];

    for (size_t i = 0; i <= length_a; i++)
        d[i][0] = (unsigned)i;
    for (size_t j = 0; j <= length_b; j++)
        d[0][j] = (unsigned)j;

    for (size_t i = 1; i <= length_a; i++)
        for (size_t j = 1; j <= length_b; j++) {
            unsigned replaced = d[i - 1][j - 1] + !same(a[i - 1], b[j - 1]);

            d[i][j] = min(replaced, min(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                d[i][j] = min(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[length_a][length_b];
}

const char *suggest(const char *word, const char *const *known)
{
    const char *nearest = NULL;
    unsigned best = WORD_MAX;
    size_t length = strlen(word);

    if (length > WORD_MAX)
        return NULL;
    for (; *known; known++) {
        size_t longer = strlen(*known) > length ? strlen(*known) : length;
        unsigned away;

        if (longer > WORD_MAX)
            continue;
        away = distance(word, *known);
        /* A third of the word may be wrong: less would miss "warn", more would guess. */
        if (away < best && away <= (longer + 2) / 3 && away < longer) {
            best = away;
            nearest = *known;
        }
    }
    return nearest;
}
