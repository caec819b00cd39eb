/* SPDX-License-Identifier: MIT */
#include "torture/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

static void begin(const char *event)
{
    printf("{\"event\": \"%s\", \"usec\": %" PRIu64, event, clock_usec());
}

/* Whoever reads this has gone: there is nobody left to tell. */
static void end(void)
{
    puts("}");
    if (fflush(stdout) != 0)
        exit(EXIT_FAILURE);
}

void record_settled(unsigned grown)
{
    begin("settled");
    printf(", \"grown\": %u", grown);
    end();
}

static void tell(const char *kind, const struct culprit *culprit)
{
    begin("fault");
    printf(", \"kind\": \"%s\", \"connection\": %u, \"habit\": \"%s\", \"target\": \"%s\", "
           "\"age_usec\": %" PRIu64 ", \"offset\": %" PRIu64 ", \"unanswered\": %" PRIu64,
           kind, culprit->number, culprit->habit, culprit->target, culprit->age_usec,
           culprit->offset, culprit->unanswered);
}

void record_fault(struct record *record, enum fault fault, const struct culprit *culprit,
                  const char *detail)
{
    static const char *const names[FAULTS] = {"refused", "broken", "silent"};

    record->faults[fault]++;
    tell(names[fault], culprit);
    printf(", \"detail\": \"%s\"", detail);
    end();
}

void record_finding(const struct finding *finding, const struct culprit *culprit)
{
    tell(finding_name(finding->kind), culprit);
    printf(", \"at\": %" PRIu64 ", \"size\": %" PRIu64, finding->offset, finding->size);
    end();
}

void record_wrong(struct record *record, const struct witness *witness)
{
    for (int kind = 0; kind < FINDING_KINDS; kind++)
        record->wrong[kind] += witness->counts[kind];
}

void record_totals(const struct record *record, const char *event, const uint64_t *waits,
                   size_t count)
{
    begin(event);
    printf(", \"opened\": %" PRIu64 ", \"finished\": %" PRIu64 ", \"bytes\": %" PRIu64
           ", \"messages\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"broken\": %" PRIu64
           ", \"silent\": %" PRIu64,
           record->opened, record->finished, record->bytes, record->messages,
           record->faults[FAULT_REFUSED], record->faults[FAULT_BROKEN],
           record->faults[FAULT_SILENT]);
    for (int kind = 0; kind < FINDING_KINDS; kind++)
        printf(", \"%s\": %" PRIu64, finding_name(kind), record->wrong[kind]);
    printf(", \"waits_usec\": [");
    for (size_t i = 0; i < count; i++)
        printf("%s%" PRIu64, i > 0 ? ", " : "", waits[i]);
    printf("]");
    end();
}
