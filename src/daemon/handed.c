/* SPDX-License-Identifier: MIT */
#include "daemon/handed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"

const char *handed_name(const char *stem, uint32_t number, char text[static HANDED_NAME_SIZE])
{
    (void)snprintf(text, HANDED_NAME_SIZE, "%s%" PRIu32, stem, number);
    return text;
}

static bool is_file(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* -1: it is no socket. */
static int socket_type(int fd)
{
    int type;
    socklen_t size = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ? -1 : type;
}

static bool is_channel(int fd)
{
    return socket_type(fd) == SOCK_SEQPACKET;
}

static bool is_socket(int fd)
{
    return socket_type(fd) >= 0;
}

/* The descriptor for which there is one place, or NULL. */
static int *single_of(struct handed *handed, const char *name)
{
    if (strcmp(name, HANDED_ARENA) == 0)
        return &handed->arena;
    return strcmp(name, HANDED_PIDFILE) == 0 ? &handed->pidfile : NULL;
}

/* STEM and a number as handed_name() writes it. What follows is returned, or NULL. */
static const char *parse(const char *name, const char *stem, uint32_t *ret)
{
    char again[HANDED_NAME_SIZE];
    unsigned long number;
    size_t length;

    if (strncmp(name, stem, strlen(stem)) != 0)
        return NULL;
    number = strtoul(name + strlen(stem), NULL, 10);
    if (number >= UINT32_MAX)
        return NULL;
    length = strlen(handed_name(stem, (uint32_t)number, again));
    *ret = (uint32_t)number;
    return strncmp(name, again, length) == 0 ? name + length : NULL;
}

/* Where a numbered descriptor of ours belongs, whose number and detail are set, or NULL. */
static struct handed_list *list_of(struct handed *handed, struct handed_fd *one)
{
    const struct {
        const char *stem;
        bool (*fits)(int fd);
        struct handed_list *list;
        bool detailed;
    } kinds[] = {{HANDED_BOX, is_channel, &handed->boxes, false},
                 {HANDED_LISTENER, is_socket, &handed->listeners, true},
                 {HANDED_WORKER, is_channel, &handed->workers, true}};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const char *rest = parse(one->name, kinds[i].stem, &one->number);

        if (!rest || !kinds[i].fits(one->fd) || (*rest && (*rest != '-' || !kinds[i].detailed)))
            continue;
        one->detail = *rest ? rest + 1 : rest;
        return kinds[i].list;
    }
    return NULL;
}

static int list_add(struct handed_list *list, const struct handed_fd *one)
{
    struct handed_fd *all = realloc(list->list, (list->count + 1) * sizeof(*all));

    if (!all)
        return -ENOMEM;
    list->list = all;
    list->list[list->count++] = *one;
    return 0;
}

static int sort(struct handed *handed, int fd, const char *name)
{
    int *single = single_of(handed, name);
    struct handed_fd one = {.fd = fd, .name = name, .detail = ""};
    struct handed_list *list;

    if (single && is_file(fd)) {
        if (*single >= 0) /* The store gives the newest first. */
            closep(&fd);
        else
            *single = fd;
        return 0;
    }
    list = list_of(handed, &one);
    if (!list)
        return list_add(&handed->passed, &(struct handed_fd){.fd = fd, .name = name, .detail = ""});
    if (list != &handed->workers && one.number >= handed->next_number)
        handed->next_number = one.number + 1;
    return list_add(list, &one);
}

int handed_take(struct handed *ret)
{
    struct handed handed = HANDED_NOTHING;
    int r = service_listen_fds(&handed.fds);

    for (int i = 0; i < handed.fds.count && r >= 0; i++)
        r = sort(&handed, handed.fds.first + i, handed.fds.names[i]);
    if (r < 0)
        handed_deinit(&handed);
    else
        *ret = handed;
    return r;
}

static void list_deinit(struct handed_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        closep(&list->list[i].fd);
    free(list->list);
    *list = (struct handed_list){0};
}

void handed_deinit(struct handed *handed)
{
    closep(&handed->arena);
    closep(&handed->pidfile);
    list_deinit(&handed->boxes);
    list_deinit(&handed->listeners);
    list_deinit(&handed->workers);
    list_deinit(&handed->passed);
    service_fds_deinit(&handed->fds);
}

void handed_drop(struct handed_fd *one, const char *why)
{
    (void)log_event(EVENT_NOTICE, 0, LOG_NO_FIELDS,
                    "Dropped descriptor %d (\"%s\"), which is of no use: %s", one->fd, one->name,
                    why);
    (void)service_unstore(one->name); /* If it stays, it is dropped again at the next start. */
    closep(&one->fd);
}
