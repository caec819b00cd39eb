/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

/* Writes out what stdio still holds of OUT. 0 or -errno: a full disk, a closed descriptor. */
int output_flush(FILE *out);
