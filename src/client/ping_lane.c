/* SPDX-License-Identifier: MIT */
#include "client/ping_lane.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client/deadline.h"
#include "client/ping_receive.h"

/* A flood goes on without answers, too: a hundred times a second, as ping(8) does. */
#define FLOOD_NSEC (10 * NSEC_PER_MSEC)

static bool is_stream(const struct ping_lane *lane)
{
    return lane->link.type == SOCK_STREAM;
}

int ping_lane_init(struct ping_lane *lane, const struct ping_run *run, const struct target *target,
                   const struct addr *addr, const struct dial_options *dial)
{
    *lane = (struct ping_lane){
        .run = run,
        .target = target,
        .link = {.addr = *addr,
                 .type = target_socket_type(target->kind),
                 .dial = dial,
                 .fd = -1,
                 .connect_nsec = -1},
        .due_nsec = clock_nsec(),
        .out = malloc(run->size),
    };
    return lane->out ? ping_probes_init(&lane->probes, run->wait_nsec) : -ENOMEM;
}

void ping_lane_deinit(struct ping_lane *lane)
{
    ping_link_close(&lane->link);
    ping_probes_deinit(&lane->probes);
    free(lane->out);
    lane->out = NULL;
}

void ping_lane_tell(const struct ping_lane *lane, struct ping_event event)
{
    lane->run->tell(lane->run->audience, lane, &event);
}

void ping_lane_fail(struct ping_lane *lane, uint64_t sequence, const char *why)
{
    bool is_lost = ping_probes_settle(&lane->probes, sequence, PING_LOST);

    lane->stats.errors++;
    lane->stats.lost += is_lost;
    ping_lane_tell(lane, (struct ping_event){.kind = is_lost ? PING_EVENT_FAILED : PING_EVENT_ERROR,
                                             .sequence = is_lost ? sequence : 0,
                                             .connect_nsec = -1,
                                             .why = why});
}

static void drop(struct ping_lane *lane)
{
    ping_link_close(&lane->link);
    lane->leaving = 0;
}

void ping_lane_break(struct ping_lane *lane, const char *why)
{
    uint64_t end = lane->probes.next;

    drop(lane);
    if (!lane->run->connect_each)
        ping_lane_tell(
            lane, (struct ping_event){.kind = PING_EVENT_BROKEN, .connect_nsec = -1, .why = why});
    for (uint64_t i = lane->probes.oldest; i < end; i++)
        if (ping_probes_find(&lane->probes, i)->fate == PING_WAITING)
            ping_lane_fail(lane, i, why);
}

/* No socket, or none yet. */
static void not_connected(struct ping_lane *lane, int error)
{
    uint64_t sequence = lane->leaving;

    drop(lane);
    ping_lane_fail(lane, sequence, strerror(-error));
}

/* The socket is new: "leaving" is the first probe on it. */
static void connected(struct ping_lane *lane)
{
    lane->first = lane->expected = lane->leaving ? lane->leaving : lane->probes.next;
    lane->in_done = 0;
    lane->keys = 0;
    if (!is_stream(lane))
        return; /* Nobody there has noticed. */
    lane->stats.connections++;
    histogram_add(&lane->stats.connect, (uint64_t)lane->link.connect_nsec);
    if (lane->stats.connections > 1 && !lane->run->connect_each)
        ping_lane_tell(lane, (struct ping_event){.kind = PING_EVENT_CONNECTED,
                                                 .connect_nsec = lane->link.connect_nsec});
}

void ping_lane_adopt(struct ping_lane *lane, int fd, int64_t connect_nsec)
{
    ping_link_adopt(&lane->link, fd, connect_nsec);
    connected(lane);
}

/* The first of its bytes is about to go: this is the time that counts. */
static void compose(struct ping_lane *lane)
{
    int64_t now = clock_nsec();

    ping_probes_restart(&lane->probes, now);
    ping_payload_write(&(struct ping_payload){.run = lane->run->number,
                                              .sequence = lane->leaving,
                                              .sent_nsec = now - lane->run->began_nsec,
                                              .size = lane->run->size},
                       lane->out);
}

static void left(struct ping_lane *lane)
{
    if (!is_stream(lane))
        lane->key_base = lane->leaving - lane->keys++;
    lane->leaving = 0;
}

/* A datagram that did not leave. */
static void send_failed(struct ping_lane *lane, int error)
{
    uint64_t sequence = lane->leaving;

    lane->leaving = 0;
    /* A socket of a server that went away does not find the new one. */
    if (lane->link.addr.sa.sa_family == AF_UNIX)
        ping_link_close(&lane->link);
    ping_lane_fail(lane, sequence, strerror(-error));
}

