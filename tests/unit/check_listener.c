/* SPDX-License-Identifier: MIT */
#include "net/listener.h"

#include "listener_case.h"
#include "process.h"
#include "suite.h"

static void assert_accepts(const char *host, int listener)
{
    int client = connect_to(host);
    int server = accept_one(listener);

    (void)close(client);
    (void)close(server);
}

/* bind(2) and listen(2) of a stranger with the same user: 0, or the errno. */
static int stranger_listens(const char *host, int its_option)
{
    struct addr addr = at(host);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int r = 0;

    turn_on(fd, its_option);
    if (bind(fd, &addr.sa, addr.len) < 0 || listen(fd, 1) < 0)
        r = errno;
    (void)close(fd);
    return r;
}

START_TEST(listens_on_each_address)
{
    ck_assert_int_eq(OPEN("127.0.0.1", "127.1.2.3"), 0);
    ck_assert_uint_eq(set.count, 2);
    assert_accepts("127.0.0.1", set.list[0].fd);
    assert_accepts("127.1.2.3", set.list[1].fd);
    for (size_t i = 0; i < 2; i++) {
        ck_assert(!set.list[i].passed);
        ck_assert_str_eq(set.list[i].name, "");
        ck_assert_int_ne(fcntl(set.list[i].fd, F_GETFL) & O_NONBLOCK, 0);
        ck_assert_int_eq(fcntl(set.list[i].fd, F_GETFD), FD_CLOEXEC);
    }
}
END_TEST

START_TEST(address_that_is_wanted_twice_is_opened_once)
{
    ck_assert_int_eq(OPEN("127.1.2.3", "127.1.2.3"), 0);
    ck_assert_uint_eq(set.count, 1);
}
END_TEST

START_TEST(nothing_wanted_is_an_empty_set)
{
    ck_assert_int_eq(listeners_open(NULL, 0, &pool, &set, &fault), 0);
    ck_assert_uint_eq(set.count, 0);
}
END_TEST

START_TEST(find_knows_type_and_address)
{
    struct addr known = at("127.1.2.3"), unknown = at("127.1.2.4");

    ck_assert_int_eq(OPEN("127.0.0.1", "127.1.2.3"), 0);
    ck_assert_ptr_eq(listeners_find(&set, SOCK_STREAM, &known), &set.list[1]);
    ck_assert_ptr_null(listeners_find(&set, SOCK_STREAM, &unknown));
    ck_assert_ptr_null(listeners_find(&set, SOCK_DGRAM, &known));
}
END_TEST

START_TEST(pool_is_used_again_with_what_waits_in_it)
{
    int kept, client;

    ck_assert_int_eq(OPEN("127.1.2.3", "127.0.0.1"), 0);
    set_becomes_pool();
    kept = pool.list[0].fd;
    client = connect_to("127.1.2.3");
    ck_assert_int_eq(OPEN("127.4.5.6", "127.1.2.3"), 0);
    ck_assert_int_eq(set.list[1].fd, kept);
    set_becomes_pool();
    ck_assert_uint_eq(pool.count, 2);
    (void)close(accept_one(kept));
    (void)close(client);
    ck_assert_int_eq(stranger_listens("127.0.0.1", SO_REUSEADDR), 0); /* it was closed */
}
END_TEST

static const char *const overlaps[][2] = {{"127.0.0.1", "0.0.0.0"}, {"0.0.0.0", "127.0.0.1"}};

static void move_to_overlapping(const char *const *hosts)
{
    ck_assert_int_eq(OPEN(hosts[0]), 0);
    set_becomes_pool();
    ck_assert_int_eq(OPEN(hosts[1]), 0);
}

START_TEST(address_that_overlaps_the_pool_can_be_had)
{
    move_to_overlapping(overlaps[_i]);
    ck_assert_int_ne(set.list[0].fd, pool.list[0].fd);
    set_becomes_pool();
    assert_accepts("127.0.0.1", pool.list[0].fd);
}
END_TEST

START_TEST(overlap_leaves_no_reuseport_on)
{
    move_to_overlapping(overlaps[_i]);
    ck_assert_int_eq(option(pool.list[0].fd, SOL_SOCKET, SO_REUSEPORT), 0);
    ck_assert_int_eq(option(set.list[0].fd, SOL_SOCKET, SO_REUSEPORT), 0);
}
END_TEST

START_TEST(stranger_cannot_listen_beside_us)
{
    ck_assert_int_eq(OPEN("127.1.2.3"), 0);
    for (size_t i = 0; i < 2; i++) {
        const char *host = i ? "0.0.0.0" : "127.1.2.3";

        ck_assert_int_eq(stranger_listens(host, SO_REUSEADDR), EADDRINUSE);
        ck_assert_int_eq(stranger_listens(host, SO_REUSEPORT), EADDRINUSE);
    }
}
END_TEST

