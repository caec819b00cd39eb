/* SPDX-License-Identifier: MIT */

/*
 * Many clients, every one of which is counted.
 *
 *   crowd keep N TARGET     N clients at a time connect, have 4 KiB echoed, and come again, until
 *                           SIGTERM; says how many there were, and exits with 1 if one failed
 *   crowd talk N TARGET     N clients that stay, and have a byte echoed again and again, until they
 *                           are turned out, or SIGTERM
 *   crowd flood N TARGET    N clients one by one, each until it is turned out
 *
 * TARGET is a port of 127.0.0.1, or the path of a Unix socket.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 4096, PATIENCE_S = 30, PAUSE_US = 2000 };

/* Of all clients, who share it. */
static struct tally {
    atomic_ulong served, failed;
    atomic_bool over;
} * tally;

static void on_term(int signo)
{
    (void)signo;
    atomic_store(&tally->over, true);
}

static int connect_to(const char *target)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(target)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    bool is_path = target[0] == '/';
    int fd = socket(is_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", target);
    r = is_path ? connect(fd, (struct sockaddr *)&un, sizeof(un))
                : connect(fd, (struct sockaddr *)&in, sizeof(in));
    if (r == 0)
        return fd;
    r = errno;
    (void)close(fd);
    errno = r;
    return -1;
}

/* Reads SIZE bytes and the end; true if these are the bytes. */
static bool comes_back(int fd, const char *sent)
{
    char got[SIZE + 1];
    size_t used = 0;
    ssize_t n;

    while (used < sizeof(got) && (n = recv(fd, got + used, sizeof(got) - used, 0)) > 0)
        used += (size_t)n;
    return n == 0 && used == SIZE && memcmp(got, sent, SIZE) == 0;
}

/* What failed, or NULL. */
static const char *visit(const char *target)
{
    char sent[SIZE];
    const char *failed = NULL;
    int fd = connect_to(target);

    if (fd < 0)
        return "connect";
    for (size_t i = 0; i < SIZE; i++)
        sent[i] = (char)(i * 31 + (size_t)fd + (size_t)getpid());
    if (send(fd, sent, SIZE, MSG_NOSIGNAL) != SIZE || shutdown(fd, SHUT_WR) < 0)
        failed = "send";
    else if (!comes_back(fd, sent))
        failed = "echo";
    (void)close(fd);
    return failed;
}

static void keep_visiting(const char *target)
{
    while (!atomic_load(&tally->over)) {
        const char *failed = visit(target);

        if (failed)
            printf("%s: %s\n", failed, strerror(errno));
        atomic_fetch_add(failed ? &tally->failed : &tally->served, 1);
        (void)usleep(PAUSE_US);
    }
}

static void keep_talking(const char *target)
{
    char byte = 'x';
    int fd = connect_to(target);

    if (fd < 0)
        return;
    while (!atomic_load(&tally->over) && send(fd, &byte, 1, MSG_NOSIGNAL) == 1 &&
           recv(fd, &byte, 1, 0) == 1) {
        if (byte == 'x')
            atomic_fetch_add(&tally->served, 1);
        byte = 'y';
        (void)usleep(PAUSE_US);
    }
}

static void flood(const char *target, unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        int fd = connect_to(target);
        char byte;

        /* Reset at once: before or after connect(2) is through. */
        if ((fd < 0 && errno == ECONNRESET) || (fd >= 0 && recv(fd, &byte, 1, 0) <= 0))
            atomic_fetch_add(&tally->served, 1);
        else
            atomic_fetch_add(&tally->failed, 1);
        if (fd >= 0)
            (void)close(fd);
    }
}

static void run(void (*client)(const char *), unsigned long count, const char *target)
{
    for (unsigned long i = 0; i < count; i++)
        if (fork() == 0) {
            client(target);
            (void)fflush(stdout);
            _exit(EXIT_SUCCESS);
        }
    while (wait(NULL) >= 0)
        ;
}

int main(int argc, char **argv)
{
    unsigned long count;

    tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (argc != 4 || tally == MAP_FAILED)
        return 2;
    count = strtoul(argv[2], NULL, 10);
    (void)signal(SIGTERM, on_term);
    if (strcmp(argv[1], "keep") == 0)
        run(keep_visiting, count, argv[3]);
    else if (strcmp(argv[1], "talk") == 0)
        run(keep_talking, count, argv[3]);
    else
        flood(argv[3], count);
    printf("served: %lu, failed: %lu\n", (unsigned long)tally->served,
           (unsigned long)tally->failed);
    if (strcmp(argv[1], "flood") != 0 && tally->served == 0)
        return EXIT_FAILURE; /* Who was never served has shown nothing. */
    return tally->failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