static ssize_t send_bytes(struct ping_lane *lane)
{
    const unsigned char *bytes = lane->out + lane->out_done;
    size_t size = lane->run->size - lane->out_done;
    ssize_t n = ping_link_send(&lane->link, bytes, size);

    /* What came back for an earlier datagram is said once, to whoever calls first; it is in the
     * error queue, too. */
    if (n < 0 && n != -EAGAIN && !is_stream(lane))
        n = ping_link_send(&lane->link, bytes, size);
    return n;
}

static void send_more(struct ping_lane *lane)
{
    ssize_t n;

    if (lane->out_done == 0)
        compose(lane);
    n = send_bytes(lane);
    if (n == -EAGAIN)
        return;
    if (n < 0 && is_stream(lane))
        ping_lane_break(lane, strerror((int)-n));
    else if (n < 0)
        send_failed(lane, (int)n);
    if (n < 0)
        return;
    lane->out_done += (size_t)n;
    lane->keys += is_stream(lane) ? (uint64_t)n : 0;
    if (lane->out_done == lane->run->size)
        left(lane);
}

static bool wants_more(const struct ping_lane *lane)
{
    const struct ping_run *run = lane->run;
    uint64_t done = run->until_answered ? lane->stats.received : lane->stats.sent;

    return !run->stopping && (run->count == 0 || done < run->count);
}

/* Whether the next probe waits for nothing but its time. */
static bool is_free(const struct ping_lane *lane)
{
    bool is_up = lane->link.state != PING_LINK_DOWN;

    if (lane->leaving || !wants_more(lane) || !ping_probes_have_room(&lane->probes))
        return false;
    if (is_up && lane->run->connect_each && lane->stats.sent > 0)
        return false; /* one after the other */
    /* The answers of a stream need what is remembered, however late they come. */
    return !is_up || !is_stream(lane) || lane->probes.next - lane->expected < PING_PROBES_MAX;
}

static void schedule(struct ping_lane *lane, int64_t now)
{
    int64_t interval = lane->run->interval_nsec;
    int64_t next = lane->due_nsec + interval;

    if (interval == 0)
        next = now + FLOOD_NSEC;
    lane->due_nsec = next > now ? next : now;
}

static void begin_probe(struct ping_lane *lane, int64_t now)
{
    int r = 0;

    schedule(lane, now);
    lane->leaving = ping_probes_add(&lane->probes, now);
    lane->out_done = 0;
    lane->stats.sent++;
    if (lane->link.state == PING_LINK_DOWN) {
        r = ping_link_begin(&lane->link);
        if (r < 0)
            not_connected(lane, r);
        else if (lane->link.state == PING_LINK_UP)
            connected(lane);
    }
    if (lane->link.state == PING_LINK_UP)
        send_more(lane);
}

static void give_up(struct ping_lane *lane, uint64_t sequence)
{
    lane->stats.lost++;
    ping_lane_tell(lane, (struct ping_event){
                             .kind = PING_EVENT_LOST, .sequence = sequence, .connect_nsec = -1});
    if (lane->run->connect_each || lane->link.state == PING_LINK_CONNECTING)
        drop(lane);
    else if (sequence == lane->leaving && is_stream(lane) && lane->out_done > 0)
        ping_lane_break(lane, "the server takes no more bytes");
    else if (sequence == lane->leaving)
        lane->leaving = 0;
}

void ping_lane_advance(struct ping_lane *lane, int64_t now)
{
    uint64_t sequence;

    while ((sequence = ping_probes_expire(&lane->probes, now)) != 0)
        give_up(lane, sequence);
    if (now >= lane->due_nsec && is_free(lane))
        begin_probe(lane, now);
}

int64_t ping_lane_deadline(const struct ping_lane *lane)
{
    int64_t expiry = ping_probes_next_expiry(&lane->probes);

    return is_free(lane) && lane->due_nsec < expiry ? lane->due_nsec : expiry;
}

short ping_lane_events(const struct ping_lane *lane)
{
    if (lane->link.state == PING_LINK_CONNECTING)
        return POLLOUT;
    return lane->leaving ? POLLIN | POLLOUT : POLLIN;
}

static void finish_connecting(struct ping_lane *lane)
{
    int r = ping_link_finish(&lane->link);

    if (r < 0) {
        not_connected(lane, r);
        return;
    }
    connected(lane);
    if (lane->leaving)
        send_more(lane);
}

void ping_lane_serve(struct ping_lane *lane, short revents)
{
    if (lane->link.state == PING_LINK_CONNECTING) {
        finish_connecting(lane);
        return;
    }
    ping_receive(lane);
    if (lane->link.state == PING_LINK_UP && lane->leaving && (revents & POLLOUT))
        send_more(lane);
}

bool ping_lane_is_done(const struct ping_lane *lane)
{
    if (lane->run->until_answered && !wants_more(lane))
        return true;
    return !wants_more(lane) && !lane->leaving && lane->probes.waiting == 0;
}
