/* SPDX-License-Identifier: MIT */
#include "client/options.h"

#include <config.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/deadline.h"
#include "client/escape.h"

#define MESSAGE_DEFAULT "Hello, world"
#define SIZE_MAX_BYTES (UINT64_C(1) << 30)
#define SIZE_ALLOWED "1 to 1G (bytes, or with K, M or G)"
#define TIMEOUT_DEFAULT (10 * NSEC_PER_SEC)
#define TIMEOUT_ALLOWED "0.001 to 86400 (seconds)"

/* What was given, before defaults are filled in and contradictions found. */
struct given {
    const char *message; /* NULL: not given */
    uint64_t size;       /* 0: not given */
    int64_t timeout_nsec;
    bool inet, inet6, quiet;
};

void options_print_help(FILE *out)
{
    (void)fputs("Usage: echo-client [check] [OPTION...] [TARGET]\n"
                "\n"
                "Sends a message to an echo server (RFC 862) and checks that the very same bytes\n"
                "come back.\n"
                "\n"
                "TARGET (default " TARGET_DEFAULT "; without a port: 65432):\n"
                "  HOST  HOST:PORT  [IPV6]:PORT  tcp://HOST:PORT  unix:/PATH  unix:@NAME\n"
                "\n"
                "  -m, --message TEXT     what to send (default \"" MESSAGE_DEFAULT "\")\n"
                "  -s, --size N           send N random bytes instead (1 to 1G; K, M, G)\n"
                "  -t, --timeout SECONDS  the limit for everything together (default 10)\n"
                "  -4, -6                 use IPv4 only, IPv6 only\n"
                "  -q, --quiet            print nothing when all is well\n"
                "      --help             print this and exit\n"
                "      --version          print the version and exit\n"
                "\n"
                "Exit status: 0 intact, 2 not, 3 wrong usage or trouble on this side.\n"
                "More: man echo-client\n",
                out);
}

void options_print_version(FILE *out)
{
    (void)fputs("echo-client (echod) " PACKAGE_VERSION "\n", out);
}

static enum options_action hint(void)
{
    (void)fputs("Try \"echo-client --help\".\n", stderr);
    return OPTIONS_WRONG;
}

static enum options_action wrong(const char *problem)
{
    (void)fprintf(stderr, "echo-client: %s\n", problem);
    return hint();
}

/* WHAT names what the value is for; PROBLEM follows it. */
static enum options_action wrong_value(const char *what, const char *value, const char *problem,
                                       const char *allowed)
{
    (void)fprintf(stderr, "echo-client: %s \"", what);
    escape_write(stderr, value, strlen(value));
    (void)fprintf(stderr, "\": %s; allowed: %s\n", problem, allowed);
    return hint();
}

/* -EINVAL for what is not digits and a suffix, -ERANGE for too little or too much. */
static int parse_size(const char *text, uint64_t *ret_size)
{
    static const char suffixes[] = "KMG";
    size_t digits = strspn(text, "0123456789");
    const char *suffix = text + digits;
    unsigned long long number;
    int shift = 0;

    if (*suffix != '\0') {
        const char *known = strchr(suffixes, *suffix & ~('a' ^ 'A'));

        if (!known || suffix[1] != '\0')
            return -EINVAL;
        shift = 10 * (int)(known - suffixes + 1);
    }
    if (digits == 0)
        return -EINVAL;
    errno = 0;
    number = strtoull(text, NULL, 10);
    if (errno != 0 || number < 1 || number > SIZE_MAX_BYTES >> shift)
        return -ERANGE;
    *ret_size = (uint64_t)number << shift;
    return 0;
}

/* Plain decimal numbers only: what strtod(3) takes beyond them (hex, inf, nan) is no duration. */
static int parse_timeout(const char *text, int64_t *ret_nsec)
{
    double seconds;
    char *end;

    if (strspn(text, "0123456789.") != strlen(text))
        return -EINVAL;
    seconds = strtod(text, &end);
    if (end == text || *end != '\0')
        return -EINVAL;
    if (seconds < 0.001 || seconds > 86400)
        return -ERANGE;
    *ret_nsec = (int64_t)(seconds * (double)NSEC_PER_SEC);
    return 0;
}

