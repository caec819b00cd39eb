/* SPDX-License-Identifier: MIT */
#pragma once

#include <check.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * Runs real echod processes, $ECHOD, for suites of the check library, whose every test is a process
 * of its own (CK_FORK). An echod gets a directory, a configuration file, a notify socket and a file
 * for its standard error, and listens on an address in 127.0.0.0/8 that no other test has. Whoever
 * waits does so for an event, and no longer than DEADLINE_MS; what then fails says what echod said.
 * Nothing is left behind, whether tests pass or not: see harness_run().
 */

enum { DEADLINE_MS = 20000 };

/* Suites. */

/* The suite's only test case. Names the suite, makes its directory. */
TCase *harness_suite(const char *name);

/* Whether the machine lets tests do this; if not, says so, and the suite counts as skipped. */
bool harness_may(bool possible, const char *what);

/* Runs the suite, then ends what it left and removes its directory: the status for main(). */
int harness_run(void);

/* Time. */

uint64_t harness_now_ms(void);

/*
 * Waits until HOLDS(context), for what no event tells of: the state of another process, what a
 * kernel's queue did. WHAT is for the message.
 */
void harness_await(bool (*holds)(void *context), void *context, const char *what);

/* One echod. */

enum { ECHOD_WORDS = 16 };

struct echod {
    /* May be changed between echod_init() and echod_spawn(). */
    char host[64];
    int port;
    const char *arguments[ECHOD_WORDS]; /* after "--config FILE" */
    const char *variables[ECHOD_WORDS]; /* "NAME=VALUE" */
    void (*prepare)(void);              /* called in the new process */
    int input, output;                  /* its descriptors 0 and 1, or -1: /dev/null and a file */
    int passed[4];                      /* the descriptors from 3 on, with LISTEN_FDS */
    unsigned passed_count;
    const char *passed_names; /* LISTEN_FDNAMES */
    const char *config_name;  /* for --config, instead of the absolute path; "" for no --config */

    /* To be read. */
    char directory[128];
    char config[192];
    pid_t pid;
    int pidfd; /* readable when it ended */
    int notify;
    char message[4096]; /* the last one that it sent to its service manager */
    pid_t sender;       /* of it */
    int attached;       /* the descriptor that came with it, or -1 */
    char *history;      /* all of them */
    size_t history_size;
    FILE *history_stream;
};

/* A directory, a free address, and the configuration that these make. */
void echod_init(struct echod *e);

/* Writes the configuration: e's host and port, and MORE. */
__attribute__((format(printf, 2, 3))) void echod_configure(const struct echod *e, const char *more,
                                                           ...);

/* Writes a file in the directory; returns its path, in a buffer that the next call uses. */
const char *echod_write(const struct echod *e, const char *name, const char *text);

/* The path of a file in the directory, in one of some buffers that are used in turn. */
const char *echod_path(const struct echod *e, const char *name);

/* The process number that a pid file in the directory has. */
pid_t echod_pid_in(const struct echod *e, const char *name);

/* Starts it; echod_start() also waits until it is ready. */
void echod_spawn(struct echod *e);
void echod_start(struct echod *e);

/*
 * Waits for a message to the service manager with a line that begins with LINE, "READY=1". Returns
 * it. Fails when echod ends before.
 */
const char *echod_await(struct echod *e, const char *line);

/* The rest of the line that begins with NAME in the last message: its value. NULL if none does. */
const char *echod_value(struct echod *e, const char *name);

/* Messages that are there already, or come within this time: the number of those with LINE. */
unsigned echod_count_messages(struct echod *e, const char *line, int within_ms);

void echod_signal(const struct echod *e, int signal);

/* SIGHUP, and waits until the reload is over, however it went. Returns the status line. */
const char *echod_try_reload(struct echod *e);

/* The same, and asserts that it worked: there are new workers. */
void echod_reload(struct echod *e);

/* Its exit status, when it has ended by itself; a signal or an end that does not come fails. */
int echod_wait(struct echod *e);

/* Spawns and waits. */
int echod_run(struct echod *e);

/* Stops it at once, whoever is connected, and asserts an orderly end. */
void echod_stop(struct echod *e);

/* All that it has written to standard error, in a buffer that the next call uses. */
const char *echod_errors(const struct echod *e);

/* The same for standard output. */
const char *echod_output(const struct echod *e);

/* Waits until standard error contains TEXT. */
void echod_await_error(struct echod *e, const char *text);
