/* SPDX-License-Identifier: MIT */
#include "client/ping_find.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"

static void choose(struct ping_place *place, const struct addr_list *list)
{
    const struct dial_options *dial = &place->common->dial;
    int type = target_socket_type(place->target->kind);

    if (list->count > 1 &&
        connect_first(list, type, dial, place->deadline, &place->connection) == 0)
        return;
    place->connection.peer = list->addr[0];
}

int ping_find_one(const struct common_options *common, const struct target *target,
                  int64_t deadline, struct ping_place *ret)
{
    _cleanup_(addr_list_deinit) struct addr_list list = {0};

    *ret = (struct ping_place){.target = target,
                               .common = common,
                               .deadline = deadline,
                               .connection = {.fd = -1, .connect_nsec = -1}};
    ret->error = connect_resolve(target, common->family, deadline, &list);
    if (ret->error == 0)
        choose(ret, &list);
    return ret->error;
}

static void *find(void *argument)
{
    struct ping_place *place = argument;

    (void)ping_find_one(place->common, place->target, place->deadline, place); /* In the place. */
    return NULL;
}

int ping_find(const struct common_options *common, int64_t deadline, struct ping_place *places,
              size_t count)
{
    _cleanup_(freep) pthread_t *threads = calloc(count, sizeof(*threads));
    size_t begun = 0;
    int r = threads ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < count; i++) {
        places[i] = (struct ping_place){.target = &common->target.at[i],
                                        .common = common,
                                        .deadline = deadline,
                                        .connection = {.fd = -1, .connect_nsec = -1}};
        r = -pthread_create(&threads[i], NULL, find, &places[i]);
        begun += r == 0;
    }
    for (size_t i = 0; i < begun; i++)
        (void)pthread_join(threads[i], NULL); /* Cannot fail for a thread of ours. */
    for (size_t i = 0; r < 0 && i < begun; i++)
        closep(&places[i].connection.fd);
    return r;
}
