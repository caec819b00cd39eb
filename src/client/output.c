/* SPDX-License-Identifier: MIT */
#include "client/output.h"

#include <errno.h>

#include "client/deadline.h"

int output_flush(FILE *out)
{
    errno = 0;
    if (fflush(out) == 0 && !ferror(out))
        return 0;
    return errno ? -errno : -EIO;
}

void output_duration(FILE *out, int64_t nsec)
{
    if (nsec < NSEC_PER_SEC)
        (void)fprintf(out, "%.3f ms", (double)nsec / (double)NSEC_PER_MSEC);
    else
        (void)fprintf(out, "%.3f s", (double)nsec / (double)NSEC_PER_SEC);
}

void output_size(FILE *out, double bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;

    if (bytes < 1024) {
        (void)fprintf(out, bytes == 1 ? "%.0f byte" : "%.0f bytes", bytes);
        return;
    }
    for (bytes /= 1024; bytes >= 1024 && unit < 3; bytes /= 1024)
        unit++;
    (void)fprintf(out, "%.1f %s", bytes, units[unit]);
}
