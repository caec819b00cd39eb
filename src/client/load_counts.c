/* SPDX-License-Identifier: MIT */
#include "client/load_counts.h"

#include <stdlib.h>

#include "client/deadline.h"

static const struct {
    const char *name, *words;
} errors[LOAD_ERRORS] = {
    [LOAD_REFUSED] = {"refused", "connections refused"},
    [LOAD_NOT_CONNECTED] = {"not_connected", "connections that could not be made"},
    [LOAD_CONNECT_TIMED_OUT] = {"connect_timed_out", "connections that took too long to make"},
    [LOAD_CLOSED] = {"closed", "connections closed by the server while it owed answers"},
    [LOAD_RESET] = {"reset", "connections that broke"},
    [LOAD_TIMED_OUT] = {"timed_out", "answers that did not come in time"},
    [LOAD_WRONG] = {"wrong", "answers with wrong bytes"},
    [LOAD_SURPLUS] = {"surplus", "answers with more bytes than were sent"},
    [LOAD_CUT] = {"cut", "datagrams that came back shorter"},
    [LOAD_STRAY] = {"stray", "datagrams that came twice, or too late"},
    [LOAD_LOCAL] = {"local", "failures on this side"},
};

struct load_counts *load_counts_new(int64_t duration_nsec)
{
    struct load_counts *counts = calloc(1, sizeof(*counts));

    if (!counts)
        return NULL;
    counts->seconds_count = (unsigned)((duration_nsec + NSEC_PER_SEC - 1) / NSEC_PER_SEC);
    counts->seconds = calloc(counts->seconds_count, sizeof(*counts->seconds));
    return counts->seconds ? counts : load_counts_free(counts);
}

struct load_counts *load_counts_free(struct load_counts *counts)
{
    if (counts)
        free(counts->seconds);
    free(counts);
    return NULL;
}

void load_counts_freep(struct load_counts **counts)
{
    *counts = load_counts_free(*counts);
}

static void merge_errors(struct load_counts *counts, const struct load_counts *from)
{
    for (size_t i = 0; i < LOAD_ERRORS; i++) {
        counts->errors[i] += from->errors[i];
        if (from->last_errno[i])
            counts->last_errno[i] = from->last_errno[i];
    }
}

void load_counts_merge(struct load_counts *counts, const struct load_counts *from)
{
    histogram_merge(&counts->since_due, &from->since_due);
    histogram_merge(&counts->since_sent, &from->since_sent);
    histogram_merge(&counts->connect, &from->connect);
    counts->answered += from->answered;
    counts->opened += from->opened;
    counts->lost += from->lost;
    counts->unsent += from->unsent;
    counts->late += from->late;
    for (unsigned i = 0; i < counts->seconds_count && i < from->seconds_count; i++)
        counts->seconds[i] += from->seconds[i];
    if (from->measured_nsec > counts->measured_nsec)
        counts->measured_nsec = from->measured_nsec;
    if (from->busiest > counts->busiest)
        counts->busiest = from->busiest;
    merge_errors(counts, from);
}

void load_counts_error(struct load_counts *counts, enum load_error error, int reason)
{
    counts->errors[error]++;
    if (reason)
        counts->last_errno[error] = reason;
}

uint64_t load_counts_errors(const struct load_counts *counts)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < LOAD_ERRORS; i++)
        sum += counts->errors[i];
    return sum;
}

const char *load_error_name(enum load_error error)
{
    return errors[error].name;
}

const char *load_error_words(enum load_error error)
{
    return errors[error].words;
}
