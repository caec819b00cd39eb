/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * echo-client load. Returns the status to exit with: 0 all is well, 2 it is not, 3 wrong usage
 * or trouble on this side.
 */
int load_main(int argc, char **argv);
