/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "client/pipe_options.h"
#include "client/pipe_stream.h"

/*
 * Tells how it went: a failure always (with --json in the object), success with --verbose or
 * --json. Standard output has the stream, so this goes elsewhere. Errors are left to ferror(3).
 */
void pipe_report(const struct pipe_options *options, const struct pipe_result *result, FILE *out);
