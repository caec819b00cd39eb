/* SPDX-License-Identifier: MIT */
#include "torture/habit.h"

#include <string.h>

enum { KIB = 1024, MIB = 1024 * 1024, MS = 1000 };

static const struct habit habits[] = {
    {.name = "talk", /* a message, its answer, and again */
     .size_min = 1,
     .size_max = 8 * KIB,
     .pause_max_usec = 40 * MS,
     .window = 64 * KIB,
     .read_most = 64 * KIB,
     .life_min_ms = 10 * MS,
     .life_max_ms = 120 * MS,
     .prompt = true},
    {.name = "bulk", /* a lot at a time, in both directions at once */
     .size_min = 64 * KIB,
     .size_max = MIB,
     .pause_max_usec = 300 * MS,
     .window = 256 * KIB,
     .read_most = 64 * KIB,
     .life_min_ms = 10 * MS,
     .life_max_ms = 120 * MS,
     .pipelined = true,
     .prompt = true},
    {.name = "flood", /* never stops: so that a worker that is killed is in the middle of a step */
     .size_min = MIB,
     .size_max = 4 * MIB,
     .window = 256 * KIB,
     .read_most = 64 * KIB,
     .life_min_ms = 10 * MS,
     .life_max_ms = 120 * MS,
     .pipelined = true,
     .prompt = true},
    {.name = "pause", /* like talk, with seconds between the messages */
     .size_min = 1,
     .size_max = 128 * KIB,
     .pause_min_usec = 500 * MS,
     .pause_max_usec = 4000 * MS,
     .window = 64 * KIB,
     .read_most = 64 * KIB,
     .prompt = true},
    {.name = "slow", /* reads less than it sends: the server has to keep the rest */
     .size_min = 64 * KIB,
     .size_max = MIB,
     .pause_max_usec = 50 * MS,
     .window = 4 * MIB,
     .read_most = 6 * KIB,
     .read_pause_usec = 15 * MS,
     .receive_buffer = 8 * KIB,
     .segment = 1000,
     .life_min_ms = 5 * MS,
     .life_max_ms = 40 * MS,
     .pipelined = true},
    {.name = "brief", /* comes and goes */
     .size_min = 1,
     .size_max = 32 * KIB,
     .pause_max_usec = 10 * MS,
     .window = 64 * KIB,
     .read_most = 64 * KIB,
     .life_max_ms = 300},
    {.name = "probe", /* asks every millisecond, answered or not, and measures */
     .size_min = 32,
     .size_max = 32,
     .pause_min_usec = MS,
     .pause_max_usec = MS,
     .window = 64 * KIB,
     .read_most = 64 * KIB,
     .pipelined = true,
     .prompt = true},
    {.name = "quiet", /* one of those beside the probes: a message now and then */
     .size_min = 32,
     .size_max = 32,
     .pause_min_usec = 100 * MS,
     .pause_max_usec = 300 * MS,
     .window = 64 * KIB,
     .read_most = 64 * KIB},
};

const struct habit *habit_find(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++)
        if (strlen(habits[i].name) == length && strncmp(habits[i].name, name, length) == 0)
            return &habits[i];
    return NULL;
}
