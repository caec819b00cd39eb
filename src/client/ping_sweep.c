/* SPDX-License-Identifier: MIT */
#include "client/ping_sweep.h"

#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "client/deadline.h"
#include "client/pattern.h"
#include "client/ping_link.h"
#include "client/ping_payload.h"
#include "client/ping_search.h"

/*
 * How long to wait for an answer that may never come, once some have: this many times the longest
 * round trip so far, and not less than this.
 */
enum { PATIENCE = 10 };
#define WAIT_MIN_NSEC (200 * NSEC_PER_MSEC)

enum { BUFFER_SIZE = 65536 };

struct search_run {
    const struct ping_sweep *sweep;
    struct ping_link link;
    uint32_t number;
    uint64_t sequence;
    int64_t began_nsec, longest_nsec;
    unsigned char out[PING_PAYLOAD_MAX], in[BUFFER_SIZE];
};

size_t ping_sweep_headers(const struct addr *addr)
{
    size_t ip = addr->sa.sa_family == AF_INET6 ? sizeof(struct ip6_hdr) : sizeof(struct ip);

    return ip + sizeof(struct udphdr);
}

/* Whether this is the outcome of a size; otherwise the next try may have another one. */
static bool is_final(enum ping_sweep_outcome outcome)
{
    return outcome != PING_SWEEP_SILENT;
}

static enum ping_sweep_outcome failed(struct ping_sweep_step *step, int error)
{
    step->error = error;
    return PING_SWEEP_FAILED;
}

/* What the error queue says, if anything; an error of an earlier try is one of this size, too. */
static enum ping_sweep_outcome read_notices(struct search_run *run, struct ping_sweep_step *step)
{
    struct ping_payload said;
    struct ping_notice notice;

    while (ping_link_notice(&run->link, run->in, sizeof(run->in), &notice) == 0) {
        if (notice.error == 0)
            continue; /* a time stamp */
        /* A router's word on a larger size may come late. */
        if (notice.from_afar && ping_payload_read(run->number, run->in, notice.length, &said) &&
            run->sequence - said.sequence >= step->tries)
            continue;
        if (notice.error != -EMSGSIZE)
            return failed(step, notice.error);
        step->mtu = notice.mtu;
        step->from_afar = notice.from_afar;
        return PING_SWEEP_TOO_LONG;
    }
    return PING_SWEEP_SILENT;
}

static enum ping_sweep_outcome judge_answer(const struct search_run *run,
                                            const struct ping_payload *sent, size_t length,
                                            struct ping_sweep_step *step)
{
    size_t common = length < sent->size ? length : sent->size;

    step->received = length;
    if (ping_payload_mismatch(sent, 0, run->in, common) < common || length > sent->size)
        return PING_SWEEP_WRONG;
    return length < sent->size ? PING_SWEEP_CUT : PING_SWEEP_PASSED;
}

/* Reads what is there. */
static enum ping_sweep_outcome read_answer(struct search_run *run, const struct ping_payload *sent,
                                           struct ping_sweep_step *step)
{
    enum ping_sweep_outcome outcome = read_notices(run, step);
    struct ping_arrival arrival;
    struct ping_payload said;
    ssize_t n;

    if (is_final(outcome))
        return outcome;
    n = ping_link_receive(&run->link, run->in, sizeof(run->in), &arrival);
    if (n < 0 || !ping_payload_read(run->number, run->in, (size_t)n, &said))
        return n == -EAGAIN || n >= 0 ? PING_SWEEP_SILENT : read_notices(run, step);
    if (said.sequence != sent->sequence)
        return PING_SWEEP_SILENT; /* of an earlier try */
    step->fragment = arrival.fragment_size;
    step->rtt_nsec = clock_nsec() - run->began_nsec - sent->sent_nsec;
    return judge_answer(run, sent, (size_t)n, step);
}

static int64_t patience(const struct search_run *run)
{
    int64_t wait = PATIENCE * run->longest_nsec;

    if (run->longest_nsec == 0)
        return run->sweep->wait_nsec;
    wait = wait > WAIT_MIN_NSEC ? wait : WAIT_MIN_NSEC;
    return wait < run->sweep->wait_nsec ? wait : run->sweep->wait_nsec;
}

static enum ping_sweep_outcome await_answer(struct search_run *run, const struct ping_payload *sent,
                                            struct ping_sweep_step *step)
{
    int64_t deadline = clock_nsec() + patience(run);
    enum ping_sweep_outcome outcome = PING_SWEEP_SILENT;

    while (!is_final(outcome)) {
        int r = deadline_poll(run->link.fd, POLLIN, deadline);

        if (r < 0)
            return r == -ETIMEDOUT ? PING_SWEEP_SILENT : failed(step, r);
        outcome = read_answer(run, sent, step);
    }
    return outcome;
}

static enum ping_sweep_outcome try_once(struct search_run *run, struct ping_sweep_step *step)
{
    struct ping_payload sent = {.run = run->number,
                                .sequence = ++run->sequence,
                                .sent_nsec = clock_nsec() - run->began_nsec,
                                .size = step->size};
    ssize_t n;

    step->tries++;
    ping_payload_write(&sent, run->out);
    n = ping_link_send(&run->link, run->out, step->size);
    if (n < 0) {
        enum ping_sweep_outcome said = read_notices(run, step);

        /* A packet that was dropped before it left the machine is like any other that is lost. */
        if (is_final(said) || n == -ENOBUFS)
            return said;
        return n == -EMSGSIZE ? PING_SWEEP_TOO_LONG : failed(step, (int)n);
    }
    return await_answer(run, &sent, step);
}

static void try_size(struct search_run *run, struct ping_sweep_step *step)
{
    do
        step->outcome = try_once(run, step);
    while (!is_final(step->outcome) && step->tries < run->sweep->tries);
    if (step->outcome == PING_SWEEP_PASSED && step->rtt_nsec > run->longest_nsec)
        run->longest_nsec = step->rtt_nsec;
}

static int search(struct search_run *run, struct ping_search *search)
{
    size_t headers = ping_sweep_headers(&run->sweep->addr), size;

    while ((size = ping_search_next(search)) > 0) {
        struct ping_sweep_step step = {.size = size};

        if (clock_nsec() >= run->sweep->deadline)
            return -ETIMEDOUT;
        try_size(run, &step);
        run->sweep->tell(run->sweep->audience, &step);
        ping_search_tell(search, size, step.outcome == PING_SWEEP_PASSED,
                         step.mtu > headers ? step.mtu - headers : 0);
    }
    return 0;
}

int ping_sweep_run(const struct ping_sweep *sweep, size_t *ret_largest)
{
    struct ping_search sizes = {.min = PING_PAYLOAD_MIN, .max = sweep->size_max};
    _cleanup_(freep) struct search_run *run = calloc(1, sizeof(*run));
    int r;

    if (!run)
        return -ENOMEM;
    run->sweep = sweep;
    run->link =
        (struct ping_link){.addr = sweep->addr, .type = SOCK_DGRAM, .dial = sweep->dial, .fd = -1};
    run->number = (uint32_t)pattern_new_seed();
    run->began_nsec = clock_nsec();
    r = ping_link_begin(&run->link);
    if (r < 0)
        return r;
    r = search(run, &sizes);
    ping_link_close(&run->link);
    *ret_largest = sizes.passes;
    return r;
}
