/* SPDX-License-Identifier: MIT */
#include "client/record.h"

#include <errno.h>

/* Built without jansson: whoever asks for JSON is told so before anything is done. */

bool record_is_possible(void)
{
    return false;
}

struct record *record_new(void)
{
    return NULL;
}

void record_open_object(struct record *record, const char *name)
{
    (void)record;
    (void)name;
}

void record_open_array(struct record *record, const char *name)
{
    (void)record;
    (void)name;
}

void record_close(struct record *record)
{
    (void)record;
}

void record_text(struct record *record, const char *name, const char *text)
{
    (void)record;
    (void)name;
    (void)text;
}

void record_integer(struct record *record, const char *name, int64_t value)
{
    (void)record;
    (void)name;
    (void)value;
}

void record_number(struct record *record, const char *name, double value)
{
    (void)record;
    (void)name;
    (void)value;
}

void record_truth(struct record *record, const char *name, bool value)
{
    (void)record;
    (void)name;
    (void)value;
}

void record_null(struct record *record, const char *name)
{
    (void)record;
    (void)name;
}

void record_usec(struct record *record, const char *name, int64_t nsec)
{
    (void)record;
    (void)name;
    (void)nsec;
}

int record_finish(struct record *record, FILE *out)
{
    (void)record;
    (void)out;
    return -ENOMEM;
}
