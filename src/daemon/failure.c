/* SPDX-License-Identifier: MIT */
#include "daemon/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int failure_set(struct failure *failure, int error, const char *format, ...)
{
    va_list args;

    failure->error = -abs(error);
    errno = abs(error); /* for %m */
    va_start(args, format);
    (void)vsnprintf(failure->text, sizeof(failure->text), format, args);
    va_end(args);
    return failure->error;
}
