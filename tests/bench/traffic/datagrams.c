/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "traffic/batch.h"
#include "traffic/connection.h"
#include "traffic/fail.h"
#include "traffic/modes.h"
#include "traffic/payload.h"
#include "traffic/window.h"

/*
 * Each slot has one datagram under way. To the server each is a peer of its own, with an address of
 * the loopback network; but all of them are one socket, so that the load sends and receives many at
 * a time and is not what is measured. A socket for each would take the load more system calls for a
 * datagram than a good server needs.
 *
 * What is not back within LOSS_NSEC is lost. That is counted, and the slot goes on.
 */
enum { SLOTS_MAX = 16384, DATAGRAM_MAX = 65507 };
static const int64_t LOSS_NSEC = 200 * 1000 * 1000;

/* What a datagram begins with; what follows is a function of the two. */
struct stamp {
    uint32_t slot, turn;
};

struct slot {
    uint32_t turn;     /* of its latest datagram, from 1 */
    uint32_t given_up; /* datagrams that may still come */
    bool under_way;
    int64_t begun_nsec;
};

struct exchange {
    const struct options *options;
    struct slot *slots;
    uint32_t *idle; /* the slots that have nothing under way */
    unsigned idle_count;
    int fd;
    struct batch out, in;
    uint8_t *expected; /* a datagram */
    struct window window;
    int64_t end_nsec;    /* from then on no datagram is sent */
    int64_t heard_nsec;  /* when the last answer came */
    int64_t active_nsec; /* when the last datagram came or went */
    int64_t looked_nsec; /* when we last looked for lost ones */
};

static void exchange_init(struct exchange *all, const struct options *options)
{
    const unsigned count = options->connections;

    if (count > SLOTS_MAX)
        fail("%u datagrams: at most %d can be under way", count, SLOTS_MAX);
    if (options->size < sizeof(struct stamp) || options->size > DATAGRAM_MAX)
        fail("%zu bytes: datagrams have %zu to %d", options->size, sizeof(struct stamp),
             DATAGRAM_MAX);
    *all = (struct exchange){.options = options,
                             .slots = calloc(count, sizeof(*all->slots)),
                             .idle = calloc(count, sizeof(*all->idle)),
                             .fd = batch_socket((double)LOSS_NSEC / 1e9),
                             .expected = malloc(options->size),
                             .window = {.options = options, .may_lose = true}};
    if (!all->slots || !all->idle || !all->expected)
        fail("no memory for %u datagrams", count);
    batch_init(&all->out, count, options->size);
    batch_init(&all->in, count, options->size + 1); /* one more, to notice what should not come */
    for (uint32_t i = 0; i < count; i++)
        all->idle[all->idle_count++] = i;
}

static void exchange_free(struct exchange *all)
{
    close(all->fd);
    batch_free(&all->out);
    batch_free(&all->in);
    free(all->slots);
    free(all->idle);
    free(all->expected);
}

static unsigned under_way(const struct exchange *all)
{
    return all->options->connections - all->idle_count;
}

/* ---- out ---- */

static struct in_addr slot_address(const struct exchange *all, uint32_t slot)
{
    bool one_peer = all->options->burst || all->options->connections == 1;

    return (struct in_addr){one_peer ? INADDR_ANY : htonl(0x7f100001 + slot)};
}

static void fill(const struct exchange *all, struct stamp stamp, uint8_t *bytes)
{
    memcpy(bytes, &stamp, sizeof(stamp));
    payload_fill(bytes + sizeof(stamp), all->options->size - sizeof(stamp), stamp.slot, stamp.turn);
}

static void slot_begin(struct exchange *all, uint32_t number, int64_t now)
{
    struct datagram *datagram = batch_add(&all->out);
    struct slot *slot = &all->slots[number];

    slot->turn++;
    slot->under_way = true;
    slot->begun_nsec = now;
    datagram->remote = all->options->target;
    datagram->local = slot_address(all, number);
    datagram->size = all->options->size;
    fill(all, (struct stamp){.slot = number, .turn = slot->turn}, datagram->bytes);
}

