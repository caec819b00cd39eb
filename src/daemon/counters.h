/* SPDX-License-Identifier: MIT */
#pragma once

#include "policy/stats.h"

/* Says all counters, as one event: a message to be read, and a field for each. */
void counters_log(const struct stats *stats, unsigned workers);
