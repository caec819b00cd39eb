/* SPDX-License-Identifier: MIT */
#include "daemon/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

#include "base/descriptors.h"
#include "manager.h"
#include "process.h"
#include "scratch.h"
#include "suite.h"

/* -- A service manager, which hears what is put into its store -- */

static int manager = -1;

static void listen_for_notifications(void)
{
    manager = manager_listen();
}

static void stop_listening(void)
{
    (void)close(manager);
}

static void assert_heard(const char *wanted)
{
    char text[512];
    ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

    ck_assert_msg(n >= 0, "nothing was sent: %s", strerror(errno));
    text[n] = '\0';
    ck_assert_str_eq(text, wanted);
}

static void assert_stored(const char *name)
{
    char text[512];

    (void)snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
    assert_heard(text);
}

static void assert_removed(const char *name)
{
    char text[512];

    (void)snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
    assert_heard(text);
}

static void assert_silence(void)
{
    char byte;

    ck_assert_int_eq(recv(manager, &byte, 1, 0), -1);
    ck_assert_int_eq(errno, EAGAIN);
}

/* -- Listeners: "a", "b", ... are Unix sockets in the scratch directory -- */

static struct store store;

/* One for each letter, of which POOL has some already. */
static struct listener_set open_unix(const char *letters, const struct listener_set *pool)
{
    struct listener_wanted wanted[8];
    struct listener_set set;
    struct listener_fault fault;
    size_t count = strlen(letters);

    for (size_t i = 0; i < count; i++) {
        char name[2] = {letters[i]};

        wanted[i] = (struct listener_wanted){.type = SOCK_STREAM, .backlog = 8};
        wanted[i].access = (struct socket_access){0600, geteuid(), getegid()};
        ck_assert_int_eq(addr_unix(scratch_path(name), &wanted[i].addr), 0);
    }
    ck_assert_int_eq(listeners_open(wanted, count, pool, &set, &fault), 0);
    return set;
}

static const struct listener_set nothing;

static struct listener_set begin(const char *letters)
{
    struct listener_set none = {0}, set;

    store = (struct store){.next_number = 5};
    set = open_unix(letters, &none);
    store_replace_listeners(&store, &none, &set);
    return set;
}

static bool exists(const char *name)
{
    struct stat st;

    return lstat(scratch_path(name), &st) == 0;
}

START_TEST(listeners_are_stored_under_names_of_their_own)
{
    struct listener_set set = begin("ab");
    char name[HANDED_NAME_SIZE], wanted[HANDED_NAME_SIZE];
    struct stat st;

    ck_assert_int_eq(lstat(scratch_path("a"), &st), 0);
    (void)snprintf(wanted, sizeof(wanted), "echod-listener-5-%lx-%lx", st.st_dev, st.st_ino);
    ck_assert_str_eq(store_listener_name(&set.list[0], name), wanted);
    assert_stored(wanted);
    assert_stored(store_listener_name(&set.list[1], name));
    assert_silence();
    ck_assert_uint_eq(set.list[1].stored, 6);
    ck_assert_uint_eq(store_number(&store), 7);
    listeners_close_except(&set, NULL);
}
END_TEST

START_TEST(what_is_replaced_is_removed)
{
    struct listener_set before = begin("ab"), now;
    char gone[HANDED_NAME_SIZE], name[HANDED_NAME_SIZE];

    (void)store_listener_name(&before.list[0], gone);
    assert_stored(gone);
    assert_stored(store_listener_name(&before.list[1], name));
    now = open_unix("bc", &before);
    store_replace_listeners(&store, &before, &now);
    assert_removed(gone);
    ck_assert_uint_eq(now.list[0].stored, 6);
    ck_assert_uint_eq(now.list[1].stored, 7);
    assert_stored(store_listener_name(&now.list[1], name));
    assert_silence();
    listeners_close_except(&before, &now);
    listeners_close_except(&now, NULL);
}
END_TEST

