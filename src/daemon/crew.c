/* SPDX-License-Identifier: MIT */
#include "daemon/crew.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum {
    OWN_DESCRIPTORS = 24, /* standard ones, epoll, memfd, signalfd, log, ... and a few spare */
    BEGIN_MS = 5000,      /* what a worker may take to set itself up */
};

int crew_init(struct crew *crew, struct arena *arena, const struct identity *identity,
              size_t descriptors)
{
    memset(crew, 0, sizeof(*crew));
    crew->epoll = -1;
    crew->arena = arena;
    crew->descriptors = descriptors;
    crew->identity = identity;
    for (uint32_t i = 0; i < ARENA_WORKERS; i++)
        crew->member[i].channel = -1;
    crew->adoption.taker = MEMBER_NOBODY;
    escrow_init(&crew->escrow, 1);
    crew->epoll = epoll_create1(EPOLL_CLOEXEC);
    return crew->epoll < 0 ? -errno : 0;
}

void crew_deinit(struct crew *crew)
{
    if (crew->epoll < 0) /* It never began: the members' descriptors are no more than zeroes. */
        return;
    for (uint32_t i = 0; i < ARENA_WORKERS; i++)
        closep(&crew->member[i].channel);
    escrow_deinit(&crew->escrow);
    closep(&crew->epoll);
}

/* The ends of descriptors that a new worker and the supervisor have in common. */
struct ends {
    int channel[2]; /* the supervisor's, the worker's */
    int pipe[2];    /* the worker's: to read from and to write to */
};

static void close_worker_ends(struct ends *ends)
{
    closep(&ends->channel[1]);
    closep(&ends->pipe[0]);
    closep(&ends->pipe[1]);
}

static int open_ends(const struct crew *crew, uint32_t number, struct ends *ret)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
    int r;

    *ret = (struct ends){{-1, -1}, {-1, -1}};
    r = channel_pair(ret->channel);
    if (r < 0)
        return r;
    stream_open_pipe(ret->pipe);
    /* The supervisor needs some descriptors to go on with. */
    if ((size_t)ret->channel[1] + OWN_DESCRIPTORS > crew->descriptors)
        r = -EMFILE;
    else if (epoll_ctl(crew->epoll, EPOLL_CTL_ADD, ret->channel[0], &event) < 0)
        r = -errno;
    if (r < 0) {
        close_worker_ends(ret);
        closep(&ret->channel[0]);
    }
    return r;
}

static int64_t crew_fork(struct crew *crew, uint32_t number, const struct conf *conf,
                         const struct access *access, const struct listener_set *listeners)
{
    struct member *member = &crew->member[number];
    struct ends ends;
    int r = open_ends(crew, number, &ends);
    const struct worker_setup setup = {.number = number,
                                       .channel = ends.channel[1],
                                       .pipe = {ends.pipe[0], ends.pipe[1]},
                                       .conf = conf,
                                       .access = access,
                                       .arena = crew->arena,
                                       .listeners = listeners,
                                       .identity = crew->identity,
                                       .supervisor = getpid(),
                                       .room = crew_room(crew, listeners->count),
                                       .batch = crew_batch(crew)};

    if (r < 0)
        return r;
    member->pid = fork();
    if (member->pid == 0)
        worker_main(&setup);
    r = -errno;
    if (member->pid > 0)
        crew_keep_pipe(crew, number, ends.pipe[0]);
    close_worker_ends(&ends);
    if (member->pid < 0) {
        closep(&ends.channel[0]);
        return r;
    }
    member->channel = ends.channel[0];
    return number;
}

int64_t crew_spawn(struct crew *crew, const struct conf *conf, const struct access *access,
                   const struct listener_set *listeners)
{
    uint32_t number = crew_next(crew, MEMBER_NONE, 0);
    int64_t result;

    if (number == MEMBER_NOBODY)
        return -EAGAIN;
    crew->member[number] =
        (struct member){.channel = -1, .started_ms = clock_ms(), .awaited = MEMBER_NOBODY};
    memset(&crew->arena->workers[number].stats, 0, sizeof(struct stats));
    stats_set(&crew->arena->workers[number].coming, 0);
    arena_use_place(crew->arena, number);
    result = crew_fork(crew, number, conf, access, listeners);
    if (result >= 0)
        crew->member[number].state = MEMBER_READY;
    return result;
}

/* A worker's first word is PONG, or why it cannot begin. */
static int await_begun(const struct member *member)
{
    struct pollfd word = {.fd = member->channel, .events = POLLIN};
    struct message message;
    int fds[MESSAGE_SLOTS_MAX];
    int n, r;

    do
        n = poll(&word, 1, BEGIN_MS);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 ? -errno : -ETIMEDOUT;
    r = channel_receive(member->channel, &message, fds);
    if (r <= 0)
        return r < 0 ? r : -ECHILD;
    if (message.kind == MESSAGE_PONG)
        return 0;
    return message.kind == MESSAGE_REPORT ? -message.report.error : -EPROTO;
}

int crew_spawn_all(struct crew *crew, const struct conf *conf, const struct access *access,
                   const struct listener_set *listeners, unsigned count)
{
    int64_t r = 0;

    for (unsigned i = 0; i < count && r >= 0; i++)
        r = crew_spawn(crew, conf, access, listeners);
    for (uint32_t i = crew_next(crew, MEMBER_READY, 0); i != MEMBER_NOBODY && r >= 0;
         i = crew_next(crew, MEMBER_READY, i + 1))
        r = await_begun(&crew->member[i]);
    if (r >= 0)
        return 0;
    for (uint32_t i = crew_next(crew, MEMBER_READY, 0); i != MEMBER_NOBODY;
         i = crew_next(crew, MEMBER_READY, i + 1))
        crew_dismiss(crew, i);
    return (int)r;
}

