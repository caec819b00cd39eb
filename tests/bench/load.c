/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>

#include "traffic/fail.h"
#include "traffic/modes.h"
#include "traffic/options.h"

/*
 * Sends to an echo server, verifies every byte that comes back, and says in a line of JSON how
 * fast that was. One thread, so that one CPU is all it takes.
 */

static const struct {
    const char *name;
    void (*run)(const struct options *options);
} modes[] = {{"pingpong", pingpong},
             {"datagrams", datagrams},
             {"bulk", bulk},
             {"short", short_lived},
             {"idle", idle}};

static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* Else the one that is missing is named. */
    }
}

int main(int argc, char **argv)
{
    struct options options = options_parse(argc, argv);

    raise_descriptors();
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(options.mode, modes[i].name) == 0) {
            modes[i].run(&options);
            return 0;
        }
    fail("%s: no such mode", options.mode);
}
