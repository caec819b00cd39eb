/* SPDX-License-Identifier: MIT */
#include "policy/acl.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "addresses.h"
#include "suite.h"

static struct networks allow, deny;
static struct acl acl;

static void tear_down(void)
{
    acl_deinit(&acl);
    networks_deinit(&allow);
    networks_deinit(&deny);
}

/* Adds networks from a text with a space between them. */
static void add(struct networks *networks, const char *text)
{
    char copy[1024], *rest = copy;
    struct network network;

    (void)snprintf(copy, sizeof(copy), "%s", text);
    for (const char *word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
        if (!*word)
            continue;
        ck_assert_msg(network_parse(word, &network) == NETWORK_SOUND, "%s", word);
        ck_assert_int_eq(networks_add(networks, &network), 0);
    }
}

static void make(void)
{
    acl_deinit(&acl);
    ck_assert_int_eq(acl_init(&acl, &allow, &deny), 0);
}

static bool allows(const char *host)
{
    struct addr peer = address(host, 7);

    return acl_allows(&acl, &peer);
}

/* ---- one case after the other ---- */

#define FIRST "0.0.0.0 :: "
#define LAST "255.255.255.255 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "

/* Two lists, and hosts that may connect and that may not. */
static const struct {
    const char *allow, *deny, *in, *out;
} cases[] = {
    /* everyone, nobody */
    {"0.0.0.0/0 ::/0", "", FIRST LAST "127.0.0.1 ::1 ::ffff:127.0.0.1", ""},
    {"", "", "", FIRST LAST "127.0.0.1 ::1 ::ffff:127.0.0.1"},
    {"", "0.0.0.0/0 ::/0", "", FIRST LAST "127.0.0.1 ::1"},
    {"0.0.0.0/0 ::/0", "0.0.0.0/0 ::/0", "", FIRST LAST "127.0.0.1 ::1"},
    /* one family */
    {"0.0.0.0/0", "", "0.0.0.0 255.255.255.255 ::ffff:1.2.3.4",
     ":: ::1 ::1.2.3.4 ::fffe:ffff:ffff ::1:0:0:0 ffff::"},
    {"::/0", "", ":: ::1 ::fffe:ffff:ffff ::1:0:0:0 ffff::", "0.0.0.0 127.0.0.1 ::ffff:1.2.3.4"},
    {"::/0 10.0.0.0/8", "", "::1 10.0.0.1 ::ffff:10.0.0.1", "9.0.0.1 11.0.0.1 ::ffff:11.0.0.1"},
    {"::/64 0.0.0.0/0", "::/0", ":: ::1 1.2.3.4", "1:: 0:0:0:1::"},
    {"0.0.0.0/0 ::/0", "::/64", "1.2.3.4 ::ffff:1.2.3.4 0:0:0:1::", "::1 ::fffe:0:0"},
    /* the first and the last address of a network, and those next to it */
    {"10.0.0.0/8", "", "10.0.0.0 10.255.255.255", FIRST LAST "9.255.255.255 11.0.0.0"},
    {"0.0.0.0/0 ::/0", "10.0.0.0/8", FIRST LAST "9.255.255.255 11.0.0.0",
     "10.0.0.0 10.255.255.255"},
    {"192.0.2.1", "", "192.0.2.1", "192.0.2.0 192.0.2.2"},
    {"0.0.0.0", "", "0.0.0.0", "0.0.0.1 :: ::fffe:ffff:ffff"},
    {"255.255.255.255", "", "255.255.255.255", "255.255.255.254 ::1:0:0:0"},
    {"0.0.0.0/1", "", "0.0.0.0 127.255.255.255", "128.0.0.0 255.255.255.255"},
    {"128.0.0.0/1", "", "128.0.0.0 255.255.255.255", "0.0.0.0 127.255.255.255 ::1:0:0:0"},
    {"2001:db8::/32", "", "2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
     "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff 2001:db9::"},
    {"2001:db8::/64", "", "2001:db8:: 2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::"},
    {"2001:db8::/63", "", "2001:db8:: 2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:2::"},
    {"2001:db8::/65", "", "2001:db8:: 2001:db8::7fff:ffff:ffff:ffff", "2001:db8::8000:0:0:0"},
    {"::", "", "::", "::1 0.0.0.0"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe ::"},
    {"8000::/1", "ffff::/16", "8000:: fffe:ffff::", "7fff:: ffff:: ::"},
    {"::/0", "8000::/1", ":: 7fff:ffff::", "8000:: ffff::"},
    /* the most specific one decides, whatever its list */
    {"10.0.0.0/8", "10.1.0.0/16", "10.0.0.1 10.2.0.0", "10.1.0.0 10.1.255.255 11.0.0.0"},
    {"10.1.0.0/16", "10.0.0.0/8", "10.1.0.0 10.1.255.255", "10.0.255.255 10.2.0.0"},
    {"10.0.0.0/8 10.1.1.0/24", "10.1.0.0/16 10.1.1.1", "10.0.0.0 10.1.1.0 10.1.1.2 10.2.0.0",
     "10.1.0.0 10.1.1.1 10.1.2.0"},
    {"10.0.0.0/8", "10.0.0.0/16", "10.1.0.0 10.255.255.255", "10.0.0.0 10.0.255.255"},
    {"10.0.0.0/8", "10.255.0.0/16", "10.0.0.0 10.254.255.255",
     "10.255.0.0 10.255.255.255 11.0.0.0"},
    {"10.0.0.0/8 10.0.0.0", "10.0.0.0/16", "10.0.0.0 10.1.0.0", "10.0.0.1"},
    {"0.0.0.0/0", "255.255.255.255 0.0.0.0", "0.0.0.1 255.255.255.254", FIRST LAST},
    {"::/0", "ffff::/16", "fffe::", "ffff:: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    /* of equal ones deny decides */
    {"10.0.0.0/8", "10.0.0.0/8", "", "10.0.0.1"},
    {"10.0.0.0/8 10.0.0.0/8", "10.0.0.0/8 10.0.0.0/8", "", "10.0.0.1"},
    {"10.0.0.0/8 10.0.0.0/16", "10.0.0.0/8", "10.0.0.1", "10.1.0.0"},
    {"10.0.0.0/8", "::ffff:10.0.0.0/104", "", "10.0.0.1 ::ffff:10.0.0.1"},
    {"192.0.2.1", "192.0.2.1", "", "192.0.2.1"},
    /* next to each other */
    {"10.0.0.0/9 10.128.0.0/9", "", "10.0.0.0 10.127.255.255 10.128.0.0 10.255.255.255",
     "9.255.255.255 11.0.0.0"},
    {"10.0.0.0/9", "10.128.0.0/9", "10.127.255.255", "10.128.0.0"},
    {"10.0.0.0/8 12.0.0.0/8", "11.0.0.0/8", "10.255.255.255 12.0.0.0", "11.0.0.0 11.255.255.255"},
    {"10.0.0.1 10.0.0.2", "10.0.0.3", "10.0.0.1 10.0.0.2", "10.0.0.0 10.0.0.3 10.0.0.4"},
    /* mapped addresses are IPv4, in lists and in peers; compatible ones are not */
    {"::ffff:10.0.0.0/104", "", "10.0.0.1 ::ffff:10.0.0.1", "::10.0.0.1 11.0.0.0"},
    {"10.0.0.0/8", "", "10.0.0.1 ::ffff:10.0.0.1", "::10.0.0.1"},
    {"::ffff:0:0/96", "", "0.0.0.0 255.255.255.255", "::1 ::fffe:ffff:ffff ::1:0:0:0"},
};

static void expect(const char *hosts, bool wanted)
{
    char copy[1024], *rest = copy;

    (void)snprintf(copy, sizeof(copy), "%s", hosts);
    for (const char *host = strsep(&rest, " "); host; host = strsep(&rest, " "))
        if (*host)
            ck_assert_msg(allows(host) == wanted, "%s", host);
}

START_TEST(lists_decide)
{
    add(&allow, cases[_i].allow);
    add(&deny, cases[_i].deny);
    make();
    expect(cases[_i].in, true);
    expect(cases[_i].out, false);
}
END_TEST

START_TEST(other_families_are_not_subject_to_it)
{
    struct addr local, unnamed = {.len = sizeof(sa_family_t), .un = {.sun_family = AF_UNIX}};
    struct addr vm = {.len = sizeof(vm.vm), .vm = {.svm_family = AF_VSOCK, .svm_cid = 3}};

    add(&deny, "0.0.0.0/0 ::/0");
    make();
    ck_assert_int_eq(addr_unix("/run/peer", &local), 0);
    ck_assert(acl_allows(&acl, &local));
    ck_assert(acl_allows(&acl, &unnamed));
    ck_assert(acl_allows(&acl, &vm));
}
END_TEST

/* Each of the 129 networks of an address in the next one, in turn allowed and denied. */
START_TEST(deepest_nest)
{
    char text[64];

    for (unsigned length = 0; length <= 128; length++) {
        (void)snprintf(text, sizeof(text), "::/%u", length);
        add(length % 2 ? &deny : &allow, text);
    }
    make();
    for (unsigned length = 0; length <= 128; length++) {
        struct addr peer = address("::", 7);

        if (length < 128) /* the first address that is in this network, but not in the next one */
            peer.in6.sin6_addr.s6_addr[length / 8] = (uint8_t)(0x80 >> length % 8);
        ck_assert_msg(acl_allows(&acl, &peer) == (length % 2 == 0), "%u", length);
    }
}
END_TEST

/* Where nothing changes there is no bound: what is in memory does not grow with repetition. */
START_TEST(equal_neighbours_are_one)
{
    add(&allow, "0.0.0.0/0 ::/0 10.0.0.0/8 10.1.0.0/16 ::1 2001:db8::/32 10.0.0.0/8");
    make();
    ck_assert_uint_eq(acl.count, 1);
    add(&deny, "10.0.0.0/9 10.128.0.0/9");
    make();
    ck_assert_uint_eq(acl.count, 5); /* 10.1.0.0/16 stays in */
}
END_TEST

/* ---- chance, against the definition ---- */

static uint64_t seed;

/* xorshift64*: the same everywhere for the same seed. */
static uint32_t chance(uint32_t below)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545f4914f6cdd1dULL) >> 32) % below;
}

