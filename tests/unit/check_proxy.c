/* SPDX-License-Identifier: MIT */
#include "net/proxy.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/network.h"
#include "net/proxy_header.h"
#include "suite.h"

enum { FD = 1234, NOW = 777, ACCEPTED = 11, SPILL_BUFFERS = 8, NUMBER = 3 };

#define HEADER "PROXY TCP4 192.0.2.1 192.0.2.2 4711 7\r\n"
#define OWN "PROXY UNKNOWN\r\n"

static _Alignas(4096) uint8_t spill_memory[SPILL_BUFFERS * SPILL_BYTES];
static struct stats stats;
static struct stream_io io;
static struct slot slot;

/* What the socket answers to the next recv(2): bytes, or an error. */
static struct {
    const char *bytes;
    size_t size;
    int error;
} next;

static ssize_t scripted_recv(int fd, void *to, size_t size, int flags)
{
    size_t n = next.size < size ? next.size : size;

    ck_assert_int_eq(fd, FD);
    ck_assert_int_eq(flags, MSG_DONTWAIT);
    ck_assert_ptr_eq(to, spill_at(spill_memory, NUMBER) + slot.spill_end);
    if (next.error) {
        errno = next.error;
        return -1;
    }
    memcpy(to, next.bytes, n);
    next.bytes += n;
    next.size -= n;
    return (ssize_t)n;
}

static void set_up(void)
{
    static const struct stream_calls calls = {.recv = scripted_recv};
    struct addr proxy = addr_loopback(AF_INET, 9);

    io = (struct stream_io){
        .calls = &calls, .spill = spill_memory, .pipe = {-1, -1}, .stats = &stats, .now_ms = NOW};
    slot = (struct slot){.fd = FD, .number = NUMBER, .active_ms = ACCEPTED, .header_due = true};
    slot_set_peer(&slot, &proxy);
}

static enum proxy_next step_with(const char *bytes, size_t size, const char **ret_fault)
{
    next.bytes = bytes;
    next.size = size;
    next.error = 0;
    return proxy_step(&slot, &io, ret_fault);
}

static enum proxy_next step(const char *bytes, size_t size)
{
    const char *fault = NULL;
    enum proxy_next result = step_with(bytes, size, &fault);

    ck_assert((result == PROXY_FAULTY) == (fault != NULL));
    return result;
}

static enum proxy_next step_failing(int error)
{
    const char *fault = NULL;

    next.error = error;
    return proxy_step(&slot, &io, &fault);
}

static void peer_is(const char *wanted)
{
    struct addr peer = slot_peer(&slot);
    char text[ADDR_TEXT_MAX];

    ck_assert_str_eq(addr_format(&peer, text), wanted);
}

/* It is known whose it is; what came after the header is owed, and no more than that is counted. */
static void stream_has_begun(size_t header, const char *payload)
{
    size_t size = strlen(payload);

    ck_assert(slot.header_due); /* until the client is let in */
    ck_assert(!stream_owes(&slot));
    proxy_begin_stream(&slot, &io);
    ck_assert(!slot.header_due);
    ck_assert_uint_eq(slot.header, header);
    ck_assert_uint_eq(slot.received, size);
    ck_assert_uint_eq(stats_read(&stats.received), size);
    ck_assert_uint_eq(slot.active_ms, NOW);
    ck_assert_uint_eq(slot.spill_end - slot.spill_begin, size);
    ck_assert_mem_eq(spill_at(spill_memory, NUMBER) + slot.spill_begin, payload, size);
    if (size == 0)
        ck_assert_uint_eq(slot.spill_end, 0);
}

/* Nothing of it is owed or counts, and the time since the accept goes on. */
static void header_is_due(size_t size)
{
    ck_assert(slot.header_due);
    ck_assert(!stream_owes(&slot));
    ck_assert_uint_eq(slot.spill_end, size);
    ck_assert_uint_eq(slot.received, 0);
    ck_assert_uint_eq(stats_read(&stats.received), 0);
    ck_assert_uint_eq(slot.active_ms, ACCEPTED);
    peer_is("127.0.0.1:9");
}

START_TEST(client_takes_the_place_of_the_proxy)
{
    ck_assert_int_eq(step(HEADER, strlen(HEADER)), PROXY_CLIENT);
    stream_has_begun(strlen(HEADER), "");
    peer_is("192.0.2.1:4711");
}
END_TEST

START_TEST(proxy_stays_where_nobody_is_named)
{
    ck_assert_int_eq(step(OWN "ping", strlen(OWN) + 4), PROXY_ITSELF);
    stream_has_begun(strlen(OWN), "ping");
    peer_is("127.0.0.1:9");
}
END_TEST

/* As a health check does: the addresses are those of the connection itself. */
START_TEST(proxy_may_name_itself)
{
    static const char itself[] = "PROXY TCP4 127.0.0.1 127.0.0.2 9 7\r\n";
    static const char other_port[] = "PROXY TCP4 127.0.0.1 127.0.0.2 10 7\r\n";

    ck_assert_int_eq(step(itself, strlen(itself)), PROXY_ITSELF);
    peer_is("127.0.0.1:9");
    proxy_begin_stream(&slot, &io);
    slot.header_due = true;
    ck_assert_int_eq(step(other_port, strlen(other_port)), PROXY_CLIENT);
    peer_is("127.0.0.1:10");
}
END_TEST

