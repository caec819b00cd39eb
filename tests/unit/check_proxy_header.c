/* SPDX-License-Identifier: MIT */
#include "net/proxy_header.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "suite.h"

/*
 * The bytes lie at the end of a page that nothing may be read after, so that a step beyond what has
 * come ends the test.
 */

static uint8_t *memory_end;

static void set_up(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 2 * (PROXY_HEADER_MAX + page);
    uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(memory, MAP_FAILED);
    memory_end = memory + size - page;
    ck_assert_int_eq(mprotect(memory_end, page, PROT_NONE), 0);
}

static enum proxy_header_state parse(const void *bytes, size_t size, struct proxy_header *header)
{
    memcpy(memory_end - size, bytes, size);
    *header = (struct proxy_header){.length = SIZE_MAX};
    return proxy_header_parse(memory_end - size, size, header);
}

static void assert_begun(const void *bytes, size_t size)
{
    struct proxy_header header;
    enum proxy_header_state state = parse(bytes, size, &header);

    ck_assert_msg(state == PROXY_HEADER_BEGUN, "%zu bytes: %d, %s", size, state,
                  state == PROXY_HEADER_FAULTY ? header.fault : "");
}

/*
 * Whole it is, and not before its last byte; with others after it, it is the same. CLIENT is an
 * address with its port, or NULL for the proxy itself.
 */
static void assert_whole(const void *bytes, size_t size, const char *client)
{
    uint8_t more[PROXY_HEADER_MAX + 3];
    struct proxy_header header;
    char text[ADDR_TEXT_MAX];

    for (size_t split = 0; split < size; split++)
        assert_begun(bytes, split);
    memcpy(more, bytes, size);
    memcpy(more + size, "\r\nP", 3);
    for (size_t after = 0; after <= 3; after++) {
        enum proxy_header_state state = parse(more, size + after, &header);

        ck_assert_msg(state == (client ? PROXY_HEADER_CLIENT : PROXY_HEADER_PROXY), "%d: %s", state,
                      state == PROXY_HEADER_FAULTY ? header.fault : "");
        ck_assert_uint_eq(header.length, size);
        if (client)
            ck_assert_str_eq(addr_format(&header.client, text), client);
    }
}

/* Nothing is wrong before byte AT, and it is found with that one, whatever may follow. */
static void assert_faulty(const void *bytes, size_t size, size_t at, const char *fault)
{
    enum { FAULT_MAX = 47 };
    struct proxy_header header;

    for (size_t split = 0; split <= at; split++)
        assert_begun(bytes, split);
    for (size_t split = at + 1; split <= size; split++) {
        ck_assert_msg(parse(bytes, split, &header) == PROXY_HEADER_FAULTY, "at %zu", split);
        ck_assert_str_eq(header.fault, fault);
        ck_assert_uint_le(strlen(header.fault), FAULT_MAX);
    }
}

/* ---- version 1 ---- */

#define HIGHEST "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