static const char *number_problem(int r)
{
    return r == -ERANGE ? "out of range" : "not a number";
}

static enum options_action take_size(const char *text, struct given *given)
{
    int r = parse_size(text, &given->size);

    return r < 0 ? wrong_value("--size", text, number_problem(r), SIZE_ALLOWED) : OPTIONS_CHECK;
}

static enum options_action take_timeout(const char *text, struct given *given)
{
    int r = parse_timeout(text, &given->timeout_nsec);

    return r < 0 ? wrong_value("--timeout", text, number_problem(r), TIMEOUT_ALLOWED)
                 : OPTIONS_CHECK;
}

enum { OPTION_HELP = 256, OPTION_VERSION };

static enum options_action take_option(int option, const char *value, struct given *given)
{
    switch (option) {
    case 'm':
        given->message = value;
        return OPTIONS_CHECK;
    case 's':
        return take_size(value, given);
    case 't':
        return take_timeout(value, given);
    case '4':
        given->inet = true;
        return OPTIONS_CHECK;
    case '6':
        given->inet6 = true;
        return OPTIONS_CHECK;
    case 'q':
        given->quiet = true;
        return OPTIONS_CHECK;
    case OPTION_HELP:
        return OPTIONS_HELP;
    case OPTION_VERSION:
        return OPTIONS_VERSION;
    default:
        return hint(); /* getopt_long(3) has said it. */
    }
}

static enum options_action take_options(int argc, char **argv, struct given *given)
{
    static const struct option known[] = {
        {"message", required_argument, NULL, 'm'},
        {"size", required_argument, NULL, 's'},
        {"timeout", required_argument, NULL, 't'},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, OPTION_HELP},
        {"version", no_argument, NULL, OPTION_VERSION},
        {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "m:s:t:46q", known, NULL)) != -1) {
        enum options_action action = take_option(option, optarg, given);

        if (action != OPTIONS_CHECK)
            return action;
    }
    return OPTIONS_CHECK;
}

/* [check] [TARGET]. One word is a target, unless it is "check". */
static enum options_action take_operands(char **operand, struct target *ret_target)
{
    const char *text = TARGET_DEFAULT, *problem;
    bool mode = *operand && strcmp(*operand, "check") == 0;

    operand += mode ? 1 : 0;
    if (*operand)
        text = *operand++;
    if (*operand && !mode)
        return wrong_value("mode", text, "not known in this version", "check, then one TARGET");
    if (*operand)
        return wrong_value("operand", *operand, "one too many", "one TARGET");
    if (target_parse(text, ret_target, &problem) < 0)
        return wrong_value("target", text, problem, TARGET_ALLOWED);
    return OPTIONS_CHECK;
}

/* What each option allows by itself, but not together. */
static const char *contradiction(const struct given *given, const struct target *target)
{
    if (given->message && given->size)
        return "--message and --size exclude each other";
    if (given->message && given->message[0] == '\0')
        return "--message is empty: there would be nothing to check";
    if (given->inet && given->inet6)
        return "-4 and -6 exclude each other";
    if ((given->inet || given->inet6) && target->kind == TARGET_UNIX)
        return "-4 and -6 mean nothing to a Unix socket";
    return NULL;
}

static int family_of(const struct given *given)
{
    if (given->inet)
        return AF_INET;
    return given->inet6 ? AF_INET6 : AF_UNSPEC;
}

enum options_action client_options_parse(int argc, char **argv, struct client_options *ret_options)
{
    struct given given = {.timeout_nsec = TIMEOUT_DEFAULT};
    struct target target;
    enum options_action action;
    const char *problem;

    action = take_options(argc, argv, &given);
    if (action == OPTIONS_CHECK)
        action = take_operands(argv + optind, &target);
    if (action != OPTIONS_CHECK)
        return action;
    problem = contradiction(&given, &target);
    if (problem)
        return wrong(problem);

    *ret_options = (struct client_options){
        .check = {.target = target,
                  .pattern = given.size
                                 ? pattern_random(pattern_new_seed(), given.size)
                                 : pattern_message(given.message ? given.message : MESSAGE_DEFAULT),
                  .family = family_of(&given),
                  .timeout_nsec = given.timeout_nsec},
        .quiet = given.quiet};
    return OPTIONS_CHECK;
}
