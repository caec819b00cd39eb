/* SPDX-License-Identifier: MIT */
#include "client/check.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "client/connect.h"
#include "client/deadline.h"
#include "net/resolve.h"

/* A server has this long to close its side after ours; one that never does still echoed. */
#define ENDING_NSEC NSEC_PER_SEC

enum { BUFFER_SIZE = 64 * 1024 };

struct exchange {
    int fd;
    int64_t deadline;
    const struct pattern *pattern;
    struct check_result *result;
    int64_t first_sent; /* when */
    int send_error;     /* negative errno: no more can be sent */
    size_t out_begin, out_end;
    unsigned char out[BUFFER_SIZE]; /* what send(2) did not take yet: out_begin .. out_end */
    unsigned char in[BUFFER_SIZE];
};

static enum check_outcome fail(struct check_result *result, enum check_outcome outcome, int error)
{
    result->error = error;
    return outcome;
}

/* What a failed socket call says about the way to the server, or about ourselves. */
static enum check_outcome connection_broke(struct check_result *result, int error)
{
    switch (error) {
    case -ETIMEDOUT:
        return fail(result, CHECK_TIMED_OUT, error);
    case -ECONNRESET:
    case -EPIPE:
    case -ECONNABORTED:
    case -EHOSTUNREACH:
    case -ENETUNREACH:
    case -ENETDOWN:
    case -ENETRESET:
        return fail(result, CHECK_RESET, error);
    default:
        return fail(result, CHECK_LOCAL_ERROR, error);
    }
}

static bool try_again(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

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
        if (!try_again(errno))
            x->send_error = -errno;
        return;
    }
    x->out_begin += (size_t)n;
    x->result->sent += (uint64_t)n;
}

static enum check_outcome surplus(struct exchange *x, unsigned char first)
{
    x->result->found = first;
    return CHECK_SURPLUS_BYTES;
}

/* Compares LENGTH bytes that arrived with what they should be. */
static enum check_outcome verify(struct exchange *x, size_t length)
{
    struct check_result *result = x->result;
    uint64_t owed = result->sent - result->received; /* what is ahead of us is no echo either */
    size_t wanted = length < owed ? length : (size_t)owed;
    size_t same = pattern_mismatch(x->pattern, result->received, x->in, wanted);

    if (same < wanted) {
        result->wrong_offset = result->received + same;
        result->expected = pattern_byte(x->pattern, result->wrong_offset);
        result->found = x->in[same];
        result->received += wanted;
        return CHECK_WRONG_BYTES;
    }
    result->received += wanted;
    if (all_received(x))
        result->rtt_nsec = clock_nsec() - x->first_sent;
    return wanted < length ? surplus(x, x->in[wanted]) : CHECK_OK;
}

static enum check_outcome receive_some(struct exchange *x)
{
    ssize_t n = recv(x->fd, x->in, sizeof(x->in), 0);

    if (n > 0)
        return verify(x, (size_t)n);
    if (n < 0)
        return try_again(errno) ? CHECK_OK : connection_broke(x->result, -errno);
    /* Where send(2) met the reset, recv(2) sees nothing but an end. */
    if (x->send_error && x->send_error != -EPIPE)
        return connection_broke(x->result, x->send_error);
    return CHECK_CLOSED_EARLY;
}

/* Both directions at once, and no more under way than the kernel's buffers take. */
static enum check_outcome exchange_run(struct exchange *x)
{
    enum check_outcome outcome = CHECK_OK;

    while (outcome == CHECK_OK && !all_received(x)) {
        bool sending = !all_sent(x) && !x->send_error;
        int events = deadline_poll(x->fd, (short)(POLLIN | (sending ? POLLOUT : 0)), x->deadline);

        if (events < 0)
            return connection_broke(x->result, events);
        if (events & (POLLIN | POLLHUP | POLLERR))
            outcome = receive_some(x);
        if (outcome == CHECK_OK && sending && (events & POLLOUT))
            send_some(x);
    }
    return outcome;
}

