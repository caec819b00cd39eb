/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/conf.h"
#include "daemon/arena.h"
#include "daemon/identity.h"
#include "net/listener.h"
#include "policy/access.h"

/*
 * A worker: accepts, echoes, accounts. It has the memory that it inherited and no more: no files,
 * no new sockets, no log; it lives as long as its control channel.
 */
struct worker_setup {
    uint32_t number; /* of its arena_worker */
    int channel;
    const struct conf *conf;
    const struct access *access;
    struct arena *arena;
    const struct listener_set *listeners;
    const struct identity *identity;
    pid_t supervisor;
    uint32_t room;  /* connections for which it has descriptors */
    uint32_t batch; /* of these, the most in one message */
    int pipe[2];    /* to move bytes through, or -1: stream_io.pipe */
};

/* What a freshly forked process does until it ends. Never returns. */
_Noreturn void worker_main(const struct worker_setup *setup);
