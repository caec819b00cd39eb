/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "client/check_judge.h"
#include "client/check_target.h"

/* How the result of a check is told. Errors are left to ferror(3). */

/*
 * To people, in one sentence about the only probe of the only target: success on OUT (not with
 * --quiet), failure on ERR.
 */
void check_report_sentence(const struct check_target *target, enum check_state state, FILE *out,
                           FILE *err);

/*
 * To a monitoring system, as the Monitoring Plugins Development Guidelines have it: one line with
 * the state and the performance data, always, and with --verbose more lines.
 */
void check_report_plugin(const struct check_targets *targets, enum check_state state, FILE *out);

/* To programs, as one JSON object; its fields are those of echo-client(1). 0 or -ENOMEM. */
int check_report_json(const struct check_targets *targets, enum check_state state, FILE *out);
