/* SPDX-License-Identifier: MIT */
#pragma once

#include "client/options.h"

/* The command line of echo-client pipe. */
struct pipe_options {
    struct common_options common;
    bool verify, verbose;
};

/* ret_options is to be given to pipe_options_deinit() in any case. */
enum options_action pipe_options_parse(int argc, char **argv, struct pipe_options *ret_options);

void pipe_options_deinit(struct pipe_options *options);
