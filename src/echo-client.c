/* SPDX-License-Identifier: MIT */
#include <locale.h>
#include <signal.h>
#include <string.h>

#include "base/descriptors.h"
#include "client/check.h"
#include "client/options.h"
#include "client/report.h"

static enum report_status check(const struct client_options *options)
{
    struct check_result result = check_run(&options->check);

    return report_check(&options->check, &result, options->quiet, stdout, stderr);
}

/* An answer that nobody can read is none: a full disk must not pass for success. */
static enum report_status finish(enum report_status status)
{
    int r = report_flush(stdout);

    if (r == 0)
        return status;
    (void)fprintf(stderr, "echo-client: cannot write to standard output: %s\n", strerror(-r));
    return REPORT_UNKNOWN;
}

int main(int argc, char **argv)
{
    struct client_options options;

    if (descriptors_open_standard() < 0)
        return REPORT_UNKNOWN;
    (void)setlocale(LC_CTYPE, ""); /* which characters of an answer can be shown as they are */
    (void)signal(SIGPIPE, SIG_IGN);

    switch (client_options_parse(argc, argv, &options)) {
    case OPTIONS_HELP:
        options_print_help(stdout);
        return (int)finish(REPORT_INTACT);
    case OPTIONS_VERSION:
        options_print_version(stdout);
        return (int)finish(REPORT_INTACT);
    case OPTIONS_CHECK:
        return (int)finish(check(&options));
    case OPTIONS_WRONG:
        break;
    }
    return REPORT_UNKNOWN;
}
