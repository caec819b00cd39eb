/* SPDX-License-Identifier: MIT */
#include <locale.h>
#include <signal.h>
#include <string.h>

#include "base/descriptors.h"
#include "client/check.h"
#include "client/load.h"
#include "client/options.h"
#include "client/output.h"
#include "client/ping.h"
#include "client/pipe.h"

/* What echo-client can do. The first word says which; without one it is the plain check. */
struct mode {
    const char *name;
    const char *about;
    int (*run)(int argc, char **argv); /* argv[1] is what follows the mode's name */
    int trouble;                       /* its exit status for trouble on this side */
};

static const struct mode modes[] = {
    {"check", "see whether the very same bytes come back: a monitoring plugin", check_main, 3},
    {"load", "send as much as the server can take, and measure it", load_main, 3},
    {"pipe", "send standard input, print what comes back", pipe_main, 3},
    {"ping", "measure round-trip times, tell what gets lost and how", ping_main, 2},
};

static const struct mode plain = {NULL, NULL, check_main_plain, 3};

enum { MODES = sizeof(modes) / sizeof(modes[0]) };

/* An answer that nobody can read is none: a full disk must not pass for success. */
static int finish(int status, int trouble)
{
    int r = output_flush(stdout);

    if (r == 0)
        return status;
    (void)fprintf(stderr, "echo-client: cannot write to standard output: %s\n", strerror(-r));
    return trouble;
}

static int print_modes(void)
{
    (void)fputs("Usage: echo-client [MODE] [OPTION...] [TARGET...]\n\nMODE:\n", stdout);
    for (size_t i = 0; i < MODES; i++)
        (void)printf("  %-8s%s\n", modes[i].name, modes[i].about);
    (void)fputs("Without a MODE: the same as check, but told in a sentence.\n"
                "\n  -h, --help     print this; after a MODE, print its options\n"
                "  -V, --version  print the version\n"
                "\nMore: man echo-client\n",
                stdout);
    return 0;
}

static int print_version(void)
{
    options_print_version(stdout);
    return 0;
}

static int run_mode(const struct mode *mode, int argc, char **argv)
{
    return finish(mode->run(argc, argv), mode->trouble);
}

static int run(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";

    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return finish(print_modes(), plain.trouble);
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        return finish(print_version(), plain.trouble);
    for (size_t i = 0; i < MODES; i++)
        if (strcmp(word, modes[i].name) == 0) {
            argv[1] = argv[0]; /* the program's name, for getopt_long(3) */
            return run_mode(&modes[i], argc - 1, argv + 1);
        }
    return run_mode(&plain, argc, argv);
}

int main(int argc, char **argv)
{
    if (descriptors_open_standard() < 0)
        return plain.trouble;
    (void)setlocale(LC_CTYPE, ""); /* which characters of an answer can be shown as they are */
    (void)signal(SIGPIPE, SIG_IGN);
    return run(argc, argv);
}
