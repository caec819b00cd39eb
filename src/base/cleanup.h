/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Runs f(&variable) when the variable leaves its scope. */
#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void closep(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        (void)close(*fd); /* Linux releases the descriptor whatever close(2) answers. */
    *fd = -1;
    errno = saved;
}

static inline void fclosep(FILE **file)
{
    if (*file)
        (void)fclose(*file); /* Only for files that were read. */
    *file = NULL;
}

/* For any pointer from malloc(3): needs -fno-strict-aliasing, as the build sets it. */
static inline void freep(void *pointer)
{
    free(*(void **)pointer);
}
