/* SPDX-License-Identifier: MIT */
#pragma once

#include "client/probe.h"

/* What a probe consists of; for probe*.c alone. FD is connected, and stays the caller's. */

enum probe_outcome probe_stream(int fd, const struct pattern *pattern, int64_t deadline,
                                struct probe_result *result);

/* One datagram there, one back. */
enum probe_outcome probe_datagram(int fd, const struct pattern *pattern, int64_t deadline,
                                  struct probe_result *result);

/* Enters the error; returns the outcome. */
enum probe_outcome probe_fail(struct probe_result *result, enum probe_outcome outcome, int error);
