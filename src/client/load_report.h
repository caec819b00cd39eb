/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "client/load_result.h"

/* What a load found, for people. Errors are left to ferror(3). */
void load_report(const struct load_result *result, FILE *out);

/* One step of a search, as it happens. */
void load_report_step(const struct load_promise *promise, const struct load_step *step, FILE *out);

/* Where the result says more about this side, or about a limit of the server, than it seems to. */
void load_report_warnings(const struct load_result *result, FILE *err);
