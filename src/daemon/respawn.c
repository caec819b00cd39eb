/* SPDX-License-Identifier: MIT */
#include "daemon/respawn.h"

uint64_t respawn_pause(struct respawn *respawn, uint64_t lived)
{
    uint64_t pause = RESPAWN_FIRST_PAUSE_MS;

    respawn->young_deaths = lived < RESPAWN_GROWN_UP_MS ? respawn->young_deaths + 1 : 0;
    if (respawn->young_deaths <= 1)
        return 0;
    for (unsigned i = 2; i < respawn->young_deaths && pause < RESPAWN_LONGEST_PAUSE_MS; i++)
        pause *= 2;
    return pause < RESPAWN_LONGEST_PAUSE_MS ? pause : RESPAWN_LONGEST_PAUSE_MS;
}