/* Not with SO_REUSEPORT: to the same user the kernel goes on allowing that for this port. */
START_TEST(stranger_cannot_listen_beside_us_after_an_overlap)
{
    move_to_overlapping(overlaps[_i]);
    ck_assert_int_eq(stranger_listens(overlaps[_i][0], SO_REUSEADDR), EADDRINUSE);
    ck_assert_int_eq(stranger_listens(overlaps[_i][1], SO_REUSEADDR), EADDRINUSE);
    set_becomes_pool();
    ck_assert_int_eq(stranger_listens(overlaps[_i][1], SO_REUSEADDR), EADDRINUSE);
}
END_TEST

START_TEST(failure_changes_nothing)
{
    int stranger = occupy("127.9.9.9");
    struct listener_set before;
    char *descriptors;

    ck_assert_int_eq(OPEN("127.0.0.1", "127.1.2.3"), 0);
    set_becomes_pool();
    before = pool;
    descriptors = process_descriptors();
    /* One that is kept, one that is new, one that cannot be had. */
    ck_assert_int_eq(OPEN("127.0.0.1", "127.4.5.6", "127.9.9.9"), -EADDRINUSE);
    process_assert_descriptors(descriptors);
    ck_assert_mem_eq(&pool, &before, sizeof(pool));
    ck_assert_ptr_null(set.list);
    assert_accepts("127.0.0.1", pool.list[0].fd);
    assert_accepts("127.1.2.3", pool.list[1].fd);
    (void)close(stranger);
}
END_TEST

START_TEST(failure_names_the_address_and_the_call)
{
    int stranger = occupy("127.9.9.9");
    struct addr wanted = at("127.9.9.9");

    ck_assert_int_eq(OPEN("127.4.5.6", "127.9.9.9"), -EADDRINUSE);
    ck_assert(addr_equal(&fault.wanted.addr, &wanted));
    ck_assert_str_eq(fault.what, "bind");
    (void)close(stranger);
}
END_TEST

START_TEST(one_of_us_in_the_way_of_another_is_named)
{
    ck_assert_int_eq(OPEN("127.0.0.1", "0.0.0.0"), -EADDRINUSE);
    ck_assert(fault.ours);
    ck_assert(addr_is_wildcard(&fault.wanted.addr));
    ck_assert_int_eq(stranger_listens("127.0.0.1", SO_REUSEADDR), 0); /* it was closed */
}
END_TEST

START_TEST(failed_overlap_leaves_no_reuseport_on)
{
    int stranger;

    ck_assert_int_eq(OPEN("127.0.0.1"), 0);
    set_becomes_pool();
    stranger = occupy("127.9.9.9");
    ck_assert_int_eq(OPEN("0.0.0.0"), -EADDRINUSE);
    ck_assert_int_eq(option(pool.list[0].fd, SOL_SOCKET, SO_REUSEPORT), 0);
    ck_assert_int_eq(stranger_listens("127.0.0.1", SO_REUSEPORT), EADDRINUSE);
    (void)close(stranger);
}
END_TEST

/* 192.0.2.0/24 is for documentation, RFC 5737: no machine has it. */
START_TEST(optional_address_that_is_not_there_is_left_out)
{
    struct listener_wanted wanted[] = {
        {.type = SOCK_STREAM, .backlog = BACKLOG, .addr = at("192.0.2.1"), .optional = true},
        {.type = SOCK_STREAM, .backlog = BACKLOG, .addr = at("127.1.2.3")}};

    ck_assert_int_eq(listeners_open(wanted, 2, &pool, &set, &fault), 0);
    ck_assert_uint_eq(set.count, 1);
    ck_assert(addr_equal(&set.list[0].addr, &wanted[1].addr));
}
END_TEST

START_TEST(address_that_is_not_there_is_a_failure)
{
    ck_assert_int_eq(OPEN("127.1.2.3", "192.0.2.1"), -EADDRNOTAVAIL);
}
END_TEST

START_TEST(optional_address_that_is_taken_is_a_failure)
{
    int stranger = occupy("127.9.9.9");
    struct listener_wanted wanted = {
        .type = SOCK_STREAM, .addr = at("127.9.9.9"), .optional = true};

    ck_assert_int_eq(listeners_open(&wanted, 1, &pool, &set, &fault), -EADDRINUSE);
    (void)close(stranger);
}
END_TEST

static bool has_ipv6(void)
{
    struct addr addr = addr_loopback(AF_INET6, 0);
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, &addr.sa, addr.len) == 0;

    if (fd >= 0)
        (void)close(fd);
    return has;
}

START_TEST(both_wildcards_are_had_side_by_side)
{
    struct listener_wanted wanted[] = {
        {.type = SOCK_STREAM,
         .backlog = BACKLOG,
         .addr = addr_loopback(AF_INET6, port),
         .optional = true},
        {.type = SOCK_STREAM, .backlog = BACKLOG, .addr = at("0.0.0.0")}};

    memset(&wanted[0].addr.in6.sin6_addr, 0, sizeof(struct in6_addr));
    ck_assert_int_eq(listeners_open(wanted, 2, &pool, &set, &fault), 0);
    ck_assert_uint_eq(set.count, has_ipv6() ? 2 : 1);
    assert_accepts("127.0.0.1", set.list[set.count - 1].fd);
}
END_TEST

