/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "datagrams.h"
#include "harness.h"
#include "processes.h"

/* The echo of datagrams between Unix sockets, on one that a service manager passes. */

static struct echod e;
static struct addr ours;

static int open_at(const char *name, struct addr *ret_addr)
{
    const struct timeval limit = {.tv_sec = DEADLINE_MS / 1000};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    if (name) {
        ck_assert_int_eq(addr_unix(name, ret_addr), 0);
        ck_assert_int_eq(bind(fd, &ret_addr->sa, ret_addr->len), 0);
    }
    return fd;
}

/* A client that sends to echod, and hears others, too. */
static int client(const char *name)
{
    struct addr addr;

    return open_at(name ? echod_path(&e, name) : NULL, &addr);
}

static void start(void)
{
    int fd;

    echod_init(&e);
    fd = open_at(echod_path(&e, "ours"), &ours);
    e.passed[e.passed_count++] = fd;
    echod_configure(&e, "workers = 1;");
    echod_start(&e);
    (void)close(fd);
}

static void send_to_echod(int fd, size_t size, unsigned number)
{
    uint8_t bytes[65536];

    datagram_fill(bytes, size, number);
    ck_assert_int_eq(sendto(fd, bytes, size, 0, &ours.sa, ours.len), (ssize_t)size);
}

static void exchange(int fd, size_t size, unsigned number)
{
    send_to_echod(fd, size, number);
    datagram_expect(fd, size, number);
}

static void assert_counted(const char *text)
{
    echod_signal(&e, SIGUSR1);
    echod_await_error(&e, text);
}

START_TEST(who_has_an_address_is_answered)
{
    static const size_t sizes[] = {0, 1, 64, 1500, 65507, 65535};
    struct addr addr;
    char name[64];
    int fd = client("them"), abstract;

    (void)snprintf(name, sizeof(name), "@echod-test-%d", (int)getpid());
    abstract = open_at(name, &addr);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        exchange(fd, sizes[i], i);
        exchange(abstract, sizes[i], i + 100);
    }
    echod_stop(&e);
}
END_TEST

START_TEST(who_has_none_is_not)
{
    send_to_echod(client(NULL), 10, 1);
    exchange(client("them"), 10, 2);
    assert_counted("without a sender 1");
    echod_stop(&e);
}
END_TEST

/* Where it leads from here is for others to say. */
START_TEST(who_has_a_relative_path_is_not)
{
    struct addr addr;
    int before = open(".", O_DIRECTORY | O_CLOEXEC), odd;

    ck_assert_int_ge(before, 0);
    ck_assert_int_eq(chdir(echod_path(&e, "")), 0);
    odd = open_at("odd", &addr);
    ck_assert_int_eq(fchdir(before), 0);
    send_to_echod(odd, 10, 1);
    exchange(client("them"), 10, 2);
    assert_counted("without a sender 1");
    echod_stop(&e);
}
END_TEST

/* The path of the sender leads to another echod, which answers as well. */
START_TEST(echods_that_are_set_against_each_other_stop)
{
    struct echod other;
    struct addr addr;
    int fd;

    echod_init(&other);
    fd = open_at(echod_path(&other, "theirs"), &addr);
    other.passed[other.passed_count++] = fd;
    echod_configure(&other, "workers = 1; limits: { datagram_rate_per_source = 1; };");
    echod_start(&other);
    fd = client("them");
    ck_assert_int_eq(connect(fd, &ours.sa, ours.len), 0);
    ck_assert_int_eq(unlink(echod_path(&e, "them")), 0);
    ck_assert_int_eq(symlink(addr.un.sun_path, echod_path(&e, "them")), 0);
    ck_assert_int_eq(send(fd, "x", 1, 0), 1);
    echod_await_error(&other, "limits.datagram_rate_per_source");
    echod_stop(&other);
    echod_stop(&e);
}
END_TEST

START_TEST(what_is_too_long_is_not)
{
    static uint8_t bytes[65536];
    int fd = client("them");

    ck_assert_int_eq(sendto(fd, bytes, sizeof(bytes), 0, &ours.sa, ours.len), sizeof(bytes));
    exchange(fd, 10, 2);
    assert_counted("too long 1");
    echod_stop(&e);
}
END_TEST

/* The path of the sender leads to echod itself: as if it had sent that. */
START_TEST(our_own_path_is_not)
{
    char moved[256];
    struct addr addr;
    int fd;

    /* The path is ours to give away: echod has the socket, whatever it is called. */
    (void)snprintf(moved, sizeof(moved), "%s", echod_path(&e, "moved"));
    ck_assert_int_eq(rename(echod_path(&e, "ours"), moved), 0);
    fd = open_at(echod_path(&e, "ours"), &addr);
    ck_assert_int_eq(addr_unix(moved, &addr), 0);
    ck_assert_int_eq(sendto(fd, "x", 1, 0, &addr.sa, addr.len), 1);
    ours = addr;
    exchange(client("them"), 10, 2);
    ck_assert_uint_eq(datagram_count(fd), 0);
    assert_counted("that would loop 1");
    echod_await_error(&e, "source answers by itself\n");
    echod_stop(&e);
}
END_TEST

/* A queue that is full is its owner's business alone. */
START_TEST(who_does_not_read_keeps_nobody_waiting)
{
    int deaf = client("deaf"), fd = client("them");

    for (unsigned i = 0; i < 100; i++) {
        send_to_echod(deaf, 1000, i);
        exchange(fd, 10, i);
    }
    ck_assert_uint_lt(datagram_count(deaf), 100);
    assert_counted("unsendable");
    exchange(deaf, 10, 1);
    echod_stop(&e);
}
END_TEST

static void send_descriptor(int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS,
                            .cmsg_len = CMSG_LEN(sizeof(int))}};
    char byte = 'x';
    struct iovec body = {.iov_base = &byte, .iov_len = 1};
    struct msghdr header = {.msg_name = &ours.sa,
                            .msg_namelen = ours.len,
                            .msg_iov = &body,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof(control)};

    memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
    ck_assert_int_eq(sendmsg(fd, &header, 0), 1);
}

START_TEST(descriptors_are_not_taken)
{
    struct children workers = process_await_children(e.pid, 1, NULL);
    unsigned before = process_descriptor_count(workers.pid[0]);
    int fd = client("them");
    char byte;

    for (unsigned i = 0; i < 10; i++) {
        send_descriptor(fd);
        ck_assert_int_eq(recv(fd, &byte, 1, 0), 1);
        ck_assert_int_eq(byte, 'x');
    }
    ck_assert_uint_eq(process_descriptor_count(workers.pid[0]), before);
    echod_stop(&e);
}
END_TEST

int main(void)
{
    TCase *tcase = harness_suite("unixgram");

    tcase_add_checked_fixture(tcase, start, NULL);
    tcase_add_test(tcase, who_has_an_address_is_answered);
    tcase_add_test(tcase, who_has_none_is_not);
    tcase_add_test(tcase, who_has_a_relative_path_is_not);
    tcase_add_test(tcase, echods_that_are_set_against_each_other_stop);
    tcase_add_test(tcase, what_is_too_long_is_not);
    tcase_add_test(tcase, our_own_path_is_not);
    tcase_add_test(tcase, who_does_not_read_keeps_nobody_waiting);
    tcase_add_test(tcase, descriptors_are_not_taken);
    return harness_run();
}
