/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/conf.h"

/* Notes the line of a file, or with line 0 something else, as where a value was set. */
void conf_origin_set(struct conf_origin *origin, const char *file, unsigned line);
