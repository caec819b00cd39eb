/* SPDX-License-Identifier: MIT */
#include "client/pipe_stream.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "client/deadline.h"
#include "client/window.h"

/* A server has this long to close its side after ours; one that never does still echoed. */
#define ENDING_NSEC NSEC_PER_SEC

enum {
    BUFFER_SIZE = 64 * 1024,
    WINDOW_SIZE = 256 * 1024,
    WINDOW_SIZE_VERIFY = 16 * 1024 * 1024, /* what may be under way: enough for long fat networks */
};

struct stream {
    const struct pipe_ends *ends;
    struct pipe_result *result;
    struct window window;
    bool input_ended;
    int send_error; /* negative errno: no more can be sent */
    int64_t first_sent;
    int64_t heard; /* when the server last sent something, or began to owe something */
    unsigned char buffer[BUFFER_SIZE];
};

enum { INPUT, SERVER, POLLFDS };

static enum probe_outcome local_error(struct stream *s, const char *trouble)
{
    s->result->trouble = trouble;
    s->result->probe.error = -errno;
    return PROBE_LOCAL_ERROR;
}

static enum probe_outcome read_input(struct stream *s)
{
    struct iovec room = window_room(&s->window);
    ssize_t n = read(s->ends->input, room.iov_base, room.iov_len);

    if (n < 0)
        return probe_try_again(errno) ? PROBE_OK : local_error(s, "cannot read standard input");
    s->input_ended = n == 0;
    if (n > 0 && s->window.received >= s->window.read)
        s->heard = clock_nsec();
    s->window.read += (uint64_t)n;
    return PROBE_OK;
}

/* A failure to send is no verdict yet: what came back before it is still to be read. */
static void send_some(struct stream *s)
{
    struct iovec unsent = window_unsent(&s->window);
    ssize_t n = send(s->ends->server, unsent.iov_base, unsent.iov_len, MSG_NOSIGNAL);

    if (n < 0) {
        if (!probe_try_again(errno))
            s->send_error = -errno;
        return;
    }
    if (s->window.sent == 0)
        s->first_sent = clock_nsec();
    s->window.sent += (uint64_t)n;
}

/* Standard output may be anybody's: it is left blocking, and waited for. */
static enum probe_outcome write_output(struct stream *s, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t n = write(s->ends->output, s->buffer + done, length - done);

        if (n >= 0)
            done += (size_t)n;
        else if (errno == EAGAIN) /* somebody else made it non-blocking */
            (void)poll(&(struct pollfd){.fd = s->ends->output, .events = POLLOUT}, 1, -1);
        else if (errno != EINTR)
            return local_error(s, "cannot write to standard output");
    }
    return PROBE_OK;
}

/* The byte at buffer[AT] is not what it should be. */
static enum probe_outcome mismatch(struct stream *s, size_t at)
{
    struct probe_result *result = &s->result->probe;

    result->found = s->buffer[at];
    if (s->window.received == s->window.sent)
        return PROBE_SURPLUS_BYTES;
    result->wrong_offset = s->window.received;
    result->expected = window_byte(&s->window, s->window.received);
    return PROBE_WRONG_BYTES;
}

static enum probe_outcome server_ended(struct stream *s)
{
    /* Where send(2) met the reset, recv(2) sees nothing but an end. */
    if (s->send_error && s->send_error != -EPIPE)
        return probe_broke(&s->result->probe, s->send_error);
    return PROBE_CLOSED_EARLY;
}

static enum probe_outcome receive_some(struct stream *s)
{
    ssize_t n = recv(s->ends->server, s->buffer, sizeof(s->buffer), 0);
    enum probe_outcome outcome;
    size_t good;

    if (n == 0)
        return server_ended(s);
    if (n < 0)
        return probe_try_again(errno) ? PROBE_OK : probe_broke(&s->result->probe, -errno);
    good = window_matching(&s->window, s->buffer, (size_t)n);
    outcome = write_output(s, good);
    s->heard = clock_nsec(); /* after a wait for our own reader, which is not the server's */
    s->window.received += good;
    if (outcome == PROBE_OK && good < (size_t)n)
        outcome = mismatch(s, good);
    return outcome;
}

