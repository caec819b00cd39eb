/* SPDX-License-Identifier: MIT */
#include "base/conf_network.h"

#include <errno.h>
#include <time.h>

#include "conf_case.h"
#include "suite.h"

/* Arrays of networks: what is read from a file, and what is said about what cannot be. */

/* ---- elements as the text has them ---- */

static const struct {
    const char *text, *elements;
    bool closed;
} arrays[] = {
    {"[]", "", true},
    {"[ # \"a\"\n ]", "", true},
    {"[ \"a\" ]", "<\"a\">", true},
    {"[ \"a\", \"b\" ]; c = [ \"d\" ]", "<\"a\"><\"b\">", true},
    {"[ \"a,]\" \"b\" /* , */, \"c\" ]", "<\"a,]\" \"b\"><\"c\">", true},
    {"[ \"a\", ]", "<\"a\"><>", true},
    {"[ , \"a\" ]", "<><\"a\">", true},
    {"[ 10.0.0.0/8, x y ]", "<10.0.0.0/8><x y>", true},
    {"[ [ \"a\" ], \"b\" ]", "<[ \"a\">", true},
    {"[ \"a\", \"b\"; c = 1", "<\"a\"><\"b\">", false},
    {"[ \"a\"\n c = 1", "<\"a\">", false},
    {"[ \"a\" )", "<\"a\">", false},
    {"[ \"a\"", "<\"a\">", false},
    {"[ \"a\", \"b", "<\"a\"><>", false},
    {"[ \"a\", /* b", "<\"a\"><>", false},
    {"[", "", false},
};

START_TEST(elements_are_cut_out_of_the_text)
{
    struct conf_array array = conf_array_begin(&(struct conf_literal){arrays[_i].text, 1, 1});
    struct conf_element element;
    char text[256] = "";

    for (size_t i = 0; conf_array_next(&array, &element); i++) {
        ck_assert_uint_eq(array.index, i + 1);
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "<%.*s>",
                       (int)element.text.length, element.text.start);
    }
    ck_assert_str_eq(text, arrays[_i].elements);
    ck_assert_int_eq(array.closed, arrays[_i].closed);
    ck_assert(!conf_array_next(&array, &element));
}
END_TEST

START_TEST(elements_know_what_they_are_made_of)
{
    const char *text = "[ \"a\",\n \"b\" \"c\", 7,\n\n\"d\" e ]";
    static const unsigned wanted[][3] = {{1, 1, 0}, {2, 2, 0}, {2, 0, 1}, {4, 1, 1}};
    struct conf_array array = conf_array_begin(&(struct conf_literal){text, 1, 1});
    struct conf_element element;

    for (size_t i = 0; i < 4; i++) {
        ck_assert(conf_array_next(&array, &element));
        ck_assert_uint_eq(element.text.line, wanted[i][0]);
        ck_assert_uint_eq(element.strings, wanted[i][1]);
        ck_assert_uint_eq(element.others, wanted[i][2]);
    }
}
END_TEST

/* ---- values ---- */

static const struct {
    const char *text, *allow, *deny;
} values[] = {
    {"access: { };", "0.0.0.0/0 ::/0 ", ""},
    {"access: { allow = [ ]; };", "", ""},
    {"access = { allow = []; deny = [\n# nobody\n]; };", "", ""},
    {"access: { deny = [ \"10.0.0.0/8\" ]; };", "0.0.0.0/0 ::/0 ", "10.0.0.0/8 "},
    {"access: { allow = [ \"192.0.2.1\", \"2001:db8::/32\" ]; };", "192.0.2.1 2001:db8::/32 ", ""},
    {"access: { allow : [\"::1\"] deny : [\"::2\"] };", "::1 ", "::2 "},
    {"access: { allow = [ \"10.0.\" /* one */\n \"0.0/8\" ]; };", "10.0.0.0/8 ", ""},
    {"access: { allow = [ \"\\x3A:1\" ]; };", "::1 ", ""},
    {"access: { deny = [ \"::1\", \"::1\", \"::1/128\" ]; };", "0.0.0.0/0 ::/0 ", "::1 ::1 ::1 "},
    {"access: { deny = [ \"::ffff:10.0.0.0/104\" ]; };", "0.0.0.0/0 ::/0 ", "10.0.0.0/8 "},
};

START_TEST(arrays_are_read)
{
    int r = load_text(values[_i].text);

    no_errors();
    ck_assert_int_eq(r, 0);
    networks_are(&conf.access_allow, values[_i].allow);
    networks_are(&conf.access_deny, values[_i].deny);
}
END_TEST

