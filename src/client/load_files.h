/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "client/load_result.h"

/*
 * The files that --hgrm and --svg ask for. They are opened before the load begins, so that a name
 * that is wrong is known before it, not after; what is wrong is said on standard error.
 */
struct load_files {
    FILE *hgrm, *svg; /* NULL: none */
};

/* 0 or -errno. */
int load_files_open(const struct load_options *options, struct load_files *ret_files);

/* Writes and closes them. 0 or -errno. */
int load_files_write(struct load_files *files, const struct load_result *result);

/* Closes those that are still open. */
void load_files_deinit(struct load_files *files);
