/* SPDX-License-Identifier: MIT */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options {
    const char *mode;
    struct sockaddr_in target;
    unsigned connections; /* or datagrams under way */
    size_t size;          /* bytes of a message */
    uint64_t bytes;       /* bulk: at most so many on each connection */
    double seconds;       /* to measure */
    double warmup;        /* seconds before */
    bool burst;           /* datagrams: from one address, all at once */
    bool spin;            /* one connection, datagrams: poll the socket, do not sleep in it */
    bool synchronised;    /* wait for a line on standard input before and after measuring */
};

/* Reads the command line; what is wrong with it ends the program. */
struct options options_parse(int argc, char **argv);
