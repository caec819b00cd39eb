/* SPDX-License-Identifier: MIT */
#include "client/record.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* As deep as anything here is nested. */
enum { DEPTH_MAX = 8 };

struct record {
    json_t *open[DEPTH_MAX]; /* each inside the one before, which owns it */
    size_t depth;
    bool failed;
};

bool record_is_possible(void)
{
    return true;
}

struct record *record_new(void)
{
    struct record *record = calloc(1, sizeof(*record));

    if (!record)
        return NULL;
    record->open[0] = json_object();
    record->depth = 1;
    record->failed = !record->open[0];
    return record;
}

/* Takes the value over, whether there is a place for it or not. */
static void add(struct record *record, const char *name, json_t *value)
{
    json_t *parent = record ? record->open[record->depth - 1] : NULL;
    int r;

    /* jansson takes NULL for any of them, frees the value and fails. */
    if (name)
        r = json_object_set_new(parent, name, value);
    else
        r = json_array_append_new(parent, value);
    if (r < 0 && record)
        record->failed = true;
}

static void add_open(struct record *record, const char *name, json_t *value)
{
    add(record, name, value);
    if (!record)
        return;
    assert(record->depth < DEPTH_MAX);
    /* After a failure the value is gone: what would go into it goes nowhere. */
    record->open[record->depth++] = record->failed ? NULL : value;
}

void record_open_object(struct record *record, const char *name)
{
    add_open(record, name, json_object());
}

void record_open_array(struct record *record, const char *name)
{
    add_open(record, name, json_array());
}

void record_close(struct record *record)
{
    if (!record)
        return;
    assert(record->depth > 1);
    record->depth--;
}

/* A name may come from the command line or a disk, in any encoding. */
static json_t *ascii_of(const char *text)
{
    char *copy = strdup(text);
    json_t *value;

    if (!copy)
        return NULL;
    for (char *c = copy; *c; c++)
        if (*c & 0x80)
            *c = '?';
    value = json_string(copy);
    free(copy);
    return value;
}

void record_text(struct record *record, const char *name, const char *text)
{
    json_t *value = json_string(text);

    add(record, name, value ? value : ascii_of(text));
}

void record_integer(struct record *record, const char *name, int64_t value)
{
    add(record, name, json_integer(value));
}

void record_number(struct record *record, const char *name, double value)
{
    add(record, name, isfinite(value) ? json_real(value) : json_null());
}

void record_truth(struct record *record, const char *name, bool value)
{
    add(record, name, json_boolean(value));
}

void record_null(struct record *record, const char *name)
{
    add(record, name, json_null());
}

void record_usec(struct record *record, const char *name, int64_t nsec)
{
    record_number(record, name, (double)nsec / 1000);
}

int record_finish(struct record *record, FILE *out)
{
    int r = 0;

    if (!record || record->failed) {
        r = -ENOMEM;
    } else {
        /* Fifteen digits: what a double holds for certain, and 0.1 stays 0.1. */
        if (json_dumpf(record->open[0], out, JSON_COMPACT | JSON_REAL_PRECISION(15)) < 0 &&
            !ferror(out))
            r = -ENOMEM;
        (void)fputc('\n', out);
    }
    if (record)
        json_decref(record->open[0]);
    free(record);
    return r;
}
