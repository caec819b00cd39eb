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
    crew->epoll = epoll_create1(EPOLL_CLOEXEC);
    return crew->epoll < 0 ? -errno : 0;
}

void crew_deinit(struct crew *crew)
{
    if (crew->epoll < 0) /* It never began: the members' descriptors are no more than zeroes. */
        return;
    for (uint32_t i = 0; i < ARENA_WORKERS; i++)
        closep(&crew->member[i].channel);
    closep(&crew->epoll);
}

static int64_t crew_fork(struct crew *crew, uint32_t number, const struct conf *conf,
                         const struct access *access, const struct listener_set *listeners)
{
    struct member *member = &crew->member[number];
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
    pid_t supervisor = getpid();
    int pair[2];
    int r = channel_pair(pair);

    if (r < 0)
        return r;
    if ((size_t)pair[1] + OWN_DESCRIPTORS > crew->descriptors) {
        /* The supervisor needs some to go on with. */
        errno = EMFILE;
        member->pid = -1;
    } else if (epoll_ctl(crew->epoll, EPOLL_CTL_ADD, pair[0], &event) == 0)
        member->pid = fork();
    else
        member->pid = -1;
    if (member->pid == 0)
        worker_main(&(struct worker_setup){.number = number,
                                           .channel = pair[1],
                                           .conf = conf,
                                           .access = access,
                                           .arena = crew->arena,
                                           .listeners = listeners,
                                           .identity = crew->identity,
                                           .supervisor = supervisor,
                                           .room = crew_room(crew, listeners->count)});
    r = -errno;
    closep(&pair[1]);
    if (member->pid < 0) {
        closep(&pair[0]);
        return r;
    }
    member->channel = pair[0];
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
    ledger_forget(&crew->arena->ledger, number);
}

/* Frees what a dead owner had; its descriptors went with it. */
static unsigned reclaim_slots(struct crew *crew, uint32_t owner)
{
    const struct slot_table *slots = &crew->arena->slots;
    unsigned count = 0;

    for (int64_t n = slot_next(slots, owner, 0); n >= 0;
         n = slot_next(slots, owner, (uint32_t)n + 1)) {
        crew_forget_slot(crew, (uint32_t)n);
        count++;
    }
    return count;
}

void crew_bury(struct crew *crew, uint32_t number, int status, struct death *ret_death)
{
    struct member *member = &crew->member[number];
    struct stats *stats = &crew->arena->workers[number].stats;
    uint32_t owner = SLOT_FIRST_WORKER + number;

    *ret_death = (struct death){
        .number = number,
        .pid = member->pid,
        .state = member->state,
        .status = status,
        .hung = member->hung,
        .lived_ms = clock_ms() - member->started_ms,
        .lost = reclaim_slots(crew, owner) + reclaim_slots(crew, owner | SLOT_IN_TRANSIT),
    };
    ledger_bury(&crew->arena->ledger, owner);
    stats_end(stats);
    stats_sum(&crew->past, stats);
    closep(&member->channel);
    *member = (struct member){.channel = -1};
}

struct stats crew_stats(const struct crew *crew)
{
    struct stats sum = {0};

    stats_sum(&sum, &crew->past);
    for (uint32_t i = 0; i < ARENA_WORKERS; i++)
        if (crew->member[i].state != MEMBER_NONE)
            stats_sum(&sum, &crew->arena->workers[i].stats);
    return sum;
}