/* The socket of IPv6 that takes IPv4, too, has another form of the same address. */
START_TEST(proxy_may_name_itself_in_ipv4)
{
    static const char itself[] = "PROXY TCP4 127.0.0.1 127.0.0.2 9 7\r\n";
    struct addr mapped = addr_loopback(AF_INET6, 9);
    struct network network;

    ck_assert_int_eq(network_parse("::ffff:127.0.0.1", &network), NETWORK_SOUND);
    mapped.in6.sin6_addr = network.address;
    slot_set_peer(&slot, &mapped);
    ck_assert_int_eq(step(itself, strlen(itself)), PROXY_ITSELF);
}
END_TEST

START_TEST(header_may_come_in_two_pieces)
{
    size_t split = (size_t)_i, size = strlen(HEADER "payload");

    ck_assert_int_eq(step(HEADER "payload", split), PROXY_MORE);
    header_is_due(split);
    ck_assert_int_eq(step_failing(EAGAIN), PROXY_MORE);
    header_is_due(split);
    ck_assert_int_eq(step(&(HEADER "payload")[split], size - split), PROXY_CLIENT);
    stream_has_begun(strlen(HEADER), "payload");
}
END_TEST

START_TEST(header_may_come_byte_by_byte)
{
    for (size_t i = 0; i + 1 < strlen(HEADER); i++) {
        ck_assert_int_eq(step(&HEADER[i], 1), PROXY_MORE);
        header_is_due(i + 1);
    }
    ck_assert_int_eq(step(&HEADER[strlen(HEADER) - 1], 1), PROXY_CLIENT);
    stream_has_begun(strlen(HEADER), "");
}
END_TEST

/* What a long stream has behind its header stays in the socket, but for one page with the header.
 */
START_TEST(no_more_is_read_than_a_header_takes)
{
    static char bytes[2 * PROXY_HEADER_MAX];

    memcpy(bytes, HEADER, strlen(HEADER));
    ck_assert_int_eq(step(bytes, sizeof(bytes)), PROXY_CLIENT);
    ck_assert_uint_eq(slot.spill_end, PROXY_HEADER_MAX);
    ck_assert_uint_eq(next.size, sizeof(bytes) - PROXY_HEADER_MAX);
}
END_TEST

START_TEST(longest_header_is_taken)
{
    static char bytes[PROXY_HEADER_MAX] = "\r\n\r\n\0\r\nQUIT\n\x20\0\x0f\xf0";

    ck_assert_int_eq(step(bytes, sizeof(bytes) - 1), PROXY_MORE);
    ck_assert_int_eq(step(bytes + sizeof(bytes) - 1, 1), PROXY_ITSELF);
    stream_has_begun(sizeof(bytes), "");
}
END_TEST

/* As after a death: its reader had no time to look at it. */
static void header_lies_there(const char *bytes, size_t size)
{
    memcpy(spill_at(spill_memory, NUMBER), bytes, size);
    slot.spill_begin = slot.spill_end = (uint32_t)size;
}

START_TEST(header_that_lies_there_is_seen)
{
    header_lies_there(HEADER "payload", strlen(HEADER "payload"));
    ck_assert_int_eq(_i ? step_failing(EAGAIN) : step("", 0), PROXY_CLIENT);
    stream_has_begun(strlen(HEADER), "payload");
    peer_is("192.0.2.1:4711");
}
END_TEST

START_TEST(longest_header_that_lies_there_is_seen)
{
    static char bytes[PROXY_HEADER_MAX] = "\r\n\r\n\0\r\nQUIT\n\x20\0\x0f\xf0";

    header_lies_there(bytes, sizeof(bytes));
    ck_assert_int_eq(step("more", 4), PROXY_ITSELF);
    ck_assert_uint_eq(next.size, 4);
    stream_has_begun(sizeof(bytes), "");
}
END_TEST

START_TEST(wrong_header_is_told)
{
    const char *fault = NULL;

    ck_assert_int_eq(step_with("GET / HTTP/1.1\r\n", 16, &fault), PROXY_FAULTY);
    ck_assert_str_eq(fault, "no PROXY header");
}
END_TEST

START_TEST(end_before_the_first_byte_is_no_fault)
{
    ck_assert_int_eq(step("", 0), PROXY_ENDED);
}
END_TEST

START_TEST(end_within_the_header_is_a_fault)
{
    ck_assert_int_eq(step(HEADER, strlen(HEADER) - 1), PROXY_MORE);
    ck_assert_int_eq(step("", 0), PROXY_FAULTY);
}
END_TEST

START_TEST(failures_are_told_apart)
{
    ck_assert_int_eq(step_failing(EINTR), PROXY_MORE);
    header_is_due(0);
    ck_assert_int_eq(step_failing(ECONNRESET), PROXY_BROKEN);
    ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("proxy");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, client_takes_the_place_of_the_proxy);
    tcase_add_test(tcase, proxy_stays_where_nobody_is_named);
    tcase_add_test(tcase, proxy_may_name_itself);
    tcase_add_test(tcase, proxy_may_name_itself_in_ipv4);
    tcase_add_loop_test(tcase, header_may_come_in_two_pieces, 1, (int)strlen(HEADER));
    tcase_add_test(tcase, header_may_come_byte_by_byte);
    tcase_add_test(tcase, no_more_is_read_than_a_header_takes);
    tcase_add_test(tcase, longest_header_is_taken);
    tcase_add_loop_test(tcase, header_that_lies_there_is_seen, 0, 2);
    tcase_add_test(tcase, longest_header_that_lies_there_is_seen);
    tcase_add_test(tcase, wrong_header_is_told);
    tcase_add_test(tcase, end_before_the_first_byte_is_no_fault);
    tcase_add_test(tcase, end_within_the_header_is_a_fault);
    tcase_add_test(tcase, failures_are_told_apart);
    return suite_run("proxy", tcase);
}