/* An address near others: few bits of it are by chance, so that networks meet and addresses hit. */
static struct in6_addr chance_address(void)
{
    struct in6_addr address = {.s6_addr = {0}};
    bool ipv4 = chance(2);

    for (unsigned i = ipv4 ? 12 : 0; i < 16; i++)
        address.s6_addr[i] = chance(3) ? (uint8_t)-chance(2) : (uint8_t)(1U << chance(8));
    if (ipv4)
        address.s6_addr[10] = address.s6_addr[11] = 0xff;
    return address;
}

static bool contains(const struct network *network, const struct in6_addr *address)
{
    for (unsigned bit = 0; bit < network->length; bit++)
        if ((network->address.s6_addr[bit / 8] ^ address->s6_addr[bit / 8]) >> (7 - bit % 8) & 1)
            return false;
    return !IN6_IS_ADDR_V4MAPPED(address) || IN6_IS_ADDR_V4MAPPED(&network->address);
}

/* The length of the longest network of a list that contains an address, or -1. */
static int longest(const struct networks *networks, const struct in6_addr *address)
{
    int length = -1;

    for (size_t i = 0; i < networks->count; i++)
        if (networks->list[i].length > length && contains(&networks->list[i], address))
            length = networks->list[i].length;
    return length;
}

static void add_chance(struct networks *networks, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct network network, sound;
        char text[NETWORK_TEXT_MAX];

        network.address = chance_address();
        network.length =
            (uint8_t)(IN6_IS_ADDR_V4MAPPED(&network.address) ? 96 + chance(33) : chance(129));
        /* Written and read, it loses the bits beyond its prefix. */
        if (network_parse(network_format(&network, text), &sound) != NETWORK_NO_ADDRESS)
            ck_assert_int_eq(networks_add(networks, &sound), 0);
    }
}