START_TEST(lists_replace_as_a_whole)
{
    char text[PATH_MAX], wanted[PATH_MAX];

    scratch_dir("a.d");
    scratch_write("a.d/10.conf", "\n\naccess: { deny = [\n\"10.1.0.0/16\" ]; };");
    scratch_write("a.d/20.conf", "access: { allow = [ ]; };");
    scratch_write("a.d/30.conf", "port = 7;");
    ck_assert_int_eq(load_text("access: { allow = [ \"::/0\" ]; deny = [ \"::1\", \"::2\" ]; };"),
                     0);
    networks_are(&conf.access_allow, "");
    networks_are(&conf.access_deny, "10.1.0.0/16 ");
    (void)snprintf(wanted, sizeof(wanted), "%s:3", scratch_path("a.d/10.conf"));
    ck_assert_str_eq(conf_origin_format(&conf, CONF_ACCESS_DENY, text, sizeof(text)), wanted);
}
END_TEST

/* ---- faults ---- */

static const struct {
    const char *text, *start, *rest;
} faults[] = {
    /* elements */
    {"access: { allow = [ \"10.1.2.3/8\" ]; };", "1: access.allow[0] = \"10.1.2.3/8\": ",
     "bits beyond the prefix are set, did you mean \"10.0.0.0/8\"?; allowed: an IPv4 or IPv6"},
    {"access: {\n deny = [ \"::1\",\n \"::2\",\n\n \"2001:db8::1/32\" ]; };",
     "5: access.deny[2] = \"2001:db8::1/32\": ", "did you mean \"2001:db8::/32\"?"},
    {"access: { allow = [ \"10.0.0.0/33\" ]; };", "1: access.allow[0] = \"10.0.0.0/33\": ",
     "the prefix length is no number from 0 to 32; allowed: "},
    {"access: { allow = [ \"::/129\" ]; };", "1: access.allow[0] = \"::/129\": ", "from 0 to 128"},
    {"access: { allow = [ \"10.0.0.0/255.0.0.0\" ]; };",
     "1: access.allow[0] = \"10.0.0.0/255.0.0.0\": ", "the prefix length"},
    {"access: { allow = [ \"\" ]; };", "1: access.allow[0] = \"\": ", "an empty string; allowed"},
    {"access: { allow = [ \"localhost\" ]; };",
     "1: access.allow[0] = \"localhost\": ", "neither an IPv4 nor an IPv6 network"},
    {"access: { allow = [ \"::1\"\n\"::2\" ]; };",
     "1: access.allow[0] = \"::1\"?\"::2\": ", "without a comma"},
    {"access: { allow = [ \"::1\\x00\" ]; };", "1: access.allow[0] = \"::1\\x00\": ", "NUL"},
    {"access: { allow = [ \"::1\\n\" ]; };", "1: access.allow[0] = \"::1\\n\": ", "neither"},
    {"access: { allow = [ 7 ]; };", "1: access.allow[0] = 7: ", "a number where a string"},
    {"access: { allow = [ 0.5 ]; };", "1: access.allow[0] = 0.5: ", "a decimal fraction where a"},
    {"access: { allow = [ true ]; };", "1: access.allow[0] = true: ", "a boolean where a string"},
    /* no array */
    {"access: { allow = \"::1\"; };", "1: access.allow = \"::1\": ",
     "a string where an array is wanted; allowed: an array of IPv4 and IPv6 networks"},
    {"access: { allow = ( ); };", "1: access.allow = ( ): ", "a list where an array is wanted"},
    {"access: { allow = ( \"::1\" ); };", "1: access.allow = ( ... ): ", "a list where an array"},
    {"access: { allow = { }; };", "1: access.allow = { ... }: ", "a group where an array"},
    {"access: { allow = 7; };", "1: access.allow = 7: ", "a number where an array is wanted"},
    {"access = [ \"::1\" ];", "1: access = [ ... ]: ", "{ ... } with access.allow, access.deny"},
    {"allow = [ \"::1\" ];", "1: allow: ", "did you mean \"access.allow\"?"},
    {"access: { allows = [ ]; };", "1: access.allows: ", "did you mean \"access.allow\"?"},
    /* names, which are read by the same code */
    {"protocols = [ \"tcp\", \"utp\" ];",
     "1: protocols[1] = \"utp\": ", "did you mean \"udp\"?; allowed: \"tcp\" or \"udp\""},
    {"protocols = [ \"udp\",\n\"udp\" ];", "2: protocols[1] = \"udp\": ", "a duplicate; allowed"},
    {"protocols = [ ];", "1: protocols = [ ]: ", "nothing to listen on; allowed: with entries in"},
    {"protocols = \"tcp\";", "1: protocols = \"tcp\": ", "a string where an array is wanted"},
    {"protocols = [ 6 ];", "1: protocols[0] = 6: ", "a number where a string is wanted"},
    {"protocols = [ tcp ];",
     "1: protocols[0] = tcp: ", "no string in double quotes; allowed: \"tcp"},
    /* syntax */
    {"access: { allow = [\n 10.0.0.0/8 ]; };", "2: access.allow[0] = 10.0.0.0/8: ",
     "syntax error, no string in double quotes; allowed: an IPv4 or IPv6"},
    {"access: { allow = [ \"::1\",\n ::2, \"::3\" ]; };",
     "2: access.allow[1] = ::2: ", "no string in double quotes"},
    {"access: { allow = [ localhost ]; };", "1: access.allow[0] = localhost: ", "no string"},
    {"access: { allow = [ \"::1\", 7 ]; };", "1: access.allow[1] = 7: ", "no string"},
    {"access: { allow = [ [ \"::1\" ] ]; };", "1: access.allow[0] = [ \"::1\": ", "no string"},
    {"access: { allow = [\n \"::1\",\n ]; };", "3: access.allow[1]: ", "no value at a comma"},
    {"access: { allow = [ , \"::1\" ]; };", "1: access.allow[0]: ", "no value at a comma"},
    {"access: { allow = [ \"::1\";\n deny = [ \"::2\" ]; };", "1: access.allow: ", "no \"]\""},
    {"access: { allow = [ \"::1\"\n deny = [ \"::2\" ]; };", "1: access.allow: ", "no \"]\""},
    {"access: { allow = everyone; };", "1: access.allow = everyone: ", "allowed: an array of"},
    {"access: { allow = [ \"::1\" ];\n = };", "2: = };: ", "syntax error"},
    {"access: { allow = [ \"::1 ]; };", "1: \"::1 ]; };: ", "a string that begins here"},
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
    ck_assert_int_eq(load_text("access: {\n allow = [ \"x\",\n \"::1\", \"10.0.0.1/31\" ];\n"
                               " deny = [ \"\" ]; };\nport = 0;"),
                     -EINVAL);
    ck_assert_uint_eq(errors.count, 4);
    error_is(0, "echod.conf", "2: access.allow[0] = \"x\": ", "");
    error_is(1, "echod.conf", "3: access.allow[2] = \"10.0.0.1/31\": ", "\"10.0.0.0/31\"");
    error_is(2, "echod.conf", "4: access.deny[0] = \"\": ", "");
    error_is(3, "echod.conf", "5: port = 0: ", "");
}
END_TEST

