/* SPDX-License-Identifier: MIT */
#pragma once

/* The mode "ping": argv[1] is what follows the mode's name. The exit status. */
int ping_main(int argc, char **argv);
