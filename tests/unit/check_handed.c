/* SPDX-License-Identifier: MIT */
#include "daemon/handed.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/descriptors.h"
#include "process.h"
#include "suite.h"

/* Each test in a process of its own, as what is handed over begins at a number that may be in use.
 */

enum { FIRST = 3 };

static struct handed handed;

/* In such a process: exits with the line of what did not hold. */
#define EXPECT(what)                                                                               \
    do {                                                                                           \
        if (!(what))                                                                               \
            return __LINE__ % 256;                                                                 \
    } while (0)

static int socket_of(int type)
{
    return socket(AF_UNIX, type, 0);
}

static int file(void)
{
    return memfd_create("test", 0);
}

/* Hands over the COUNT descriptors that were opened, with these names, and takes them. */
static int take(int count, const char *names)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%d", count);
    (void)setenv("LISTEN_FDS", text, 1);
    (void)snprintf(text, sizeof(text), "%d", (int)getpid());
    (void)setenv("LISTEN_PID", text, 1);
    (void)setenv("LISTEN_FDNAMES", names, 1);
    return handed_take(&handed);
}

static void begin(void)
{
    descriptors_close_except(NULL, 0);
}

static bool is(const struct handed_list *list, size_t i, int fd, uint32_t number)
{
    return i < list->count && list->list[i].fd == fd && list->list[i].number == number;
}

static bool none_is_open(int count)
{
    for (int fd = FIRST; fd < FIRST + count; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            return false;
    return true;
}

static int take_each_kind(void *unused)
{
    (void)unused;
    begin();
    EXPECT(socket_of(SOCK_STREAM) == 3 && file() == 4 && socket_of(SOCK_SEQPACKET) == 5);
    EXPECT(socket_of(SOCK_SEQPACKET) == 6 && socket_of(SOCK_DGRAM) == 7 && file() == 8);
    EXPECT(socket_of(SOCK_SEQPACKET) == 9 && socket_of(SOCK_STREAM) == 10);
    EXPECT(take(8, "front:echod-arena:echod-box-3:echod-box-12:echod-listener-5:echod-pidfile:"
                   "echod-worker-0:echod.socket") == 0);
    EXPECT(handed.arena == 4 && handed.pidfile == 8 && handed.next_number == 13);
    EXPECT(handed.boxes.count == 2 && is(&handed.boxes, 0, 5, 3) && is(&handed.boxes, 1, 6, 12));
    EXPECT(handed.listeners.count == 1 && is(&handed.listeners, 0, 7, 5));
    EXPECT(handed.workers.count == 1 && is(&handed.workers, 0, 9, 0));
    EXPECT(handed.passed.count == 2 && is(&handed.passed, 0, 3, 0) && is(&handed.passed, 1, 10, 0));
    EXPECT(strcmp(handed.passed.list[0].name, "front") == 0);
    EXPECT(strcmp(handed.boxes.list[1].name, "echod-box-12") == 0);
    handed_deinit(&handed);
    EXPECT(none_is_open(8));
    return 0;
}

START_TEST(each_kind_has_its_place)
{
    ck_assert_int_eq(process_run(take_each_kind, NULL), 0);
}
END_TEST

static int take_detailed(void *unused)
{
    (void)unused;
    begin();
    EXPECT(socket_of(SOCK_STREAM) == 3 && socket_of(SOCK_STREAM) == 4);
    EXPECT(take(2, "echod-listener-7-1a-2b:echod-listener-8") == 0);
    EXPECT(is(&handed.listeners, 0, 3, 7) && is(&handed.listeners, 1, 4, 8));
    EXPECT(strcmp(handed.listeners.list[0].detail, "1a-2b") == 0);
    EXPECT(strcmp(handed.listeners.list[1].detail, "") == 0);
    return 0;
}

START_TEST(listener_has_a_detail)
{
    ck_assert_int_eq(process_run(take_detailed, NULL), 0);
}
END_TEST

static int take_nothing(void *unused)
{
    (void)unused;
    begin();
    EXPECT(handed_take(&handed) == 0);
    EXPECT(handed.arena == -1 && handed.pidfile == -1 && handed.next_number == 1);
    EXPECT(handed.boxes.count + handed.listeners.count + handed.workers.count == 0);
    EXPECT(handed.passed.count == 0);
    handed_deinit(&handed);
    handed_deinit(&handed);
    return 0;
}

START_TEST(nothing_is_fine_too)
{
    ck_assert_int_eq(process_run(take_nothing, NULL), 0);
}
END_TEST

/* Names that are almost ours, on a socket of a kind that would fit. */
static const char *const other_names[] = {
    "echod-",
    "echod-box",
    "echod-box-",
    "echod-box-x",
    "echod-box-1x",
    "echod-box-01",
    "echod-box--1",
    "echod-box- 1",
    "echod-box-+1",
    "echod-lan.socket",
    "echod.socket",
    "echod-box-4294967295",
    "echod-box-4294967296",
    "echod-box-18446744073709551617",
    "echod-arena",
    "echod-pidfile",
};

static int take_other(void *name)
{
    begin();
    EXPECT(socket_of(SOCK_SEQPACKET) == FIRST);
    EXPECT(take(1, name) == 0);
    EXPECT(handed.passed.count == 1 && is(&handed.passed, 0, FIRST, 0));
    EXPECT(handed.next_number == 1);
    return 0;
}

START_TEST(other_names_are_of_the_service_manager)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "%s", other_names[_i]);
    ck_assert_int_eq(process_run(take_other, name), 0);
}
END_TEST

