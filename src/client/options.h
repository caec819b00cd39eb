/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/dial.h"
#include "client/target.h"

/*
 * The command line of a mode: its own options are rows of a table, the common ones are added here.
 * The same rows make the help.
 */

struct option_row {
    int letter;           /* 0: none */
    const char *name;     /* without "--"; NULL: none */
    const char *argument; /* what the help calls the value; NULL: takes none */
    const char *help;     /* NULL: stands in one line with the next row */
    /* Returns NULL, or what is wrong with TEXT, as value.h does. NULL ends a table of rows. */
    const char *(*take)(const struct option_row *row, const char *text);
    void *value;         /* where it goes: see the functions below */
    uint64_t min, max;   /* where the type has them: a number, bytes, nanoseconds */
    const char *allowed; /* the same in words, for messages */
};

/* Functions for "take". */
const char *option_take_flag(const struct option_row *row, const char *text);     /* bool */
const char *option_take_count(const struct option_row *row, const char *text);    /* unsigned */
const char *option_take_text(const struct option_row *row, const char *text);     /* const char * */
const char *option_take_number(const struct option_row *row, const char *text);   /* uint64_t */
const char *option_take_size(const struct option_row *row, const char *text);     /* uint64_t */
const char *option_take_duration(const struct option_row *row, const char *text); /* int64_t */

/* A mode's command line. */
struct command_line {
    const char *mode;         /* "check" */
    const char *usage;        /* what follows the program's name: "[check] [OPTION...] [TARGET]" */
    const char *about;        /* what the mode does: whole lines */
    const char *closing;      /* whole lines after the options: the exit status */
    const char *timeout_help; /* what --timeout limits here */
    const char *quiet_help;   /* what --quiet does, NULL: prints nothing when all is well */
    const char *json_help;    /* what --json prints; NULL: the mode does not have it */
    unsigned kinds;           /* of targets that it takes: bits, 1 << enum target_kind */
    size_t targets_max;
    const struct option_row *rows; /* the mode's own options */
};

bool command_line_takes_datagrams(const struct command_line *line);

/* What every mode takes. */
struct common_options {
    int family;                /* AF_UNSPEC, AF_INET, AF_INET6 */
    int64_t timeout_nsec;      /* of --timeout; set the default before */
    struct dial_options dial;  /* --source, --proxy-protocol */
    bool json, quiet;          /* --json, --quiet */
    struct target_list target; /* at least one: without any, it is TARGET_DEFAULT */
};

void common_options_deinit(struct common_options *common);

enum options_action {
    OPTIONS_RUN,
    OPTIONS_DONE,  /* --help or --version: was printed on standard output */
    OPTIONS_WRONG, /* what is wrong has been said on standard error */
};

/*
 * Reads argv[1] and what follows; argv[0] is not looked at. What was read is in the rows' values
 * and in common, whose memory is the caller's to free in any case.
 */
enum options_action options_parse(const struct command_line *line, int argc, char **argv,
                                  struct common_options *common);

/* For what is wrong with options taken together: says it, and returns OPTIONS_WRONG. */
enum options_action options_wrong(const struct command_line *line, const char *problem);

void options_print_version(FILE *out);
