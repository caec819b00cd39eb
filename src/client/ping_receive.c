/* SPDX-License-Identifier: MIT */
#include "client/ping_receive.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "client/deadline.h"

/* So much at once, then the other lanes and the clock have their turn. */
enum { ROUNDS = 64 };

/* Intact bytes. */
static void take_answer(struct ping_lane *lane, uint64_t sequence, int64_t rtt_nsec, bool by_kernel)
{
    struct ping_stats *stats = &lane->stats;
    struct ping_event event = {.kind = PING_EVENT_ANSWER,
                               .sequence = sequence,
                               .size = lane->run->size,
                               .rtt_nsec = rtt_nsec,
                               .connect_nsec =
                                   lane->run->connect_each ? lane->link.connect_nsec : -1,
                               .by_kernel = by_kernel};

    switch (ping_probes_answer(&lane->probes, sequence, rtt_nsec)) {
    case PING_REORDERED:
        stats->reordered++;
        event.reordered = true;
        ping_stats_receive(stats, rtt_nsec, by_kernel);
        break;
    case PING_IN_ORDER:
        ping_stats_receive(stats, rtt_nsec, by_kernel);
        break;
    case PING_DUPLICATE:
        stats->duplicates++;
        event.kind = PING_EVENT_DUPLICATE;
        break;
    case PING_LATE_FIRST:
        stats->lost++;
        stats->late++;
        event.kind = PING_EVENT_LATE;
        break;
    case PING_LATE:
        stats->late++;
        event.kind = PING_EVENT_LATE;
        break;
    }
    if (lane->run->interval_nsec == 0)
        lane->due_nsec = clock_nsec(); /* a flood: one in, the next one out */
    ping_lane_tell(lane, event);
}

/* Bytes that are not what was sent; SEQUENCE 0: nobody knows whose. */
static void take_wrong(struct ping_lane *lane, uint64_t sequence, size_t size, size_t offset)
{
    bool is_settled = ping_probes_settle(&lane->probes, sequence, PING_CORRUPTED);

    lane->stats.corrupted += is_settled;
    lane->stats.strays += !is_settled;
    ping_lane_tell(lane,
                   (struct ping_event){.kind = is_settled ? PING_EVENT_CORRUPTED : PING_EVENT_STRAY,
                                       .sequence = is_settled ? sequence : 0,
                                       .size = size,
                                       .connect_nsec = -1,
                                       .offset = offset});
}

/* What was sent as probe SEQUENCE, which is remembered. */
static struct ping_payload sent_as(const struct ping_lane *lane, uint64_t sequence)
{
    const struct ping_probe *probe = ping_probes_find(&lane->probes, sequence);

    return (struct ping_payload){.run = lane->run->number,
                                 .sequence = sequence,
                                 .sent_nsec = probe->sent_nsec - lane->run->began_nsec,
                                 .size = lane->run->size};
}

static void measure_answer(struct ping_lane *lane, uint64_t sequence,
                           const struct ping_arrival *arrival)
{
    const struct ping_probe *probe = ping_probes_find(&lane->probes, sequence);
    bool by_kernel;
    int64_t rtt = ping_probe_rtt(probe, clock_nsec(), arrival->kernel_nsec, &by_kernel);

    take_answer(lane, sequence, rtt, by_kernel);
}

/* Datagrams. */

/* A datagram that is not as it was sent: to which probe is it the answer? */
static void take_wrong_datagram(struct ping_lane *lane, uint64_t sequence, size_t size)
{
    const unsigned char *bytes = lane->run->buffer;
    size_t common = size < lane->run->size ? size : lane->run->size;
    struct ping_payload sent;

    /* Where its header cannot be read, it can only be that of the one that waits. */
    if (!ping_probes_find(&lane->probes, sequence))
        sequence = lane->probes.waiting == 1 ? lane->probes.oldest : 0;
    if (sequence == 0) {
        take_wrong(lane, 0, size, 0);
        return;
    }
    sent = sent_as(lane, sequence);
    take_wrong(lane, sequence, size, ping_payload_mismatch(&sent, 0, bytes, common));
}

static bool is_intact(const struct ping_lane *lane, const struct ping_payload *said,
                      const struct ping_payload *sent)
{
    return said->size == lane->run->size &&
           ping_payload_mismatch(sent, 0, lane->run->buffer, said->size) == said->size;
}

static void take_datagram(struct ping_lane *lane, size_t size, const struct ping_arrival *arrival)
{
    struct ping_payload said = {.sequence = 0};
    bool is_ours = ping_payload_read(lane->run->number, lane->run->buffer, size, &said);
    bool is_remembered = ping_probes_find(&lane->probes, said.sequence) != NULL;

    if (is_ours && is_remembered) {
        struct ping_payload sent = sent_as(lane, said.sequence);

        if (is_intact(lane, &said, &sent)) {
            measure_answer(lane, said.sequence, arrival);
            return;
        }
    } else if (is_ours && said.sequence > 0 && said.sequence < lane->probes.next &&
               is_intact(lane, &said, &said)) {
        /* Of long ago: only the datagram itself still knows when. */
        take_answer(lane, said.sequence, clock_nsec() - lane->run->began_nsec - said.sent_nsec,
                    false);
        return;
    }
    take_wrong_datagram(lane, said.sequence, size);
}

