/* SPDX-License-Identifier: MIT */
#include "base/network.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

/* What is read, and how it is written again. */
static const struct {
    const char *text, *written;
    unsigned length;
} sound[] = {
    {"0.0.0.0/0", "0.0.0.0/0", 96},
    {"10.0.0.0/8", "10.0.0.0/8", 104},
    {"128.0.0.0/1", "128.0.0.0/1", 97},
    {"192.0.2.254/31", "192.0.2.254/31", 127},
    {"192.0.2.1/32", "192.0.2.1", 128},
    {"192.0.2.1", "192.0.2.1", 128},
    {"0.0.0.0", "0.0.0.0", 128},
    {"255.255.255.255", "255.255.255.255", 128},
    {"::/0", "::/0", 0},
    {"::", "::", 128},
    {"::1", "::1", 128},
    {"8000::/1", "8000::/1", 1},
    {"2001:db8::/32", "2001:db8::/32", 32},
    {"2001:DB8:0:0:0:0:0:1/128", "2001:db8::1", 128},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127",
     127},
    /* what is mapped is IPv4, what is around it is not */
    {"::ffff:10.0.0.0/104", "10.0.0.0/8", 104},
    {"::ffff:0:0/96", "0.0.0.0/0", 96},
    {"::ffff:192.0.2.1", "192.0.2.1", 128},
    {"::fffe:0:0/95", "::fffe:0:0/95", 95},
};

START_TEST(sound_networks_are_read_and_written)
{
    struct network network, again;
    char text[NETWORK_TEXT_MAX];

    ck_assert_int_eq(network_parse(sound[_i].text, &network), NETWORK_SOUND);
    ck_assert_uint_eq(network.length, sound[_i].length);
    ck_assert_str_eq(network_format(&network, text), sound[_i].written);
    ck_assert_int_eq(network_parse(text, &again), NETWORK_SOUND);
    ck_assert_mem_eq(&again.address, &network.address, sizeof(network.address));
    ck_assert_uint_eq(again.length, network.length);
}
END_TEST

