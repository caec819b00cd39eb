/* SPDX-License-Identifier: MIT */
#include "client/window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/difference.h"

int window_init(struct window *window, size_t size, bool keep)
{
    unsigned char *bytes = malloc(size);

    if (!bytes)
        return -ENOMEM;
    *window = (struct window){.bytes = bytes, .size = size, .keep = keep};
    return 0;
}

void window_deinit(struct window *window)
{
    free(window->bytes);
    *window = (struct window){0};
}

/* The part of FROM .. TO - 1 that lies in one piece. */
static struct iovec piece(const struct window *window, uint64_t from, uint64_t to)
{
    size_t begin = (size_t)(from % window->size), left = window->size - begin;
    uint64_t length = to - from;

    return (struct iovec){.iov_base = window->bytes + begin,
                          .iov_len = length < left ? (size_t)length : left};
}

struct iovec window_room(const struct window *window)
{
    uint64_t kept = window->keep ? window->received : window->sent;

    return piece(window, window->read, kept + window->size);
}

struct iovec window_unsent(const struct window *window)
{
    return piece(window, window->sent, window->read);
}

size_t window_matching(const struct window *window, const void *data, size_t length)
{
    const unsigned char *found = data;
    uint64_t position = window->received;
    size_t done = 0;

    while (window->keep && done < length) {
        struct iovec expected = piece(window, position + done, window->sent);
        size_t part = expected.iov_len < length - done ? expected.iov_len : length - done;
        size_t same = first_difference(expected.iov_base, found + done, part);

        done += same;
        if (same < part || part == 0)
            return done;
    }
    return length;
}

uint8_t window_byte(const struct window *window, uint64_t position)
{
    return window->bytes[position % window->size];
}
