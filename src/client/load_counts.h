/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/histogram.h"

/* What a thread has seen, and what all of them have. */

enum load_error {
    LOAD_REFUSED,           /* nobody listens, or no more than that */
    LOAD_NOT_CONNECTED,     /* no connection for another reason */
    LOAD_CONNECT_TIMED_OUT, /* no connection in time */
    LOAD_CLOSED,            /* the server closed while answers were owed */
    LOAD_RESET,             /* the connection broke */
    LOAD_TIMED_OUT,         /* no answer in time: a datagram, or a connection's oldest message */
    LOAD_WRONG,             /* bytes that were not sent */
    LOAD_SURPLUS,           /* more bytes than were sent */
    LOAD_CUT,               /* a datagram that came back shorter */
    LOAD_STRAY,             /* a datagram twice, or after its time */
    LOAD_LOCAL,             /* trouble on this side */
    LOAD_ERRORS,            /* how many kinds there are */
};

struct load_counts {
    /* Times in ns of messages that belong to the time measured. */
    struct histogram since_due;  /* from when a message was due: open loop alone */
    struct histogram since_sent; /* from when it was sent */
    struct histogram connect;    /* from connect(2) until connected */

    uint64_t answered; /* messages, while it was measured */
    uint64_t opened;   /* connections, in all */
    uint64_t lost;     /* messages that were sent, in all, and had no answer */
    uint64_t unsent;   /* messages that were due, and could not be sent before the end */
    uint64_t late;     /* messages that the thread itself sent more than 1 ms late */
    uint64_t *seconds; /* answers in each second measured */
    unsigned seconds_count;
    int64_t measured_nsec; /* how long it was measured: the longest of all threads */
    double busiest;        /* CPU time / time, of the busiest thread */

    uint64_t errors[LOAD_ERRORS]; /* in all */
    int last_errno[LOAD_ERRORS];  /* negative, of the last one of a kind; 0: the kind says it all */
};

/* DURATION is how long will be measured. Returns NULL without memory. */
struct load_counts *load_counts_new(int64_t duration_nsec);
struct load_counts *load_counts_free(struct load_counts *counts); /* returns NULL */
void load_counts_freep(struct load_counts **counts);

void load_counts_merge(struct load_counts *counts, const struct load_counts *from);

void load_counts_error(struct load_counts *counts, enum load_error error, int reason);

/* The sum of all kinds. */
uint64_t load_counts_errors(const struct load_counts *counts);

/* Its name in JSON ("connect_timed_out"), and words for people ("connections timed out"). */
const char *load_error_name(enum load_error error);
const char *load_error_words(enum load_error error);
