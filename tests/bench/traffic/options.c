/* SPDX-License-Identifier: MIT */
#include "traffic/options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traffic/fail.h"
#include "traffic/payload.h"

static const char usage[] =
    "usage: load pingpong|datagrams|bulk|short|idle [OPTION...] ADDRESS:PORT\n"
    "  -c, --connections=N   at the same time (1)\n"
    "  -s, --size=BYTES      of a message (64)\n"
    "  -d, --seconds=S       to measure (1)\n"
    "  -w, --warmup=S        not measured, before (0.2)\n"
    "  -b, --bytes=N         bulk: end after so many on each connection (no limit)\n"
    "      --burst           datagrams: all from one address at once, and again when they are "
    "back\n"
    "      --spin            pingpong on one connection, datagrams: poll, do not sleep in recv(2)\n"
    "      --sync            print \"ready\" and wait for a line on standard input before\n"
    "                        measuring (idle: connecting), and for another one, or its end,\n"
    "                        before closing the connections\n"
    "Prints one line of JSON.\n";

static double number(const char *text, double min, double max)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !(value >= min && value <= max))
        fail("%s: a number from %g to %g is wanted", text, min, max);
    return value;
}

static struct sockaddr_in target(const char *text)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    const char *colon = strrchr(text, ':');
    char host[INET_ADDRSTRLEN];

    if (!colon || (size_t)(colon - text) >= sizeof(host))
        fail("%s: ADDRESS:PORT is wanted", text);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    if (inet_pton(AF_INET, host, &addr.sin_addr) != 1)
        fail("%s: not an IPv4 address", host);
    addr.sin_port = htons((uint16_t)number(colon + 1, 1, 65535));
    return addr;
}

static void option(struct options *options, int letter)
{
    switch (letter) {
    case 'c':
        options->connections = (unsigned)number(optarg, 1, 1e6);
        break;
    case 's':
        options->size = (size_t)number(optarg, 1, PAYLOAD_MAX);
        break;
    case 'd':
        options->seconds = number(optarg, 0, 1e5);
        break;
    case 'w':
        options->warmup = number(optarg, 0, 1e5);
        break;
    case 'b':
        options->bytes = (uint64_t)number(optarg, 1, 1e15);
        break;
    case 'B':
        options->burst = true;
        break;
    case 'P':
        options->spin = true;
        break;
    case 'S':
        options->synchronised = true;
        break;
    default:
        fputs(usage, stderr);
        exit(1);
    }
}

struct options options_parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"connections", required_argument, NULL, 'c'},
        {"size", required_argument, NULL, 's'},
        {"seconds", required_argument, NULL, 'd'},
        {"warmup", required_argument, NULL, 'w'},
        {"bytes", required_argument, NULL, 'b'},
        {"burst", no_argument, NULL, 'B'},
        {"spin", no_argument, NULL, 'P'},
        {"sync", no_argument, NULL, 'S'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {
        .connections = 1, .size = 64, .bytes = UINT64_MAX, .seconds = 1, .warmup = 0.2};
    int letter;

    while ((letter = getopt_long(argc, argv, "c:s:d:w:b:", known, NULL)) >= 0)
        option(&options, letter);
    if (argc - optind != 2)
        option(&options, '?');
    options.mode = argv[optind];
    options.target = target(argv[optind + 1]);
    return options;
}
