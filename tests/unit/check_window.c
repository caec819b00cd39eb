/* SPDX-License-Identifier: MIT */
#include "client/window.h"

#include <string.h>

#include "suite.h"

enum { SIZE = 10 };

static struct window window;

static void tear_down(void)
{
    window_deinit(&window);
}

/* Reads TEXT into the window, as far as there is room: how much that is. */
static size_t put(const char *text)
{
    size_t done = 0;

    while (text[done]) {
        struct iovec room = window_room(&window);
        size_t part = strlen(text + done) < room.iov_len ? strlen(text + done) : room.iov_len;

        if (part == 0)
            break;
        memcpy(room.iov_base, text + done, part);
        window.read += part;
        done += part;
    }
    return done;
}

static size_t send_all(void)
{
    uint64_t before = window.sent;

    for (struct iovec v; (v = window_unsent(&window)).iov_len > 0;)
        window.sent += v.iov_len;
    return (size_t)(window.sent - before);
}

/* TEXT comes back; how much of it is as it should be. */
static size_t get(const char *text)
{
    size_t good = window_matching(&window, text, strlen(text));

    window.received += good;
    return good;
}

START_TEST(room_until_it_is_sent)
{
    ck_assert_int_eq(window_init(&window, SIZE, false), 0);
    ck_assert_uint_eq(put("0123456789x"), SIZE);
    ck_assert_uint_eq(send_all(), SIZE);
    ck_assert_uint_eq(put("abc"), 3);
    ck_assert_uint_eq(get("whatever"), 8); /* it cannot know */
}
END_TEST

START_TEST(room_until_it_came_back)
{
    ck_assert_int_eq(window_init(&window, SIZE, true), 0);
    ck_assert_uint_eq(put("0123456789x"), SIZE);
    ck_assert_uint_eq(send_all(), SIZE);
    ck_assert_uint_eq(put("a"), 0);
    ck_assert_uint_eq(get("0123"), 4);
    ck_assert_uint_eq(put("abcdef"), 4);
}
END_TEST

/* Every beginning in the ring, every length. */
START_TEST(all_the_way_round)
{
    ck_assert_int_eq(window_init(&window, SIZE, true), 0);
    for (int i = 0; i < 1000; i++) {
        static const char text[] = "abcdefghij";
        const char *part = text + i % SIZE;

        ck_assert_uint_eq(put(part), strlen(part));
        ck_assert_uint_eq(send_all(), strlen(part));
        ck_assert_uint_eq(get(part), strlen(part));
    }
}
END_TEST

START_TEST(differences)
{
    ck_assert_int_eq(window_init(&window, SIZE, true), 0);
    ck_assert_uint_eq(put("01234567"), 8);
    ck_assert_uint_eq(send_all(), 8);
    ck_assert_uint_eq(get("01234567"), 8);
    ck_assert_uint_eq(put("abcdef"), 6); /* over the edge */
    ck_assert_uint_eq(send_all(), 6);
    for (size_t i = 0; i < 6; i++) {
        char text[] = "abcdef";

        text[i] ^= 1;
        ck_assert_uint_eq(window_matching(&window, text, 6), i);
        ck_assert_uint_eq(window_byte(&window, 8 + i), (unsigned char)"abcdef"[i]);
    }
}
END_TEST

START_TEST(surplus)
{
    ck_assert_int_eq(window_init(&window, SIZE, true), 0);
    ck_assert_uint_eq(get("x"), 0);
    ck_assert_uint_eq(put("abc"), 3);
    ck_assert_uint_eq(get("a"), 0); /* not sent yet */
    ck_assert_uint_eq(send_all(), 3);
    ck_assert_uint_eq(get("abcd"), 3);
    ck_assert_uint_eq(get("d"), 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("window");

    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, room_until_it_is_sent);
    tcase_add_test(tcase, room_until_it_came_back);
    tcase_add_test(tcase, all_the_way_round);
    tcase_add_test(tcase, differences);
    tcase_add_test(tcase, surplus);
    return suite_run("window", tcase);
}
