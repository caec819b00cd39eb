/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/* The index of the first byte that is not the same, or LENGTH. */
size_t first_difference(const unsigned char *a, const unsigned char *b, size_t length);
