/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * One JSON object, made field by field and printed on one line. What fails on the way (memory)
 * fails at the end: only record_finish() has to be looked at. NAME is the name of a field, or NULL
 * in an array; names have their unit in them.
 */
struct record;

/* Whether this program was built with JSON; without it record_new() returns NULL. */
bool record_is_possible(void);

/* An empty object, open. NULL without memory: the functions below take that. */
struct record *record_new(void);

/* Begin an object or an array inside; what follows goes into it until record_close(). */
void record_open_object(struct record *record, const char *name);
void record_open_array(struct record *record, const char *name);
void record_close(struct record *record);

/* A text that is not UTF-8 gets a "?" for each byte that is not ASCII. */
void record_text(struct record *record, const char *name, const char *text);
void record_integer(struct record *record, const char *name, int64_t value);
void record_number(struct record *record, const char *name, double value); /* not finite: null */
void record_truth(struct record *record, const char *name, bool value);
void record_null(struct record *record, const char *name);

/* Nanoseconds as microseconds with a fraction: NAME ends in "_us". */
void record_usec(struct record *record, const char *name, int64_t nsec);

/* Prints it with a newline and frees it. 0 or -ENOMEM; errors of OUT are left to ferror(3). */
int record_finish(struct record *record, FILE *out);
