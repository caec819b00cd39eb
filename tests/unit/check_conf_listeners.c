/* SPDX-License-Identifier: MIT */
#include "base/conf_listeners.h"

#include <errno.h>
#include <sys/socket.h>

#include "conf_case.h"
#include "suite.h"

/* listeners = ( ... ): what is read from files, and what is said about what cannot be. */

static const struct conf_listener *entry(size_t index)
{
    ck_assert_uint_lt(index, conf.listeners.count);
    return &conf.listeners.list[index];
}

/* ---- values ---- */

START_TEST(entries_of_every_kind)
{
    int r = load_text(
        "listeners = (\n"
        "  { host = \"::1\"; port = 7; backlog = 16; protocols = [ \"udp\" ]; },\n"
        "  { path = \"/run/x\"; mode = \"0600\"; owner = \"a:b\"; type = \"datagram\"; },\n"
        "  { vsock_port = 0x10; } );");

    no_errors();
    ck_assert_int_eq(r, 0);
    ck_assert_uint_eq(conf.listeners.count, 3);
    ck_assert_int_eq(entry(0)->kind, CONF_LISTENER_IP);
    ck_assert_str_eq(entry(0)->host, "::1");
    ck_assert_int_eq(entry(0)->port, 7);
    ck_assert_int_eq(entry(0)->backlog, 16);
    ck_assert_int_eq(entry(0)->protocols, CONF_PROTOCOL_UDP);
    ck_assert_int_eq(entry(1)->kind, CONF_LISTENER_UNIX);
    ck_assert_str_eq(entry(1)->path, "/run/x");
    ck_assert_int_eq(entry(1)->mode, 0600);
    ck_assert_str_eq(entry(1)->owner, "a:b");
    ck_assert_int_eq(entry(1)->type, SOCK_DGRAM);
    ck_assert_int_eq(entry(2)->kind, CONF_LISTENER_VSOCK);
    ck_assert_int_eq(entry(2)->vsock_port, 16);
}
END_TEST

START_TEST(what_an_entry_does_not_say)
{
    ck_assert_int_eq(load_text("listeners = ( { port = 7; }, { path = \"@x\"; } );"), 0);
    ck_assert_str_eq(entry(0)->host, "127.0.0.1");
    ck_assert_int_eq(entry(0)->backlog, 4096);
    ck_assert_int_eq(entry(0)->protocols, CONF_PROTOCOL_TCP);
    ck_assert_int_eq(entry(1)->backlog, 4096);
    ck_assert_int_eq(entry(1)->mode, 0660);
    ck_assert_str_eq(entry(1)->owner, "");
    ck_assert_int_eq(entry(1)->type, SOCK_STREAM);
}
END_TEST

/* Whatever the order: the entry is from the first file, what it inherits from the last. */
START_TEST(entries_inherit_across_files)
{
    scratch_dir("a.d");
    scratch_write("a.d/10.conf", "host = \"::1\"; backlog = 9; protocols = [ \"tcp\", \"udp\" ];");
    ck_assert_int_eq(load_text("listeners = ( { port = 7; } ); backlog = 8;"), 0);
    ck_assert_str_eq(entry(0)->host, "::1");
    ck_assert_int_eq(entry(0)->backlog, 9);
    ck_assert_int_eq(entry(0)->protocols, CONF_PROTOCOL_TCP | CONF_PROTOCOL_UDP);
}
END_TEST

START_TEST(lists_replace_as_a_whole)
{
    char text[PATH_MAX], wanted[PATH_MAX];

    scratch_dir("a.d");
    scratch_write("a.d/10.conf", "\nlisteners = (\n{ port = 9;\nhost = \"::1\"; } );");
    ck_assert_int_eq(load_text("listeners = ( { port = 7; }, { port = 8; } );"), 0);
    ck_assert_uint_eq(conf.listeners.count, 1);
    ck_assert_int_eq(entry(0)->port, 9);
    (void)snprintf(wanted, sizeof(wanted), "listeners[0].host: %s:4", scratch_path("a.d/10.conf"));
    ck_assert_str_eq(conf_listener_origin_format(&conf, 0, CONF_LISTENER_HOST, text, sizeof(text)),
                     wanted);
    (void)snprintf(wanted, sizeof(wanted), "listeners[0]: %s:3", scratch_path("a.d/10.conf"));
    ck_assert_str_eq(
        conf_listener_origin_format(&conf, 0, CONF_LISTENER_BACKLOG, text, sizeof(text)), wanted);
}
END_TEST

