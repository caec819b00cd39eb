/* SPDX-License-Identifier: MIT */

/*
 * Clients that miss nothing: each checks every byte that comes back, and says what is lost,
 * doubled, out of order or wrong, what is reset, and how long it had to wait.
 *
 *   torment [--connections=N] [--mix=HABIT=WEIGHT,...] [--seed=N] [--patience=SECONDS] TARGET...
 *
 * The connections have the habits (habit.c) and the targets in turn. A TARGET is a port of
 * 127.0.0.1, or the path of a Unix socket. Commands are lines on standard input:
 *
 *   mark    says all counts, and how long clients that read at once had to wait since the last mark
 *   settle  says so when every client that waits for a byte now has got one
 *   end     has all connections end as they should, says all counts, and exits
 *
 * Answers and faults are lines of JSON on standard output (record.h). The exit status says whether
 * the test could be made, not what it found.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/descriptors.h"
#include "torture/client.h"

enum { HABITS = 16, EVENTS = 64, RAMP_USEC = 500000, LONGEST_SLEEP_USEC = 1000000 };

struct share {
    const struct habit *habit;
    unsigned weight;
};

struct options {
    unsigned connections;
    uint64_t seed, patience_s;
    struct share mix[HABITS];
    char **targets;
    unsigned target_count;
};

struct run {
    struct torment torment;
    struct client *clients;
    unsigned count;
    char command[64];
    size_t command_size;
    bool settling;
};

static _Noreturn void misused(const char *what)
{
    fprintf(stderr, "torment: %s\n", what);
    exit(2);
}

/* ---- the command line ---- */

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);

    if (end == text || *end)
        misused("a number is wanted");
    return value;
}

static void parse_mix(struct options *options, char *text)
{
    unsigned n = 0;

    memset(options->mix, 0, sizeof(options->mix));
    for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
        size_t length = strcspn(word, "=");

        if (n == HABITS)
            misused("too many habits");
        options->mix[n].habit = habit_find(word, length);
        options->mix[n].weight = word[length] ? (unsigned)number(word + length + 1) : 1;
        if (!options->mix[n].habit)
            misused("no such habit");
        n++;
    }
}

static struct options parse(int argc, char **argv)
{
    static const struct option known[] = {{"connections", required_argument, NULL, 'c'},
                                          {"mix", required_argument, NULL, 'm'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"patience", required_argument, NULL, 'p'},
                                          {NULL, 0, NULL, 0}};
    static char usual[] = "talk=8,bulk=3,flood=1,pause=3,slow=3,brief=2";
    struct options options = {.connections = 20, .seed = 1, .patience_s = 30};
    int letter;

    parse_mix(&options, usual);
    while ((letter = getopt_long(argc, argv, "", known, NULL)) >= 0) {
        if (letter == 'c')
            options.connections = (unsigned)number(optarg);
        else if (letter == 'm')
            parse_mix(&options, optarg);
        else if (letter == 's')
            options.seed = number(optarg);
        else if (letter == 'p')
            options.patience_s = number(optarg);
        else
            exit(2);
    }
    options.targets = argv + optind;
    options.target_count = (unsigned)(argc - optind);
    if (options.target_count == 0)
        misused("no target given");
    return options;
}

static struct addr parse_target(const char *text)
{
    struct addr addr;

    if (text[0] != '/')
        return addr_loopback(AF_INET, (uint16_t)number(text));
    if (addr_unix(text, &addr) < 0)
        misused("not a path for a socket");
    return addr;
}

/* ---- the clients ---- */

/* Habits come in turn, as often as their weights say. */
static const struct habit *habit_of(const struct share *mix, unsigned number, unsigned *ret_round)
{
    unsigned all = 0, i = 0;

    for (unsigned k = 0; k < HABITS; k++)
        all += mix[k].weight;
    if (all == 0)
        misused("the weights are 0");
    *ret_round = number / all;
    for (number %= all; number >= mix[i].weight; i++)
        number -= mix[i].weight;
    return mix[i].habit;
}

static void make_clients(struct run *run, const struct options *options)
{
    uint64_t now = clock_usec();

    run->count = options->connections;
    run->clients = calloc(run->count, sizeof(*run->clients));
    if (!run->clients)
        misused("no memory");
    for (unsigned i = 0; i < run->count; i++) {
        unsigned round;
        const struct habit *habit = habit_of(options->mix, i, &round);
        const char *target = options->targets[(i + round) % options->target_count];
        struct addr addr = parse_target(target);

        client_init(&run->clients[i], &run->torment, habit, target, &addr, i, options->seed,
                    now + (uint64_t)RAMP_USEC * i / run->count);
    }
}