START_TEST(stop_forgets_all)
{
    struct listener_set set = begin("ab");
    char names[2][HANDED_NAME_SIZE];

    for (int i = 0; i < 2; i++)
        assert_stored(store_listener_name(&set.list[i], names[i]));
    store_forget_listeners(&set);
    assert_removed(names[0]);
    assert_removed(names[1]);
    store_forget_listeners(&set);
    assert_silence();
    listeners_leave(&set);
    ck_assert(!exists("a") && !exists("b"));
}
END_TEST

START_TEST(passed_listeners_are_not_ours_to_store)
{
    struct listener_set set = open_unix("a", &nothing), none = {0};

    set.list[0].passed = true;
    store_replace_listeners(&store, &none, &set);
    assert_silence();
    listeners_close_except(&set, NULL);
}
END_TEST

START_TEST(nothing_is_done_without_a_service_manager)
{
    struct listener_set set;

    ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
    set = begin("a");
    ck_assert_uint_eq(set.list[0].stored, 0);
    listeners_leave(&set);
    ck_assert(!exists("a"));
}
END_TEST

/* -- The next process -- */

/* In such a process: exits with the line of what did not hold. */
#define EXPECT(what)                                                                               \
    do {                                                                                           \
        if (!(what))                                                                               \
            return __LINE__ % 256;                                                                 \
    } while (0)

static int take(struct handed *ret, int count, const char *names)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%d", count);
    (void)setenv("LISTEN_FDS", text, 1);
    (void)snprintf(text, sizeof(text), "%d", (int)getpid());
    (void)setenv("LISTEN_PID", text, 1);
    (void)setenv("LISTEN_FDNAMES", names, 1);
    return handed_take(ret);
}

/* Two listeners are left; at one path there is another file by then. */
static int recover(void *unused)
{
    char names[2][HANDED_NAME_SIZE], both[2 * HANDED_NAME_SIZE];
    struct listener_set set = begin("ab"), pool, now;
    struct handed handed;
    int inherited[2];

    (void)unused;
    for (int i = 0; i < 2; i++) {
        (void)store_listener_name(&set.list[i], names[i]);
        inherited[i] = fcntl(set.list[i].fd, F_DUPFD, 100);
    }
    listeners_leave(&set);
    EXPECT(exists("a") && exists("b"));
    descriptors_close_except((int[]){inherited[0], inherited[1], manager}, 3);
    EXPECT(unlink(scratch_path("b")) == 0);
    scratch_write("b", "precious");
    EXPECT(dup2(inherited[0], 3) == 3 && dup2(inherited[1], 4) == 4);
    (void)snprintf(both, sizeof(both), "%s:%s", names[0], names[1]);
    EXPECT(take(&handed, 2, both) == 0 && handed.next_number == 7);

    store_recover_listeners(&handed, &pool);
    EXPECT(pool.count == 1 && pool.list[0].fd == 3 && pool.list[0].stored == 5);
    EXPECT(fcntl(4, F_GETFD) < 0);
    handed_deinit(&handed);
    now = open_unix("ac", &pool);
    EXPECT(now.list[0].fd == 3 && now.list[0].stored == 5);
    store_replace_listeners(&store, &pool, &now);
    listeners_close_except(&pool, &now);
    EXPECT(exists("a") && exists("b") && now.list[1].stored == 7);
    listeners_close_except(&now, NULL);
    EXPECT(!exists("a") && exists("b"));
    return 0;
}

START_TEST(next_process_goes_on)
{
    ck_assert_int_eq(process_run(recover, NULL), 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("store");

    scratch_case(tcase);
    tcase_add_checked_fixture(tcase, listen_for_notifications, stop_listening);
    tcase_add_test(tcase, listeners_are_stored_under_names_of_their_own);
    tcase_add_test(tcase, what_is_replaced_is_removed);
    tcase_add_test(tcase, stop_forgets_all);
    tcase_add_test(tcase, passed_listeners_are_not_ours_to_store);
    tcase_add_test(tcase, nothing_is_done_without_a_service_manager);
    tcase_add_test(tcase, next_process_goes_on);
    return suite_run("store", tcase);
}
