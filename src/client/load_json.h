/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "client/load_result.h"

/* What a load found, as one JSON object. 0 or -ENOMEM; errors of OUT are left to ferror(3). */
int load_json(const struct load_result *result, FILE *out);
