/* SPDX-License-Identifier: MIT */
#include "daemon/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "process.h"
#include "suite.h"

static int supervisor, worker; /* the two ends */
static struct message got;
static int got_fds[MESSAGE_SLOTS_MAX];

static void make_channel(void)
{
    int pair[2];

    ck_assert_int_eq(channel_pair(pair), 0);
    supervisor = pair[0];
    worker = pair[1];
    memset(&got, 0xa5, sizeof(got));
}

static void close_channel(void)
{
    (void)close(supervisor);
    (void)close(worker);
}

static int receive(void)
{
    return channel_receive(worker, &got, got_fds);
}

static struct message batch(uint32_t count)
{
    struct message message = {.kind = MESSAGE_TAKE, .count = count};

    for (uint32_t i = 0; i < count; i++)
        message.slots[i] = i * i + 7;
    return message;
}

/* Sends as many slots, each with a descriptor of the file. */
static int send_batch(uint32_t count, int file)
{
    struct message message = batch(count);
    int fds[MESSAGE_SLOTS_MAX];

    for (uint32_t i = 0; i < count; i++)
        fds[i] = file;
    return channel_send(supervisor, &message, fds);
}

static void assert_batch(uint32_t count)
{
    struct message expected = batch(count);

    ck_assert_int_eq(got.kind, MESSAGE_TAKE);
    ck_assert_uint_eq(got.count, count);
    ck_assert_mem_eq(got.slots, expected.slots, count * sizeof(uint32_t));
}

