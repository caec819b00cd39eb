/* SPDX-License-Identifier: MIT */
#pragma once

#include "daemon/arena.h"
#include "daemon/crew.h"
#include "daemon/handed.h"

/*
 * What processes before this one left: killed, gone for a restart, or, across execve(2), still at
 * work. Whatever is handed over is looked at with suspicion: it may be another version's, and
 * whoever wrote it may have been somebody else's.
 */

/*
 * The memory with all slots, or a new one where that cannot be had. Either way it is in the store.
 * 1 if it is a new one, although there are connections, or were; 0, or -errno.
 */
int inherit_arena(struct handed *handed, struct arena *ret);

/*
 * The copies of connections; then the workers that live, which are GIVING; what the others had are
 * orphans, or, where their slots cannot be read (STRANGERS), those connections that owe nothing get
 * new ones. crew_adopt() does the rest. The number of connections that are lost, or -errno.
 */
int64_t inherit_crew(struct handed *handed, bool strangers, const struct conf *conf,
                     struct crew *crew);