START_TEST(host_and_port_can_be_switched_off)
{
    ck_assert_int_eq(load_text("protocols = [ ]; listeners = ( { path = \"/x\"; } );"), 0);
    ck_assert_int_eq(conf.protocols, 0);
}
END_TEST

START_TEST(empty_list_is_none)
{
    ck_assert_int_eq(load_text("listeners = ( );"), 0);
    ck_assert_uint_eq(conf.listeners.count, 0);
}
END_TEST

/* The same port for each protocol and each address. */
START_TEST(what_differs_does_not_collide)
{
    int r = load_text("port = 7; listeners = ( { protocols = [ \"udp\" ]; }, { host = \"::1\"; },"
                      "{ host = \"::1\"; protocols = [ \"udp\" ]; }, { vsock_port = 7; },"
                      "{ path = \"/7\"; }, { path = \"@7\"; }, { host = \"\"; port = 8; } );");

    no_errors();
    ck_assert_int_eq(r, 0);
}
END_TEST

/* ---- faults ---- */

static const struct {
    const char *text, *start, *rest;
} faults[] = {
    /* values, by the code that reads all others */
    {"listeners = ( { port = 1; },\n { port = 70000; } );",
     "2: listeners[1].port = 70000: ", "out of range; allowed: 1 to 65535"},
    {"listeners = ( { port = 4294967303; } );", "1: listeners[0].port = 4294967303: ", "range"},
    {"listeners = ( { port = \"7\"; } );", "1: listeners[0].port = \"7\": ", "a number is wanted"},
    {"listeners = ( { vsock_port = 2147483648; } );",
     "1: listeners[0].vsock_port = 2147483648: ", "allowed: 1 to 2147483647"},
    {"listeners = ( { port = 7; protocols = [ \"tcp\", \"upd\" ]; } );",
     "1: listeners[0].protocols[1] = \"upd\": ", "did you mean \"udp\""},
    {"listeners = ( { path = \"/x\"; type = \"dgram\"; } );",
     "1: listeners[0].type = \"dgram\": ", "did you mean \"datagram\"?; allowed: \"stream\" or"},
    /* paths */
    {"listeners = ( { path = \"x\"; } );",
     "1: listeners[0].path = \"x\": ", "not absolute; allowed"},
    {"listeners = ( { path = \"\"; } );", "1: listeners[0].path = \"\": ", "not absolute"},
    {"listeners = ( { path = \"@\"; } );", "1: listeners[0].path = \"@\": ", "no name after"},
    {"listeners = ( { path = \"/run/\"; } );", "1: listeners[0].path = \"/run/\": ", "a directory"},
    /* modes and owners */
    {"listeners = ( { path = \"/x\"; mode = 0660; } );", "1: listeners[0].mode = 0660: ",
     "a number where a string is wanted; allowed: octal digits in double quotes, \"0000\" to"},
    {"listeners = ( { path = \"/x\"; mode = \"0680\"; } );",
     "1: listeners[0].mode = \"0680\": ", "not octal"},
    {"listeners = ( { path = \"/x\"; mode = \"\"; } );",
     "1: listeners[0].mode = \"\": ", "not octal"},
    {"listeners = ( { path = \"/x\"; mode = \"-1\"; } );",
     "1: listeners[0].mode = \"-1\": ", "octal"},
    {"listeners = ( { path = \"/x\"; mode = \"1777\"; } );",
     "1: listeners[0].mode = \"1777\": ", "out of range"},
    {"listeners = ( { path = \"/x\"; mode = \"77777777777777777777777\"; } );",
     "1: listeners[0].mode = \"777", "out of range"},
    {"listeners = ( { path = \"/x\"; owner = \"a:\"; } );",
     "1: listeners[0].owner = \"a:\": ", "no group after the \":\""},
    {"listeners = ( { path = \"/x\"; owner = \"\"; } );",
     "1: listeners[0].owner = \"\": ", "empty"},
    {"listeners = ( { path = \"/x\"; owner = \"a:b:c\"; } );",
     "1: listeners[0].owner = \"a:b:c\": ", "two \":\""},
    /* keys */
    {"listeners = ( { prot = 7; } );",
     "1: listeners[0].prot: ", "did you mean \"listeners[].port\"?"},
    {"listeners = ( { frobnicate = 7; } );",
     "1: listeners[0].frobnicate: ", "known keys: listeners[].host, listeners[].port, "},
    {"listeners = ( { workers = 7; } );", "1: listeners[0].workers: ", "did you mean \"workers\"?"},
    {"path = \"/x\";", "1: path: ", "did you mean \"listeners[].path\"?"},
    {"listener = ( );", "1: listener: ", "did you mean \"listeners\"?"},
    {"listeners = ( { port = 7;\nport = 8; } );", "2: listeners[0].port = 8: ", "a duplicate"},
    /* what is no list, or no group */
    {"listeners = { port = 7; };", "1: listeners = { ... }: ", "a group where a list is wanted"},
    {"listeners = [ 7 ];", "1: listeners = [ ... ]: ", "an array where a list is wanted"},
    {"listeners = ( { port = 7; },\n 7 );", "2: listeners[1] = 7: ",
     "a number where a group is wanted; allowed: { ... } with listeners[].host"},
    {"listeners = ( ( { port = 7; } ) );", "1: listeners[0] = ( ... ): ", "a list where a group"},
    /* keys that do not go together */
    {"listeners = ( { path = \"/x\";\n host = \"::1\"; } );", "2: listeners[0].host = \"::1\": ",
     "it does not go with path; allowed: host, port, backlog and protocols; or path, mode"},
    {"listeners = ( { vsock_port = 7; path = \"/x\"; } );",
     "1: listeners[0].vsock_port = 7: ", "it does not go with path"},
    {"listeners = ( { vsock_port = 7; port = 7; } );",
     "1: listeners[0].port = 7: ", "it does not go with vsock_port"},
    {"listeners = ( { port = 7; mode = \"0600\"; } );",
     "1: listeners[0].mode = \"0600\": ", "it goes with path alone"},
    {"listeners = ( { path = \"@x\"; mode = \"0600\"; } );",
     "1: listeners[0].mode = \"0600\": ", "it does not go with an abstract path"},
    /* entries that do not */
    {"listeners = ( { port = 7; },\n { port = 7; } );",
     "2: listeners[1] = { host = \"127.0.0.1\"; port = 7; }: ", "listeners[0] in line 1 says so"},
    {"port = 7;\nlisteners = ( { backlog = 9; } );",
     "2: listeners[0] = { host = \"127.0.0.1\"; port = 7; }: ", "host and port say so already"},
    {"port = 7; listeners = ( { host = \"\"; } );",
     "1: listeners[0] = { host = \"\"; port = 7; }: ", "host and port say so already"},
    {"listeners = ( { path = \"/x\"; }, { path = \"/x\"; type = \"datagram\"; } );",
     "1: listeners[1] = { path = \"/x\"; }: ",
     "says so already; allowed: each address and protocol"},
    {"listeners = ( { vsock_port = 1; }, { vsock_port = 1; } );",
     "1: listeners[1] = { vsock_port = 1; }: ", "says so already"},
    {"listeners = ( { port = 7; protocols = [ ]; } );",
     "1: listeners[0] = { host = \"127.0.0.1\"; port = 7; }: ", "nothing to listen for"},
    {"protocols = [ ];\nlisteners = ( { port = 7; } );",
     "2: listeners[0] = { host = \"127.0.0.1\"; port = 7; }: ", "nothing to listen for"},
    {"\nprotocols = [ ];", "2: protocols = [ ]: ", "nothing to listen on; allowed: with entries"},
    /* syntax */
    {"listeners = ( { port = 7; },\n { host = localhost; } );",
     "2: listeners[1].host = localhost: ", "a word without quotes; allowed: a string of at most"},
    {"listeners = ( { protocols = [ udp ]; } );", "1: listeners[0].protocols[0] = udp: ",
     "no string in double quotes; allowed: \"tcp\" or \"udp\""},
    {"listeners = ( { port = 7; }, );", "1: listeners = ( { port = 7; }, );: ", "syntax error"},
    {"listeners = ( { port = 7; }", "2: ", "syntax error"},
};

