/* SPDX-License-Identifier: MIT */
#include "daemon/inetd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/listener.h"
#include "net/proxy.h"
#include "net/stream.h"
#include "policy/access.h"

static bool is_standard_input(int fd)
{
    struct stat input, other;

    return fstat(STDIN_FILENO, &input) == 0 && fstat(fd, &other) == 0 &&
           input.st_dev == other.st_dev && input.st_ino == other.st_ino;
}

int inetd_silence(void)
{
    bool connected = is_standard_input(STDERR_FILENO);
    _cleanup_(closep) int null = -1;
    struct stat st;

    if (fstat(STDIN_FILENO, &st) < 0 || !S_ISSOCK(st.st_mode))
        return 0; /* A terminal, say: who typed it is to read what is wrong. */
    null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0)
        return -errno;
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
        if (is_standard_input(fd) && dup2(null, fd) < 0)
            return -errno;
    return connected;
}

/* The whole state of one connection, where a worker's lies in shared memory. */
struct session {
    uint8_t buffer[STREAM_BUFFER];
    uint8_t spill[SPILL_BYTES];
    struct stats stats;
    struct slot slot;
    struct stream_io io;
};

static struct session *session_new(int fd)
{
    struct session *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->slot = (struct slot){.fd = fd};
    s->io = (struct stream_io){
        .calls = stream_syscalls(),
        .buffer = s->buffer,
        .spill = s->spill,
        .pipe = {-1, -1},
        .stats = &s->stats,
    };
    return s;
}

/* Waits until the connection is ready, for so many milliseconds or, -1, for ever. */
static bool session_wait(struct session *s, short events, int timeout_ms)
{
    struct pollfd p = {.fd = s->slot.fd, .events = events};
    int n;

    do
        n = poll(&p, 1, timeout_ms);
    while (n < 0 && errno == EINTR);
    s->io.now_ms = clock_ms();
    return n > 0;
}

static enum stream_next session_run(struct session *s, int idle_timeout)
{
    enum stream_next next = stream_owes(&s->slot) ? STREAM_WRITE : STREAM_READ;
    int timeout_ms = idle_timeout ? idle_timeout * 1000 : -1;

    while (next == STREAM_READ || next == STREAM_WRITE) {
        if (!session_wait(s, next == STREAM_READ ? POLLIN : POLLOUT, timeout_ms))
            return STREAM_FINISHED;
        next = stream_step(&s->slot, &s->io);
    }
    return next;
}

static enum proxy_next session_read_header(struct session *s, const char **ret_fault)
{
    uint64_t now = clock_ms(), end = now + PROXY_TIMEOUT_MS;
    enum proxy_next next = PROXY_MORE;

    for (; next == PROXY_MORE && now < end; now = s->io.now_ms)
        if (session_wait(s, POLLIN, (int)(end - now)))
            next = proxy_step(&s->slot, &s->io, ret_fault);
    if (next != PROXY_MORE)
        return next;
    *ret_fault = PROXY_LATE;
    return PROXY_FAULTY;
}

static int check_input(int *ret_family, int *ret_type)
{
    int listening = 0;
    socklen_t size = sizeof(int);

    if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, ret_type, &size) < 0 ||
        getsockopt(STDIN_FILENO, SOL_SOCKET, SO_DOMAIN, ret_family, &size) < 0)
        return log_event(EVENT_START_FAILED, errno, LOG_NO_FIELDS,
                         "--inetd: standard input is no socket: %m");
    (void)getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size);
    if ((*ret_type != SOCK_STREAM && *ret_type != SOCK_DGRAM) || listening)
        return log_event(
            EVENT_START_FAILED, EINVAL, LOG_NO_FIELDS,
            "--inetd: standard input is %s, where a connection (\"stream tcp nowait\" in "
            "inetd.conf, Accept=yes in a socket unit) or a socket for datagrams "
            "(\"dgram udp wait\") is wanted",
            listening ? "a listening socket" : "a socket of another type");
    return 0;
}

