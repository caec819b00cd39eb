/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "base/conf.h"

/* echod's command line. */
struct echod_options {
    char config[PATH_MAX]; /* absolute, or "" for the system's files */
    char dropins[PATH_MAX + 4];
    bool check_config;
    bool print_config;
    int check_upgrade; /* the descriptor of a running echod's memory, or -1 */
    bool daemon;
    bool inetd;
    char pid_file[PATH_MAX]; /* absolute */
    const char *user;        /* NULL: stay who we are */
    int log_level;           /* -1: as configured */
    int log_target;          /* -1: as configured */
};

enum options_result {
    OPTIONS_RUN,   /* go on with what was asked for */
    OPTIONS_DONE,  /* --help or --version was printed */
    OPTIONS_WRONG, /* what is wrong was said on standard error */
};

/* The strings of *ret are argv's. */
enum options_result echod_options_parse(int argc, char **argv, struct echod_options *ret);

/* conf_load() for these options: the right files, with --log-level and --log-target on top. */
int echod_options_load_conf(const struct echod_options *options, struct conf *ret_conf,
                            struct conf_errors *errors);