static const struct {
    const char *line, *client;
} lines[] = {
    {"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", "192.168.0.1:56324"},
    {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"},
    {"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0"},
    {"PROXY TCP6 2001:db8::1 2001:DB8::2 1 65535\r\n", "[2001:db8::1]:1"},
    {"PROXY TCP6 " HIGHEST " " HIGHEST " 65535 65535\r\n", "[" HIGHEST "]:65535"},
    {"PROXY TCP6 :: ::1 4 5\r\n", "[::]:4"},
    {"PROXY TCP6 0db8:0000:0000:0000:0000:0000:0000:0001 1:2:3:4:5:6:7:8 10 20\r\n", "[db8::1]:10"},
    {"PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c000:0202 10 20\r\n", "[::ffff:192.0.2.1]:10"},
    {"PROXY UNKNOWN\r\n", NULL},
    {"PROXY UNKNOWN \r\n", NULL},
    {"PROXY UNKNOWN " HIGHEST " " HIGHEST " 65535 65535\r\n", NULL}, /* 107 bytes */
    {"PROXY UNKNOWN whatever\n it \r is\r\n", NULL},
};

START_TEST(lines_are_read)
{
    assert_whole(lines[_i].line, strlen(lines[_i].line), lines[_i].client);
}
END_TEST

#define NOT_ONE "no PROXY header"
#define KIND "v1: neither TCP4, TCP6 nor UNKNOWN"
#define FEW "v1: less than two addresses and two ports"
#define ADDRESS "v1: an address that is none of its family"
#define PORT "v1: a port that is no number up to 65535"
#define NO_CR "v1: an end of line without CR"
#define TOO_LONG "v1: no CRLF in 107 bytes"

/* What comes before "|" is not wrong yet. */
static const struct {
    const char *line, *fault;
} bad_lines[] = {
    {"|Hello", NOT_ONE},
    {"|proxy TCP4", NOT_ONE},
    {"| PROXY", NOT_ONE},
    {"|\nPROXY", NOT_ONE},
    {"P|OST / HTTP/1.1\r\n", NOT_ONE},
    {"PROXY|\r\n", NOT_ONE},
    {"PROXY|\tTCP4 ", NOT_ONE},
    {"PROXY | TCP4 1.2.3.4 1.2.3.4 1 2\r\n", KIND},
    {"PROXY |\r\n", KIND},
    {"PROXY U|DP4 1.2.3.4 1.2.3.4 1 2\r\n", KIND},
    {"PROXY |tcp4 1.2.3.4 1.2.3.4 1 2\r\n", KIND},
    {"PROXY TCP|5 1.2.3.4 1.2.3.4 1 2\r\n", KIND},
    {"PROXY TCP|\r\n", KIND},
    {"PROXY TCP4|\r\n", KIND},
    {"PROXY TCP4|6 ", KIND},
    {"PROXY UNKNOW|\r\n", KIND},
    {"PROXY UNKNOWN|S\r\n", KIND},
    {"PROXY UNKNOWN|\n", KIND},
    {"PROXY UNKNOWN\r|\r\n", KIND},
    {"PROXY TCP4 1.2.3.4 1.2.3.4 1 2|\n", NO_CR},
    {"PROXY TCP4 |\n", NO_CR},
    {"PROXY TCP4 \r|\n", FEW},
    {"PROXY TCP4 1.2.3.4\r|\n", FEW},
    {"PROXY TCP4 1.2.3.4 1.2.3.4\r|\n", FEW},
    {"PROXY TCP4 1.2.3.4 1.2.3.4 1\r|\n", FEW},
    {"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r|\n", PORT},
    {"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r|\n", PORT},
    {"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\r|\n", PORT},
    {"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r|\n", PORT},
    {"PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r|\n", PORT},
    {"PROXY TCP4 1.2.3.4 1.2.3.4 18446744073709551617 1\r|\n", PORT},
    {"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r|\n", PORT},
    {"PROXY TCP4 1.2.3.4 1.2.3.4 1 00\r|\n", PORT},
    {"PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r|\n", PORT},
    {"PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r|\n", PORT},
    {"PROXY TCP4 1.2.3.4 1.2.3.4 0x1 2\r|\n", PORT},
    {"PROXY TCP4 1.2.3.4 1.2.3.4  1 2\r|\n", PORT},
    {"PROXY TCP4 1.2.3.4 1.2.3.4 1 \r|\n", PORT},
    {"PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r|\n", ADDRESS},
    {"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r|\n", ADDRESS},
    {"PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r|\n", ADDRESS},
    {"PROXY TCP4 1.2.3.4 1.2.3.256 1 2\r|\n", ADDRESS},
    {"PROXY TCP4 1.2.3 1.2.3.4 1 2\r|\n", ADDRESS},
    {"PROXY TCP4 1.2.3.4.5 1.2.3.4 1 2\r|\n", ADDRESS},
    {"PROXY TCP4 ::1 ::1 1 2\r|\n", ADDRESS},
    {"PROXY TCP4 localhost 1.2.3.4 1 2\r|\n", ADDRESS},
    {"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r|\n", ADDRESS},
    {"PROXY TCP6 ::1 1::2::3 1 2\r|\n", ADDRESS},
    {"PROXY TCP6 ::1 1:2:3:4:5:6:7 1 2\r|\n", ADDRESS},
    {"PROXY TCP6 ::1 1:2:3:4:5:6:7:8:9 1 2\r|\n", ADDRESS},
    {"PROXY TCP6 ::00001 ::1 1 2\r|\n", ADDRESS},
    {"PROXY TCP6 ::1%lo ::1 1 2\r|\n", ADDRESS},
    {"PROXY TCP6 [::1] ::1 1 2\r|\n", ADDRESS},
    {"PROXY TCP6 ::g ::1 1 2\r|\n", ADDRESS},
    {"PROXY UNKNOWN " HIGHEST " " HIGHEST " 65535 65535 |\r\n", TOO_LONG},
    {"PROXY TCP6 " HIGHEST " " HIGHEST " 65535 65535xxxx|x\r\n", TOO_LONG},
};

START_TEST(bad_lines_are_refused)
{
    const char *line = bad_lines[_i].line, *mark = strchr(line, '|');
    size_t at = (size_t)(mark - line), size = strlen(line) - 1;
    char text[128];

    (void)snprintf(text, sizeof(text), "%.*s%s", (int)at, line, mark + 1);
    assert_faulty(text, size, at, bad_lines[_i].fault);
}
END_TEST

START_TEST(line_with_a_nul_is_refused)
{
    static const char line[] = "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\0\r\n";

    assert_faulty(line, sizeof(line) - 1, sizeof(line) - 2, "v1: a NUL in its line");
}
END_TEST

/* ---- version 2 ---- */

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define IPV4 "\xc0\0\2\1\x0a\0\0\7\x30\x39\0\7"
#define IPV4_CLIENT "192.0.2.1:12345"
#define IPV6 "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xff\xfe\0\7"
#define IPV6_CLIENT "[2001:db8::1]:65534"

enum { FIXED = 16, LENGTH_AT = 14, IPV4_SIZE = 12, IPV6_SIZE = 36, UNIX_SIZE = 216 };

struct binary {
    uint8_t bytes[FIXED + UINT16_MAX];
    size_t size;
};

static struct binary binary;

static void append(const void *bytes, size_t size)
{
    memcpy(binary.bytes + binary.size, bytes, size);
    binary.size += size;
}

static void set_length(size_t length)
{
    binary.bytes[LENGTH_AT] = (uint8_t)(length >> 8);
    binary.bytes[LENGTH_AT + 1] = (uint8_t)length;
}

/* A header with this much behind the fixed part, which may be NULL: then it is zeros. */
static void make(uint8_t command, uint8_t family, const void *rest, size_t size)
{
    binary = (struct binary){.size = 0};
    append(SIGNATURE, 12);
    append(&command, 1);
    append(&family, 1);
    binary.size = FIXED;
    if (rest)
        append(rest, size);
    binary.size = FIXED + size;
    set_length(size);
}

/* Appends a TLV. */
static void extend(uint8_t type, const void *value, size_t size)
{
    uint8_t head[] = {type, (uint8_t)(size >> 8), (uint8_t)size};

    append(head, sizeof(head));
    append(value, size);
    set_length(binary.size - FIXED);
}

static void make_ipv4(void)
{
    make(0x21, 0x11, IPV4, IPV4_SIZE);
}

/* Puts the checksum into the last four bytes of its TLV, which END is behind. */
static void seal(size_t end)
{
    uint32_t crc;

    memset(binary.bytes + end - 4, 0, 4);
    crc = crc32c(0, binary.bytes, binary.size);
    for (unsigned i = 0; i < 4; i++)
        binary.bytes[end - 4 + i] = (uint8_t)(crc >> (24 - 8 * i));
}

static void assert_binary(const char *client)
{
    assert_whole(binary.bytes, binary.size, client);
}

static void assert_bad_binary(size_t at, const char *fault)
{
    assert_faulty(binary.bytes, binary.size, at, fault);
}

START_TEST(addresses_are_read)
{
    make_ipv4();
    assert_binary(IPV4_CLIENT);
    make(0x21, 0x21, IPV6, IPV6_SIZE);
    assert_binary(IPV6_CLIENT);
    make(0x21, 0x12, IPV4, IPV4_SIZE); /* the client's address is the same, whatever it speaks */
    assert_binary(IPV4_CLIENT);
    make(0x21, 0x22, IPV6, IPV6_SIZE);
    assert_binary(IPV6_CLIENT);
}
END_TEST

/* What names nobody is skipped, however long it is and whatever is in it. */
START_TEST(proxy_may_speak_for_itself)
{
    static const uint8_t families[] = {0x00, 0x01, 0x02, 0x10, 0x20, 0x30};

    make(0x20, 0x00, NULL, 0);
    assert_binary(NULL);
    make(0x20, 0x11, IPV4, IPV4_SIZE);
    assert_binary(NULL);
    make(0x20, 0xff, "\xff", 1);
    assert_binary(NULL);
    for (size_t i = 0; i < sizeof(families); i++) {
        make(0x21, families[i], "\xff\xff\xff", 3);
        assert_binary(NULL);
    }
    for (uint8_t family = 0x31; family <= 0x32; family++) {
        make(0x21, family, NULL, UNIX_SIZE);
        assert_binary(NULL);
    }
}
END_TEST

static const struct {
    uint8_t command, family, size, at;
    const char *fault;
} bad_fields[] = {
    {0x11, 0x11, IPV4_SIZE, 12, "v2: its version is not 2"},
    {0x31, 0x11, IPV4_SIZE, 12, "v2: its version is not 2"},
    {0x22, 0x11, IPV4_SIZE, 12, "v2: neither LOCAL nor PROXY"},
    {0x2f, 0x11, IPV4_SIZE, 12, "v2: neither LOCAL nor PROXY"},
    {0x21, 0x41, UNIX_SIZE, 13, "v2: an unknown address family or protocol"},
    {0x21, 0xf0, UNIX_SIZE, 13, "v2: an unknown address family or protocol"},
    {0x21, 0x13, IPV4_SIZE, 13, "v2: an unknown address family or protocol"},
    {0x21, 0x0f, IPV4_SIZE, 13, "v2: an unknown address family or protocol"},
    {0x21, 0x11, 0, 15, "v2: too short for its addresses"},
    {0x21, 0x11, IPV4_SIZE - 1, 15, "v2: too short for its addresses"},
    {0x21, 0x22, IPV6_SIZE - 1, 15, "v2: too short for its addresses"},
    {0x21, 0x31, UNIX_SIZE - 1, 15, "v2: too short for its addresses"},
};

START_TEST(bad_fields_are_refused)
{
    make(bad_fields[_i].command, bad_fields[_i].family, NULL, bad_fields[_i].size);
    assert_bad_binary(bad_fields[_i].at, bad_fields[_i].fault);
}
END_TEST

START_TEST(signature_is_compared_whole)
{
    for (size_t at = 0; at < 12; at++) {
        make_ipv4();
        binary.bytes[at] ^= 0x20;
        assert_bad_binary(at, NOT_ONE);
    }
}
END_TEST

START_TEST(longest_header_is_taken_and_none_longer)
{
    make(0x20, 0, NULL, PROXY_HEADER_MAX - FIXED);
    assert_binary(NULL);
    make(0x20, 0, NULL, PROXY_HEADER_MAX - FIXED + 1);
    binary.size = FIXED; /* more does not have to come */
    assert_bad_binary(15, "v2: larger than 4096 bytes");
    set_length(UINT16_MAX);
    assert_bad_binary(15, "v2: larger than 4096 bytes");
}
END_TEST

START_TEST(extras_are_skipped)
{
    make_ipv4();
    extend(0x04, "", 0);
    assert_binary(IPV4_CLIENT);
    extend(0x02, "www.example.org", 15);
    extend(0xff, "\3\0\4abc", 6); /* what is inside a value is no TLV */
    assert_binary(IPV4_CLIENT);
    make(0x21, 0x21, IPV6, IPV6_SIZE);
    extend(0x20, "\7\0\0\0\0\x21\0\7TLSv1.3", 15);
    assert_binary(IPV6_CLIENT);
}
END_TEST

START_TEST(extras_end_where_the_header_ends)
{
    static const char fault[] = "v2: a TLV that is longer than what is left";

    for (size_t cut = 1; cut < 6; cut++) {
        make_ipv4();
        extend(0x04, "abc", 3);
        binary.size -= cut;
        set_length(binary.size - FIXED);
        assert_bad_binary(binary.size - 1, fault);
    }
    make(0x21, 0x31, NULL, UNIX_SIZE);
    extend(0x04, "abc", 3);
    binary.size--;
    set_length(binary.size - FIXED);
    assert_bad_binary(binary.size - 1, fault);
}
END_TEST

/* A header as HAProxy 2.6 sent it, with "proxy-v2-options crc32c". */
START_TEST(checksum_of_haproxy_holds)
{
    static const char sent[] = SIGNATURE
        "\x21\x11\0\x16\x7f\x2d\1\x09\x7f\x2d\1\1\x12\x67\x1b\x5a\3\0\4\x0d\xf7\xc0\x77\5\0\0";

    assert_whole(sent, sizeof(sent) - 1, "127.45.1.9:4711");
}
END_TEST

START_TEST(checksum_is_verified)
{
    size_t end;

    make_ipv4();
    extend(0x03, "\0\0\0\0", 4);
    end = binary.size;
    extend(0x04, "after it", 8);
    seal(end);
    assert_binary(IPV4_CLIENT);
    for (size_t bit = 8 * FIXED; bit < 8 * binary.size; bit++) {
        size_t at = bit / 8;

        if ((at >= FIXED + IPV4_SIZE && at < end - 4) || (at >= end && at < end + 3))
            continue; /* It says what is what. */
        binary.bytes[at] ^= (uint8_t)(1 << bit % 8);
        assert_bad_binary(binary.size - 1, "v2: its checksum is wrong");
        binary.bytes[at] ^= (uint8_t)(1 << bit % 8);
    }
}
END_TEST

START_TEST(checksum_is_one_and_has_its_size)
{
    static const char fault[] = "v2: a checksum of wrong size, or two";

    for (size_t size = 0; size < 6; size++) {
        make_ipv4();
        extend(0x03, "\0\0\0\0\0", size);
        assert_bad_binary(binary.size - 1, size == 4 ? "v2: its checksum is wrong" : fault);
    }
    make_ipv4();
    extend(0x03, "\0\0\0\0", 4);
    extend(0x03, "\0\0\0\0", 4);
    seal(binary.size);
    assert_bad_binary(binary.size - 1, fault);
}
END_TEST

/* ---- chance ---- */

static uint64_t seed;

static uint32_t chance(uint32_t below)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545f4914f6cdd1dULL) >> 32) % below;
}