/* Addresses at the edges of networks, and any others. */
static struct addr chance_peer(void)
{
    const struct networks *networks = chance(2) ? &allow : &deny;
    struct addr peer = addr_loopback(AF_INET6, 7);
    struct in6_addr *address = &peer.in6.sin6_addr;

    *address = chance_address();
    if (networks->count == 0 || chance(4) == 0)
        return peer;
    *address = networks->list[chance((uint32_t)networks->count)].address;
    if (chance(2)) /* one before or one after it, mostly */
        address->s6_addr[15] = (uint8_t)(address->s6_addr[15] + (chance(2) ? 1 : 255));
    if (chance(2))
        address->s6_addr[chance(16)] ^= (uint8_t)(1U << chance(8));
    return peer;
}

static void compare_with_definition(uint64_t start)
{
    struct addr peer = chance_peer();
    const struct in6_addr *address = &peer.in6.sin6_addr;
    int allowed = longest(&allow, address), denied = longest(&deny, address);
    char text[ADDR_TEXT_MAX];

    ck_assert_msg(acl_allows(&acl, &peer) == (allowed > denied),
                  "CHECK_ACL_SEED=%llu: %s: /%d against /%d", (unsigned long long)start,
                  addr_format_host(&peer, text), allowed, denied);
}

/* Another one in each run, or $CHECK_ACL_SEED. */
static uint64_t first_seed(void)
{
    const char *given = getenv("CHECK_ACL_SEED");
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return given ? strtoull(given, NULL, 10)
                 : (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + 1;
}

START_TEST(same_as_definition)
{
    enum { LISTS = 100, PEERS = 500 };
    uint64_t first = first_seed();

    for (unsigned i = 0; i < LISTS; i++) {
        uint64_t start = first + i;

        seed = start;
        tear_down();
        add_chance(&allow, chance(60));
        add_chance(&deny, chance(60));
        make();
        for (unsigned j = 0; j < PEERS; j++)
            compare_with_definition(start);
    }
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
    TCase *tcase = tcase_create("acl");

    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_loop_test(tcase, lists_decide, 0, COUNT(cases));
    tcase_add_test(tcase, other_families_are_not_subject_to_it);
    tcase_add_test(tcase, deepest_nest);
    tcase_add_test(tcase, equal_neighbours_are_one);
    tcase_add_test(tcase, same_as_definition);
    return suite_run("acl", tcase);
}
