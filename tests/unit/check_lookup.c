/* SPDX-License-Identifier: MIT */
#include "daemon/lookup.h"

#include <errno.h>
#include <signal.h>

#include "process.h"
#include "suite.h"

/* Nothing here asks a name server. */

static struct lookup start(const char *host, int port)
{
    struct conf conf;
    struct lookup lookup;

    ck_assert_int_eq(conf_defaults(&conf), 0);
    (void)snprintf(conf.host, sizeof(conf.host), "%s", host);
    conf.port = port;
    ck_assert_int_eq(lookup_start(&conf, &lookup), 0);
    conf_deinit(&conf);
    return lookup;
}

/* The answer is there to be read to its end; then the child is gone, too. */
static int finish(struct lookup *lookup, struct addr_list *list)
{
    int r = lookup_finish(lookup, list);

    ck_assert_int_eq(lookup->fd, -1);
    ck_assert_int_eq(process_wait(lookup->pid), EXIT_SUCCESS);
    return r;
}

static void assert_same_as_resolve(const char *host)
{
    struct lookup lookup = start(host, 65432);
    struct addr_list list, expected;

    ck_assert_int_eq(finish(&lookup, &list), 0);
    ck_assert_int_eq(resolve(host, 65432, AF_UNSPEC, RESOLVE_PASSIVE, &expected), 0);
    ck_assert_uint_eq(list.count, expected.count);
    for (size_t i = 0; i < list.count; i++)
        ck_assert(addr_equal(&list.addr[i], &expected.addr[i]));
    addr_list_deinit(&list);
    addr_list_deinit(&expected);
}

START_TEST(answer_is_that_of_resolve)
{
    assert_same_as_resolve("192.0.2.1");
    assert_same_as_resolve("2001:db8::1");
    assert_same_as_resolve("localhost");
    assert_same_as_resolve("");
}
END_TEST

START_TEST(host_without_an_address_is_a_positive_number)
{
    struct lookup lookup = start("fe80::1%no-such-interface", 7);
    struct addr_list list = {.count = 42};
    int r = finish(&lookup, &list);

    ck_assert_int_gt(r, 0);
    ck_assert_int_eq(r, resolve("fe80::1%no-such-interface", 7, AF_UNSPEC, 0, &list));
    ck_assert_uint_eq(list.count, 42);
}
END_TEST

/* A child that died after having written this much of an answer. */
static struct lookup dead_after(size_t bytes)
{
    static const char some[64];
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
        struct addr_list list = {.count = 42};

        ck_assert_int_eq(lookup_finish(&lookup, &list), -ECHILD);
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
    struct addr_list list;
    int status;

    ck_assert_int_eq(finish(&lookup, &list), 0);
    /* The number of a process that was reaped may be anybody's. */
    lookup.pid = process_start(wait_for_ever, NULL);
    lookup_cancel(&lookup);
    ck_assert_int_eq(kill(lookup.pid, SIGUSR1), 0);
    ck_assert_int_eq(waitpid(lookup.pid, &status, 0), lookup.pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
    addr_list_deinit(&list);
}
END_TEST

START_TEST(nothing_stays_open)
{
    char *before = process_descriptors();
    struct lookup lookup = start("192.0.2.1", 7);
    struct addr_list list;

    ck_assert_int_eq(finish(&lookup, &list), 0);
    addr_list_deinit(&list);
    process_assert_descriptors(before);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("lookup");

    tcase_add_test(tcase, answer_is_that_of_resolve);
    tcase_add_test(tcase, host_without_an_address_is_a_positive_number);
    tcase_add_test(tcase, dead_child_is_a_failure);
    tcase_add_test(tcase, cancel_ends_the_child);
    tcase_add_test(tcase, cancel_after_the_answer_does_nothing);
    tcase_add_test(tcase, nothing_stays_open);
    return suite_run("lookup", tcase);
}
