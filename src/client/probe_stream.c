/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "client/deadline.h"
#include "client/probe_exchange.h"

/* A server has this long to close its side after ours; one that never does still echoed. */
#define ENDING_NSEC NSEC_PER_SEC

enum { BUFFER_SIZE = 64 * 1024 };

struct exchange {
    int fd;
    int64_t deadline;
    const struct pattern *pattern;
    struct probe_result *result;
    int64_t first_sent, heard; /* when; the latter: the last bytes came */
    int send_error;            /* negative errno: no more can be sent */
    size_t out_begin, out_end;
    unsigned char out[BUFFER_SIZE]; /* what send(2) did not take yet: out_begin .. out_end */
    unsigned char in[BUFFER_SIZE];
};

static bool all_sent(const struct exchange *x)
{
    return x->result->sent == x->pattern->size;
}

static bool all_received(const struct exchange *x)
{
    return x->result->received == x->pattern->size;
}

static void refill(struct exchange *x)
{
    uint64_t left = x->pattern->size - x->result->sent;

    if (x->out_begin < x->out_end)
        return;
    x->out_begin = 0;
    x->out_end = left < BUFFER_SIZE ? (size_t)left : BUFFER_SIZE;
    pattern_fill(x->pattern, x->result->sent, x->out, x->out_end);
}

/*
 * A failure to send is no verdict yet: what came back before it, and how the server closed, are
 * still to be read.
 */
static void send_some(struct exchange *x)
{
    ssize_t n;

    refill(x);
    if (x->result->sent == 0)
        x->first_sent = clock_nsec();
    n = send(x->fd, x->out + x->out_begin, x->out_end - x->out_begin, MSG_NOSIGNAL);
    if (n < 0) {
        if (!probe_try_again(errno))
            x->send_error = -errno;
        return;
    }
    x->out_begin += (size_t)n;
    x->result->sent += (uint64_t)n;
}

static enum probe_outcome surplus(struct exchange *x, unsigned char first)
{
    x->result->found = first;
    return PROBE_SURPLUS_BYTES;
}

/* Compares LENGTH bytes that arrived with what they should be. */
static enum probe_outcome verify(struct exchange *x, size_t length)
{
    struct probe_result *result = x->result;
    uint64_t owed = result->sent - result->received; /* what is ahead of us is no echo either */
    size_t wanted = length < owed ? length : (size_t)owed;
    size_t same = pattern_mismatch(x->pattern, result->received, x->in, wanted);

    if (same < wanted) {
        result->wrong_offset = result->received + same;
        result->expected = pattern_byte(x->pattern, result->wrong_offset);
        result->found = x->in[same];
        result->received += wanted;
        return PROBE_WRONG_BYTES;
    }
    result->received += wanted;
    if (all_received(x))
        result->rtt_nsec = x->heard - x->first_sent;
    return wanted < length ? surplus(x, x->in[wanted]) : PROBE_OK;
}

static enum probe_outcome receive_some(struct exchange *x)
{
    ssize_t n = recv(x->fd, x->in, sizeof(x->in), 0);

    if (n > 0) {
        x->heard = clock_nsec(); /* before they are compared, which takes time */
        return verify(x, (size_t)n);
    }
    if (n < 0)
        return probe_try_again(errno) ? PROBE_OK : probe_broke(x->result, -errno);
    /* Where send(2) met the reset, recv(2) sees nothing but an end. */
    if (x->send_error && x->send_error != -EPIPE)
        return probe_broke(x->result, x->send_error);
    return PROBE_CLOSED_EARLY;
}

/* Both directions at once, and no more under way than the kernel's buffers take. */
static enum probe_outcome exchange_run(struct exchange *x)
{
    enum probe_outcome outcome = PROBE_OK;

    while (outcome == PROBE_OK && !all_received(x)) {
        bool sending = !all_sent(x) && !x->send_error;
        int events = deadline_poll(x->fd, (short)(POLLIN | (sending ? POLLOUT : 0)), x->deadline);

        if (events < 0) {
            x->result->silent_nsec = clock_nsec() - x->heard;
            return probe_broke(x->result, events);
        }
        if (events & (POLLIN | POLLHUP | POLLERR))
            outcome = receive_some(x);
        if (outcome == PROBE_OK && sending && (events & POLLOUT))
            send_some(x);
    }
    return outcome;
}

/* Everything came back. From here on only surplus bytes are a failure. */
static enum probe_outcome exchange_end(struct exchange *x)
{
    int64_t latest = clock_nsec() + ENDING_NSEC;
    int64_t deadline = latest < x->deadline ? latest : x->deadline;
    ssize_t n;

    x->result->phase = PROBE_ENDING;
    (void)shutdown(x->fd, SHUT_WR); /* Fails where the server was first: then recv(2) tells. */
    do {
        if (deadline_poll(x->fd, POLLIN, deadline) < 0) {
            x->result->ending = PROBE_ENDING_OPEN;
            return PROBE_OK;
        }
        n = recv(x->fd, x->in, sizeof(x->in), 0);
    } while (n < 0 && probe_try_again(errno));
    if (n > 0)
        return surplus(x, x->in[0]);
    x->result->ending = n == 0 ? PROBE_ENDING_CLOSED : PROBE_ENDING_RESET;
    return PROBE_OK;
}

enum probe_outcome probe_stream(int fd, const struct pattern *pattern, int64_t deadline,
                                struct probe_result *result)
{
    struct exchange x = {.fd = fd, .deadline = deadline, .pattern = pattern, .result = result};
    enum probe_outcome outcome;

    result->phase = PROBE_ECHOING;
    outcome = exchange_run(&x);
    return outcome == PROBE_OK ? exchange_end(&x) : outcome;
}
