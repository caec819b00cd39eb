/* SPDX-License-Identifier: MIT */
#include "daemon/arena.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { PAGE = 4096, LAYOUT_VERSION = 4 };

struct header {
    char magic[8];
    uint32_t version;
    uint32_t slot_size;
    uint64_t length;
    _Atomic uint32_t places;
};

#define PAGES(bytes) (((bytes) + PAGE - 1) / PAGE * PAGE)

/* Where the parts begin. */
#define AT_SLOT_BITS ((size_t)PAGE)
#define AT_WORKERS (AT_SLOT_BITS + ARENA_SLOTS / 8)
#define AT_RATES (AT_WORKERS + ARENA_WORKERS * sizeof(struct arena_worker))
#define AT_LEDGER (AT_RATES + PAGES(sizeof(struct rates)))
#define AT_INDEX (AT_LEDGER + PAGES(sizeof(struct ledger_state)))
#define AT_SOURCES (AT_INDEX + PAGES(sizeof(struct tally_index)))
#define AT_SLOTS (AT_SOURCES + PAGES((size_t)ARENA_SLOTS * sizeof(struct tally_entry)))
#define AT_SPILL (AT_SLOTS + (size_t)ARENA_SLOTS * sizeof(struct slot))
#define LENGTH (AT_SPILL + (size_t)ARENA_SLOTS * SPILL_BYTES)

_Static_assert((int)LEDGER_OWNERS >= (int)SLOT_FIRST_WORKER + (int)ARENA_WORKERS,
               "each worker has a mark of its own");
_Static_assert(sizeof(struct arena_worker) % PAGE == 0, "the parts begin at pages");

static void arena_set_parts(struct arena *arena)
{
    uint8_t *base = arena->base;

    arena->slots = (struct slot_table){
        .pool = {.words = (void *)(base + AT_SLOT_BITS), .capacity = ARENA_SLOTS},
        .slots = (void *)(base + AT_SLOTS),
    };
    arena->workers = (void *)(base + AT_WORKERS);
    arena->rates = (void *)(base + AT_RATES);
    arena->ledger = (struct ledger){
        .state = (void *)(base + AT_LEDGER),
        .slots = arena->slots,
        .tally = {.index = (void *)(base + AT_INDEX),
                  .entries = (void *)(base + AT_SOURCES),
                  .capacity = ARENA_SLOTS},
    };
    arena->spill = base + AT_SPILL;
    *(struct header *)base = (struct header){
        .magic = "echod",
        .version = LAYOUT_VERSION,
        .slot_size = sizeof(struct slot),
        .length = LENGTH,
    };
}

int arena_init(struct arena *arena)
{
    void *base = MAP_FAILED;
    int r;

    *arena = (struct arena){.fd = memfd_create("echod", MFD_CLOEXEC)};
    if (arena->fd < 0)
        return -errno;
    if (ftruncate(arena->fd, (off_t)LENGTH) == 0)
        base = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, arena->fd, 0);
    if (base == MAP_FAILED) {
        r = -errno;
        closep(&arena->fd);
        return r;
    }
    arena->base = base;
    arena_set_parts(arena);
    r = rates_init(arena->rates);
    if (r == 0)
        r = ledger_init(&arena->ledger);
    if (r < 0)
        arena_deinit(arena);
    return r;
}

void arena_use_place(struct arena *arena, uint32_t number)
{
    struct header *header = (void *)arena->base;

    if (number >= arena_places(arena))
        atomic_store_explicit(&header->places, number + 1, memory_order_relaxed);
}

uint32_t arena_places(const struct arena *arena)
{
    const struct header *header = (const void *)arena->base;

    return atomic_load_explicit(&header->places, memory_order_relaxed);
}

void arena_deinit(struct arena *arena)
{
    if (arena->base)
        (void)munmap(arena->base, LENGTH); /* Cannot fail for what was mapped. */
    closep(&arena->fd);
    arena->base = NULL;
}
