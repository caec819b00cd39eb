/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "client/deadline.h"
#include "client/probe_exchange.h"

struct datagram {
    const struct pattern *pattern;
    struct probe_result *result;
    unsigned char bytes[PROBE_DATAGRAM_MAX + 1]; /* one more: what is too long is seen to be */
};

/* Waits for EVENT and makes the call, until it has worked or the time is over. */
static ssize_t do_in_time(int fd, struct datagram *d, bool sending, int64_t deadline)
{
    for (;;) {
        int r = deadline_poll(fd, sending ? POLLOUT : POLLIN, deadline);
        ssize_t n;

        if (r < 0)
            return r;
        if (sending)
            n = send(fd, d->bytes, (size_t)d->pattern->size, MSG_NOSIGNAL);
        else
            n = recv(fd, d->bytes, sizeof(d->bytes), 0);
        if (n >= 0)
            return n;
        if (!probe_try_again(errno))
            return -errno;
    }
}

/* An answer of LENGTH bytes. */
static enum probe_outcome verify(struct datagram *d, size_t length)
{
    struct probe_result *result = d->result;
    size_t size = (size_t)d->pattern->size;
    size_t wanted = length < size ? length : size;
    size_t same = pattern_mismatch(d->pattern, 0, d->bytes, wanted);

    result->received = wanted;
    if (same < wanted) {
        result->wrong_offset = same;
        result->expected = pattern_byte(d->pattern, same);
        result->found = d->bytes[same];
        return PROBE_WRONG_BYTES;
    }
    if (length > size) {
        result->found = d->bytes[size];
        return PROBE_SURPLUS_BYTES;
    }
    return length < size ? PROBE_CUT : PROBE_OK;
}

/* A connected datagram socket tells of ICMP errors: nobody listens there, say. */
static enum probe_outcome broke(struct probe_result *result, int error)
{
    return error == -ECONNREFUSED ? probe_fail(result, PROBE_REFUSED, error)
                                  : probe_broke(result, error);
}

enum probe_outcome probe_datagram(int fd, const struct pattern *pattern, int64_t deadline,
                                  struct probe_result *result)
{
    struct datagram d = {.pattern = pattern, .result = result};
    int64_t sent_at;
    ssize_t n;

    result->phase = PROBE_ECHOING;
    pattern_fill(pattern, 0, d.bytes, (size_t)pattern->size);
    sent_at = clock_nsec();
    n = do_in_time(fd, &d, true, deadline);
    if (n < 0)
        return broke(result, (int)n);
    result->sent = pattern->size;
    n = do_in_time(fd, &d, false, deadline);
    if (n < 0)
        return broke(result, (int)n);
    result->rtt_nsec = clock_nsec() - sent_at;
    return verify(&d, (size_t)n);
}
