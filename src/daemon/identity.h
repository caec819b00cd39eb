/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Whom the workers run as: --user. */
enum { IDENTITY_GROUPS_MAX = 64 };

struct identity {
    bool change; /* false: stay who we are */
    uid_t uid;
    gid_t gid;
    gid_t groups[IDENTITY_GROUPS_MAX];
    int group_count;
};

/*
 * Looks the user NAME and its groups up. 0, -ENOENT for no such user, -EPERM when this process may
 * not change its user, or another -errno.
 */
int identity_of_user(const char *name, struct identity *ret);

/* Becomes this user for good, capabilities and all. 0 or -errno: then the process must end. */
int identity_assume(const struct identity *identity);