/* A good header of either version, with others' parts in it, and bytes by chance. */
static void make_by_chance(void)
{
    static const char *const words[] = {"PROXY ", "TCP4 ",    "TCP6 ", "UNKNOWN", "\r\n",
                                        " ",      "1.2.3.4 ", "::1 ",  "65535",   "0"};
    uint8_t byte;

    if (chance(2)) {
        const char *line = lines[chance(sizeof(lines) / sizeof(lines[0]))].line;

        binary.size = 0;
        append(line, strlen(line));
    } else {
        make(0x20 | (uint8_t)chance(2), (uint8_t)(chance(4) << 4 | chance(3)), NULL, chance(300));
        while (chance(3))
            extend((uint8_t)chance(8), SIGNATURE, chance(12));
    }
    while (chance(3)) {
        byte = (uint8_t)chance(256);
        binary.bytes[chance((uint32_t)binary.size)] = chance(2) ? byte : (uint8_t)(byte & 0x23);
    }
    while (chance(4) == 0) {
        const char *word = words[chance(sizeof(words) / sizeof(words[0]))];

        memcpy(binary.bytes + chance((uint32_t)binary.size), word, strlen(word));
    }
}

/*
 * Whatever comes: nothing is read beyond it (set_up()), a verdict is final, and it does not depend
 * on the pieces in which the bytes came.
 */
