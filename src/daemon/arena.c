/* SPDX-License-Identifier: MIT */
#include "daemon/arena.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { PAGE = 4096, LAYOUT_VERSION = 1 };

struct header {
    char magic[8];
    uint32_t version;
    uint32_t slot_size;
    uint64_t length;
};

/* Where the parts begin. */
#define AT_SLOT_BITS ((size_t)PAGE)
#define AT_SPILL_BITS (AT_SLOT_BITS + ARENA_SLOTS / 8)
#define AT_WORKERS (AT_SPILL_BITS + ARENA_SLOTS / 8)
#define AT_SLOTS (AT_WORKERS + ARENA_WORKERS * sizeof(struct arena_worker))
#define AT_SPILL (AT_SLOTS + (size_t)ARENA_SLOTS * sizeof(struct slot))
#define LENGTH (AT_SPILL + (size_t)ARENA_SLOTS * SPILL_BYTES)

_Static_assert(sizeof(struct arena_worker) % PAGE == 0, "the parts begin at pages");

static uint32_t round_up(uint32_t connections)
{
    uint32_t rounded = (connections + 63) / 64 * 64;

    return rounded < ARENA_SLOTS ? rounded : ARENA_SLOTS;
}

static void arena_set_parts(struct arena *arena, uint8_t *base, uint32_t spill_buffers)
{
    arena->base = base;
    arena->slots = (struct slot_table){
        .pool = {.words = (void *)(base + AT_SLOT_BITS), .capacity = ARENA_SLOTS},
        .slots = (void *)(base + AT_SLOTS),
    };
    arena->spill = (struct spill){
        .pool = {.words = (void *)(base + AT_SPILL_BITS), .capacity = spill_buffers},
        .base = base + AT_SPILL,
    };
    arena->workers = (void *)(base + AT_WORKERS);
}

static int arena_map(struct arena *arena, uint32_t spill_buffers)
{
    size_t size = AT_SPILL + (size_t)spill_buffers * SPILL_BYTES;
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, arena->fd, 0);

    if (base == MAP_FAILED)
        return -errno;
    if (arena->base)
        (void)munmap(arena->base, arena->size); /* Cannot fail for what was mapped. */
    arena->size = size;
    arena_set_parts(arena, base, spill_buffers);
    return 0;
}

int arena_init(struct arena *arena, uint32_t connections)
{
    int r;

    *arena = (struct arena){.fd = memfd_create("echod", MFD_CLOEXEC)};
    if (arena->fd < 0)
        return -errno;
    r = ftruncate(arena->fd, (off_t)LENGTH) < 0 ? -errno : arena_map(arena, round_up(connections));
    if (r < 0) {
        closep(&arena->fd);
        return r;
    }
    *(struct header *)arena->base = (struct header){
        .magic = "echod",
        .version = LAYOUT_VERSION,
        .slot_size = sizeof(struct slot),
        .length = LENGTH,
    };
    return 0;
}

int arena_grow(struct arena *arena, uint32_t connections)
{
    uint32_t wanted = round_up(connections);

    return wanted <= arena->spill.pool.capacity ? 0 : arena_map(arena, wanted);
}

void arena_deinit(struct arena *arena)
{
    if (arena->base)
        (void)munmap(arena->base, arena->size); /* Cannot fail for what was mapped. */
    closep(&arena->fd);
    arena->base = NULL;
}
