/* SPDX-License-Identifier: MIT */
#include "daemon/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

int identity_of_user(const char *name, struct identity *ret)
{
    struct identity identity = {.change = true, .group_count = IDENTITY_GROUPS_MAX};
    const struct passwd *user;

    errno = 0;
    user = getpwnam(name);
    if (!user)
        return errno && errno != ESRCH ? -errno : -ENOENT;
    if (geteuid() != 0)
        return -EPERM;
    identity.uid = user->pw_uid;
    identity.gid = user->pw_gid;
    if (getgrouplist(name, identity.gid, identity.groups, &identity.group_count) < 0)
        return -E2BIG;
    *ret = identity;
    return 0;
}

int identity_assume(const struct identity *identity)
{
    if (!identity->change)
        return 0;
    if (setgroups((size_t)identity->group_count, identity->groups) < 0 ||
        setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
        setresuid(identity->uid, identity->uid, identity->uid) < 0)
        return -errno;
    return 0;
}
