/* SPDX-License-Identifier: MIT */
#include "daemon/inetd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/listener.h"
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

/* Waits until the connection is ready. False when it was silent for too long. */
static bool session_wait(const struct session *s, short events, int idle_timeout)
{
    struct pollfd p = {.fd = s->slot.fd, .events = events};
    int timeout = idle_timeout ? idle_timeout * 1000 : -1;
    int n;

    do
        n = poll(&p, 1, timeout);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

static enum stream_next session_run(struct session *s, int idle_timeout)
{
    enum stream_next next = STREAM_READ;

    while (next == STREAM_READ || next == STREAM_WRITE) {
        if (!session_wait(s, next == STREAM_READ ? POLLIN : POLLOUT, idle_timeout))
            return STREAM_FINISHED;
        s->io.now_ms = clock_ms();
        next = stream_step(&s->slot, &s->io);
    }
    return next;
}

static int check_input(int *ret_family)
{
    int type, listening = 0;
    socklen_t size = sizeof(int);

    if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
        getsockopt(STDIN_FILENO, SOL_SOCKET, SO_DOMAIN, ret_family, &size) < 0)
        return log_event(EVENT_START_FAILED, errno, LOG_NO_FIELDS,
                         "--inetd: standard input is no socket: %m");
    (void)getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size);
    if (type != SOCK_STREAM || listening)
        return log_event(EVENT_START_FAILED, EINVAL, LOG_NO_FIELDS,
                         "--inetd: standard input is %s, where a stream connection is wanted "
                         "(\"stream tcp nowait\" in inetd.conf, Accept=yes in a socket unit)",
                         listening ? "a listening socket" : "no stream socket");
    return 0;
}

/* Whether the peer is denied: 1, 0, or -errno. Who is gone already is not: that will be noticed. */
static int is_denied(const struct conf *conf, struct addr *ret_peer)
{
    struct access access;
    int r = addr_of_peer(STDIN_FILENO, ret_peer);

    if (r < 0)
        return r == -ENOTCONN ? 0 : r;
    r = access_init(&access, conf);
    if (r < 0)
        return r;
    r = !access_allows(&access, ret_peer);
    access_deinit(&access);
    return r;
}

static void refuse(const struct conf *conf, const struct addr *peer)
{
    static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    char text[ADDR_TEXT_MAX], host[ADDR_TEXT_MAX], listener[ADDR_TEXT_MAX];
    struct addr local = {.len = 0};

    (void)addr_of_socket(STDIN_FILENO, &local); /* Unknown, it stays unsaid. */
    if (conf->log_connections != CONF_LOG_CONNECTIONS_NONE)
        (void)log_event(EVENT_CONNECTION_REFUSED, 0,
                        LOG_FIELDS(LOG_TEXT(FIELD_PEER_ADDR, addr_format_host(peer, host)),
                                   LOG_NUMBER(FIELD_PEER_PORT, addr_port(peer)),
                                   LOG_TEXT(FIELD_LISTENER, addr_format(&local, listener)),
                                   LOG_TEXT(FIELD_REASON, "access.deny")),
                        "Refused a connection from %s: access.deny", addr_format(peer, text));
    /* A reset: inetd may hold a copy, so that closing ours with SO_LINGER would do nothing. */
    (void)connect(STDIN_FILENO, &nowhere, sizeof(nowhere));
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
    struct addr peer;
    int family, r;

    if (check_input(&family) < 0)
        return EXIT_FAILURE;
    (void)signal(SIGPIPE, SIG_IGN);
    r = is_denied(conf, &peer);
    if (r > 0) {
        refuse(conf, &peer);
        return EXIT_SUCCESS; /* It did what it was told to. */
    }
    s = r == 0 ? session_new(STDIN_FILENO) : NULL;
    if (!s) {
        (void)log_event(EVENT_START_FAILED, r < 0 ? r : ENOMEM, LOG_NO_FIELDS, "--inetd: %m");
        return EXIT_FAILURE;
    }
    return serve(s, conf, family) == STREAM_FINISHED ? EXIT_SUCCESS : EXIT_FAILURE;
}
