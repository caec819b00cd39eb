/* SPDX-License-Identifier: MIT */
#include "policy/ports.h"

#include "suite.h"

static struct ports ports;

static void make_ports(void)
{
    ports_init(&ports);
}

static const uint16_t answer_by_themselves[] = {0,  7,   13,  17,   19,   37,   53,
                                                69, 123, 161, 1900, 5353, 11211};

START_TEST(has_what_answers_by_itself)
{
    ck_assert(ports_has(&ports, answer_by_themselves[_i]));
    ck_assert_ptr_nonnull(ports_service(answer_by_themselves[_i]));
}
END_TEST

START_TEST(names_all_that_it_has_and_no_more)
{
    for (unsigned port = 0; port <= UINT16_MAX; port++)
        ck_assert_msg(ports_has(&ports, (uint16_t)port) == (ports_service((uint16_t)port) != NULL),
                      "port %u", port);
}
END_TEST

/* net.ipv4.ip_local_port_range begins at 32768: clients are given these by chance. */
START_TEST(has_no_port_of_clients)
{
    for (unsigned port = 32768; port <= UINT16_MAX; port++)
        ck_assert_msg(!ports_has(&ports, (uint16_t)port), "port %u", port);
}
END_TEST

START_TEST(takes_up_a_port_and_none_beside_it)
{
    static const uint16_t added[] = {1, 63, 64, 65, 1023, 32767, 32768, 65432, UINT16_MAX};
    static struct ports before;

    for (unsigned i = 0; i < sizeof(added) / sizeof(added[0]); i++) {
        ports_init(&ports);
        before = ports;
        ports_add(&ports, added[i]);
        for (unsigned port = 0; port <= UINT16_MAX; port++)
            ck_assert_msg(ports_has(&ports, (uint16_t)port) ==
                              (port == added[i] || ports_has(&before, (uint16_t)port)),
                          "port %u, with %u added", port, added[i]);
        ck_assert_ptr_null(ports_service(added[i]));
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("ports");

    tcase_add_checked_fixture(tcase, make_ports, NULL);
    tcase_add_loop_test(tcase, has_what_answers_by_itself, 0,
                        sizeof(answer_by_themselves) / sizeof(answer_by_themselves[0]));
    tcase_add_test(tcase, names_all_that_it_has_and_no_more);
    tcase_add_test(tcase, has_no_port_of_clients);
    tcase_add_test(tcase, takes_up_a_port_and_none_beside_it);
    return suite_run("ports", tcase);
}
