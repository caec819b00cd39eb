/* SPDX-License-Identifier: MIT */
#include "client/probe_record.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "client/probe_words.h"

void probe_record_peer(struct record *record, const char *name, const struct addr *peer)
{
    char text[ADDR_TEXT_MAX];

    if (peer->len > 0)
        record_text(record, name, addr_format(peer, text));
    else
        record_null(record, name);
}

void probe_record_printed(struct record *record, const char *name,
                          void (*print)(FILE *out, const void *context), const void *context)
{
    _cleanup_(freep) char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    if (stream)
        print(stream, context);
    if (stream && fclose(stream) == 0)
        record_text(record, name, text);
    else
        record_null(record, name);
}

void probe_record(struct record *record, const struct probe_result *result,
                  void (*print_cause)(FILE *out, const void *context), const void *context)
{
    bool connected = result->peer.len > 0;

    record_text(record, "outcome", probe_words_outcome(result->outcome));
    probe_record_peer(record, "peer", &result->peer);
    if (connected)
        record_usec(record, "connect_us", result->connect_nsec);
    else
        record_null(record, "connect_us");
    record_integer(record, "sent_bytes", (int64_t)result->sent);
    record_integer(record, "received_bytes", (int64_t)result->received);
    if (result->outcome == PROBE_WRONG_BYTES)
        record_integer(record, "wrong_offset_bytes", (int64_t)result->wrong_offset);
    else
        record_null(record, "wrong_offset_bytes");
    if (result->outcome == PROBE_OK)
        record_null(record, "error");
    else
        probe_record_printed(record, "error", print_cause, context);
}
