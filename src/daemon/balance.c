/* SPDX-License-Identifier: MIT */
#include "daemon/balance.h"

struct balance balance_read(const struct arena *arena)
{
    struct balance balance = {0};
    uint32_t places = arena_places(arena);

    for (uint32_t i = 0; i < places; i++) {
        const struct stats *stats = &arena->workers[i].stats;

        if (!stats_read(&stats->accepting))
            continue;
        balance.workers++;
        balance.connections += stats_read(&stats->connections);
    }
    return balance;
}

uint64_t balance_share(const struct balance *balance)
{
    if (balance->workers == 0)
        return 0;
    return (balance->connections + balance->workers - 1) / balance->workers;
}

bool balance_exceeds(const struct balance *balance, uint64_t connections)
{
    return 8 * balance->workers * connections > 9 * balance->connections + 8 * balance->workers;
}
