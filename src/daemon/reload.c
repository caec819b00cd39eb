/* SPDX-License-Identifier: MIT */
#include "daemon/supervisor_state.h"

#include <config.h>
#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/service.h"

enum { LOOKUP_MS = 60000 }; /* getaddrinfo(3) gives up long before, unless it hangs */

/* Drops the configuration that was to be, unless it is in force: then there is nothing to drop. */
static void drop_conf(struct reload *reload)
{
    conf_deinit(&reload->conf);
    access_deinit(&reload->access);
}

static void reload_end(struct supervisor *s)
{
    drop_conf(&s->reload);
    s->reload.state = RELOAD_NONE;
    if (s->reload.again)
        reload_start(
            s); /* READY=1 would tell too early that the newest configuration is in force. */
    else
        supervisor_tell_ready(s);
}

static void reload_fail(struct supervisor *s, const struct failure *failure)
{
    (void)log_event(EVENT_RELOAD_FAILED, failure->error,
                    LOG_FIELDS(LOG_TEXT(FIELD_REASON, failure->text)),
                    "Reload failed, everything stays as it was: %s", failure->text);
    s->reload.failure = *failure;
    reload_end(s);
}

/* Forks the new workers, who wait. All or none. */
static int spawn_all(struct supervisor *s, const struct listener_set *listeners,
                     struct failure *failure)
{
    const struct conf *conf = &s->reload.conf;
    unsigned wanted = crew_wanted(conf);
    struct stats stats = crew_stats(&s->crew);
    unsigned long long connections = stats_read(&stats.connections);
    int r;

    if (connections > (uint64_t)wanted * crew_room(&s->crew, listeners->count))
        return failure_set(failure, EMFILE,
                           "%llu open connections do not fit into %u workers that may have %zu "
                           "descriptors each",
                           connections, wanted, s->descriptors);
    r = access_init(&s->reload.access, conf);
    if (r == 0)
        r = crew_spawn_all(&s->crew, conf, &s->reload.access, listeners, wanted);
    if (r == 0)
        return 0;
    return failure_set(failure, r, "Cannot start %u workers: %m", wanted);
}

static void change_guard(struct supervisor *s)
{
    struct crew *crew = &s->crew;

    crew_expect_all(crew);
    crew_start_all(crew, MEMBER_GIVING);
    for (uint32_t i = crew_next(crew, MEMBER_GIVING, 0); i != MEMBER_NOBODY;
         i = crew_next(crew, MEMBER_GIVING, i + 1))
        crew_ask_for_more(s, i);
}

/*
 * From here on nothing can fail: the new workers begin, the old ones begin to give up. Of a
 * listener that goes this process drops its copy first, so that the last worker that accepts what
 * waits there is also the last to close it.
 */
static void commit(struct supervisor *s, struct listener_set *listeners)
{
    struct listener_set before = s->listeners;
    const struct conf *conf = &s->conf;

    conf_deinit(&s->conf);
    access_deinit(&s->access);
    s->conf = conf_take(&s->reload.conf);
    s->access = s->reload.access;
    s->reload.access = (struct access){0}; /* now in force */
    s->listeners = *listeners;
    s->reload.failure = (struct failure){0};
    s->reload.state = RELOAD_MOVING;
    log_open((enum conf_log_target)conf->log_target, conf->log_level, s->options->daemon);
    listeners_set_backlogs(&s->listeners);
    store_replace_listeners(&s->store, &before, &s->listeners);
    listeners_retire(&before, &s->listeners);
    listening_announce(conf, &before, &s->listeners);
    supervisor_check_descriptors(s);
    listeners_close_except(&before, &s->listeners);
    change_guard(s);
}

/* WANTED is NULL when the listeners are the service manager's: then they stay what they are. */
static int open_listeners(struct supervisor *s, const struct wanted *wanted,
                          struct listener_set *ret, struct failure *failure)
{
    if (wanted)
        return listening_open(&s->reload.conf, wanted, &s->listeners, ret, failure);
    if (listeners_copy(&s->listeners, ret) < 0)
        return failure_set(failure, ENOMEM, "Cannot keep the listeners: %m");
    return 0;
}

static void reload_apply(struct supervisor *s, const struct wanted *wanted)
{
    struct listener_set listeners = {0};
    struct failure failure;
    int r = open_listeners(s, wanted, &listeners, &failure);

    if (r == 0)
        r = spawn_all(s, &listeners, &failure);
    if (r == 0) {
        commit(s, &listeners);
        return;
    }
    listeners_undo(&listeners, &s->listeners);
    reload_fail(s, &failure);
}

static void log_conf_errors(const struct conf_errors *errors, struct failure *failure)
{
    for (size_t i = 0; i < errors->count; i++)
        (void)log_event(EVENT_CONFIG_ERROR, 0, LOG_NO_FIELDS, "%s", errors->text[i]);
    (void)failure_set(failure, EINVAL, "%zu error%s in the configuration, the first: %s",
                      errors->count, errors->count == 1 ? "" : "s",
                      errors->count ? errors->text[0] : "out of memory");
}