static int take_misnamed(void *unused)
{
    (void)unused;
    begin();
    EXPECT(socket_of(SOCK_STREAM) == 3 && file() == 4 && socket_of(SOCK_DGRAM) == 5);
    EXPECT(take(3, "echod-box-1:echod-listener-2:echod-worker-3") == 0);
    EXPECT(handed.passed.count == 3);
    return 0;
}

START_TEST(our_name_on_something_else_is_not_ours)
{
    ck_assert_int_eq(process_run(take_misnamed, NULL), 0);
}
END_TEST

static int take_two_arenas(void *unused)
{
    (void)unused;
    begin();
    EXPECT(file() == 3 && file() == 4);
    EXPECT(take(2, "echod-arena:echod-arena") == 0);
    EXPECT(handed.arena == 3 && handed.passed.count == 0);
    EXPECT(fcntl(3, F_GETFD) >= 0 && fcntl(4, F_GETFD) < 0);
    return 0;
}

START_TEST(of_two_arenas_the_first_counts)
{
    ck_assert_int_eq(process_run(take_two_arenas, NULL), 0);
}
END_TEST

static int take_over(void *unused)
{
    (void)unused;
    begin();
    EXPECT(file() == 3 && socket_of(SOCK_SEQPACKET) == 4 && socket_of(SOCK_SEQPACKET) == 5);
    EXPECT(take(3, "echod-arena:echod-box-1:echod-box-2") == 0);
    handed.arena = -1;
    handed.boxes.list[0].fd = -1;
    handed_deinit(&handed);
    EXPECT(fcntl(3, F_GETFD) >= 0 && fcntl(4, F_GETFD) >= 0 && fcntl(5, F_GETFD) < 0);
    return 0;
}

START_TEST(what_is_taken_over_stays_open)
{
    ck_assert_int_eq(process_run(take_over, NULL), 0);
}
END_TEST

START_TEST(names_are_made_and_known_again)
{
    char text[HANDED_NAME_SIZE];

    ck_assert_str_eq(handed_name(HANDED_BOX, 7, text), "echod-box-7");
    ck_assert_str_eq(handed_name(HANDED_LISTENER, UINT32_MAX, text), "echod-listener-4294967295");
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("handed");

    tcase_add_test(tcase, each_kind_has_its_place);
    tcase_add_test(tcase, listener_has_a_detail);
    tcase_add_test(tcase, nothing_is_fine_too);
    tcase_add_loop_test(tcase, other_names_are_of_the_service_manager, 0,
                        sizeof(other_names) / sizeof(other_names[0]));
    tcase_add_test(tcase, our_name_on_something_else_is_not_ours);
    tcase_add_test(tcase, of_two_arenas_the_first_counts);
    tcase_add_test(tcase, what_is_taken_over_stays_open);
    tcase_add_test(tcase, names_are_made_and_known_again);
    return suite_run("handed", tcase);
}
