/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/*
 * A threshold in the syntax of the Monitoring Plugins Development Guidelines ("Threshold and
 * ranges"): [@][START:][END]. A value alerts when it is outside START..END, with "@" when it is
 * inside; both ends belong to the range. Without START it is 0, "~" is minus infinity; without END
 * (after a colon) there is no upper end.
 */
struct range {
    bool given; /* false: never alerts */
    bool inside;
    double start, end;
};

#define RANGE_ALLOWED "a range, [@][START:][END], as 0.2, 10:20, 10:, ~:10 or @10:20"

/*
 * Numbers may end in "%" where PERCENT. Returns NULL, or in words what is wrong (static);
 * ret_range is untouched then.
 */
const char *range_parse(const char *text, bool percent, struct range *ret_range);

/* A value that is not known (NAN) never alerts. */
bool range_alerts(const struct range *range, double value);

/* As the guidelines write it; nothing for one that is not given. */
void range_print(FILE *out, const struct range *range);
