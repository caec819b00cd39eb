/* SPDX-License-Identifier: MIT */
#include "client/proxy_send.h"

#include <arpa/inet.h>
#include <string.h>

#include "addresses.h"
#include "suite.h"

static unsigned char header[PROXY_SEND_MAX];

static void assert_header(unsigned version, const struct addr *from, const struct addr *to,
                          const void *expected, size_t size)
{
    size_t length = proxy_send_header(version, from, to, header);

    ck_assert_uint_eq(length, size);
    ck_assert_mem_eq(header, expected, size);
}

static void assert_text(const struct addr *from, const struct addr *to, const char *expected)
{
    assert_header(1, from, to, expected, strlen(expected));
}

START_TEST(version_1)
{
    struct addr from = address("192.0.2.1", 65535), to = address("198.51.100.22", 7);
    struct addr name;

    assert_text(&from, &to, "PROXY TCP4 192.0.2.1 198.51.100.22 65535 7\r\n");
    from = address("2001:db8::1", 1);
    to = address("2001:db8:1:2:3:4:5:6", 65432);
    assert_text(&from, &to, "PROXY TCP6 2001:db8::1 2001:db8:1:2:3:4:5:6 1 65432\r\n");
    ck_assert_int_eq(addr_unix("/run/x", &name), 0);
    assert_text(&name, &name, "PROXY UNKNOWN\r\n");
}
END_TEST

START_TEST(longest_line)
{
    struct addr from = address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535);

    assert_text(&from, &from,
                "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n");
}
END_TEST

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

START_TEST(version_2)
{
    static const char v4[] = SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\x16\xff\xfe\0\7";
    static const char v6[] = SIGNATURE "\x21\x21\0\x24"
                                       "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
                                       "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
                                       "\0\1\xff\x98";
    static const char unknown[] = SIGNATURE "\x21\0\0\0";
    struct addr from = address("192.0.2.1", 65534), to = address("198.51.100.22", 7), name;

    assert_header(2, &from, &to, v4, sizeof(v4) - 1);
    from = address("2001:db8::1", 1);
    to = address("2001:db8::2", 65432);
    assert_header(2, &from, &to, v6, sizeof(v6) - 1);
    ck_assert_int_eq(addr_unix("@x", &name), 0);
    assert_header(2, &name, &name, unknown, sizeof(unknown) - 1);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("proxy_send");

    tcase_add_test(tcase, version_1);
    tcase_add_test(tcase, longest_line);
    tcase_add_test(tcase, version_2);
    return suite_run("proxy_send", tcase);
}