static void receive_datagrams(struct ping_lane *lane)
{
    struct ping_arrival arrival;

    for (int i = 0; i < ROUNDS; i++) {
        ssize_t n = ping_link_receive(&lane->link, lane->run->buffer, PING_BUFFER_SIZE, &arrival);

        if (n == -EAGAIN)
            return;
        if (n >= 0) {
            take_datagram(lane, (size_t)n, &arrival);
        } else if (lane->link.addr.sa.sa_family == AF_UNIX) {
            ping_lane_break(lane, strerror((int)-n));
            return;
        } /* else: the error queue has it, too, and more of it */
    }
}

/* Streams. */

/* How many bytes of the expected answer may be there already: no more than were sent. */
static size_t answerable(const struct ping_lane *lane)
{
    if (lane->expected == lane->probes.next)
        return 0;
    return lane->expected == lane->leaving ? lane->out_done : lane->run->size;
}

/* Returns how many bytes were taken; 0: they are wrong, and the connection is broken. */
static size_t take_stream_part(struct ping_lane *lane, const unsigned char *bytes, size_t length,
                               const struct ping_arrival *arrival)
{
    size_t wanted = answerable(lane) - lane->in_done;
    size_t part = length < wanted ? length : wanted, same;
    struct ping_payload sent;

    if (part == 0) {
        take_wrong(lane, 0, length, 0);
        ping_lane_break(lane, "the server sent more than it was sent");
        return 0;
    }
    sent = sent_as(lane, lane->expected);
    same = ping_payload_mismatch(&sent, lane->in_done, bytes, part);
    if (same < part) {
        take_wrong(lane, lane->expected, lane->in_done + part, lane->in_done + same);
        ping_lane_break(lane, "after wrong bytes, no answer can be told from the next one");
        return 0;
    }
    lane->in_done += part;
    if (lane->in_done == lane->run->size) {
        lane->in_done = 0;
        measure_answer(lane, lane->expected++, arrival);
    }
    return part;
}

static void take_stream(struct ping_lane *lane, size_t length, const struct ping_arrival *arrival)
{
    const unsigned char *bytes = lane->run->buffer;
    size_t part;

    for (; length > 0; bytes += part, length -= part) {
        part = take_stream_part(lane, bytes, length, arrival);
        if (part == 0)
            return;
    }
    if (lane->run->connect_each && lane->expected == lane->probes.next)
        ping_link_close(&lane->link);
}

static void receive_stream(struct ping_lane *lane)
{
    struct ping_arrival arrival;

    for (int i = 0; i < ROUNDS && lane->link.state == PING_LINK_UP; i++) {
        ssize_t n = ping_link_receive(&lane->link, lane->run->buffer, PING_BUFFER_SIZE, &arrival);

        if (n == -EAGAIN)
            return;
        if (n > 0)
            take_stream(lane, (size_t)n, &arrival);
        else
            ping_lane_break(lane, n == 0 ? "closed by the server" : strerror((int)-n));
    }
}

/* The error queue. */

/* The probe that a time stamp is of, 0: none. */
static uint64_t sequence_of_key(const struct ping_lane *lane, uint32_t key)
{
    uint64_t number = lane->keys - (uint32_t)((uint32_t)lane->keys - key); /* key has 32 bits */

    if (lane->link.type == SOCK_DGRAM)
        return number + lane->key_base;
    /* A message that left in parts: only its end counts. */
    return (number + 1) % lane->run->size == 0 ? lane->first + number / lane->run->size : 0;
}

static void take_stamp(struct ping_lane *lane, const struct ping_notice *notice)
{
    uint64_t sequence = sequence_of_key(lane, notice->key);
    struct ping_probe *probe = ping_probes_find(&lane->probes, sequence);

    if (probe && probe->kernel_nsec == 0)
        probe->kernel_nsec = notice->kernel_nsec;
}

static void take_notices(struct ping_lane *lane)
{
    struct ping_payload said = {.sequence = 0};
    struct ping_notice notice;

    for (int i = 0; i < ROUNDS; i++) {
        if (ping_link_notice(&lane->link, lane->run->buffer, PING_BUFFER_SIZE, &notice) < 0)
            return;
        if (notice.error == 0) {
            take_stamp(lane, &notice);
            continue;
        }
        if (!notice.from_afar)
            continue; /* send(2) has said it */
        said.sequence = 0;
        (void)ping_payload_read(lane->run->number, lane->run->buffer, notice.length, &said);
        ping_lane_fail(lane, said.sequence, strerror(-notice.error));
    }
}

void ping_receive(struct ping_lane *lane)
{
    if (lane->link.addr.sa.sa_family != AF_UNIX && lane->link.addr.sa.sa_family != AF_VSOCK)
        take_notices(lane);
    if (lane->link.type == SOCK_DGRAM)
        receive_datagrams(lane);
    else
        receive_stream(lane);
}
