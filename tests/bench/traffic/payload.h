/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The largest message. */
enum { PAYLOAD_MAX = 65536 };

/* What is sent as a connection's next message: a function of the two numbers, and cheap. */
void payload_fill(uint8_t *buffer, size_t size, uint64_t connection, uint64_t message);
