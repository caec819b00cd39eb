/* SPDX-License-Identifier: MIT */
#pragma once

/* echo-client check. Returns the status to exit with (see check_report.h). */
int check_main(int argc, char **argv);
