/* SPDX-License-Identifier: MIT */
#include "client/probe.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "client/connect.h"
#include "client/deadline.h"
#include "client/probe_exchange.h"

enum probe_outcome probe_fail(struct probe_result *result, enum probe_outcome outcome, int error)
{
    result->error = error;
    return outcome;
}

/*
 * Errors of this machine, which say nothing about the server or the way to it. All others may have
 * come from there: ICMP errors are of many kinds, EACCES for one that a firewall sends over IPv6.
 */
static bool is_local(int error)
{
    switch (error) {
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
    case -ENOBUFS:
    case -EAFNOSUPPORT:
    case -EADDRNOTAVAIL: /* the source address, or no port is free */
    case -EMSGSIZE:      /* the packet is too large for an interface */
    case -EPERM:         /* the firewall over here */
    case -EINVAL:
        return true;
    default:
        return false;
    }
}

enum probe_outcome probe_broke(struct probe_result *result, int error)
{
    if (error == -ETIMEDOUT)
        return probe_fail(result, PROBE_TIMED_OUT, error);
    return probe_fail(result, is_local(error) ? PROBE_LOCAL_ERROR : PROBE_RESET, error);
}

bool probe_try_again(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

enum probe_outcome probe_not_connected(struct probe_result *result, int error)
{
    switch (error) {
    case -ECONNREFUSED:
        return probe_fail(result, PROBE_REFUSED, error);
    case -ETIMEDOUT:
        return probe_fail(result, PROBE_TIMED_OUT, error);
    default:
        return probe_fail(result, is_local(error) ? PROBE_LOCAL_ERROR : PROBE_NOT_CONNECTED, error);
    }
}

enum probe_outcome probe_not_resolved(struct probe_result *result, int error)
{
    result->phase = PROBE_RESOLVING;
    if (error == -ETIMEDOUT)
        return probe_fail(result, PROBE_TIMED_OUT, error);
    return probe_fail(result, error > 0 ? PROBE_NO_HOST : PROBE_LOCAL_ERROR, error);
}

struct probe_result probe_run(const struct probe_request *request, int64_t deadline)
{
    _cleanup_(closep) int fd = -1;
    struct probe_result result = {.phase = PROBE_CONNECTING, .size = request->pattern->size};
    struct connection connection;
    int r;

    r = connect_first(request->addresses, request->type, request->dial, deadline, &connection);
    if (r < 0) {
        result.outcome = probe_not_connected(&result, r);
        return result;
    }
    fd = connection.fd;
    result.peer = connection.peer;
    result.connect_nsec = connection.connect_nsec;
    result.outcome = request->type == SOCK_DGRAM
                         ? probe_datagram(fd, request->pattern, deadline, &result)
                         : probe_stream(fd, request->pattern, deadline, &result);
    return result;
}
