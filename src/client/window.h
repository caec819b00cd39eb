/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * A stream's bytes on their way: read from somewhere, sent, and kept until they came back, so that
 * what comes back can be compared. A ring: its memory does not grow with the stream. Positions
 * count bytes from the beginning of the stream.
 */
struct window {
    unsigned char *bytes;
    size_t size;
    bool keep;           /* until they came back; otherwise until they were sent */
    uint64_t read, sent; /* positions: read >= sent >= what is kept */
    uint64_t received;
};

/* 0 or -ENOMEM. */
int window_init(struct window *window, size_t size, bool keep);
void window_deinit(struct window *window);

/* Where the next bytes may be read to; length 0 when there is no room. Then add to "read". */
struct iovec window_room(const struct window *window);

/* What is to be sent next; length 0 when there is nothing. Then add to "sent". */
struct iovec window_unsent(const struct window *window);

/*
 * How many of the LENGTH bytes that came back are what was sent, from position "received" on; the
 * first that is not may also be one that was never sent. Without "keep" it does not know and says
 * LENGTH. Then add to "received".
 */
size_t window_matching(const struct window *window, const void *data, size_t length);

/* The byte at a position that is kept. */
uint8_t window_byte(const struct window *window, uint64_t position);
