/* SPDX-License-Identifier: MIT */
#include "client/load_schedule.h"

#include "client/deadline.h"

struct load_schedule load_schedule_make(int64_t start, double rate, unsigned connections)
{
    return (struct load_schedule){
        .start = start,
        .spacing_nsec = (double)NSEC_PER_SEC / rate,
        .connections = connections,
    };
}

int64_t load_schedule_due(const struct load_schedule *schedule, unsigned connection, uint64_t turn)
{
    uint64_t message = turn * schedule->connections + connection;

    return schedule->start + (int64_t)((double)message * schedule->spacing_nsec);
}

uint64_t load_schedule_turn(const struct load_schedule *schedule, unsigned connection, int64_t time)
{
    double round = schedule->spacing_nsec * schedule->connections;
    uint64_t turn = 0;

    if (time > schedule->start)
        turn = (uint64_t)((double)(time - schedule->start) / round);
    /* Off by less than one, and by what is lost in rounding. */
    while (turn > 0 && load_schedule_due(schedule, connection, turn - 1) >= time)
        turn--;
    while (load_schedule_due(schedule, connection, turn) < time)
        turn++;
    return turn;
}
