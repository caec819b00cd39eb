/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/conf.h"

/*
 * Adds "FILE:LINE: ..." to the errors, or "FILE: ..." when line is 0. What would break the line or
 * a terminal is made harmless. 0 or -ENOMEM.
 */
__attribute__((format(printf, 4, 5))) int conf_errors_add(struct conf_errors *errors,
                                                          const char *file, unsigned line,
                                                          const char *format, ...);