static bool all_are(const struct run *run, bool (*condition)(const struct client *client))
{
    for (unsigned i = 0; i < run->count; i++)
        if (!condition(&run->clients[i]))
            return false;
    return true;
}

static bool has_moved(const struct client *client)
{
    return client->moved;
}

static bool is_away(const struct client *client)
{
    return client->state == CLIENT_AWAY;
}

static unsigned count_grown(const struct run *run)
{
    uint64_t now = clock_usec();
    unsigned n = 0;

    for (unsigned i = 0; i < run->count; i++)
        n += !is_away(&run->clients[i]) && run->clients[i].accepted_usec > 0 &&
             now - run->clients[i].accepted_usec > RECORD_GROWN_USEC;
    return n;
}

/* ---- commands ---- */

static void tell(struct run *run, const char *event)
{
    _cleanup_(freep) uint64_t *waits = calloc(run->count + 1, sizeof(*waits));
    struct record record = run->torment.record;
    size_t n = 0;

    if (!waits)
        misused("no memory");
    for (unsigned i = 0; i < run->count; i++) {
        if (run->clients[i].habit->prompt)
            waits[n++] = run->clients[i].waited_usec;
        if (!is_away(&run->clients[i]))
            record_wrong(&record, &run->clients[i].witness);
    }
    record_totals(&record, event, waits, n);
}

static void obey(struct run *run, const char *command)
{
    if (strcmp(command, "mark") == 0) {
        tell(run, "mark");
        for (unsigned i = 0; i < run->count; i++)
            run->clients[i].waited_usec = 0;
    } else if (strcmp(command, "settle") == 0) {
        run->settling = true;
        for (unsigned i = 0; i < run->count; i++)
            client_expect(&run->clients[i]);
    } else if (strcmp(command, "end") == 0) {
        run->torment.ending = true;
        for (unsigned i = 0; i < run->count; i++)
            client_end(&run->clients[i]);
    } else {
        misused("a command that is none");
    }
}

static void read_commands(struct run *run)
{
    char *end;
    ssize_t n = read(STDIN_FILENO, run->command + run->command_size,
                     sizeof(run->command) - run->command_size);

    if (n <= 0 && !run->torment.ending)
        misused("standard input has ended before the test did");
    if (n <= 0) {
        (void)epoll_ctl(run->torment.epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL); /* Was added. */
        return;
    }
    run->command_size += (size_t)n;
    while ((end = memchr(run->command, '\n', run->command_size))) {
        *end++ = '\0';
        obey(run, run->command);
        run->command_size -= (size_t)(end - run->command);
        memmove(run->command, end, run->command_size);
    }
    if (run->command_size == sizeof(run->command))
        misused("a command that is too long");
}

/* ---- the loop ---- */

static struct timespec time_left(const struct run *run)
{
    uint64_t due = clock_usec() + LONGEST_SLEEP_USEC, now = clock_usec(), left;

    for (unsigned i = 0; i < run->count; i++)
        if (run->clients[i].due_usec < due)
            due = run->clients[i].due_usec;
    left = due > now ? due - now : 0;
    return (struct timespec){.tv_sec = (time_t)(left / 1000000),
                             .tv_nsec = (long)(left % 1000000 * 1000)};
}

static void wait_and_serve(struct run *run)
{
    struct epoll_event events[EVENTS];
    struct timespec timeout = time_left(run);
    int n = epoll_pwait2(run->torment.epoll, events, EVENTS, &timeout, NULL);
    uint64_t now;

    for (int i = 0; i < n; i++)
        if (events[i].data.ptr)
            client_ready(events[i].data.ptr, events[i].events);
        else
            read_commands(run);
    now = clock_usec();
    for (unsigned i = 0; i < run->count; i++)
        if (run->clients[i].due_usec <= now)
            client_due(&run->clients[i], now);
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct epoll_event input = {.events = EPOLLIN};
    struct run run = {.torment.patience_usec = options.patience_s * 1000000};

    (void)descriptors_raise_limit(&(size_t){0}); /* Or the sockets will tell. */
    run.torment.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (run.torment.epoll < 0 ||
        epoll_ctl(run.torment.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input) < 0)
        misused("standard input has to be a pipe");
    make_clients(&run, &options);
    while (!run.torment.ending || !all_are(&run, is_away)) {
        wait_and_serve(&run);
        if (run.settling && all_are(&run, has_moved)) {
            run.settling = false;
            record_settled(count_grown(&run));
        }
    }
    tell(&run, "end");
    free(run.clients);
    return EXIT_SUCCESS;
}
