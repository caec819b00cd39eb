/* SPDX-License-Identifier: MIT */
#include "daemon/wanted.h"

#include <errno.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf_case.h"
#include "suite.h"

/* Nothing here asks a name server. */

static struct wanted wanted;
static struct failure failure;

static int resolve_text(const char *text, bool may_block)
{
    ck_assert_int_eq(load_text(text), 0);
    failure = (struct failure){0};
    wanted_deinit(&wanted);
    return wanted_resolve(&conf, may_block, &wanted, &failure);
}

static void assert_wanted(size_t index, const char *address, int backlog, int tag)
{
    char text[ADDR_TEXT_MAX];

    ck_assert_uint_lt(index, wanted.count);
    ck_assert_str_eq(addr_format_typed(&wanted.list[index].addr, wanted.list[index].type, text),
                     address);
    ck_assert_int_eq(wanted.list[index].backlog, backlog);
    ck_assert_int_eq(wanted.list[index].tag, tag);
}

static const struct socket_access *access_of(const char *owner)
{
    char text[256];

    (void)snprintf(text, sizeof(text),
                   "listeners = ( { path = \"/x\"; mode = \"0604\"; %s%s%s } );",
                   owner ? "owner = \"" : "", owner ? owner : "", owner ? "\";" : "");
    ck_assert_int_eq(resolve_text(text, true), 0);
    ck_assert_uint_eq(wanted.count, 2);
    return &wanted.list[1].access;
}

START_TEST(everything_there_is)
{
    ck_assert_int_eq(resolve_text("host = \"127.0.0.9\"; port = 7; backlog = 5;\n"
                                  "protocols = [ \"udp\", \"tcp\" ];\n"
                                  "listeners = ( { host = \"::1\"; protocols = [ \"udp\" ]; },\n"
                                  "{ path = \"/x\"; backlog = 6; },\n"
                                  "{ path = \"@y\"; type = \"datagram\"; },\n"
                                  "{ vsock_port = 8; } );",
                                  false),
                     0);
    ck_assert_uint_eq(wanted.count, 6);
    assert_wanted(0, "127.0.0.9:7", 5, WANTED_OF_HOST);
    assert_wanted(1, "udp://127.0.0.9:7", 5, WANTED_OF_HOST);
    assert_wanted(2, "udp://[::1]:7", 5, 0);
    assert_wanted(3, "unix:/x", 6, 1);
    assert_wanted(4, "unixgram:@y", 5, 2);
    assert_wanted(5, "vsock:any:8", 5, 3);
    for (size_t i = 0; i < wanted.count; i++)
        ck_assert(!wanted.list[i].optional);
}
END_TEST

START_TEST(every_interface_is_ipv4_and_if_possible_ipv6)
{
    ck_assert_int_eq(resolve_text("host = \"\";", false), 0);
    ck_assert_uint_ge(wanted.count, 1);
    for (size_t i = 0; i < wanted.count; i++) {
        ck_assert(addr_is_wildcard(&wanted.list[i].addr));
        ck_assert_int_eq(wanted.list[i].optional, wanted.list[i].addr.sa.sa_family == AF_INET6);
    }
}
END_TEST

START_TEST(host_and_port_may_be_off)
{
    ck_assert_int_eq(resolve_text("protocols = [ ]; listeners = ( { path = \"/x\"; } );", false),
                     0);
    ck_assert_uint_eq(wanted.count, 1);
}
END_TEST

START_TEST(access_of_a_unix_socket)
{
    const struct socket_access *access = access_of(NULL);

    ck_assert_uint_eq(access->mode, 0604);
    ck_assert_uint_eq(access->uid, geteuid());
    ck_assert_uint_eq(access->gid, getegid());
    access = access_of("17");
    ck_assert_uint_eq(access->uid, 17);
    ck_assert_uint_eq(access->gid, getegid());
    access = access_of(":18");
    ck_assert_uint_eq(access->uid, geteuid());
    ck_assert_uint_eq(access->gid, 18);
    access = access_of("4294967294:0");
    ck_assert_uint_eq(access->uid, 4294967294U);
    ck_assert_uint_eq(access->gid, 0);
    if (!getpwnam("root"))
        return;
    access = access_of("root");
    ck_assert_uint_eq(access->uid, 0);
}
END_TEST

