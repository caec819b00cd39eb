/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "client/probe.h"

/* How echo-client ends. */
enum report_status {
    REPORT_INTACT = 0,
    REPORT_NOT_INTACT = 2, /* the server, or the way to it */
    REPORT_UNKNOWN = 3,    /* nothing is known about the server: wrong usage, trouble over here */
};

/*
 * Says in one line what a check found: success on OUT (not when QUIET), failure on ERR. Returns
 * the status to exit with.
 */
enum report_status report_check(const struct probe_request *request,
                                const struct probe_result *result, bool quiet, FILE *out,
                                FILE *err);
