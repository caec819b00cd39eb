/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "client/check.h"

enum options_action {
    OPTIONS_CHECK,
    OPTIONS_HELP,
    OPTIONS_VERSION,
    OPTIONS_WRONG, /* what is wrong with them has been said on standard error */
};

struct client_options {
    struct check_request check; /* the message points into argv */
    bool quiet;
};

/* Reads the command line. ret_options is only touched for OPTIONS_CHECK. */
enum options_action client_options_parse(int argc, char **argv, struct client_options *ret_options);

/* Write errors are left to ferror(3). */
void options_print_help(FILE *out);
void options_print_version(FILE *out);
