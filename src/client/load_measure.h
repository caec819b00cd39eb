/* SPDX-License-Identifier: MIT */
#pragma once

#include "client/load_options.h"
#include "client/load_result.h"

/*
 * Runs the plan of OPTIONS, or, for a promise, as many of them as the search for its rate takes;
 * then the plan has the rate that is reported. On the way it shows a line of progress on standard
 * error, and the steps of a search on standard output. 0 or -errno; *result is for
 * load_result_deinit() in any case.
 */
int load_measure(struct load_options *options, struct load_result *result);
