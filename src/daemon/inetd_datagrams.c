/* SPDX-License-Identifier: MIT */
#include "daemon/inetd.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "net/datagram.h"
#include "net/listener.h"

enum { IDLE_S = 10 }; /* long enough that inetd(8) does not think that the service fails at once */

/* All that a worker has for datagrams, in one process: it alone keeps to the rates then. */
struct service {
    struct listener_set set;
    struct acl acl;
    struct judge judge;
    struct stats stats;
    struct datagram_io io;
    struct rates rates;
};

static struct service *service_new(void)
{
    /* All zeros, but only in memory where it is used. */
    void *memory = mmap(NULL, sizeof(struct service), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

static int service_init(struct service *s, const struct conf *conf)
{
    int r = rates_init(&s->rates);

    if (r == 0)
        r = acl_init(&s->acl, &conf->access_allow, &conf->access_deny);
    if (r < 0)
        return r;
    judge_init(&s->judge, conf, &s->acl, &s->rates);
    s->io = (struct datagram_io){
        .calls = datagram_syscalls(),
        .judge = &s->judge,
        .own = &s->set,
        .stats = &s->stats,
    };
    ports_add(&s->judge.ports, (uint16_t)addr_port(&s->set.list[0].addr));
    return datagram_io_init(&s->io);
}

static void service_free(struct service *s)
{
    datagram_io_deinit(&s->io);
    acl_deinit(&s->acl);
    listeners_close_except(&s->set, NULL);
    (void)munmap(s, sizeof(*s)); /* Cannot fail for what was mapped. */
}

/* Until nothing has come for a while. */
static void service_run(struct service *s, int idle_timeout)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    int timeout = (idle_timeout ? idle_timeout : IDLE_S) * 1000;
    int n;

    do {
        while (datagram_step(&s->set.list[0], &s->io) > 0)
            ;
        n = poll(&p, 1, timeout);
    } while (n > 0 || (n < 0 && errno == EINTR));
}

static int service_serve(struct service *s, const struct conf *conf)
{
    struct listener_fault fault;
    int r = listener_adopt(STDIN_FILENO, "", &s->set, &fault);

    if (r < 0)
        return log_event(EVENT_START_FAILED, r, LOG_NO_FIELDS, "--inetd: standard input: %s",
                         fault.what);
    r = service_init(s, conf);
    if (r < 0)
        return log_event(EVENT_START_FAILED, r, LOG_NO_FIELDS, "--inetd: %m");
    service_run(s, conf->idle_timeout);
    return 0;
}

int inetd_datagrams(const struct conf *conf)
{
    struct service *s = service_new();
    int r;

    if (!s)
        return log_event(EVENT_START_FAILED, errno, LOG_NO_FIELDS, "--inetd: %m");
    r = service_serve(s, conf);
    service_free(s);
    return r;
}
