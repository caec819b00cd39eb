/* SPDX-License-Identifier: MIT */
#pragma once

/* Why something could not be had: one sentence for the log, the status line, the terminal. */
struct failure {
    int error; /* -errno */
    char text[1024];
};

/* Sets both; returns the negative errno. %m in FORMAT is the error's text. */
int failure_set(struct failure *failure, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