/* Everything came back. From here on only surplus bytes are a failure. */
static enum check_outcome exchange_end(struct exchange *x)
{
    int64_t latest = clock_nsec() + ENDING_NSEC;
    int64_t deadline = latest < x->deadline ? latest : x->deadline;
    ssize_t n;

    x->result->phase = CHECK_ENDING;
    (void)shutdown(x->fd, SHUT_WR); /* Fails where the server was first: then recv(2) tells. */
    do {
        if (deadline_poll(x->fd, POLLIN, deadline) < 0) {
            x->result->ending = CHECK_ENDING_OPEN;
            return CHECK_OK;
        }
        n = recv(x->fd, x->in, sizeof(x->in), 0);
    } while (n < 0 && try_again(errno));
    if (n > 0)
        return surplus(x, x->in[0]);
    x->result->ending = n == 0 ? CHECK_ENDING_CLOSED : CHECK_ENDING_RESET;
    return CHECK_OK;
}

static enum check_outcome find_addresses(const struct check_request *request, int64_t deadline,
                                         struct addr_list *ret_list, struct check_result *result)
{
    const struct target *target = &request->target;
    int r;

    if (target->kind == TARGET_UNIX) {
        ret_list->addr = malloc(sizeof(*ret_list->addr));
        if (!ret_list->addr)
            return fail(result, CHECK_LOCAL_ERROR, -ENOMEM);
        ret_list->addr[0] = target->addr;
        ret_list->count = 1;
        return CHECK_OK;
    }
    r = resolve_within(target->host, target->port, request->family, 0, deadline - clock_nsec(),
                       ret_list);
    if (r == 0)
        return CHECK_OK;
    if (r == -ETIMEDOUT)
        return fail(result, CHECK_TIMED_OUT, r);
    return fail(result, r > 0 ? CHECK_NO_HOST : CHECK_LOCAL_ERROR, r);
}

static enum check_outcome not_connected(struct check_result *result, int error)
{
    switch (error) {
    case -ECONNREFUSED:
        return fail(result, CHECK_REFUSED, error);
    case -ETIMEDOUT:
        return fail(result, CHECK_TIMED_OUT, error);
    case -EMFILE:
    case -ENFILE:
    case -ENOBUFS:
    case -ENOMEM:
        return fail(result, CHECK_LOCAL_ERROR, error);
    default:
        return fail(result, CHECK_NOT_CONNECTED, error);
    }
}

static enum check_outcome connect_target(const struct check_request *request, int64_t deadline,
                                         int *ret_fd, struct check_result *result)
{
    _cleanup_(addr_list_deinit) struct addr_list list = {0};
    struct connection connection;
    enum check_outcome outcome;
    int r;

    result->phase = CHECK_RESOLVING;
    outcome = find_addresses(request, deadline, &list, result);
    if (outcome != CHECK_OK)
        return outcome;
    result->phase = CHECK_CONNECTING;
    r = connect_first(&list, deadline, &connection);
    if (r < 0)
        return not_connected(result, r);
    result->peer = connection.peer;
    result->connect_nsec = connection.connect_nsec;
    *ret_fd = connection.fd;
    return CHECK_OK;
}

static enum check_outcome exchange(const struct check_request *request, int fd, int64_t deadline,
                                   struct check_result *result)
{
    struct exchange x = {
        .fd = fd, .deadline = deadline, .pattern = &request->pattern, .result = result};
    enum check_outcome outcome;

    result->phase = CHECK_ECHOING;
    outcome = exchange_run(&x);
    return outcome == CHECK_OK ? exchange_end(&x) : outcome;
}

struct check_result check_run(const struct check_request *request)
{
    _cleanup_(closep) int fd = -1;
    int64_t deadline = clock_nsec() + request->timeout_nsec;
    struct check_result result = {0};

    result.outcome = connect_target(request, deadline, &fd, &result);
    if (result.outcome == CHECK_OK)
        result.outcome = exchange(request, fd, deadline, &result);
    return result;
}