START_TEST(one_error)
{
    ck_assert_int_eq(load_text(faults[_i].text), -EINVAL);
    error_is(0, "echod.conf", faults[_i].start, faults[_i].rest);
    ck_assert_uint_eq(errors.count, 1);
}
END_TEST

START_TEST(all_errors_at_once)
{
    ck_assert_int_eq(load_text("listeners = ( { port = 0; hots = \"\"; },\n"
                               "{ path = \"x\"; mode = \"9\"; },\n"
                               "{ vsock_port = 0; } );\nprotocols = [ \"x\" ];"),
                     -EINVAL);
    error_is(0, "echod.conf", "1: listeners[0].port = 0: ", "");
    error_is(1, "echod.conf", "1: listeners[0].hots: ", "");
    error_is(2, "echod.conf", "2: listeners[1].path = \"x\": ", "");
    error_is(3, "echod.conf", "2: listeners[1].mode = \"9\": ", "");
    error_is(4, "echod.conf", "3: listeners[2].vsock_port = 0: ", "");
    error_is(5, "echod.conf", "4: protocols[0] = \"x\": ", "");
    ck_assert_uint_eq(errors.count, 6);
}
END_TEST

/* The default port is not what was meant, so nothing is said about it. */
START_TEST(no_contradiction_to_what_is_faulty)
{
    ck_assert_int_eq(load_text("port = 0; listeners = ( { port = 65432; } );"), -EINVAL);
    ck_assert_uint_eq(errors.count, 1);
    error_is(0, "echod.conf", "1: port = 0: ", "");
}
END_TEST

