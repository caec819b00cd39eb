/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* Writes out what stdio still holds of OUT. 0 or -errno: a full disk, a closed descriptor. */
int output_flush(FILE *out);

/* The functions below leave errors to ferror(3). */

/* "0.213 ms", "1.452 s" */
void output_duration(FILE *out, int64_t nsec);

/* "12 bytes", "1.5 MiB" */
void output_size(FILE *out, double bytes);
