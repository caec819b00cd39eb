/* SPDX-License-Identifier: MIT */
#pragma once

#include "traffic/options.h"

/* Each prints a line of JSON, or ends the program with a message. */

/* One message under way on each connection: an answer sends the next. */
void pingpong(const struct options *options);

/* The same with datagrams; or, with --burst, many from one peer and the next when all are back. */
void datagrams(const struct options *options);

/* As many bytes as go through. */
void bulk(const struct options *options);

/* Connect, one message, close, and again. */
void short_lived(const struct options *options);

/* Connections that are there, until standard input ends. */
void idle(const struct options *options);
