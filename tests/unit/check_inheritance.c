/* SPDX-License-Identifier: MIT */
#include "daemon/inheritance.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

/* What an earlier process left is played by the test. */

enum { DESCRIPTORS = 1024 };

static struct arena arena;
static struct crew crew;
static const struct identity identity;

static void init(void)
{
    (void)unsetenv("NOTIFY_SOCKET");
    arena = (struct arena){.fd = -1};
    crew.epoll = -1;
}

static void deinit(void)
{
    crew_deinit(&crew);
    arena_deinit(&arena);
}

/* ---- workers that live ---- */

/* A worker's channel comes as of the one in place 0, whose number is said to be PID. */
static enum member_state inherit_worker(pid_t pid)
{
    char text[16];
    struct handed_fd channel = {.name = HANDED_WORKER "0-", .detail = text};
    struct handed handed = HANDED_NOTHING;
    int ends[2];

    (void)snprintf(text, sizeof(text), "%d", (int)pid);
    ck_assert_int_eq(channel_pair(ends), 0);
    channel.fd = ends[0];
    handed.workers = (struct handed_list){.list = &channel, .count = 1};
    ck_assert_int_eq(arena_init(&arena), 0);
    ck_assert_int_eq(crew_init(&crew, &arena, &identity, DESCRIPTORS), 0);
    ck_assert_int_eq(inherit_crew(&handed, false, NULL, &crew), 0);
    ck_assert_int_eq(channel.fd, -1);
    ck_assert_int_eq(close(ends[1]), 0);
    return crew.member[0].state;
}

START_TEST(child_is_a_worker)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(EXIT_SUCCESS);
    ck_assert_int_eq(inherit_worker(pid), MEMBER_GIVING);
    ck_assert_int_eq(crew.member[0].pid, pid);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid); /* Its end was not taken away. */
}
END_TEST

/* Members are killed when they hang: other processes must not be. */
START_TEST(other_process_is_no_worker)
{
    const pid_t others[] = {-1, 0, 1, getpid(), getppid()};

    ck_assert_int_eq(inherit_worker(others[_i]), MEMBER_NONE);
}
END_TEST

/* ---- connections without memory ---- */

static int accept_one(int *ret_client)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
    socklen_t size = sizeof(addr);

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&addr, &size), 0);
    *ret_client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(*ret_client, (struct sockaddr *)&addr, sizeof(addr)), 0);
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &(int){1}, sizeof(int)), 0);
    ck_assert_int_eq(close(listener), 0);
    return fd;
}

/* The memory may be lost between its removal from the store and that of the next put there. */
START_TEST(connections_without_memory_go_on)
{
    struct handed_fd box = {.name = HANDED_BOX "1", .number = 1};
    struct escrow_entry entry = {.number = 5, .mark = 6};
    struct handed handed = HANDED_NOTHING;
    const struct conf conf = {.limit_ipv4_prefix = 32, .limit_ipv6_prefix = 64};
    struct escrow before;
    int64_t number;
    int client, fd = accept_one(&client);

    escrow_init(&before, 1);
    ck_assert_int_eq(escrow_put(&before, &entry, &fd, 1), 0);
    ck_assert_int_eq(close(fd), 0);
    box.fd = dup(before.box[0].receive);
    escrow_deinit(&before);
    handed.boxes = (struct handed_list){.list = &box, .count = 1};

    ck_assert_int_eq(inherit_arena(&handed, &arena), 1);
    ck_assert_int_eq(crew_init(&crew, &arena, &identity, DESCRIPTORS), 0);
    ck_assert_int_eq(inherit_crew(&handed, true, &conf, &crew), 0);
    number = slot_next(&arena.slots, SLOT_ORPHAN, 0);
    ck_assert_int_ge(number, 0);
    fd = crew_find_kept(&crew, (uint32_t)number, (uint32_t)arena.slots.slots[number].cookie);
    ck_assert_int_eq(write(fd, "x", 1), 1);
    ck_assert_int_eq(recv(client, &(char){0}, 1, 0), 1);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(close(client), 0);
}
END_TEST

START_TEST(nothing_is_nothing_to_go_on_with)
{
    struct handed handed = HANDED_NOTHING;

    ck_assert_int_eq(inherit_arena(&handed, &arena), 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("inheritance");

    tcase_add_checked_fixture(tcase, init, deinit);
    tcase_add_test(tcase, child_is_a_worker);
    tcase_add_loop_test(tcase, other_process_is_no_worker, 0, 5);
    tcase_add_test(tcase, connections_without_memory_go_on);
    tcase_add_test(tcase, nothing_is_nothing_to_go_on_with);
    return suite_run("inheritance", tcase);
}
