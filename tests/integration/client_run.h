/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/* Runs the real echo-client, $ECHO_CLIENT. What fails in here fails the running test. */

struct run {
    int status; /* of exit(3), -1 when a signal ended it */
    char out[4096], err[4096];
};

/* The program. */
const char *client_path(void);

/* Runs it, or what argv[0] is, to its end. */
struct run client_run(const char *const *argv);

/* The same with the given files as standard output and error; its exit status, or -1. */
int client_run_to(const char *const *argv, int out, int err);

/* What was written to a file, as a text; closes it. */
void client_take_text(int fd, char *text, size_t size);

#define CLIENT_ARGS(...) ((const char *const[]){client_path(), __VA_ARGS__, NULL})
#define CLIENT(...) client_run(CLIENT_ARGS(__VA_ARGS__))
