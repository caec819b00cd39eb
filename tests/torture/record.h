/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "torture/witness.h"

/* Older than that, a connection is one of those that a crash must not harm. */
enum { RECORD_GROWN_USEC = 2000000 };

/* What is told on standard output: lines of JSON, each an object whose "event" says what it is. */

/* Faults of a connection, beside those that a witness finds. */
enum fault {
    FAULT_REFUSED, /* it could not connect */
    FAULT_BROKEN,  /* it was reset, or the stream ended early */
    FAULT_SILENT,  /* what it waits for does not come */
    FAULTS
};

struct record {
    uint64_t opened;   /* connections that were made */
    uint64_t finished; /* and ended as they should, every byte back */
    uint64_t bytes;    /* that came back */
    uint64_t messages;
    uint64_t faults[FAULTS];
    uint64_t wrong[FINDING_KINDS]; /* bytes */
};

/* Whose fault it is. */
struct culprit {
    unsigned number;
    const char *habit;
    const char *target;
    uint64_t age_usec;   /* since the first byte came back */
    uint64_t offset;     /* in the stream: the byte that is due */
    uint64_t unanswered; /* bytes that were sent and have not come back */
};

void record_fault(struct record *record, enum fault fault, const struct culprit *culprit,
                  const char *detail);

/* The last of a witness's findings. */
void record_finding(const struct finding *finding, const struct culprit *culprit);

/* What a witness has found in the end. */
void record_wrong(struct record *record, const struct witness *witness);

/* "mark" or "end": all counts so far, and COUNT waits in microseconds. */
void record_totals(const struct record *record, const char *event, const uint64_t *waits,
                   size_t count);

/* "settled": so many connections are older than RECORD_GROWN_USEC now. */
void record_settled(unsigned grown);
