/* SPDX-License-Identifier: MIT */
#include "base/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

int descriptors_open_standard(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC); /* the lowest number that is free */
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0)
        return -errno;
    (void)close(fd); /* Linux releases it whatever it answers. */
    return 0;
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void close_from_to(unsigned first, unsigned last)
{
    if (first <= last)
        (void)close_range(first, last, 0); /* Cannot fail with such arguments. */
}

void descriptors_close_except(int *keep, size_t count)
{
    unsigned next = STDERR_FILENO + 1;

    if (count > 0)
        qsort(keep, count, sizeof(*keep), compare);
    for (size_t i = 0; i < count; i++) {
        if (keep[i] < (int)next)
            continue;
        close_from_to(next, (unsigned)keep[i] - 1);
        next = (unsigned)keep[i] + 1;
    }
    close_from_to(next, UINT_MAX);
}

int descriptors_raise_limit(size_t *ret_limit)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
            return -errno;
    }
    *ret_limit = limit.rlim_cur;
    return 0;
}