static void refuse(const struct conf *conf, const struct addr *peer, const char *reason)
{
    char text[ADDR_TEXT_MAX], host[ADDR_TEXT_MAX], listener[ADDR_TEXT_MAX];
    struct addr local = {.len = 0};

    (void)addr_of_socket(STDIN_FILENO, &local); /* Unknown, it stays unsaid. */
    if (conf->log_connections != CONF_LOG_CONNECTIONS_NONE)
        (void)log_event(EVENT_CONNECTION_REFUSED, 0,
                        LOG_FIELDS(LOG_TEXT(FIELD_PEER_ADDR, addr_format_host(peer, host)),
                                   LOG_NUMBER(FIELD_PEER_PORT, addr_port(peer)),
                                   LOG_TEXT(FIELD_LISTENER, addr_format(&local, listener)),
                                   LOG_TEXT(FIELD_REASON, reason)),
                        "Refused a connection from %s: %s", addr_format(peer, text), reason);
    stream_reset(STDIN_FILENO);
}

/* Whether the peer may be served; if not, it is refused. */
static bool admit(const struct conf *conf, const struct access *access, const struct addr *peer)
{
    bool allowed = access_allows(access, peer);

    if (!allowed)
        refuse(conf, peer, "access.deny");
    return allowed;
}

/* The same for one that a proxy passes on, when its header has told who it is. */
static bool admit_named(struct session *s, const struct conf *conf, const struct access *access)
{
    struct addr peer = slot_peer(&s->slot);
    char reason[64];
    const char *fault;

    switch (session_read_header(s, &fault)) {
    case PROXY_CLIENT:
        peer = slot_peer(&s->slot);
        return admit(conf, access, &peer);
    case PROXY_ITSELF:
        return true;
    case PROXY_FAULTY:
        (void)snprintf(reason, sizeof(reason), "proxy_protocol: %s", fault);
        refuse(conf, &peer, reason);
        break;
    default: /* It has ended. */
        break;
    }
    return false;
}

static bool admit_passed_on(struct session *s, const struct conf *conf, const struct access *access)
{
    if (!admit_named(s, conf, access))
        return false;
    proxy_begin_stream(&s->slot, &s->io);
    return true;
}

/* 1 if there is somebody to be served, 0 if not, or -errno. */
static int begin(struct session *s, const struct conf *conf)
{
    _cleanup_(access_deinit) struct access access = {0};
    struct addr peer;
    int r = addr_of_peer(STDIN_FILENO, &peer);

    if (r < 0)
        return r == -ENOTCONN ? 1 : r; /* Who is gone already will be noticed to be. */
    r = access_init(&access, conf);
    if (r < 0)
        return r;
    slot_set_peer(&s->slot, &peer);
    s->slot.header_due = access_is_proxy(&access, &peer);
    return s->slot.header_due ? admit_passed_on(s, conf, &access) : admit(conf, &access, &peer);
}

static enum stream_next serve(struct session *s, const struct conf *conf, int family)
{
    enum stream_next end;

    (void)listener_set_stream_options(STDIN_FILENO, family); /* The echo works without, too. */
    end = session_run(s, conf->idle_timeout);
    (void)shutdown(STDIN_FILENO, SHUT_RDWR); /* inetd may hold a copy: this ends it at once. */
    return end;
}

int inetd_run(const struct conf *conf)
{
    _cleanup_(freep) struct session *s = NULL;
    int family, type, r;

    if (check_input(&family, &type) < 0)
        return EXIT_FAILURE;
    if (type == SOCK_DGRAM)
        return inetd_datagrams(conf) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    (void)signal(SIGPIPE, SIG_IGN);
    s = session_new(STDIN_FILENO);
    r = s ? begin(s, conf) : -ENOMEM;
    if (r < 0) {
        (void)log_event(EVENT_START_FAILED, r, LOG_NO_FIELDS, "--inetd: %m");
        return EXIT_FAILURE;
    }
    if (r == 0)
        return EXIT_SUCCESS; /* It did what it was told to. */
    return serve(s, conf, family) == STREAM_FINISHED ? EXIT_SUCCESS : EXIT_FAILURE;
}
