/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/*
 * The values of options, as they are typed. Each function returns NULL, or in words what is wrong
 * with TEXT (static); outputs are untouched then. MIN and MAX are allowed themselves.
 */

/* 123 */
const char *value_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret_number);

/* Bytes: 123, or with K, M or G: of 1024 bytes and its powers. */
const char *value_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret_bytes);

/* Seconds: 12, 0.5, or with a unit: 100us, 20ms, 3s, 5m, 1h. The rest is in nanoseconds. */
const char *value_duration(const char *text, int64_t min_nsec, int64_t max_nsec, int64_t *ret_nsec);