void crew_start_all(struct crew *crew, enum member_state old)
{
    for (uint32_t i = crew_next(crew, MEMBER_SERVING, 0); i != MEMBER_NOBODY;
         i = crew_next(crew, MEMBER_SERVING, i + 1))
        crew->member[i].state = old;
    for (uint32_t i = crew_next(crew, MEMBER_READY, 0); i != MEMBER_NOBODY;
         i = crew_next(crew, MEMBER_READY, i + 1)) {
        crew->member[i].state = MEMBER_SERVING;
        crew_order(crew, i, MESSAGE_START);
    }
}

unsigned crew_wanted(const struct conf *conf)
{
    cpu_set_t cpus;

    if (conf->workers > 0)
        return (unsigned)conf->workers;
    if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
        return 1; /* More CPUs than fit into the set, or none that may be asked about. */
    return CPU_COUNT(&cpus) < ARENA_WORKERS / 2 ? (unsigned)CPU_COUNT(&cpus) : ARENA_WORKERS / 2;
}

uint32_t crew_room(const struct crew *crew, size_t listeners)
{
    size_t used = OWN_DESCRIPTORS + listeners;

    if (crew->descriptors <= used)
        return 0;
    return crew->descriptors - used < UINT32_MAX ? (uint32_t)(crew->descriptors - used)
                                                 : UINT32_MAX;
}

uint32_t crew_batch(const struct crew *crew)
{
    uint32_t share = crew_room(crew, 0) / 4;

    if (share > MESSAGE_SLOTS_MAX)
        return MESSAGE_SLOTS_MAX;
    return share > 0 ? share : 1;
}

unsigned crew_count(const struct crew *crew, enum member_state state)
{
    unsigned count = 0;

    for (uint32_t i = crew_next(crew, state, 0); i != MEMBER_NOBODY;
         i = crew_next(crew, state, i + 1))
        count++;
    return count;
}

uint32_t crew_next(const struct crew *crew, enum member_state state, uint32_t from)
{
    for (uint32_t i = from; i < ARENA_WORKERS; i++)
        if (crew->member[i].state == state)
            return i;
    return MEMBER_NOBODY;
}

bool crew_is_empty(const struct crew *crew)
{
    return crew_count(crew, MEMBER_NONE) == ARENA_WORKERS;
}

int crew_send(struct crew *crew, uint32_t number, const struct message *message, const int *fds)
{
    int r = -EPIPE;

    if (crew->member[number].channel >= 0)
        r = channel_send(crew->member[number].channel, message, fds);
    if (r == -EAGAIN) /* Orders pile up unread: it does not run. */
        crew_kill(crew, number);
    return r == -ECONNRESET ? -EPIPE : r;
}

void crew_order(struct crew *crew, uint32_t number, enum message_kind kind)
{
    (void)crew_send(crew, number, &(struct message){.kind = kind}, NULL); /* Its death follows. */
}

void crew_let_others_look(struct crew *crew, uint32_t except)
{
    for (uint32_t i = crew_next(crew, MEMBER_SERVING, 0); i != MEMBER_NOBODY;
         i = crew_next(crew, MEMBER_SERVING, i + 1))
        if (i != except)
            crew_order(crew, i, MESSAGE_LOOK);
}

void crew_dismiss(struct crew *crew, uint32_t number)
{
    struct member *member = &crew->member[number];

    member->state = MEMBER_LEAVING;
    if (member->channel < 0)
        return;
    /* A worker that was just forked may hold a copy still, which would keep it in epoll. */
    (void)epoll_ctl(crew->epoll, EPOLL_CTL_DEL, member->channel, NULL);
    closep(&member->channel);
}

void crew_kill(struct crew *crew, uint32_t number)
{
    (void)kill(crew->member[number].pid, SIGKILL); /* Not reaped yet, so still ours. */
}

uint32_t crew_find(const struct crew *crew, pid_t pid)
{
    for (uint32_t i = 0; i < ARENA_WORKERS; i++)
        if (crew->member[i].state != MEMBER_NONE && crew->member[i].pid == pid)
            return i;
    return MEMBER_NOBODY;
}

void crew_forget_slot(struct crew *crew, uint32_t number)
{
    struct slot *slot = &crew->arena->slots.slots[number];

    if (slot->spill_end > 0)
        spill_release(crew->arena->spill, number);
    if (slot->cookie != 0)
        atomic_fetch_add_explicit(crew->arena->kept_ended, 1, memory_order_relaxed);
    ledger_forget(&crew->arena->ledger, number);
}

void crew_bury(struct crew *crew, uint32_t number, int status, bool adoptable,
               struct death *ret_death)
{
    struct member *member = &crew->member[number];

    *ret_death = (struct death){
        .number = number,
        .pid = member->pid,
        .state = member->state,
        .status = status,
        .hung = member->hung,
        .lived_ms = clock_ms() - member->started_ms,
        .had = crew_bury_place(crew, number, adoptable),
    };
    closep(&member->channel);
    *member = (struct member){.channel = -1};
}

struct stats crew_stats(const struct crew *crew)
{
    struct stats sum = {0};

    stats_sum(&sum, crew->arena->past);
    for (uint32_t i = 0; i < ARENA_WORKERS; i++)
        if (crew->member[i].state != MEMBER_NONE)
            stats_sum(&sum, &crew->arena->workers[i].stats);
    return sum;
}
