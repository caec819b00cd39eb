/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/conf_literal.h"
#include "base/conf_scan.h"

/* The elements of an array, [ A, B, ... ], as the text has them: one after the other. */

struct conf_array {
    struct conf_scan scan;
    size_t index; /* of the next element */
    bool more;    /* there may be one */
    bool closed;  /* the end was reached, and is a "]" */
};

struct conf_element {
    struct conf_literal text; /* length 0: nothing stands where an element is due */
    unsigned strings;         /* what it is made of: libconfig makes one of those in succession */
    unsigned others;          /* tokens that are no strings */
};

/* An array by its literal, which is the "[" that it begins with. */
struct conf_array conf_array_begin(const struct conf_literal *literal);

/* Goes on to the next element; false when there is none. */
bool conf_array_next(struct conf_array *array, struct conf_element *ret);
