/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * echo-client check. Returns the status to exit with, an enum check_state. It answers monitoring
 * systems.
 */
int check_main(int argc, char **argv);

/* The same without a mode, typed by a person: what a sentence can say, a sentence says. */
int check_main_plain(int argc, char **argv);
