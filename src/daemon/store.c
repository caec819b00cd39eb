/* SPDX-License-Identifier: MIT */
#include "daemon/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/service.h"

uint32_t store_number(struct store *store)
{
    return store->next_number++;
}

const char *store_listener_name(const struct listener *listener, char text[static HANDED_NAME_SIZE])
{
    const struct socket_file *file = &listener->file;
    size_t length = strlen(handed_name(HANDED_LISTENER, listener->stored, text));

    if (file->inode != 0)
        (void)snprintf(text + length, HANDED_NAME_SIZE - length, "-%jx-%jx",
                       (uintmax_t)file->device, (uintmax_t)file->inode);
    return text;
}

/* Nothing for what is no such detail: then the file will be found to be another one. */
static struct socket_file parse_file(const char *detail)
{
    uintmax_t device = 0, inode = 0;

    if (sscanf(detail, "%jx-%jx", &device, &inode) != 2)
        return (struct socket_file){.inode = 0};
    return (struct socket_file){.device = (dev_t)device, .inode = (ino_t)inode};
}

void store_recover_listeners(struct handed *handed, struct listener_set *ret)
{
    *ret = (struct listener_set){0};
    for (size_t i = 0; i < handed->listeners.count; i++) {
        struct handed_fd *one = &handed->listeners.list[i];
        struct socket_file file = parse_file(one->detail);
        struct listener_fault fault;

        if (listener_recover(one->fd, one->number, &file, ret, &fault) == 0)
            one->fd = -1; /* now the set's */
        else
            handed_drop(one, fault.what);
    }
}

static bool has(const struct listener_set *set, uint32_t number)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->list[i].stored == number)
            return true;
    return false;
}

/* False when the service manager does not listen: then the others need not be tried. */
static bool put(struct store *store, struct listener *listener)
{
    char name[HANDED_NAME_SIZE];
    int r;

    listener->stored = store_number(store);
    r = service_store(store_listener_name(listener, name), listener->fd);
    if (r == 0)
        return true;
    listener->stored = 0;
    (void)log_event(EVENT_NOTICE, r, LOG_NO_FIELDS,
                    "The service manager does not take the listeners, so they would be closed for "
                    "a moment at a restart: %m");
    return false;
}

/* The same. If it stays there, it is until the service manager empties the store at the stop. */
static bool take_out(struct listener *listener)
{
    char name[HANDED_NAME_SIZE];
    int r = service_unstore(store_listener_name(listener, name));

    listener->stored = 0;
    return r == 0;
}

void store_replace_listeners(struct store *store, struct listener_set *before,
                             struct listener_set *now)
{
    for (size_t i = 0; i < before->count; i++)
        if (before->list[i].stored && !has(now, before->list[i].stored) &&
            !take_out(&before->list[i]))
            break;
    for (size_t i = 0; i < now->count && service_is_managed(); i++)
        if (!now->list[i].passed && !now->list[i].stored && !put(store, &now->list[i]))
            break;
}

void store_forget_listeners(struct listener_set *listeners)
{
    bool heard = true;

    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->list[i].stored && heard)
            heard = take_out(&listeners->list[i]);
        listeners->list[i].stored = 0;
    }
}
