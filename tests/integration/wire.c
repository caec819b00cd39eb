/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

#define NEAR_END "near"
#define FAR_END "far"

static int near = -1, far = -1; /* the namespaces */

static bool run(const char *command)
{
    return system(command) == 0;
}

static int open_namespace(pid_t pid)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* A child that has a network of its own, tells so, and keeps it until it is ended. */
static pid_t start_far_host(void)
{
    int begun[2];
    char byte;
    pid_t pid;

    if (pipe2(begun, O_CLOEXEC) < 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNET) == 0 && write(begun[1], "", 1) == 1)
            (void)pause();
        _exit(1);
    }
    (void)close(begun[1]);
    if (pid > 0 && read(begun[0], &byte, 1) != 1)
        pid = -1;
    (void)close(begun[0]);
    return pid;
}

static bool join(pid_t host)
{
    char command[256];

    (void)snprintf(command, sizeof(command),
                   "ip link add " NEAR_END " type veth peer name " FAR_END " netns %d", (int)host);
    return run(command) && run("ip addr add " WIRE_NEAR "/24 brd + dev " NEAR_END) &&
           run("ip addr add " WIRE_NEAR_IPV6 "/64 nodad dev " NEAR_END) &&
           run("ip addr add fe80::1/64 nodad dev " NEAR_END) && run("ip link set " NEAR_END " up");
}

static bool set_up_far_end(void)
{
    return setns(far, CLONE_NEWNET) == 0 && run("ip link set lo up") &&
           run("ip addr add " WIRE_FAR "/24 brd + dev " FAR_END) &&
           run("ip addr add " WIRE_FAR_IPV6 "/64 nodad dev " FAR_END) &&
           run("ip addr add " WIRE_FAR_LINK_LOCAL "/64 nodad dev " FAR_END) &&
           run("ip link set " FAR_END " up") && setns(near, CLONE_NEWNET) == 0;
}

static bool try_wire(void)
{
    pid_t host;
    bool done;

    if (!sandbox_try_network())
        return false;
    near = open_namespace(getpid());
    host = start_far_host();
    if (near < 0 || host < 0)
        return false;
    far = open_namespace(host);
    done = far >= 0 && join(host) && set_up_far_end();
    (void)kill(host, SIGKILL); /* The descriptor keeps the namespace. */
    (void)waitpid(host, NULL, 0);
    return done;
}

bool wire_may_be_had(void)
{
    return sandbox_may(try_wire);
}

void wire_lay(void)
{
    ck_assert_msg(try_wire(), "no wire: %s", strerror(errno));
}

void wire_go_far(void)
{
    ck_assert_int_eq(setns(far, CLONE_NEWNET), 0);
}

void wire_come_back(void)
{
    ck_assert_int_eq(setns(near, CLONE_NEWNET), 0);
}

unsigned wire_interface(void)
{
    return if_nametoindex(NEAR_END);
}

uint64_t wire_packets(void)
{
    FILE *file = fopen("/proc/self/net/dev", "re");
    uint64_t packets = 0;
    char line[512];

    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file))
        (void)sscanf(line, " " NEAR_END ": %*u %" SCNu64, &packets);
    (void)fclose(file);
    return packets;
}

/* The kernel fills the IP header's checksum in; UDP's may be left out, RFC 768. */
void wire_forge(const struct addr *from, const struct addr *to)
{
    struct {
        struct iphdr ip;
        struct udphdr udp;
        char byte;
    } __attribute__((packed)) packet = {
        .ip = {.version = 4,
               .ihl = 5,
               .ttl = 64,
               .protocol = IPPROTO_UDP,
               .tot_len = htons(sizeof(packet)),
               .saddr = from->in.sin_addr.s_addr,
               .daddr = to->in.sin_addr.s_addr},
        .udp = {.source = from->in.sin_port,
                .dest = to->in.sin_port,
                .len = htons(sizeof(packet.udp) + sizeof(packet.byte))},
        .byte = 'x',
    };
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

    ck_assert_int_ge(fd, 0);
    ck_assert_msg(sendto(fd, &packet, sizeof(packet), 0, &to->sa, to->len) == sizeof(packet),
                  "forged datagram: %s", strerror(errno));
    (void)close(fd);
}
