/* SPDX-License-Identifier: MIT */
#include "daemon/supervisor_state.h"

#include <errno.h>
#include <stdio.h>

#include "base/descriptors.h"
#include "base/log.h"
#include "daemon/pidfile.h"

/*
 * The start: one path for the first one, and for those that go on after a restart, a crash or an
 * upgrade. What was handed over is taken where it fits, and what is missing is made.
 */

enum { LISTENERS_TEXT_MAX = 512 };

/* Somebody may have removed it. Then there is none, as another process may have made its own. */
static void adopt_pidfile(struct supervisor *s)
{
    const char *path = s->options->pid_file;

    if (s->handed.pidfile < 0)
        return;
    if (pidfile_adopt(s->setup->pidfile, s->handed.pidfile, path) == 0)
        s->handed.pidfile = -1;
    else
        (void)log_event(EVENT_NOTICE, 0, LOG_NO_FIELDS,
                        "The pid file %s is another one than before the upgrade: going on without",
                        path);
}

static int take_handed(struct supervisor *s, struct failure *failure)
{
    int r = handed_take(&s->handed);

    s->store.next_number = s->handed.next_number;
    adopt_pidfile(s);
    return r < 0 ? failure_set(failure, r, "Cannot take the service manager's descriptors: %m") : 0;
}

static int open_own_listeners(struct supervisor *s, const struct listener_set *pool,
                              struct failure *failure)
{
    struct wanted wanted = {0};
    int r = wanted_resolve(&s->conf, true, &wanted, failure);

    if (r == 0)
        r = listening_open(&s->conf, &wanted, pool, &s->listeners, failure);
    wanted_deinit(&wanted);
    if (r == 0)
        listeners_set_backlogs(&s->listeners);
    return r;
}

/*
 * The program before this one is no more, and its connections shall not end as a port is taken or a
 * name server is away: as after a reload that failed, what was there stays.
 */
static int keep_listeners(struct supervisor *s, const struct listener_set *pool,
                          const struct failure *failure)
{
    int r = listeners_copy(pool, &s->listeners);

    if (r < 0)
        return r;
    (void)log_event(EVENT_RELOAD_FAILED, failure->error,
                    LOG_FIELDS(LOG_TEXT(FIELD_REASON, failure->text)),
                    "Upgrading with the listeners of before: %s", failure->text);
    s->reload.failure = *failure;
    return 0;
}

/* The service manager's, else our own, where an earlier process left off. */
static int open_listeners(struct supervisor *s, struct failure *failure)
{
    struct listener_set pool;
    int r = listening_adopt(&s->handed, &s->listeners, failure);

    s->passed = s->listeners.count > 0;
    store_recover_listeners(&s->handed, &pool);
    if (r == 0 && !s->passed)
        r = open_own_listeners(s, &pool, failure);
    if (r < 0 && s->upgraded && pool.count > 0)
        r = keep_listeners(s, &pool, failure);
    if (r < 0) {
        listeners_leave(&pool); /* The next try goes on from there. */
        return r;
    }
    store_replace_listeners(&s->store, &pool, &s->listeners);
    listeners_close_except(&pool, &s->listeners);
    return 0;
}

static int choose_identity(struct supervisor *s, struct failure *failure)
{
    const char *user = s->options->user;
    int r = user ? identity_of_user(user, &s->identity) : 0;

    if (r == -ENOENT)
        return failure_set(failure, r, "--user %s: there is no such user", user);
    if (r == -EPERM)
        return failure_set(failure, r, "--user %s: only root can change its user", user);
    return r < 0 ? failure_set(failure, r, "--user %s: %m", user) : 0;
}

static int open_machinery(struct supervisor *s, struct failure *failure)
{
    int r = inherit_arena(&s->handed, &s->arena);

    s->strangers = r > 0;
    if (r >= 0)
        r = crew_init(&s->crew, &s->arena, &s->identity, s->descriptors);
    if (r == 0)
        r = access_init(&s->access, &s->conf);
    return r < 0 ? failure_set(failure, r, "Cannot set up memory: %m") : 0;
}

/* Connections that are lost here are told with those that go on: crew_adopt(). */
static int inherit(struct supervisor *s, struct failure *failure)
{
    int64_t lost = inherit_crew(&s->handed, s->strangers, &s->conf, &s->crew);

    if (lost < 0)
        return failure_set(failure, (int)lost, "Cannot take the connections over: %m");
    if (s->strangers)
        (void)log_event(EVENT_NOTICE, 0, LOG_NO_FIELDS,
                        "What another version of echod left is not readable for this one: "
                        "connections that are owed bytes are reset");
    s->crew.adoption.lost = (uint64_t)lost;
    return 0;
}

/* Something that echo-client can try, or NULL. */
static const struct listener *find_target(const struct listener_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->list[i].type == SOCK_STREAM && set->list[i].addr.sa.sa_family != AF_VSOCK)
            return &set->list[i];
    return NULL;
}

/* "; try: ..." with what a client may be told to connect to, or "". */
static const char *advice(const struct listener_set *set, char *text, size_t size)
{
    const struct listener *listener = find_target(set);
    char target[ADDR_TEXT_MAX];
    struct addr addr;

    if (!listener)
        return "";
    addr = listener->addr;
    if (addr_is_wildcard(&addr))
        addr = addr_loopback(addr.sa.sa_family, (uint16_t)addr_port(&addr));
    (void)snprintf(text, size, "; try: echo-client %s", addr_format(&addr, target));
    return text;
}

static void announce_start(const struct supervisor *s)
{
    unsigned workers = crew_count(&s->crew, MEMBER_SERVING);
    char all[LISTENERS_TEXT_MAX], text[ADDR_TEXT_MAX + 32];

    listening_announce(&s->conf, &(struct listener_set){0}, &s->listeners);
    (void)log_event(EVENT_STARTED, 0, LOG_FIELDS(LOG_NUMBER(FIELD_WORKERS, workers)),
                    "Ready on %s (workers: %u)%s",
                    listening_format(&s->listeners, all, sizeof(all)), workers,
                    advice(&s->listeners, text, sizeof(text)));
}

/* Who is killed before he has said a word had bad luck: that need not be the end of all. */
static int spawn_workers(struct supervisor *s)
{
    enum { TRIES = 3 };
    int r = -ECHILD;

    for (int i = 0; i < TRIES && r == -ECHILD; i++)
        r = crew_spawn_all(&s->crew, &s->conf, &s->access, &s->listeners, crew_wanted(&s->conf));
    return r;
}

int start_open(struct supervisor *s, struct failure *failure)
{
    int r = descriptors_raise_limit(&s->descriptors);

    if (r < 0)
        return failure_set(failure, r, "Cannot read the limit on descriptors: %m");
    r = choose_identity(s, failure);
    if (r == 0)
        r = take_handed(s, failure);
    if (r == 0)
        r = open_listeners(s, failure);
    return r < 0 ? r : open_machinery(s, failure);
}

int start_crew(struct supervisor *s, struct failure *failure)
{
    int r = inherit(s, failure);

    if (r < 0)
        return r;
    supervisor_check_descriptors(s);
    r = spawn_workers(s);
    if (r < 0)
        return failure_set(failure, r, "Cannot start the workers: %m");
    if (s->upgraded)
        reload_take_over(s);
    else
        crew_start_all(&s->crew, MEMBER_SERVING);
    crew_adopt(s);
    handed_deinit(&s->handed);
    announce_start(s);
    return 0;
}
