/* SPDX-License-Identifier: MIT */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "net/slot.h"
#include "policy/source.h"
#include "policy/tally.h"

/*
 * Who has which slots: slots are taken and given back here, and each source's are counted, exactly
 * and for all workers together. The slots are the truth: each says whose it is. The counts only
 * spare everybody a look at all of them, and are made anew from them whenever they may be wrong.
 *
 * Workers change slots and counts together, under a robust mutex (pthread_mutexattr_setrobust(3)).
 * When its holder dies, at whatever instruction, the next one counts anew. The supervisor never
 * takes the mutex: it must not wait for a worker. What it takes from the dead it marks as nobody's,
 * and says that the counts are stale; whoever holds the mutex next gives those slots back.
 *
 * Only a holder that neither goes on nor dies would be a trouble: one that a signal stops between
 * two instructions. So each worker says when it is at it, and the supervisor ends a stopped one
 * that is.
 */

enum { LEDGER_OWNERS = 1024 }; /* more than all owners of slots */

enum ledger_work { LEDGER_NO_WORK, LEDGER_WANTS_MUTEX, LEDGER_HAS_MUTEX };

struct ledger_state {
    pthread_mutex_t mutex;
    _Atomic bool stale;                     /* the counts are to be made anew */
    _Atomic uint8_t at_work[LEDGER_OWNERS]; /* enum ledger_work */
};

struct ledger {
    struct ledger_state *state;
    struct slot_table slots;
    struct tally tally;
};

struct ledger_limits {
    uint32_t connections; /* the slots below this number may be taken */
    uint32_t per_source;  /* of these, one source may have so many; 0 is no limit */
};

/* Zeroed memory becomes an empty ledger. 0 or -errno. */
int ledger_init(struct ledger *ledger);

/* Takes over a ledger of which no process that lives has the mutex, or wants it. 0 or -errno. */
int ledger_inherit(struct ledger *ledger);

/*
 * Takes a slot for a connection from PEER that counts as one of SOURCE; a source that is none is
 * neither counted nor limited. 0 with its number, -EDQUOT when the source has its most, -EUSERS
 * when all slots are taken, or another -errno: then nothing has changed.
 */
int ledger_open(struct ledger *ledger, uint32_t owner, const struct addr *peer,
                const struct source *source, const struct ledger_limits *limits,
                uint32_t *ret_number);

/*
 * From now on the slot counts as one of SOURCE, of which there may be PER_SOURCE: for one that was
 * opened for no source, as it was not known. It may be said again. 0, -EDQUOT or another -errno:
 * then nothing has changed.
 */
int ledger_assign(struct ledger *ledger, uint32_t number, const struct source *source,
                  uint32_t per_source);

/* Gives a slot back, as slot_close(): for its owner. */
void ledger_close(struct ledger *ledger, uint32_t number);

/* For the supervisor: a slot has no owner any more, as that one died or its descriptor was lost. */
void ledger_forget(struct ledger *ledger, uint32_t number);

/* For the supervisor: an owner is dead, and all its slots were forgotten. */
void ledger_bury(struct ledger *ledger, uint32_t owner);

/* Whether others wait for this owner to go on, or will. */
bool ledger_needs(const struct ledger *ledger, uint32_t owner);

/* Whether this owner waits for another one to go on. */
bool ledger_waits(const struct ledger *ledger, uint32_t owner);
