/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

/*
 * An echo server on libuv, as its guide builds them, with what it recommends for speed: one buffer
 * for all reads, uv_try_write() first, and a write request only for what that did not take; then
 * reading pauses.
 */

enum { DATAGRAMS = 20 }; /* at a time: as many as it takes */

struct rest {
    uv_write_t request;
    char bytes[];
};

static char buffer[65536];

static void check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
        exit(1);
    }
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void close_stream(uv_stream_t *stream)
{
    if (!uv_is_closing((uv_handle_t *)stream))
        uv_close((uv_handle_t *)stream, on_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    (void)handle;
    (void)suggested;
    *ret = uv_buf_init(buffer, sizeof(buffer));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *bytes);

static void on_written(uv_write_t *request, int status)
{
    uv_stream_t *stream = request->handle;

    free(request);
    if (status < 0 || uv_read_start(stream, on_alloc, on_read) < 0)
        close_stream(stream);
}

static void write_rest(uv_stream_t *stream, const char *bytes, size_t size)
{
    struct rest *rest = malloc(sizeof(*rest) + size);
    uv_buf_t pending;

    if (!rest) {
        close_stream(stream);
        return;
    }
    memcpy(rest->bytes, bytes, size);
    pending = uv_buf_init(rest->bytes, (unsigned)size);
    uv_read_stop(stream);
    if (uv_write(&rest->request, stream, &pending, 1, on_written) < 0) {
        free(rest);
        close_stream(stream);
    }
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *bytes)
{
    uv_buf_t all = uv_buf_init(bytes->base, size > 0 ? (unsigned)size : 0);
    int sent;

    if (size == 0)
        return;
    if (size < 0) {
        close_stream(stream);
        return;
    }
    sent = uv_try_write(stream, &all, 1);
    if (sent < 0 && sent != UV_EAGAIN)
        close_stream(stream);
    else if (sent < size)
        write_rest(stream, all.base + (sent > 0 ? sent : 0),
                   (size_t)(size - (sent > 0 ? sent : 0)));
}

static void on_connection(uv_stream_t *server, int status)
{
    uv_tcp_t *client;

    if (status < 0)
        return;
    client = malloc(sizeof(*client));
    if (!client)
        return;
    check(uv_tcp_init(server->loop, client), "uv_tcp_init");
    if (uv_accept(server, (uv_stream_t *)client) < 0 || uv_tcp_nodelay(client, 1) < 0 ||
        uv_read_start((uv_stream_t *)client, on_alloc, on_read) < 0)
        close_stream((uv_stream_t *)client);
}

/* ---- datagrams ---- */

static void on_datagram_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    static char datagrams[DATAGRAMS * 65536];

    (void)handle;
    (void)suggested;
    *ret = uv_buf_init(datagrams, sizeof(datagrams));
}

static void on_datagram(uv_udp_t *udp, ssize_t size, const uv_buf_t *bytes,
                        const struct sockaddr *from, unsigned flags)
{
    uv_buf_t all = uv_buf_init(bytes->base, size > 0 ? (unsigned)size : 0);

    (void)flags;
    if (size >= 0 && from) /* Else there was nothing more to read. */
        (void)uv_udp_try_send(udp, &all, 1, from);
}

/* Many are received by one call; there is none to send many. */
static void echo_datagrams(uv_loop_t *loop, uv_udp_t *udp, const struct sockaddr_in *addr)
{
    check(uv_udp_init_ex(loop, udp, AF_INET | UV_UDP_RECVMMSG), "uv_udp_init_ex");
    check(uv_udp_bind(udp, (const struct sockaddr *)addr, 0), "uv_udp_bind");
    check(uv_udp_recv_start(udp, on_datagram_alloc, on_datagram), "uv_udp_recv_start");
}

/* ---- both ---- */

/* Puts the port that the kernel has chosen, if it was to choose, into ADDR. */
static void get_port(uv_tcp_t *server, struct sockaddr_in *addr)
{
    int size = sizeof(*addr);

    check(uv_tcp_getsockname(server, (struct sockaddr *)addr, &size), "uv_tcp_getsockname");
}

static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    struct sockaddr_in addr;
    uv_tcp_t server;
    uv_udp_t udp;

    raise_descriptors();
    check(uv_ip4_addr("127.0.0.1", argc > 1 ? atoi(argv[1]) : 0, &addr), "uv_ip4_addr");
    check(uv_tcp_init(loop, &server), "uv_tcp_init");
    check(uv_tcp_bind(&server, (const struct sockaddr *)&addr, 0), "uv_tcp_bind");
    get_port(&server, &addr);
    echo_datagrams(loop, &udp, &addr);
    check(uv_listen((uv_stream_t *)&server, SOMAXCONN, on_connection), "uv_listen");
    printf("%d\n", ntohs(addr.sin_port));
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