static bool is_same_file(int a, int b)
{
    struct stat of_a, of_b;

    return fstat(a, &of_a) == 0 && fstat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

/* The first ones arrived and are the file, the others are missing. Closes them. */
static void assert_descriptors(unsigned arrived, int file)
{
    for (unsigned i = 0; i < arrived; i++) {
        ck_assert(is_same_file(got_fds[i], file));
        ck_assert_int_eq(fcntl(got_fds[i], F_GETFD), FD_CLOEXEC);
        ck_assert_int_eq(close(got_fds[i]), 0);
    }
    for (unsigned i = arrived; i < MESSAGE_SLOTS_MAX; i++)
        ck_assert_int_eq(got_fds[i], -1);
}

static int send_kind(int fd, enum message_kind kind)
{
    return channel_send(fd, &(struct message){.kind = kind}, NULL);
}

START_TEST(ends_do_not_block_and_are_not_for_other_programs)
{
    ck_assert_int_eq(receive(), -EAGAIN);
    ck_assert_int_ne(fcntl(supervisor, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(fcntl(supervisor, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(fcntl(worker, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(bare_kind_arrives)
{
    ck_assert_int_eq(send_kind(supervisor, MESSAGE_PING), 0);
    ck_assert_int_eq(receive(), 1);
    ck_assert_int_eq(got.kind, MESSAGE_PING);
    ck_assert_uint_eq(got.count, 0);
    assert_descriptors(0, -1);
}
END_TEST

START_TEST(messages_stay_whole_and_in_order)
{
    for (uint32_t count = 1; count < 6; count++)
        ck_assert_int_eq(send_batch(count, STDIN_FILENO), 0);
    for (uint32_t count = 1; count < 6; count++) {
        ck_assert_int_eq(receive(), 1);
        assert_batch(count);
        assert_descriptors(count, STDIN_FILENO);
    }
    ck_assert_int_eq(receive(), -EAGAIN);
}
END_TEST

START_TEST(both_directions_are_apart)
{
    ck_assert_int_eq(send_kind(supervisor, MESSAGE_PING), 0);
    ck_assert_int_eq(send_kind(worker, MESSAGE_PONG), 0);
    ck_assert_int_eq(receive(), 1);
    ck_assert_int_eq(got.kind, MESSAGE_PING);
    ck_assert_int_eq(channel_receive(supervisor, &got, got_fds), 1);
    ck_assert_int_eq(got.kind, MESSAGE_PONG);
}
END_TEST

START_TEST(report_arrives_as_it_was)
{
    struct message message = {.kind = MESSAGE_REPORT,
                              .report = {.kind = REPORT_ENDED,
                                         .error = ECONNRESET,
                                         .bytes = UINT64_MAX,
                                         .duration_usec = 123456789012,
                                         .peer = addr_loopback(AF_INET6, 7),
                                         .local = addr_loopback(AF_INET, 65535),
                                         .reason = "because"}};

    ck_assert_int_eq(channel_send(worker, &message, NULL), 0);
    ck_assert_int_eq(channel_receive(supervisor, &got, got_fds), 1);
    ck_assert_int_eq(got.kind, MESSAGE_REPORT);
    ck_assert_mem_eq(&got.report, &message.report, sizeof(message.report));
}
END_TEST

START_TEST(most_descriptors_arrive_at_once)
{
    int file = fileno(tmpfile());

    ck_assert_int_eq(send_batch(MESSAGE_SLOTS_MAX, file), 0);
    ck_assert_int_eq(receive(), 1);
    assert_batch(MESSAGE_SLOTS_MAX);
    assert_descriptors(MESSAGE_SLOTS_MAX, file);
    ck_assert_int_ge(fcntl(file, F_GETFD), 0); /* those that were sent stay with the sender */
}
END_TEST

START_TEST(slots_may_come_without_descriptors)
{
    struct message message = batch(3);

    ck_assert_int_eq(channel_send(supervisor, &message, NULL), 0);
    ck_assert_int_eq(receive(), 1);
    assert_batch(3);
    assert_descriptors(0, -1);
}
END_TEST

START_TEST(descriptor_that_is_none_cannot_be_sent)
{
    ck_assert_int_eq(send_batch(3, -1), -EBADF);
    ck_assert_int_eq(receive(), -EAGAIN);
}
END_TEST

/* Limits the parent to the descriptors below this number: valgrind does not see to that itself. */
static int limit_parent(void *number)
{
    struct rlimit limit;

    if (prlimit(getppid(), RLIMIT_NOFILE, NULL, &limit) < 0)
        return EXIT_FAILURE;
    limit.rlim_cur = *(const rlim_t *)number;
    return prlimit(getppid(), RLIMIT_NOFILE, &limit, NULL) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Leaves room for this many more descriptors, all of them above those that are open. */
static void leave_room(unsigned room)
{
    rlim_t limit;
    int next;

    while ((next = dup(STDIN_FILENO)) < 64)
        ck_assert_int_ge(next, 0);
    ck_assert_int_eq(close(next), 0);
    limit = (rlim_t)next + room;
    ck_assert_int_eq(process_run(limit_parent, &limit), EXIT_SUCCESS);
}

static const unsigned rooms[] = {0, 1, 4, 9, 10};

START_TEST(descriptors_without_room_are_missing_at_the_end)
{
    unsigned arrived = rooms[_i];

    ck_assert_int_eq(send_batch(10, STDIN_FILENO), 0);
    leave_room(arrived);
    ck_assert_int_eq(receive(), 1);
    assert_batch(10);
    assert_descriptors(arrived, STDIN_FILENO);
}
END_TEST

START_TEST(end_is_read_when_the_other_side_closes)
{
    ck_assert_int_eq(close(supervisor), 0);
    ck_assert_int_eq(receive(), 0);
    ck_assert_int_eq(receive(), 0);
    supervisor = -1;
}
END_TEST

START_TEST(queued_messages_come_before_the_end)
{
    ck_assert_int_eq(send_batch(2, STDIN_FILENO), 0);
    ck_assert_int_eq(send_kind(supervisor, MESSAGE_DRAIN), 0);
    ck_assert_int_eq(close(supervisor), 0);
    supervisor = -1;
    ck_assert_int_eq(receive(), 1);
    assert_batch(2);
    assert_descriptors(2, STDIN_FILENO);
    ck_assert_int_eq(receive(), 1);
    ck_assert_int_eq(got.kind, MESSAGE_DRAIN);
    ck_assert_int_eq(receive(), 0);
}
END_TEST

/* The kernel says ECONNRESET to who wrote what was never read, before what there is to read. */
START_TEST(other_side_that_left_messages_unread_is_read_to_its_end)
{
    ck_assert_int_eq(send_kind(worker, MESSAGE_PONG), 0); /* will not be read */
    ck_assert_int_eq(send_batch(2, STDIN_FILENO), 0);
    ck_assert_int_eq(close(supervisor), 0);
    supervisor = -1;
    ck_assert_int_eq(receive(), 1);
    assert_batch(2);
    assert_descriptors(2, STDIN_FILENO);
    ck_assert_int_eq(receive(), 0);
    ck_assert_int_eq(receive(), 0);
}
END_TEST

START_TEST(sending_to_nobody_fails_without_a_signal)
{
    ck_assert_int_eq(close(supervisor), 0);
    supervisor = -1;
    ck_assert_int_eq(send_kind(worker, MESSAGE_PONG), -EPIPE);
}
END_TEST

START_TEST(reader_that_does_not_read_holds_nobody_up)
{
    unsigned sent = 0;
    int r;

    while ((r = send_batch(MESSAGE_SLOTS_MAX, STDIN_FILENO)) == 0)
        sent++;
    ck_assert_int_eq(r, -EAGAIN);
    ck_assert_uint_gt(sent, 0);
    for (; sent > 0; sent--) {
        ck_assert_int_eq(receive(), 1);
        assert_batch(MESSAGE_SLOTS_MAX);
        assert_descriptors(MESSAGE_SLOTS_MAX, STDIN_FILENO);
    }
    ck_assert_int_eq(send_kind(supervisor, MESSAGE_PING), 0);
}
END_TEST

/* Messages that no channel_send() sends. */
struct raw {
    uint32_t kind, count;
    uint8_t rest[2000];
};

enum { HEAD = offsetof(struct message, slots) };

static const struct {
    uint32_t kind, count;
    size_t size;
} bad[] = {
    {MESSAGE_PING, 0, 1},
    {MESSAGE_PING, 0, HEAD - 1},
    {MESSAGE_PING, 0, HEAD + 1},
    {MESSAGE_TAKE, 2, HEAD + 4},
    {MESSAGE_TAKE, 2, HEAD + 7},
    {MESSAGE_TAKE, 2, HEAD + 12},
    {MESSAGE_TAKE, MESSAGE_SLOTS_MAX + 1, HEAD + 4 * (MESSAGE_SLOTS_MAX + 1)},
    {MESSAGE_TAKE, MESSAGE_SLOTS_MAX, HEAD + 4 * MESSAGE_SLOTS_MAX + 100},
    {MESSAGE_TAKE, UINT32_MAX, HEAD},
    {MESSAGE_TAKE, UINT32_C(0x40000000), HEAD}, /* times 4 it is 0 in 32 bits */
    {MESSAGE_REPORT, 0, HEAD},
    {MESSAGE_REPORT, 0, sizeof(struct report)},
    {MESSAGE_REPORT, 0, sizeof(struct message)},
};

START_TEST(bad_message_is_told_from_a_good_one)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct raw raw = {.kind = bad[i].kind, .count = bad[i].count};

        ck_assert_int_eq(send(supervisor, &raw, bad[i].size, 0), bad[i].size);
        ck_assert_int_eq(receive(), -EBADMSG);
    }
    ck_assert_int_eq(send_kind(supervisor, MESSAGE_PING), 0);
    ck_assert_int_eq(receive(), 1); /* the channel goes on */
}
END_TEST

START_TEST(pair_without_room_fails)
{
    int pair[2] = {42, 42};

    leave_room(0);
    ck_assert_int_eq(channel_pair(pair), -EMFILE);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("channel");

    tcase_add_checked_fixture(tcase, make_channel, close_channel);
    tcase_add_test(tcase, ends_do_not_block_and_are_not_for_other_programs);
    tcase_add_test(tcase, bare_kind_arrives);
    tcase_add_test(tcase, messages_stay_whole_and_in_order);
    tcase_add_test(tcase, both_directions_are_apart);
    tcase_add_test(tcase, report_arrives_as_it_was);
    tcase_add_test(tcase, most_descriptors_arrive_at_once);
    tcase_add_test(tcase, slots_may_come_without_descriptors);
    tcase_add_test(tcase, descriptor_that_is_none_cannot_be_sent);
    tcase_add_loop_test(tcase, descriptors_without_room_are_missing_at_the_end, 0,
                        (int)(sizeof(rooms) / sizeof(rooms[0])));
    tcase_add_test(tcase, end_is_read_when_the_other_side_closes);
    tcase_add_test(tcase, queued_messages_come_before_the_end);
    tcase_add_test(tcase, other_side_that_left_messages_unread_is_read_to_its_end);
    tcase_add_test(tcase, sending_to_nobody_fails_without_a_signal);
    tcase_add_test(tcase, reader_that_does_not_read_holds_nobody_up);
    tcase_add_test(tcase, bad_message_is_told_from_a_good_one);
    tcase_add_test(tcase, pair_without_room_fails);
    return suite_run("channel", tcase);
}
