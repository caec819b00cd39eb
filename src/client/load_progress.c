/* SPDX-License-Identifier: MIT */
#include "client/load_progress.h"

#include <unistd.h>

#include "client/deadline.h"

/* Back to the beginning of the line, and what is there is gone (ECMA-48). */
#define CLEAR "\r\033[K"

struct load_progress_line load_progress_begin(FILE *out)
{
    return (struct load_progress_line){.out = isatty(fileno(out)) ? out : NULL};
}

void load_progress_show(const struct load_progress *progress, void *context)
{
    struct load_progress_line *line = context;
    int64_t passed = progress->elapsed_nsec - line->last_nsec;
    double answered = (double)(progress->answered - line->last_answered);

    if (!line->out || passed <= 0)
        return;
    (void)fprintf(line->out, CLEAR "%.0f of %.0f s: %.0f answers/s",
                  (double)progress->elapsed_nsec / 1e9, (double)progress->total_nsec / 1e9,
                  answered * (double)NSEC_PER_SEC / (double)passed);
    (void)fflush(line->out); /* Who does not see it misses nothing. */
    line->last_nsec = progress->elapsed_nsec;
    line->last_answered = progress->answered;
}

void load_progress_clear(struct load_progress_line *line)
{
    if (!line->out)
        return;
    (void)fputs(CLEAR, line->out);
    (void)fflush(line->out);
    line->last_nsec = 0;
    line->last_answered = 0;
}