static const char *const names[] = {
    "host = \"localhost\";",
    "listeners = ( { host = \"localhost\"; port = 7; } );",
    "listeners = ( { path = \"/x\"; owner = \"root\"; } );",
    "listeners = ( { path = \"/x\"; owner = \"0:root\"; } );",
};

START_TEST(names_take_their_time)
{
    ck_assert_int_eq(resolve_text(names[_i], false), -EAGAIN);
    ck_assert_uint_eq(wanted.count, 0);
}
END_TEST

START_TEST(numbers_do_not)
{
    ck_assert_int_eq(resolve_text("listeners = ( { path = \"/x\"; owner = \"1:2\"; } );", false),
                     0);
}
END_TEST

static const struct {
    const char *text, *message, *place;
} faults[] = {
    {"\nhost = \"fe80::1%no-such\";", "Cannot resolve host = \"fe80::1%no-such\" (host: ", ":2)"},
    {"listeners = ( { port = 7;\n\nhost = \"fe80::1%no-such\"; } );",
     "Cannot resolve host = \"fe80::1%no-such\" (listeners[0].host: ", ":3)"},
    {"host = \"fe80::1%no-such\"; protocols = [ ];\nlisteners = ( { port = 7;\n"
     "protocols = [ \"tcp\" ]; } );",
     "Cannot resolve host = \"fe80::1%no-such\" (listeners[0]: ", ":2)"},
    {"listeners = ( { path = \"/x\";\nowner = \"no such user\"; } );",
     "owner = \"no such user\" (listeners[0].owner: ", ":2): there is no user \"no such user\""},
    {"listeners = ( { path = \"/x\"; owner = \"0:no such\"; } );",
     "owner = \"0:no such\" (listeners[0].owner: ", ":1): there is no group \"no such\""},
    {"listeners = ( { path = \"/x\"; owner = \"4294967295\"; } );",
     "owner = \"4294967295\" (listeners[0].owner: ", ":1): cannot look user"},
    {"listeners = ( { path = \"/x\"; owner = \":99999999999999999999\"; } );",
     "owner = \":99999999999999999999\" (listeners[0].owner: ", ":1): cannot look group"},
};

START_TEST(failures_name_the_place)
{
    ck_assert_int_lt(resolve_text(faults[_i].text, true), 0);
    ck_assert_msg(strstr(failure.text, faults[_i].message) == failure.text, "%s is not %s...",
                  failure.text, faults[_i].message);
    ck_assert_msg(strstr(failure.text, faults[_i].place) != NULL, "%s lacks %s", failure.text,
                  faults[_i].place);
    ck_assert_uint_eq(wanted.count, 0);
}
END_TEST

static void clear(void)
{
    wanted_deinit(&wanted);
}

int main(void)
{
    TCase *tcase = tcase_create("wanted");

    conf_case(tcase);
    tcase_add_checked_fixture(tcase, NULL, clear);
    tcase_add_test(tcase, everything_there_is);
    tcase_add_test(tcase, every_interface_is_ipv4_and_if_possible_ipv6);
    tcase_add_test(tcase, host_and_port_may_be_off);
    tcase_add_test(tcase, access_of_a_unix_socket);
    tcase_add_loop_test(tcase, names_take_their_time, 0, sizeof(names) / sizeof(names[0]));
    tcase_add_test(tcase, numbers_do_not);
    tcase_add_loop_test(tcase, failures_name_the_place, 0, sizeof(faults) / sizeof(faults[0]));
    return suite_run("wanted", tcase);
}