static bool is_complete(const struct stream *s)
{
    return s->input_ended && s->window.received >= s->window.read;
}

static void half_close(struct stream *s)
{
    if (s->result->half_closed || !s->input_ended || s->window.sent < s->window.read)
        return;
    s->result->half_closed = true;
    (void)shutdown(s->ends->server, SHUT_WR); /* Fails where the server was first. */
}

enum { FROM_SERVER = POLLIN | POLLHUP | POLLERR };

/*
 * Waits for what can be done, no longer than a server that owes bytes may be silent: that it takes
 * more, or that there is more, does not prolong it.
 */
static int wait_for_work(const struct stream *s, struct pollfd *pollfds)
{
    bool unsent = window_unsent(&s->window).iov_len > 0 && !s->send_error;
    bool room = !s->input_ended && !s->send_error && window_room(&s->window).iov_len > 0;
    bool owed = s->window.received < s->window.read;
    int64_t deadline = owed ? s->heard + s->ends->silence_nsec : INT64_MAX;
    int r;

    pollfds[INPUT] = (struct pollfd){.fd = room ? s->ends->input : -1, .events = POLLIN};
    pollfds[SERVER] =
        (struct pollfd){.fd = s->ends->server, .events = (short)(POLLIN | (unsent ? POLLOUT : 0))};
    r = deadline_wait(pollfds, POLLFDS, deadline);
    if (r > 0 && !(pollfds[SERVER].revents & FROM_SERVER) && clock_nsec() >= deadline)
        return -ETIMEDOUT;
    return r;
}

static enum probe_outcome step(struct stream *s)
{
    enum probe_outcome outcome = PROBE_OK;
    struct pollfd pollfds[POLLFDS];
    int r = wait_for_work(s, pollfds);

    if (r < 0) {
        s->result->probe.silent_nsec = clock_nsec() - s->heard;
        return probe_broke(&s->result->probe, r);
    }
    if (pollfds[SERVER].revents & FROM_SERVER)
        outcome = receive_some(s);
    if (outcome == PROBE_OK && pollfds[SERVER].revents & POLLOUT)
        send_some(s);
    if (outcome == PROBE_OK && pollfds[INPUT].revents)
        outcome = read_input(s);
    half_close(s);
    return outcome;
}

/* Everything came back. From here on only surplus bytes are a failure. */
static enum probe_outcome end(struct stream *s)
{
    enum probe_outcome outcome;
    int64_t deadline = clock_nsec() + ENDING_NSEC;

    s->result->probe.phase = PROBE_ENDING;
    do {
        if (deadline_poll(s->ends->server, POLLIN, deadline) < 0)
            return PROBE_OK;
        outcome = receive_some(s);
    } while (outcome == PROBE_OK);
    /* However the connection ends; only wrong bytes and our own output are still trouble. */
    return outcome == PROBE_SURPLUS_BYTES || outcome == PROBE_LOCAL_ERROR ? outcome : PROBE_OK;
}

void pipe_stream(const struct pipe_ends *ends, struct pipe_result *result)
{
    struct stream s = {.ends = ends, .result = result};
    enum probe_outcome outcome = PROBE_OK;

    result->probe.phase = PROBE_ECHOING;
    result->probe.limit_nsec = ends->silence_nsec;
    if (window_init(&s.window, ends->verify ? WINDOW_SIZE_VERIFY : WINDOW_SIZE, ends->verify) < 0) {
        errno = ENOMEM;
        result->probe.outcome = local_error(&s, "cannot begin");
        return;
    }
    while (outcome == PROBE_OK && !is_complete(&s))
        outcome = step(&s);
    result->duration_nsec = s.window.received > 0 ? s.heard - s.first_sent : 0;
    if (outcome == PROBE_OK)
        outcome = end(&s);
    result->probe.outcome = outcome;
    result->probe.size = s.window.read;
    result->probe.sent = s.window.sent;
    result->probe.received = s.window.received;
    window_deinit(&s.window);
}