/* Looks names up, here if there are none, which takes no time, else in a child. */
static void reload_resolve(struct supervisor *s)
{
    const struct conf *conf = &s->reload.conf;
    struct wanted wanted = {0};
    struct failure failure;
    int r = wanted_resolve(conf, false, &wanted, &failure);

    if (r == 0) {
        reload_apply(s, &wanted);
        wanted_deinit(&wanted);
        return;
    }
    if (r == -EAGAIN) {
        r = lookup_start(conf, &s->reload.lookup);
        if (r == 0)
            r = loop_watch(s->loop, FD_LOOKUP, s->reload.lookup.fd);
        if (r == 0)
            r = loop_set_timer(s->loop, TIMER_LOOKUP, LOOKUP_MS);
        (void)failure_set(&failure, r, "Cannot look the names in the configuration up: %m");
    }
    if (r < 0) {
        reload_fail(s, &failure);
        return;
    }
    s->reload.state = RELOAD_RESOLVING;
}

void reload_start(struct supervisor *s)
{
    struct conf_errors errors = {0};
    struct failure failure;

    if (s->reload.state == RELOAD_RESOLVING) /* for a configuration that is no longer the newest */
        reload_cancel(s);
    s->reload.again = s->reload.state != RELOAD_NONE;
    if (s->reload.again || s->stop != STOP_NONE)
        return;
    s->reload.began_usec = clock_usec();
    service_reloading();
    (void)log_event(EVENT_RELOADING, 0, LOG_NO_FIELDS, "Reloading the configuration");
    if (echod_options_load_conf(s->options, &s->reload.conf, &errors) < 0) {
        log_conf_errors(&errors, &failure);
        reload_fail(s, &failure);
    } else if (s->passed) {
        reload_apply(s, NULL);
    } else {
        reload_resolve(s);
    }
    conf_errors_deinit(&errors);
}

static void forget_lookup(struct supervisor *s)
{
    (void)loop_watch(s->loop, FD_LOOKUP, -1);
    (void)loop_set_timer(s->loop, TIMER_LOOKUP, -1);
}

void reload_resolved(struct supervisor *s)
{
    struct wanted wanted = {0};
    struct failure failure;

    forget_lookup(s);
    if (lookup_finish(&s->reload.lookup, &wanted, &failure) < 0) {
        reload_fail(s, &failure);
        return;
    }
    reload_apply(s, &wanted);
    wanted_deinit(&wanted);
}

void reload_cancel(struct supervisor *s)
{
    if (s->reload.state == RELOAD_RESOLVING) {
        forget_lookup(s);
        lookup_cancel(&s->reload.lookup);
    }
    drop_conf(&s->reload);
    s->reload.state = RELOAD_NONE;
    s->reload.again = false;
}

void reload_cancel_unless_moving(struct supervisor *s)
{
    s->reload.again = false;
    if (s->reload.state == RELOAD_RESOLVING)
        reload_cancel(s);
}

void reload_give_up_lookup(struct supervisor *s)
{
    struct failure failure;

    (void)failure_set(&failure, ETIMEDOUT,
                      "Looking up the names in the configuration takes more than %d s: %m",
                      LOOKUP_MS / 1000);
    reload_cancel(s);
    reload_fail(s, &failure);
}

bool reload_has_moved(const struct supervisor *s)
{
    return s->reload.state == RELOAD_MOVING && crew_count(&s->crew, MEMBER_GIVING) == 0 &&
           crew_count(&s->crew, MEMBER_LEAVING) == 0;
}

/* The workers of the program before this one are as old as those of a configuration before. */
void reload_take_over(struct supervisor *s)
{
    s->reload.state = RELOAD_MOVING;
    change_guard(s);
}

static void log_upgraded(const struct supervisor *s)
{
    (void)log_event(EVENT_UPGRADED, 0,
                    LOG_FIELDS(LOG_NUMBER(FIELD_WORKERS, crew_count(&s->crew, MEMBER_SERVING))),
                    "Upgraded: echod " PACKAGE_VERSION " goes on with all connections");
}

static void log_reloaded(const struct supervisor *s)
{
    uint64_t took = clock_usec() - s->reload.began_usec;

    (void)log_event(EVENT_RELOADED, 0,
                    LOG_FIELDS(LOG_NUMBER(FIELD_DURATION_USEC, took),
                               LOG_NUMBER(FIELD_WORKERS, crew_count(&s->crew, MEMBER_SERVING))),
                    "Reloaded in %.1f ms: the new configuration is in force", (double)took / 1000);
}

void reload_finish(struct supervisor *s)
{
    crew_expect_nothing(&s->crew);
    if (s->upgraded)
        log_upgraded(s);
    else
        log_reloaded(s);
    s->upgraded = false;
    reload_end(s);
}
