/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/record.h"
#include "client_run.h"
#include "harness.h"
#include "ping_servers.h"
#include "sandbox.h"

/*
 * "echo-client ping" over a path with a narrow part: client - router - server, three network
 * namespaces. The link between client and router has an MTU of 1500, the other one of 1400.
 */

#define PING(...) CLIENT("ping", __VA_ARGS__)
#define TARGET "udp://10.9.2.2:7777"

static void sh(const char *command)
{
    ck_assert_msg(system(command) == 0, "failed: %s", command);
}

/* A network namespace of its own for this thread. */
static int new_network(void)
{
    ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
    return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static void enter(int network)
{
    ck_assert_int_eq(setns(network, CLONE_NEWNET), 0);
}

/* In the router's network: a link to another one's interface "v0". */
static void link_to(int network, const char *name, unsigned mtu, const char *addresses)
{
    char command[512];

    (void)snprintf(command, sizeof(command),
                   "ip link add %s mtu %u type veth peer name v0 mtu %u netns /proc/%d/fd/%d && "
                   "ip addr add %s dev %s && ip link set %s up",
                   name, mtu, mtu, (int)getpid(), network, addresses, name, name);
    sh(command);
}

/* Makes all three and the server; returns in the client's. */
static void make_networks(struct ping_server *server)
{
    int client, router, other;

    sandbox_network();
    client = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    other = new_network();
    router = new_network();
    link_to(client, "vc", 1500, "10.9.1.1/24");
    link_to(other, "vs", 1400, "10.9.2.1/24");
    sh("echo 1 >/proc/sys/net/ipv4/ip_forward");
    enter(other);
    sh("ip addr add 10.9.2.2/24 dev v0 && ip link set v0 up && "
       "ip route add default via 10.9.2.1");
    ping_server_start(server);
    enter(client);
    sh("ip addr add 10.9.1.2/24 dev v0 && ip link set v0 up && "
       "ip route add default via 10.9.1.1");
    (void)router; /* stays open: a network without anybody in it would vanish */
}

static struct ping_server server;

static void setup(void)
{
    server = (struct ping_server){.script = ".", .type = SOCK_DGRAM};
    server.addr = (struct addr){.len = sizeof(server.addr.in)};
    server.addr.in.sin_family = AF_INET;
    server.addr.in.sin_addr.s_addr = htonl(0x0a090202); /* in networks that only this test has */
    server.addr.in.sin_port = htons(7777);
    make_networks(&server);
}

static void teardown(void)
{
    ping_server_stop(&server);
}

static void assert_said(const struct run *run, int status, const char *fact)
{
    ck_assert_msg(run->status == status, "exit %d: %s%s", run->status, run->out, run->err);
    ck_assert_msg(strstr(run->out, fact) != NULL, "no \"%s\" in: %s%s", fact, run->out, run->err);
}

START_TEST(sweep_unfragmented)
{
    struct run run = PING("--sweep", "--df", TARGET);

    assert_said(&run, 0, "\n  65507   65535  too long for an MTU of 1500 of this machine\n");
    assert_said(&run, 0,
                "\n   1472    1500  too long for an MTU of 1400, says a router on the way");
    assert_said(&run, 0,
                "\n   1373    1401  too long for an MTU of 1400, says a router on the way");
    assert_said(&run, 0, "came back: 1372 bytes, 1400 with IP and UDP headers\n");
}
END_TEST

START_TEST(sweep_in_fragments)
{
    struct run run = PING("--sweep", TARGET);

    assert_said(&run, 0, "ms, the answer in fragments of up to ");
    assert_said(&run, 0, "came back: 65507 bytes, 65535 with IP and UDP headers\n");
    run = PING("--sweep", "-s", "1000", TARGET);
    assert_said(&run, 0, "came back: 1000 bytes, 1028 with");
}
END_TEST

START_TEST(sweep_json)
{
    struct run run = PING("--sweep", "--df", "--json", TARGET);

    assert_said(&run, 0, "{\"mode\":\"ping\",\"sweeps\":[{\"target\":\"" TARGET "\",");
    assert_said(&run, 0,
                "{\"size_bytes\":1373,\"result\":\"too_long\",\"tries\":1,"
                "\"mtu_bytes\":1400}");
    assert_said(&run, 0, "\"largest_bytes\":1372,\"largest_packet_bytes\":1400}]}\n");
}
END_TEST

START_TEST(too_long_for_the_path)
{
    struct run run = PING("--df", "-c1", "-s1400", TARGET);

    assert_said(&run, 1, "seq=1 Message too long\n");
    run = PING("-c1", "-s1400", TARGET);
    assert_said(&run, 0, "1 sent, 1 received");
}
END_TEST

START_TEST(hops)
{
    struct run run = PING("-c1", "--ttl=1", TARGET);

    assert_said(&run, 1, "seq=1 No route to host\n");
    run = PING("-c1", "--ttl=2", "--dscp=46", "--interface=v0", "--source=10.9.1.2", TARGET);
    assert_said(&run, 0, "1 sent, 1 received");
    run = PING("-c1", "--interface=lo", TARGET);
    assert_said(&run, 1, "1 sent, 0 received, 1 lost");
}
END_TEST

static bool may_link(void)
{
    return sandbox_may_have_network() &&
           system("unshare -Urn ip link add a1 type veth peer name a2 2>/dev/null || "
                  "unshare -n ip link add a1 type veth peer name a2 2>/dev/null") == 0;
}

int main(void)
{
    TCase *tcase = harness_suite("ping_path");

    if (harness_may(may_link(), "networks with links between them")) {
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, sweep_unfragmented);
        tcase_add_test(tcase, sweep_in_fragments);
        if (harness_may(record_is_possible(), "jansson"))
            tcase_add_test(tcase, sweep_json);
        tcase_add_test(tcase, too_long_for_the_path);
        tcase_add_test(tcase, hops);
    }
    return harness_run();
}
