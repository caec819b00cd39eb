/* SPDX-License-Identifier: MIT */
#pragma once

#include "client/options.h"
#include "client/pattern.h"

/* The command line of echo-client check. */
struct check_options {
    struct common_options common;
    struct pattern pattern; /* a message points into argv */
};

/* ret_options is to be given to check_options_deinit() in any case. */
enum options_action check_options_parse(int argc, char **argv, struct check_options *ret_options);

void check_options_deinit(struct check_options *options);
