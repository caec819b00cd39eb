/* SPDX-License-Identifier: MIT */
#include "base/service.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "manager.h"
#include "process.h"
#include "suite.h"

/* -- Notifications, to a socket of our own -- */

static int manager = -1;
static char address[64]; /* of it, as $NOTIFY_SOCKET has it */

static void listen_for_notifications(void)
{
    (void)unsetenv("WATCHDOG_USEC"); /* when the test itself runs in a service */
    (void)unsetenv("WATCHDOG_PID");
    manager = manager_listen();
    (void)snprintf(address, sizeof(address), "%s", getenv("NOTIFY_SOCKET"));
}

static void stop_listening(void)
{
    (void)close(manager);
}

/* The message that came: a Unix datagram has arrived when it was sent. */
static const char *heard(void)
{
    static char text[512];
    ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

    ck_assert_msg(n >= 0, "nothing was sent: %s", strerror(errno));
    text[n] = '\0';
    ck_assert_uint_eq(strlen(text), n);
    return text;
}

static void assert_nothing_heard(void)
{
    char text[512];

    ck_assert_int_eq(recv(manager, text, sizeof(text), 0), -1);
    ck_assert_int_eq(errno, EAGAIN);
}

START_TEST(messages_are_those_of_sd_notify)
{
    service_ready("Serving");
    ck_assert_str_eq(heard(), "READY=1\nSTATUS=Serving");
    service_status("50% done");
    ck_assert_str_eq(heard(), "STATUS=50% done");
    service_stopping("Draining");
    ck_assert_str_eq(heard(), "STOPPING=1\nSTATUS=Draining");
    service_watchdog();
    ck_assert_str_eq(heard(), "WATCHDOG=1");
    service_extend_timeout(UINT64_C(10000000000));
    ck_assert_str_eq(heard(), "EXTEND_TIMEOUT_USEC=10000000000");
    assert_nothing_heard();
}
END_TEST

START_TEST(failure_tells_a_positive_errno)
{
    service_failed(EADDRINUSE, "No");
    ck_assert_str_eq(heard(), "STATUS=No\nERRNO=98");
    service_failed(-EADDRINUSE, "No");
    ck_assert_str_eq(heard(), "STATUS=No\nERRNO=98");
}
END_TEST