START_TEST(verdicts_are_final)
{
    enum { HEADERS = 3000 };
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    seed = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + 1;
    for (unsigned i = 0; i < HEADERS; i++) {
        uint64_t start = seed;
        enum proxy_header_state state = PROXY_HEADER_BEGUN;
        struct proxy_header first, then;

        make_by_chance();
        for (size_t size = 0; size <= binary.size; size++) {
            enum proxy_header_state next = parse(binary.bytes, size, &then);

            ck_assert_msg(state == PROXY_HEADER_BEGUN || next == state, "seed %llu at %zu: %d, %d",
                          (unsigned long long)start, size, state, next);
            if (state == PROXY_HEADER_BEGUN && next != state)
                first = then;
            state = next;
            if (state == PROXY_HEADER_CLIENT || state == PROXY_HEADER_PROXY) {
                ck_assert_uint_eq(then.length, first.length);
                ck_assert_uint_le(then.length, size);
            }
        }
        ck_assert(state != PROXY_HEADER_BEGUN || binary.size < PROXY_HEADER_MAX);
    }
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
    TCase *tcase = tcase_create("proxy_header");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_loop_test(tcase, lines_are_read, 0, COUNT(lines));
    tcase_add_loop_test(tcase, bad_lines_are_refused, 0, COUNT(bad_lines));
    tcase_add_test(tcase, line_with_a_nul_is_refused);
    tcase_add_test(tcase, addresses_are_read);
    tcase_add_test(tcase, proxy_may_speak_for_itself);
    tcase_add_loop_test(tcase, bad_fields_are_refused, 0, COUNT(bad_fields));
    tcase_add_test(tcase, signature_is_compared_whole);
    tcase_add_test(tcase, longest_header_is_taken_and_none_longer);
    tcase_add_test(tcase, extras_are_skipped);
    tcase_add_test(tcase, extras_end_where_the_header_ends);
    tcase_add_test(tcase, checksum_of_haproxy_holds);
    tcase_add_test(tcase, checksum_is_verified);
    tcase_add_test(tcase, checksum_is_one_and_has_its_size);
    tcase_add_test(tcase, verdicts_are_final);
    return suite_run("proxy_header", tcase);
}
