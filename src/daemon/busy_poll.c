/* SPDX-License-Identifier: MIT */
#include "daemon/busy_poll.h"

bool busy_poll_wanted(struct busy_poll *poll)
{
    if (poll->waiting == 0)
        return true;
    poll->waiting--;
    return false;
}

void busy_poll_found(struct busy_poll *poll, bool something)
{
    if (something) {
        poll->vain = 0;
        return;
    }
    poll->waiting = (1u << poll->vain) - 1;
    if (poll->waiting < BUSY_POLL_MOST_WAITS)
        poll->vain++;
}