/* systemd compares the time with that at which it sent the signal. */
START_TEST(reloading_tells_the_time)
{
    uint64_t before = clock_usec(), told = 0;
    char expected[128];
    const char *message;

    service_reloading();
    message = heard();
    ck_assert_int_eq(sscanf(message, "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &told), 1);
    (void)snprintf(expected, sizeof(expected),
                   "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reloading", told);
    ck_assert_str_eq(message, expected);
    ck_assert_uint_ge(told, before);
    ck_assert_uint_le(told, clock_usec());
}
END_TEST

START_TEST(silent_without_a_service_manager)
{
    ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
    service_ready("x");
    service_status("x");
    service_reloading();
    service_stopping("x");
    service_failed(EIO, "x");
    service_watchdog();
    service_extend_timeout(1);
    assert_nothing_heard();
}
END_TEST

/* -- The descriptor store -- */

/* In a process of its own: exits with the line of what did not hold. */
#define EXPECT(what)                                                                               \
    do {                                                                                           \
        if (!(what))                                                                               \
            return __LINE__ % 256;                                                                 \
    } while (0)

/* The message that came, and the descriptor that came with it, or -1. */
static const char *heard_with(int *ret_fd)
{
    static char text[512];
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec vector = {.iov_base = text, .iov_len = sizeof(text) - 1};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(manager, &message, MSG_CMSG_CLOEXEC);

    ck_assert_msg(n >= 0, "nothing was sent: %s", strerror(errno));
    text[n] = '\0';
    *ret_fd = -1;
    if (CMSG_FIRSTHDR(&message))
        memcpy(ret_fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(*ret_fd));
    return text;
}

START_TEST(descriptor_is_stored_under_its_name)
{
    int ends[2], copy;
    char byte = 'x';

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(service_store("echod-box-7", ends[0]), 0);
    ck_assert_str_eq(heard_with(&copy), "FDSTORE=1\nFDNAME=echod-box-7\nFDPOLL=0");
    ck_assert_int_eq(write(ends[1], &byte, 1), 1);
    ck_assert_int_eq(read(copy, &byte, 1), 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)close(copy);
    service_unstore("echod-box-7");
    ck_assert_str_eq(heard(), "FDSTOREREMOVE=1\nFDNAME=echod-box-7");
}
END_TEST

START_TEST(what_is_no_descriptor_cannot_be_stored)
{
    ck_assert_int_eq(service_store("x", -1), -EBADF);
    assert_nothing_heard();
}
END_TEST

static int read_everything(void *unused)
{
    int fd;

    (void)unused;
    EXPECT(fcntl(manager, F_SETFL, 0) == 0); /* wait for it */
    EXPECT(strcmp(heard_with(&fd), "READY=1\nSTATUS=x") == 0 && fd == -1);
    EXPECT(strcmp(heard_with(&fd), "BARRIER=1") == 0 && fd >= 0);
    return 0;
}

START_TEST(barrier_waits_for_the_reader)
{
    pid_t reader;
    int fd;

    ck_assert_int_eq(service_barrier(1), -ETIMEDOUT);
    ck_assert_str_eq(heard_with(&fd), "BARRIER=1");
    (void)close(fd);
    service_ready("x");
    reader = process_start(read_everything, NULL);
    ck_assert_int_eq(service_barrier(UINT64_MAX), 0);
    ck_assert_int_eq(process_wait(reader), 0);
}
END_TEST

START_TEST(without_a_service_manager_nothing_is_stored)
{
    ck_assert(service_is_managed());
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", "", 1), 0);
    ck_assert(!service_is_managed());
    ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
    ck_assert(!service_is_managed());
    ck_assert_int_eq(service_store("x", STDIN_FILENO), 0);
    ck_assert_int_eq(service_barrier(UINT64_MAX), 0);
    service_unstore("x");
    assert_nothing_heard();
}
END_TEST

START_TEST(manager_that_is_gone_does_no_harm)
{
    ck_assert_int_eq(close(manager), 0);
    service_ready("x");
    service_watchdog();
    listen_for_notifications();
    service_watchdog();
    ck_assert_str_eq(heard(), "WATCHDOG=1");
}
END_TEST

/* -- The watchdog -- */

static void set_number(const char *name, uint64_t number)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%" PRIu64, number);
    ck_assert_int_eq(setenv(name, text, 1), 0);
}

START_TEST(watchdog_is_for_this_process)
{
    ck_assert_uint_eq(service_watchdog_usec(), 0);
    set_number("WATCHDOG_USEC", 30000000);
    ck_assert_uint_eq(service_watchdog_usec(), 30000000);
    set_number("WATCHDOG_PID", (uint64_t)getpid());
    ck_assert_uint_eq(service_watchdog_usec(), 30000000);
    set_number("WATCHDOG_PID", (uint64_t)getppid());
    ck_assert_uint_eq(service_watchdog_usec(), 0);
}
END_TEST

START_TEST(watchdog_that_makes_no_sense_is_none)
{
    ck_assert_int_eq(setenv("WATCHDOG_USEC", "often", 1), 0);
    ck_assert_uint_eq(service_watchdog_usec(), 0);
    set_number("WATCHDOG_USEC", 0);
    ck_assert_uint_eq(service_watchdog_usec(), 0);
}
END_TEST

/* -- Passed descriptors; in a process of its own, as they begin at a number that may be in use --
 */

enum { FIRST_PASSED = 3 };

static void pass(int count, pid_t to, const char *names)
{
    for (int i = 0; i < count; i++)
        (void)dup2(STDIN_FILENO, FIRST_PASSED + i);
    set_number("LISTEN_FDS", (uint64_t)count);
    set_number("LISTEN_PID", (uint64_t)to);
    if (names)
        ck_assert_int_eq(setenv("LISTEN_FDNAMES", names, 1), 0);
}

static bool environment_is_clear(void)
{
    return !getenv("LISTEN_FDS") && !getenv("LISTEN_PID") && !getenv("LISTEN_FDNAMES");
}

static int take_two(void *unused)
{
    struct service_fds fds;

    (void)unused;
    pass(2, getpid(), "http:with space");
    EXPECT(service_listen_fds(&fds) == 0);
    EXPECT(environment_is_clear());
    EXPECT(fds.first == FIRST_PASSED && fds.count == 2);
    EXPECT(strcmp(fds.names[0], "http") == 0 && strcmp(fds.names[1], "with space") == 0);
    EXPECT(fcntl(3, F_GETFD) == FD_CLOEXEC && fcntl(4, F_GETFD) == FD_CLOEXEC);
    service_fds_deinit(&fds);
    EXPECT(fds.count == 0 && !fds.names);
    EXPECT(fcntl(3, F_GETFD) == FD_CLOEXEC); /* the descriptors stay */
    EXPECT(service_listen_fds(&fds) == 0 && fds.count == 0);
    return 0;
}

START_TEST(passed_descriptors_are_taken_over_once)
{
    ck_assert_int_eq(process_run(take_two, NULL), 0);
}
END_TEST

static int take_unnamed(void *unused)
{
    struct service_fds fds;

    (void)unused;
    pass(1, getpid(), NULL);
    EXPECT(service_listen_fds(&fds) == 0);
    EXPECT(fds.count == 1 && fds.names && fds.names[0]);
    service_fds_deinit(&fds);
    return 0;
}

START_TEST(passed_descriptor_without_a_name_has_some_name)
{
    ck_assert_int_eq(process_run(take_unnamed, NULL), 0);
}
END_TEST

static int take_nothing(void *unused)
{
    struct service_fds fds = {.count = 42};

    (void)unused;
    EXPECT(service_listen_fds(&fds) == 0);
    EXPECT(fds.count == 0);
    service_fds_deinit(&fds);
    return 0;
}

START_TEST(nothing_passed_is_no_failure)
{
    ck_assert_int_eq(process_run(take_nothing, NULL), 0);
}
END_TEST

static int take_what_is_for_another(void *unused)
{
    struct service_fds fds = {.count = 42};

    (void)unused;
    pass(1, getppid(), "x");
    EXPECT(service_listen_fds(&fds) == 0);
    EXPECT(fds.count == 0);
    EXPECT(environment_is_clear());
    return 0;
}

START_TEST(descriptors_of_another_process_are_not_ours)
{
    ck_assert_int_eq(process_run(take_what_is_for_another, NULL), 0);
}
END_TEST

static int take_damaged(void *damage)
{
    struct service_fds fds = {.first = 41, .count = 42};

    pass(2, getpid(), "a:b");
    if (damage)
        EXPECT(setenv("LISTEN_FDS", damage, 1) == 0);
    else
        EXPECT(setenv("LISTEN_FDNAMES", "one", 1) == 0);
    EXPECT(service_listen_fds(&fds) < 0);
    EXPECT(fds.first == 41 && fds.count == 42 && !fds.names);
    EXPECT(environment_is_clear());
    return 0;
}

START_TEST(damaged_environment_is_a_failure)
{
    char word[] = "many", negative[] = "-1";

    ck_assert_int_eq(process_run(take_damaged, word), 0);
    ck_assert_int_eq(process_run(take_damaged, negative), 0);
    ck_assert_int_eq(process_run(take_damaged, NULL), 0); /* two descriptors, one name */
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("service");

    tcase_add_checked_fixture(tcase, listen_for_notifications, stop_listening);
    tcase_add_test(tcase, messages_are_those_of_sd_notify);
    tcase_add_test(tcase, failure_tells_a_positive_errno);
    tcase_add_test(tcase, reloading_tells_the_time);
    tcase_add_test(tcase, silent_without_a_service_manager);
    tcase_add_test(tcase, descriptor_is_stored_under_its_name);
    tcase_add_test(tcase, what_is_no_descriptor_cannot_be_stored);
    tcase_add_test(tcase, barrier_waits_for_the_reader);
    tcase_add_test(tcase, without_a_service_manager_nothing_is_stored);
    tcase_add_test(tcase, manager_that_is_gone_does_no_harm);
    tcase_add_test(tcase, watchdog_is_for_this_process);
    tcase_add_test(tcase, watchdog_that_makes_no_sense_is_none);
    tcase_add_test(tcase, passed_descriptors_are_taken_over_once);
    tcase_add_test(tcase, passed_descriptor_without_a_name_has_some_name);
    tcase_add_test(tcase, nothing_passed_is_no_failure);
    tcase_add_test(tcase, descriptors_of_another_process_are_not_ours);
    tcase_add_test(tcase, damaged_environment_is_a_failure);
    return suite_run("service", tcase);
}
