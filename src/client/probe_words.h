/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "client/probe.h"
#include "client/target.h"

/* A probe in words, without a newline. Errors are left to ferror(3). */

/* The target as it was named, and the address that was reached where that is not the same. */
void probe_words_target(FILE *out, const struct target *target, const struct addr *peer);

/* Why it failed; nothing for PROBE_OK. */
void probe_words_cause(FILE *out, const struct probe_result *result);

/* "ok", "timed_out": for programs. */
const char *probe_words_outcome(enum probe_outcome outcome);

/* The server that cuts datagrams to so many bytes: "xinetd"; NULL: none that is known. */
const char *probe_words_limit(uint64_t bytes);