static const struct {
    const char *text;
    enum network_fault fault;
} faulty[] = {
    {"", NETWORK_NO_ADDRESS},
    {"/", NETWORK_NO_ADDRESS},
    {"/8", NETWORK_NO_ADDRESS},
    {"localhost", NETWORK_NO_ADDRESS},
    {"10", NETWORK_NO_ADDRESS},
    {"10/8", NETWORK_NO_ADDRESS},
    {"10.0.0/24", NETWORK_NO_ADDRESS},
    {"10.0.0.0.0/8", NETWORK_NO_ADDRESS},
    {"256.0.0.0/8", NETWORK_NO_ADDRESS},
    {"010.0.0.0/8", NETWORK_NO_ADDRESS},
    {" 10.0.0.0/8", NETWORK_NO_ADDRESS},
    {"10.0.0.0 /8", NETWORK_NO_ADDRESS},
    {"10.0.0.0:7", NETWORK_NO_ADDRESS},
    {"[::1]", NETWORK_NO_ADDRESS},
    {"::1%lo", NETWORK_NO_ADDRESS},
    {":::/0", NETWORK_NO_ADDRESS},
    {"1::2::3", NETWORK_NO_ADDRESS},
    {"2001:db8:/32", NETWORK_NO_ADDRESS},
    {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/0", NETWORK_NO_ADDRESS},
    {"10.0.0.0/", NETWORK_NO_LENGTH},
    {"10.0.0.0/33", NETWORK_NO_LENGTH},
    {"10.0.0.0/128", NETWORK_NO_LENGTH},
    {"10.0.0.0/08", NETWORK_NO_LENGTH},
    {"10.0.0.0/-8", NETWORK_NO_LENGTH},
    {"10.0.0.0/+8", NETWORK_NO_LENGTH},
    {"10.0.0.0/ 8", NETWORK_NO_LENGTH},
    {"10.0.0.0/8 ", NETWORK_NO_LENGTH},
    {"10.0.0.0/8/8", NETWORK_NO_LENGTH},
    {"10.0.0.0/0x8", NETWORK_NO_LENGTH},
    {"10.0.0.0/255.0.0.0", NETWORK_NO_LENGTH},
    {"10.0.0.0/4294967304", NETWORK_NO_LENGTH},
    {"::/129", NETWORK_NO_LENGTH},
    {"::/999", NETWORK_NO_LENGTH},
    {"::/", NETWORK_NO_LENGTH},
};

START_TEST(faults_are_found_and_leave_the_result_alone)
{
    struct network network, before;

    memset(&before, 0x5a, sizeof(before));
    network = before;
    ck_assert_int_eq(network_parse(faulty[_i].text, &network), faulty[_i].fault);
    ck_assert_mem_eq(&network, &before, sizeof(network));
}
END_TEST

static const struct {
    const char *text, *meant;
} mended[] = {
    {"10.1.2.3/8", "10.0.0.0/8"},
    {"0.0.0.1/0", "0.0.0.0/0"},
    {"192.0.2.255/31", "192.0.2.254/31"},
    {"255.255.255.255/1", "128.0.0.0/1"},
    {"2001:db8::1/32", "2001:db8::/32"},
    {"::1/0", "::/0"},
    {"2001:db8::ff/121", "2001:db8::80/121"},
    {"::ffff:10.1.2.3/104", "10.0.0.0/8"},
    {"::ffff:10.0.0.0/8", "10.0.0.0/8"},
    {"::ffff:0:0/0", "0.0.0.0/0"},
    {"::ffff:10.0.0.0/64", "::/64"},
};

START_TEST(bits_beyond_the_prefix_are_taken_out)
{
    struct network network;
    char text[NETWORK_TEXT_MAX];

    ck_assert_int_eq(network_parse(mended[_i].text, &network), NETWORK_HOST_BITS);
    ck_assert_str_eq(network_format(&network, text), mended[_i].meant);
    ck_assert_int_eq(network_parse(mended[_i].meant, &network), NETWORK_SOUND);
}
END_TEST

/* Each length once: all bits set are too many, but for the last. */
START_TEST(every_length_keeps_its_bits)
{
    char text[64];
    struct network network;
    unsigned length = (unsigned)_i;

    (void)snprintf(text, sizeof(text), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/%u", length);
    ck_assert_int_eq(network_parse(text, &network),
                     length < 128 ? NETWORK_HOST_BITS : NETWORK_SOUND);
    ck_assert_uint_eq(network.length, length);
    for (unsigned bit = 0; bit < 128; bit++)
        ck_assert_int_eq(network.address.s6_addr[bit / 8] >> (7 - bit % 8) & 1, bit < length);
}
END_TEST

START_TEST(addresses_of_sockets)
{
    struct addr addr = addr_loopback(AF_INET, 7), mapped = addr_loopback(AF_INET6, 7), local;
    struct in6_addr address, other;

    ck_assert(network_address(&addr, &address));
    ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.in6.sin6_addr), 1);
    ck_assert(network_address(&mapped, &other));
    ck_assert_mem_eq(&address, &other, sizeof(address));
    ck_assert_int_eq(addr_unix("@name", &local), 0);
    ck_assert(!network_address(&local, &address));
}
END_TEST

START_TEST(list_grows)
{
    struct networks networks = {0};
    struct network network = {.length = 0};

    networks_deinit(&networks);
    for (unsigned i = 0; i < 129; i++) {
        network.length = (uint8_t)i;
        ck_assert_int_eq(networks_add(&networks, &network), 0);
    }
    ck_assert_uint_eq(networks.count, 129);
    for (unsigned i = 0; i < 129; i++)
        ck_assert_uint_eq(networks.list[i].length, i);
    networks_deinit(&networks);
    ck_assert_uint_eq(networks.count, 0);
    ck_assert_ptr_null(networks.list);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
    TCase *tcase = tcase_create("network");

    tcase_add_loop_test(tcase, sound_networks_are_read_and_written, 0, COUNT(sound));
    tcase_add_loop_test(tcase, faults_are_found_and_leave_the_result_alone, 0, COUNT(faulty));
    tcase_add_loop_test(tcase, bits_beyond_the_prefix_are_taken_out, 0, COUNT(mended));
    tcase_add_loop_test(tcase, every_length_keeps_its_bits, 0, 129);
    tcase_add_test(tcase, addresses_of_sockets);
    tcase_add_test(tcase, list_grows);
    return suite_run("network", tcase);
}