START_TEST(local_address_leads_to_the_listener)
{
    struct addr here = at("127.1.2.3"), there = at("127.0.0.1");

    ck_assert_int_eq(OPEN("127.1.2.3"), 0);
    ck_assert_ptr_eq(listeners_serving(&set, SOCK_STREAM, &here), &set.list[0]);
    ck_assert_ptr_null(listeners_serving(&set, SOCK_STREAM, &there));
    ck_assert_ptr_null(listeners_serving(&set, SOCK_DGRAM, &here));
    set_becomes_pool();
    ck_assert_int_eq(OPEN("0.0.0.0"), 0);
    ck_assert_ptr_eq(listeners_serving(&set, SOCK_STREAM, &there), &set.list[0]);
    there.in.sin_port++;
    ck_assert_ptr_null(listeners_serving(&set, SOCK_STREAM, &there));
}
END_TEST

START_TEST(copy_shares_the_descriptors)
{
    struct listener_set copy;

    ck_assert_int_eq(OPEN("127.0.0.1", "127.1.2.3"), 0);
    ck_assert_int_eq(listeners_copy(&set, &copy), 0);
    ck_assert_uint_eq(copy.count, 2);
    ck_assert_ptr_ne(copy.list, set.list);
    ck_assert_int_eq(copy.list[1].fd, set.list[1].fd);
    listeners_close_except(&copy, &set);
    assert_accepts("127.1.2.3", set.list[1].fd);
}
END_TEST

START_TEST(close_spares_what_is_kept)
{
    int gone, kept;

    ck_assert_int_eq(OPEN("127.0.0.1", "127.1.2.3"), 0);
    set_becomes_pool();
    gone = pool.list[0].fd;
    kept = pool.list[1].fd;
    ck_assert_int_eq(OPEN("127.1.2.3"), 0);
    listeners_close_except(&pool, &set);
    ck_assert_uint_eq(pool.count, 0);
    ck_assert_ptr_null(pool.list);
    ck_assert_int_eq(fcntl(gone, F_GETFD), -1);
    assert_accepts("127.1.2.3", kept);
    listeners_close_except(&set, NULL);
    ck_assert_int_eq(fcntl(kept, F_GETFD), -1);
}
END_TEST

START_TEST(accepted_connection_inherits_the_options)
{
    int client, server;

    ck_assert_int_eq(OPEN("127.1.2.3"), 0);
    client = connect_to("127.1.2.3");
    server = accept_one(set.list[0].fd);
    assert_options(server);
    (void)close(client);
    (void)close(server);
}
END_TEST

static int somaxconn(void)
{
    FILE *file = fopen("/proc/sys/net/core/somaxconn", "r");
    int value = 0;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%d", &value), 1);
    (void)fclose(file);
    return value;
}

START_TEST(backlog_is_what_was_asked_for_up_to_the_kernels_cap)
{
    ck_assert_int_eq(OPEN("127.1.2.3"), 0);
    ck_assert_int_eq(listener_backlog(&set.list[0]), BACKLOG);
    set.list[0].backlog = BACKLOG + 1;
    listeners_set_backlogs(&set);
    ck_assert_int_eq(listener_backlog(&set.list[0]), BACKLOG + 1);
    set.list[0].backlog = INT32_MAX;
    listeners_set_backlogs(&set);
    ck_assert_int_eq(listener_backlog(&set.list[0]), somaxconn());
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("listener");

    listener_case(tcase);
    tcase_add_test(tcase, listens_on_each_address);
    tcase_add_test(tcase, address_that_is_wanted_twice_is_opened_once);
    tcase_add_test(tcase, nothing_wanted_is_an_empty_set);
    tcase_add_test(tcase, find_knows_type_and_address);
    tcase_add_test(tcase, pool_is_used_again_with_what_waits_in_it);
    tcase_add_loop_test(tcase, address_that_overlaps_the_pool_can_be_had, 0, 2);
    tcase_add_loop_test(tcase, overlap_leaves_no_reuseport_on, 0, 2);
    tcase_add_test(tcase, stranger_cannot_listen_beside_us);
    tcase_add_loop_test(tcase, stranger_cannot_listen_beside_us_after_an_overlap, 0, 2);
    tcase_add_test(tcase, failure_changes_nothing);
    tcase_add_test(tcase, failure_names_the_address_and_the_call);
    tcase_add_test(tcase, one_of_us_in_the_way_of_another_is_named);
    tcase_add_test(tcase, failed_overlap_leaves_no_reuseport_on);
    tcase_add_test(tcase, optional_address_that_is_not_there_is_left_out);
    tcase_add_test(tcase, address_that_is_not_there_is_a_failure);
    tcase_add_test(tcase, optional_address_that_is_taken_is_a_failure);
    tcase_add_test(tcase, both_wildcards_are_had_side_by_side);
    tcase_add_test(tcase, local_address_leads_to_the_listener);
    tcase_add_test(tcase, copy_shares_the_descriptors);
    tcase_add_test(tcase, close_spares_what_is_kept);
    tcase_add_test(tcase, accepted_connection_inherits_the_options);
    tcase_add_test(tcase, backlog_is_what_was_asked_for_up_to_the_kernels_cap);
    return suite_run("listener", tcase);
}