static void send_idle(struct exchange *all, int64_t now)
{
    while (all->idle_count)
        slot_begin(all, all->idle[--all->idle_count], now);
    batch_send(&all->out, all->fd);
    all->active_nsec = now;
}

static bool may_send(const struct exchange *all, int64_t now)
{
    return now < all->end_nsec && all->idle_count && !(all->options->burst && under_way(all));
}

/* ---- in ---- */

static struct stamp verify(const struct exchange *all, const struct datagram *answer)
{
    const struct sockaddr_in *target = &all->options->target;
    struct in_addr address;
    struct stamp stamp;

    if (answer->remote.sin_addr.s_addr != target->sin_addr.s_addr ||
        answer->remote.sin_port != target->sin_port)
        fail("an answer came from %s:%u", inet_ntoa(answer->remote.sin_addr),
             ntohs(answer->remote.sin_port));
    if (answer->size != all->options->size)
        fail("an answer of %zu bytes to %zu", answer->size, all->options->size);
    memcpy(&stamp, answer->bytes, sizeof(stamp));
    fill(all, stamp, all->expected);
    if (stamp.slot >= all->options->connections || stamp.turn > all->slots[stamp.slot].turn ||
        memcmp(answer->bytes, all->expected, answer->size) != 0)
        fail("wrong bytes in an answer");
    address = slot_address(all, stamp.slot);
    if (address.s_addr != INADDR_ANY && address.s_addr != answer->local.s_addr)
        fail("an answer to datagram %u came to another peer", stamp.slot);
    return stamp;
}

static void slot_end(struct exchange *all, uint32_t number)
{
    all->slots[number].under_way = false;
    all->idle[all->idle_count++] = number;
}

static void take(struct exchange *all, const struct datagram *answer, int64_t now)
{
    struct stamp stamp = verify(all, answer);
    struct slot *slot = &all->slots[stamp.slot];

    if (slot->under_way && slot->turn == stamp.turn) {
        histogram_add(&all->window.histogram, now - slot->begun_nsec);
        slot_end(all, stamp.slot);
    } else if (slot->given_up)
        slot->given_up--;
    else
        fail("an answer to datagram %u came twice", stamp.slot);
}

static void take_all(struct exchange *all, int64_t now)
{
    for (unsigned i = 0; i < all->in.count; i++)
        take(all, &all->in.datagrams[i], now);
    if (all->in.count)
        all->heard_nsec = all->active_nsec = now;
}

/* ---- what is lost ---- */

static void give_up(struct exchange *all, int64_t now)
{
    const unsigned before = under_way(all);

    for (uint32_t i = 0; i < all->options->connections; i++)
        if (all->slots[i].under_way && now - all->slots[i].begun_nsec >= LOSS_NSEC) {
            all->slots[i].given_up++;
            slot_end(all, i);
        }
    all->looked_nsec = now;
    all->window.lost += before - under_way(all);
    if (before && !under_way(all))
        all->window.waited_nsec += now - all->active_nsec;
    if (now - all->heard_nsec >= PATIENCE_S * INT64_C(1000000000))
        fail("no answer for %d s", PATIENCE_S);
}

/* ---- the run ---- */

static void run_for(struct exchange *all, double seconds)
{
    int64_t now = now_nsec();

    all->end_nsec = now + (int64_t)(seconds * 1e9);
    all->heard_nsec = all->looked_nsec = now;
    while (may_send(all, now) || under_way(all)) {
        if (may_send(all, now))
            send_idle(all, now);
        batch_receive(&all->in, all->fd, all->options->spin ? MSG_DONTWAIT : 0);
        now = now_nsec();
        take_all(all, now);
        if (now - all->looked_nsec >= LOSS_NSEC)
            give_up(all, now);
    }
}

void datagrams(const struct options *options)
{
    struct exchange all;

    exchange_init(&all, options);
    run_for(&all, options->warmup);
    window_begin(&all.window);
    run_for(&all, options->seconds);
    window_end(&all.window);
    window_report(&all.window);
    exchange_free(&all);
}
