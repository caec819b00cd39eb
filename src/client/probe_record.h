/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "client/probe.h"
#include "client/record.h"

/*
 * Adds what is known of a probe to the object that is open: always the same fields, null where
 * there is nothing to say. PRINT_CAUSE says why it failed, of CONTEXT.
 */
void probe_record(struct record *record, const struct probe_result *result,
                  void (*print_cause)(FILE *out, const void *context), const void *context);

/* An address as a text, null for none. */
void probe_record_peer(struct record *record, const char *name, const struct addr *peer);

/* What PRINT writes. */
void probe_record_printed(struct record *record, const char *name,
                          void (*print)(FILE *out, const void *context), const void *context);
