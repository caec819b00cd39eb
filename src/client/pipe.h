/* SPDX-License-Identifier: MIT */
#pragma once

/* echo-client pipe. Returns the status to exit with: 0, 2 or 3, as those of check. */
int pipe_main(int argc, char **argv);
