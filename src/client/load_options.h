/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "client/load_plan.h"
#include "client/load_promise.h"
#include "client/options.h"

enum { LOAD_RATE_MAX = 10000000 };

/* The command line of echo-client load. */
struct load_options {
    struct common_options common;
    struct load_plan plan;       /* without the peer */
    struct load_promise promise; /* of --find-rate; its text is NULL: no search */
    const char *hgrm, *svg;      /* files to write; NULL: none */
};

/* The options' memory is for load_options_deinit() in any case. */
enum options_action load_options_parse(int argc, char **argv, struct load_options *ret_options);

void load_options_deinit(struct load_options *options);
