/* SPDX-License-Identifier: MIT */

/*
 * A service that does nothing, for a unit of Type=notify: how long does a restart take by itself?
 * It says when it is there, and when it was told to go, in microseconds of CLOCK_MONOTONIC.
 */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/service.h"

static void say(const char *what)
{
    printf("%s %" PRIu64 "\n", what, clock_usec());
    (void)fflush(stdout); /* Who reads it notices what is missing. */
}

int main(void)
{
    sigset_t ends;
    int number;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGRTMIN); /* as echod is told that it will come again */
    sigprocmask(SIG_BLOCK, &ends, NULL);
    service_ready("Doing nothing");
    say("up");
    (void)sigwait(&ends, &number); /* Cannot fail for signals that exist. */
    say("down");
    return 0;
}
