/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "client/probe.h"

/* What a probe consists of; for probe*.c alone. FD is connected, and stays the caller's. */

enum probe_outcome probe_stream(int fd, const struct pattern *pattern, int64_t deadline,
                                struct probe_result *result);

/* One datagram there, one back. */
enum probe_outcome probe_datagram(int fd, const struct pattern *pattern, int64_t deadline,
                                  struct probe_result *result);

/* Enters the error; returns the outcome. */
enum probe_outcome probe_fail(struct probe_result *result, enum probe_outcome outcome, int error);

/* What a failed call on a connected socket says: about the way to the server, or about us. */
enum probe_outcome probe_broke(struct probe_result *result, int error);

/* Whether errno is only a reason to poll again. */
bool probe_try_again(int error);
