/* SPDX-License-Identifier: MIT */
#include "daemon/supervisor_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/pidfile.h"

/*
 * Another program takes this one's place, in the same process. It is tried first, in a child: if it
 * does not start, cannot read the configuration or cannot read the memory that we share with the
 * workers, nothing has happened. The workers go on meanwhile, and are the old ones of a reload for
 * the next program, which starts with all that is handed to it as after a restart.
 *
 * Nothing may be under way then that only this program knows of: no reload, and no batch.
 */

enum { TRIAL_MS = 10000 };

static void upgrade_end(struct supervisor *s)
{
    s->upgrade.state = UPGRADE_NONE;
    (void)loop_watch(s->loop, FD_UPGRADE, -1);
    (void)loop_set_timer(s->loop, TIMER_UPGRADE, -1);
    image_trial_cancel(&s->upgrade.trial);
}

static void upgrade_fail(struct supervisor *s, const char *why)
{
    upgrade_end(s);
    (void)log_event(EVENT_UPGRADE_FAILED, 0, LOG_FIELDS(LOG_TEXT(FIELD_REASON, why)),
                    "Upgrade failed, everything stays as it was: %s: %s", s->setup->image->path,
                    why);
}

static void upgrade_fail_with(struct supervisor *s, int error)
{
    struct failure failure;

    (void)failure_set(&failure, error, "%m");
    upgrade_fail(s, failure.text);
}

void upgrade_start(struct supervisor *s)
{
    if (s->upgrade.state != UPGRADE_NONE || s->stop != STOP_NONE)
        return;
    s->upgrade.state = UPGRADE_ASKED;
    (void)log_event(EVENT_UPGRADING, 0, LOG_NO_FIELDS, "Upgrading: trying %s",
                    s->setup->image->path);
}

static void begin_trial(struct supervisor *s)
{
    struct upgrade *upgrade = &s->upgrade;
    int r = image_try(s->setup->image, s->arena.fd, &upgrade->trial);

    if (r == 0)
        r = loop_watch(s->loop, FD_UPGRADE, upgrade->trial.fd);
    if (r >= 0)
        r = loop_set_timer(s->loop, TIMER_UPGRADE, TRIAL_MS);
    if (r < 0)
        upgrade_fail_with(s, r);
    else
        upgrade->state = UPGRADE_TRYING;
}

void upgrade_read(struct supervisor *s)
{
    if (image_trial_read(&s->upgrade.trial))
        return;
    (void)loop_watch(s->loop, FD_UPGRADE, -1);
    closep(&s->upgrade.trial.fd);
}

void upgrade_give_up_trial(struct supervisor *s)
{
    char why[64];

    (void)snprintf(why, sizeof(why), "it takes more than %d s to try it", TRIAL_MS / 1000);
    upgrade_fail(s, why);
}

static void end_trial(struct supervisor *s)
{
    (void)loop_set_timer(s->loop, TIMER_UPGRADE, -1);
    if (image_trial_succeeded(&s->upgrade.trial))
        s->upgrade.state = UPGRADE_WAITING;
    else
        upgrade_fail(s, s->upgrade.trial.answer);
}

/* ---- what the next program gets ---- */

struct luggage {
    struct image_fd *fds;
    unsigned count, room;
};

static void pack(struct luggage *luggage, int fd, const char *name)
{
    struct image_fd *one = &luggage->fds[luggage->count];

    if (fd < 0 || luggage->count == luggage->room)
        return;
    one->fd = fd;
    (void)snprintf(one->name, sizeof(one->name), "%s", name);
    luggage->count++;
}

/*
 * The memory that is shared with the workers is no place for the pid: whoever has a worker could
 * write any there, to be killed by the next program.
 */
static const char *worker_name(uint32_t number, pid_t pid, char text[static HANDED_NAME_SIZE])
{
    size_t length = strlen(handed_name(HANDED_WORKER, number, text));

    (void)snprintf(text + length, HANDED_NAME_SIZE - length, "-%d", (int)pid);
    return text;
}

static void pack_crew(struct luggage *luggage, const struct crew *crew)
{
    char name[HANDED_NAME_SIZE];

    for (unsigned i = 0; i < crew->escrow.count; i++)
        pack(luggage, crew->escrow.box[i].receive,
             handed_name(HANDED_BOX, crew->escrow.box[i].number, name));
    for (uint32_t i = 0; i < ARENA_WORKERS; i++)
        if (crew->member[i].state != MEMBER_NONE)
            pack(luggage, crew->member[i].channel, worker_name(i, crew->member[i].pid, name));
}

static void pack_listeners(struct luggage *luggage, const struct listener_set *listeners)
{
    char name[HANDED_NAME_SIZE];

    for (size_t i = 0; i < listeners->count; i++) {
        const struct listener *one = &listeners->list[i];

        pack(luggage, one->fd, one->passed ? one->name : store_listener_name(one, name));
    }
}

static void become(struct supervisor *s)
{
    struct luggage luggage = {.room =
                                  2 + ESCROW_BOXES + ARENA_WORKERS + (unsigned)s->listeners.count};
    int r = -ENOMEM;

    luggage.fds = calloc(luggage.room, sizeof(*luggage.fds));
    if (luggage.fds) {
        pack(&luggage, s->arena.fd, HANDED_ARENA);
        pack(&luggage, s->setup->pidfile->fd, HANDED_PIDFILE);
        pack_crew(&luggage, &s->crew);
        pack_listeners(&luggage, &s->listeners);
        supervisor_log_unreported(s);
        log_flush_all_folded();
        r = image_become(s->setup->image, luggage.fds, luggage.count);
    }
    free(luggage.fds);
    upgrade_fail_with(s, r);
}

void upgrade_go_on(struct supervisor *s)
{
    const struct image_trial *trial = &s->upgrade.trial;

    if (s->upgrade.state != UPGRADE_NONE && s->stop != STOP_NONE)
        upgrade_end(s);
    if (s->upgrade.state == UPGRADE_ASKED && s->reload.state == RELOAD_NONE)
        begin_trial(s);
    if (s->upgrade.state == UPGRADE_TRYING && trial->fd < 0 && trial->pid == 0)
        end_trial(s);
    if (s->upgrade.state == UPGRADE_WAITING && s->reload.state == RELOAD_NONE &&
        crew_is_quiet(&s->crew))
        become(s);
}
