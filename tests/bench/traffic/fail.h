/* SPDX-License-Identifier: MIT */
#pragma once

/* Says on standard error what is wrong and ends the program with status 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