START_TEST(long_elements_are_cut)
{
    char text[1024] = "access: { allow = [ \"", start[128];

    memset(text + strlen(text), '1', 512);
    strcat(text, "\" ]; };");
    ck_assert_int_eq(load_text(text), -EINVAL);
    (void)snprintf(start, sizeof(start), "1: access.allow[0] = %.60s...: ", strchr(text, '"'));
    error_is(0, "echod.conf", start, "neither");
}
END_TEST

/* ---- long lists ---- */

enum { MANY = 40000 };

/* A file with MANY networks, one a line; in each the mark stands for the host's bits. */
static void write_many(const char *last)
{
    char *text = malloc(MANY * 24L + 64);
    size_t used;

    ck_assert_ptr_nonnull(text);
    used = (size_t)sprintf(text, "access: { deny = [\n");
    for (unsigned i = 0; i < MANY; i++)
        used += (size_t)sprintf(text + used, "\"10.%u.%u.%s%s\n", i >> 8, i & 255, last,
                                i + 1 < MANY ? "," : "");
    (void)sprintf(text + used, "]; };\n");
    scratch_write("echod.conf", text);
    free(text);
}

/* What takes time with the square of their number takes longer than a test may. */
START_TEST(many_networks_are_read)
{
    char text[NETWORK_TEXT_MAX];

    write_many("0/24\"");
    ck_assert_int_eq(load(), 0);
    ck_assert_uint_eq(conf.access_deny.count, MANY);
    ck_assert_str_eq(network_format(&conf.access_deny.list[0], text), "10.0.0.0/24");
    ck_assert_str_eq(network_format(&conf.access_deny.list[MANY - 1], text), "10.156.63.0/24");
}
END_TEST

START_TEST(many_errors_are_all_told)
{
    write_many("1/24\"");
    ck_assert_int_eq(load(), -EINVAL);
    ck_assert_uint_eq(errors.count, MANY);
    error_is(MANY - 1, "echod.conf",
             "40001: access.deny[39999] = \"10.156.63.1/24\": ", "\"10.156.63.0/24\"");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
    TCase *tcase = tcase_create("networks");

    conf_case(tcase);
    tcase_add_loop_test(tcase, elements_are_cut_out_of_the_text, 0, COUNT(arrays));
    tcase_add_test(tcase, elements_know_what_they_are_made_of);
    tcase_add_loop_test(tcase, arrays_are_read, 0, COUNT(values));
    tcase_add_test(tcase, lists_replace_as_a_whole);
    tcase_add_loop_test(tcase, one_error, 0, COUNT(faults));
    tcase_add_test(tcase, all_errors_at_once);
    tcase_add_test(tcase, long_elements_are_cut);
    tcase_add_test(tcase, many_networks_are_read);
    tcase_add_test(tcase, many_errors_are_all_told);
    return suite_run("conf_network", tcase);
}
