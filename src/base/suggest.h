/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The word of a NULL-ended list that was probably meant by one that is not in it, for "did you
 * mean ...?": the nearest by edit distance, upper and lower case being equal. NULL when none is
 * near.
 */
const char *suggest(const char *word, const char *const *known);
