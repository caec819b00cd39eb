/* SPDX-License-Identifier: MIT */
#include "daemon/arena.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The version stands for the messages of channel.h, too: after an upgrade workers of the program
 * before speak with the supervisor of this one. */
enum { PAGE = 4096, LAYOUT_VERSION = 6 };

static const char MAGIC[8] = "echod";

struct header {
    char magic[8];
    uint32_t version;
    uint32_t slot_size;
    uint64_t length;
    _Atomic uint32_t places;
    _Atomic uint64_t kept_ended;
    struct stats past;
};

_Static_assert(sizeof(struct header) <= PAGE, "the slot bits begin at the second page");

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

static struct header *header_of(const struct arena *arena)
{
    return (void *)arena->base;
}

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
    arena->past = &header_of(arena)->past;
    arena->kept_ended = &header_of(arena)->kept_ended;
}

/* Of another process, maybe of another version of the program. */
static bool is_readable(const struct header *header)
{
    return memcmp(header->magic, MAGIC, sizeof(MAGIC)) == 0 && header->version == LAYOUT_VERSION &&
           header->slot_size == sizeof(struct slot) && header->length == LENGTH &&
           atomic_load_explicit(&header->places, memory_order_relaxed) <= ARENA_WORKERS;
}

/* Maps the file. 0 or -errno; the descriptor is the arena's from then on. */
static int arena_map(struct arena *arena, int fd)
{
    void *base = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);

    if (base == MAP_FAILED)
        return -errno;
    arena->fd = fd;
    arena->base = base;
    arena_set_parts(arena);
    return 0;
}

static int arena_fill(struct arena *arena)
{
    int r = rates_init(arena->rates);

    *header_of(arena) = (struct header){
        .magic = "echod",
        .version = LAYOUT_VERSION,
        .slot_size = sizeof(struct slot),
        .length = LENGTH,
    };
    return r < 0 ? r : ledger_init(&arena->ledger);
}

int arena_init(struct arena *arena)
{
    _cleanup_(closep) int fd = memfd_create("echod", MFD_CLOEXEC);
    int r;

    *arena = (struct arena){.fd = -1};
    if (fd < 0 || ftruncate(fd, (off_t)LENGTH) < 0)
        return -errno;
    r = arena_map(arena, fd);
    if (r < 0)
        return r;
    fd = -1;
    r = arena_fill(arena);
    if (r < 0)
        arena_deinit(arena);
    return r;
}

int arena_check(int fd)
{
    struct header header;
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -errno;
    if (status.st_size != (off_t)LENGTH ||
        pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) || !is_readable(&header))
        return -EPROTO;
    return 0;
}

int arena_inherit(struct arena *arena, int fd)
{
    int r = arena_check(fd);

    *arena = (struct arena){.fd = -1};
    return r < 0 ? r : arena_map(arena, fd);
}

void arena_use_place(struct arena *arena, uint32_t number)
{
    struct header *header = header_of(arena);

    if (number >= arena_places(arena))
        atomic_store_explicit(&header->places, number + 1, memory_order_relaxed);
}

uint32_t arena_places(const struct arena *arena)
{
    uint32_t places = atomic_load_explicit(&header_of(arena)->places, memory_order_relaxed);

    return places < ARENA_WORKERS ? places : ARENA_WORKERS; /* whoever wrote it */
}

void arena_deinit(struct arena *arena)
{
    if (arena->base)
        (void)munmap(arena->base, LENGTH); /* Cannot fail for what was mapped. */
    closep(&arena->fd);
    arena->base = NULL;
}
