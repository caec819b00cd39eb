/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/event.h"

/*
 * Says events to the journal, to syslog or on standard error. The only module with state of its
 * own: where to and how much. One process logs, the supervisor; workers report to it.
 */

struct log_field {
    enum event_field field;
    const char *text; /* NULL: the number counts; "": the field is left out */
    int64_t number;
};

#define LOG_TEXT(f, t) ((struct log_field){.field = (f), .text = (t)})
#define LOG_NUMBER(f, n) ((struct log_field){.field = (f), .number = (int64_t)(n)})

struct log_fields {
    const struct log_field *field;
    unsigned count;
};

#define LOG_FIELDS(...)                                                                            \
    ((struct log_fields){(const struct log_field[]){__VA_ARGS__},                                  \
                         sizeof((struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)})
#define LOG_NO_FIELDS ((struct log_fields){0})

/* Where in the source an event is said: CODE_FILE, CODE_LINE, CODE_FUNC. */
struct log_place {
    const char *file, *function;
    int line;
};

/*
 * Chooses the target. AUTO is the journal where it answers and either the process is a daemon or
 * its standard error leads there already; else syslog for a daemon; else standard error, with
 * sd-daemon(3) level prefixes where that is a journal stream. A JOURNAL that does not answer is
 * replaced by standard error, which is also used until this is called.
 */
void log_open(enum conf_log_target target, int level, bool daemonized);

/*
 * Until called with -1, errors are written to FD as well: a daemon's start that fails is to be
 * seen by the one who typed it. FD stays the caller's.
 */
void log_copy_errors(int fd);

/*
 * Says one event. ERROR is a positive or negative errno, or 0: it becomes ERRNO= and what %m
 * prints. Returns -|error|, so that a caller can say and return a failure in one line.
 */
#define log_event(event, error, fields, ...)                                                       \
    log_event_at((event), (error), (fields), (struct log_place){__FILE__, __func__, __LINE__},     \
                 __VA_ARGS__)
int log_event_at(enum event event, int error, struct log_fields fields, struct log_place place,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/*
 * Says how many events were folded away, of each kind whose time has come. Returns the
 * milliseconds until this wants to be called again, or -1 while nothing is folded.
 */
int log_flush_folded(void);

/* Says all that is folded away, whether its time has come or not: for the end. */
void log_flush_all_folded(void);