/* A path of LENGTH bytes, or an abstract name with its "@". */
static int load_path(char first, size_t length)
{
    char text[256] = "listeners = ( { path = \"", *end = text + strlen(text);

    memset(end, 'x', length);
    *end = first;
    strcpy(end + length, "\"; } );");
    return load_text(text);
}

START_TEST(longest_paths)
{
    ck_assert_int_eq(load_path('/', 99), 0);
    ck_assert_uint_eq(strlen(entry(0)->path), 99);
    ck_assert_int_eq(load_path('/', 100), -EINVAL);
    error_is(0, "echod.conf", "1: listeners[0].path = ", "too long; allowed: an absolute path of");
    ck_assert_int_eq(load_path('@', 108), 0);
    ck_assert_uint_eq(strlen(entry(0)->path), 108);
    ck_assert_int_eq(load_path('@', 109), -EINVAL);
    error_is(0, "echod.conf", "1: listeners[0].path = ", "too long; allowed: an absolute path of");
}
END_TEST

START_TEST(longest_list)
{
    char text[8192] = "listeners = ( ";
    size_t length = strlen(text);

    for (int i = 0; i < CONF_LISTENERS_MAX; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s{ port = %d; }",
                                   i ? ", " : "", i + 1);
    strcpy(text + length, " );");
    ck_assert_int_eq(load_text(text), 0);
    ck_assert_int_eq(entry(CONF_LISTENERS_MAX - 1)->port, CONF_LISTENERS_MAX);
    strcpy(text + length, ", { port = 65000; } );");
    ck_assert_int_eq(load_text(text), -EINVAL);
    ck_assert_uint_eq(errors.count, 1);
    error_is(0, "echod.conf",
             "1: listeners = ( ... ): ", "too many; allowed: a list of groups, at");
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("listeners");

    conf_case(tcase);
    tcase_add_test(tcase, entries_of_every_kind);
    tcase_add_test(tcase, what_an_entry_does_not_say);
    tcase_add_test(tcase, entries_inherit_across_files);
    tcase_add_test(tcase, lists_replace_as_a_whole);
    tcase_add_test(tcase, host_and_port_can_be_switched_off);
    tcase_add_test(tcase, empty_list_is_none);
    tcase_add_test(tcase, what_differs_does_not_collide);
    tcase_add_loop_test(tcase, one_error, 0, sizeof(faults) / sizeof(faults[0]));
    tcase_add_test(tcase, all_errors_at_once);
    tcase_add_test(tcase, no_contradiction_to_what_is_faulty);
    tcase_add_test(tcase, longest_paths);
    tcase_add_test(tcase, longest_list);
    return suite_run("conf_listeners", tcase);
}
