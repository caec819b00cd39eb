/* SPDX-License-Identifier: MIT */
#include "daemon/counters.h"

#include <stddef.h>
#include <stdio.h>

#include "base/log.h"

enum { TEXT_MAX = 1024 };

#define NO_FIELD FIELD_COUNT
#define AT(counter) offsetof(struct stats, counter)

/* In the order in which they are read, each with what stands before the number. */
static const struct counter {
    enum event_field field;
    const char *before;
    size_t at;
    bool rare; /* not said, though a field, while it is 0 */
} table[] = {
    {FIELD_CONNECTIONS, "Connections: ", AT(connections), false},
    {FIELD_CONNECTIONS_TOTAL, ", so far ", AT(accepted), false},
    {FIELD_REFUSED, ", refused ", AT(refused), false},
    {FIELD_DENIED, ", of these denied ", AT(denied), false},
    {FIELD_OVER_RATE, ", too fast ", AT(over_rate), true},
    {FIELD_OVER_SOURCE, ", too many of one source ", AT(over_source), true},
    {FIELD_OVER_TOTAL, ", too many ", AT(over_total), true},
    {FIELD_BAD_HEADERS, ", without a sound PROXY header ", AT(bad_headers), true},
    {FIELD_DATAGRAMS, "; datagrams: ", AT(datagrams), false},
    {FIELD_ANSWERED, ", answered ", AT(answered), false},
    {FIELD_DROPPED_MULTICAST, ", sent to many ", AT(dropped[DROP_MULTICAST]), true},
    {FIELD_DROPPED_ADDRESS, ", from nobody's address ", AT(dropped[DROP_ADDRESS]), true},
    {FIELD_DROPPED_LOOP, ", that would loop ", AT(dropped[DROP_LOOP]), true},
    {FIELD_DROPPED_DENIED, ", denied ", AT(dropped[DROP_DENIED]), true},
    {FIELD_DROPPED_RATE, ", over the rate ", AT(dropped[DROP_RATE]), true},
    {FIELD_DROPPED_UNNAMED, ", without a sender ", AT(dropped[DROP_UNNAMED]), true},
    {FIELD_DROPPED_TOO_LONG, ", too long ", AT(dropped[DROP_TOO_LONG]), true},
    {FIELD_DROPPED_UNSENDABLE, ", unsendable ", AT(dropped[DROP_UNSENDABLE]), true},
    {NO_FIELD, "; bytes received: ", AT(received), false},
    {FIELD_BYTES, ", echoed: ", AT(sent), false},
    {NO_FIELD, "; reports that got lost: ", AT(unreported), false},
};

enum { TABLE_LENGTH = sizeof(table) / sizeof(table[0]), EXTRA_FIELDS = 2 };

static uint64_t value_of(const struct counter *counter, const struct stats *stats)
{
    return stats_read((const void *)((const char *)stats + counter->at));
}

static void format(const struct stats *stats, char text[static TEXT_MAX])
{
    size_t used = 0;

    for (size_t i = 0; i < TABLE_LENGTH; i++) {
        unsigned long long value = value_of(&table[i], stats);

        if ((value > 0 || !table[i].rare) && used < TEXT_MAX)
            used +=
                (size_t)snprintf(text + used, TEXT_MAX - used, "%s%llu", table[i].before, value);
    }
}

void counters_log(const struct stats *stats, unsigned workers)
{
    struct log_field field[TABLE_LENGTH + EXTRA_FIELDS] = {
        LOG_NUMBER(FIELD_WORKERS, workers),
        LOG_NUMBER(FIELD_DROPPED, stats_dropped(stats)),
    };
    struct log_fields fields = {.field = field, .count = EXTRA_FIELDS};
    char text[TEXT_MAX];

    for (size_t i = 0; i < TABLE_LENGTH; i++)
        if (table[i].field != NO_FIELD)
            field[fields.count++] = LOG_NUMBER(table[i].field, value_of(&table[i], stats));
    format(stats, text);
    (void)log_event(EVENT_COUNTERS, 0, fields, "%s", text);
}
