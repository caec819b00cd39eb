/* SPDX-License-Identifier: MIT */
#include "daemon/lookup.h"

#include <errno.h>
#include <signal.h>

#include "process.h"
#include "suite.h"

/* Nothing here asks a name server. */

static struct failure failure;

static struct conf conf_of(const char *host, int port)
{
    struct conf conf;

    ck_assert_int_eq(conf_defaults(&conf), 0);
    (void)snprintf(conf.host, sizeof(conf.host), "%s", host);
    conf.port = port;
    return conf;
}

static struct lookup start(const char *host, int port)
{
    struct conf conf = conf_of(host, port);
    struct lookup lookup;

    ck_assert_int_eq(lookup_start(&conf, &lookup), 0);
    conf_deinit(&conf);
    return lookup;
}

/* The answer is there to be read to its end; then the child is gone, too. */
static int finish(struct lookup *lookup, struct wanted *list)
{
    int r = lookup_finish(lookup, list, &failure);

    ck_assert_int_eq(lookup->fd, -1);
    ck_assert_int_eq(process_wait(lookup->pid), EXIT_SUCCESS);
    return r;
}

static void assert_same_answer(const char *host)
{
    struct lookup lookup = start(host, 65432);
    struct wanted list, expected;
    struct conf conf = conf_of(host, 65432);

    ck_assert_int_eq(finish(&lookup, &list), 0);
    ck_assert_int_eq(wanted_resolve(&conf, true, &expected, &failure), 0);
    ck_assert_uint_eq(list.count, expected.count);
    for (size_t i = 0; i < list.count; i++)
        ck_assert(addr_equal(&list.list[i].addr, &expected.list[i].addr));
    wanted_deinit(&list);
    wanted_deinit(&expected);
    conf_deinit(&conf);
}

START_TEST(answer_is_the_same_as_without_a_child)
{
    assert_same_answer("192.0.2.1");
    assert_same_answer("2001:db8::1");
    assert_same_answer("localhost");
    assert_same_answer("");
}
END_TEST

START_TEST(host_without_an_address_is_a_failure)
{
    struct lookup lookup = start("fe80::1%no-such-interface", 7);
    struct wanted list = {.count = 42};

    ck_assert_int_eq(finish(&lookup, &list), -EADDRNOTAVAIL);
    ck_assert_ptr_nonnull(strstr(failure.text, "host = \"fe80::1%no-such-interface\""));
    ck_assert_uint_eq(list.count, 42);
}
END_TEST

/* More than a pipe can hold at a time. */
START_TEST(long_answer)
{
    struct conf_listener *entry = calloc(64, sizeof(*entry));
    struct conf conf = conf_of("", 1);
    struct lookup lookup;
    struct wanted list;

    ck_assert_ptr_nonnull(entry);
    conf.listeners = (struct conf_listeners){.list = entry, .count = 64};
    for (int i = 0; i < 64; i++)
        entry[i] = (struct conf_listener){.port = i + 1, .protocols = 3};
    ck_assert_int_eq(lookup_start(&conf, &lookup), 0);
    ck_assert_int_eq(finish(&lookup, &list), 0);
    ck_assert_uint_ge(list.count, 128);
    ck_assert_int_eq(list.list[list.count - 1].tag, 63);
    ck_assert_uint_eq(addr_port(&list.list[list.count - 1].addr), 64);
    wanted_deinit(&list);
    conf_deinit(&conf);
}
END_TEST

/* A child that died after having written this much of an answer. */
static struct lookup dead_after(size_t bytes)
{
    static const char some[64]; /* less than an answer */
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], some, bytes), bytes);
    ck_assert_int_eq(close(ends[1]), 0);
    return (struct lookup){.pid = -1, .fd = ends[0]};
}

START_TEST(dead_child_is_a_failure)
{
    for (size_t bytes = 0; bytes <= 64; bytes += 32) {
        struct lookup lookup = dead_after(bytes);
        struct wanted list = {.count = 42};

        ck_assert_int_eq(lookup_finish(&lookup, &list, &failure), -ECHILD);
        ck_assert_int_eq(lookup.fd, -1);
        ck_assert_uint_eq(list.count, 42);
    }
}
END_TEST

static int wait_for_ever(void *unused)
{
    (void)unused;
    while (pause() < 0)
        continue;
    return EXIT_FAILURE;
}

START_TEST(cancel_ends_the_child)
{
    char *before = process_descriptors();
    struct lookup lookup = dead_after(0);
    int status;

    lookup.pid = process_start(wait_for_ever, NULL);
    lookup_cancel(&lookup);
    ck_assert_int_eq(waitpid(lookup.pid, &status, 0), lookup.pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    process_assert_descriptors(before);
}
END_TEST

START_TEST(cancel_after_the_answer_does_nothing)
{
    struct lookup lookup = start("192.0.2.1", 7);
    struct wanted list;
    int status;

    ck_assert_int_eq(finish(&lookup, &list), 0);
    /* The number of a process that was reaped may be anybody's. */
    lookup.pid = process_start(wait_for_ever, NULL);
    lookup_cancel(&lookup);
    ck_assert_int_eq(kill(lookup.pid, SIGUSR1), 0);
    ck_assert_int_eq(waitpid(lookup.pid, &status, 0), lookup.pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
    wanted_deinit(&list);
}
END_TEST

START_TEST(nothing_stays_open)
{
    char *before = process_descriptors();
    struct lookup lookup = start("192.0.2.1", 7);
    struct wanted list;

    ck_assert_int_eq(finish(&lookup, &list), 0);
    wanted_deinit(&list);
    process_assert_descriptors(before);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("lookup");

    tcase_add_test(tcase, answer_is_the_same_as_without_a_child);
    tcase_add_test(tcase, host_without_an_address_is_a_failure);
    tcase_add_test(tcase, long_answer);
    tcase_add_test(tcase, dead_child_is_a_failure);
    tcase_add_test(tcase, cancel_ends_the_child);
    tcase_add_test(tcase, cancel_after_the_answer_does_nothing);
    tcase_add_test(tcase, nothing_stays_open);
    return suite_run("lookup", tcase);
}
