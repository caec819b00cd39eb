/* SPDX-License-Identifier: MIT */
#include "net/recovery.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>
#include <linux/tcp.h> /* the C library's has no byte counters */

#include "base/addr.h"
#include "net/proxy_header.h"
#include "net/spill.h"
#include "net/stream.h"

/* ---- what the kernel says ---- */

/* Offsets into what the connection's owner read, and into what it wrote. */
struct counters {
    uint64_t consumed;
    uint64_t written;
};

/* The states of TCP as the kernel numbers them; <netinet/tcp.h>, which does too, is not for both.
 */
enum state {
    ESTABLISHED = 1,
    FIN_WAIT1 = 4,
    FIN_WAIT2,
    TIME_WAIT,
    CLOSE,
    CLOSE_WAIT,
    LAST_ACK,
    CLOSING = 11,
};

/* What getsockopt(2) says of the socket, or -1. */
static int socket_option(int fd, int option)
{
    int value = -1;
    socklen_t size = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

/*
 * Whether the counters mean what they should. Multipath TCP tells those of a part; and if urgent
 * bytes do not come with the others, some are skipped.
 */
static bool has_counters(int fd)
{
    return socket_option(fd, SO_PROTOCOL) == IPPROTO_TCP && socket_option(fd, SO_OOBINLINE) == 1;
}

static bool get_info(int fd, struct tcp_info *info)
{
    socklen_t size = sizeof(*info);

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &size) == 0 &&
           size >= offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(uint64_t);
}

struct look {
    struct tcp_info info;
    int unread; /* received, and not yet read: ioctl(2) SIOCINQ, tcp(7) */
    int unsent; /* written, and not yet acknowledged: SIOCOUTQ */
};

/*
 * Three calls, and the peer does not hold its breath. So the counters are read before and after the
 * queues, until they are the same. Nobody reads this connection: it will not go on for ever.
 */
static bool look_at(int fd, struct look *look)
{
    enum { TRIES = 1000 };
    struct tcp_info after;

    for (int i = 0; i < TRIES; i++) {
        if (!get_info(fd, &look->info) || ioctl(fd, SIOCINQ, &look->unread) < 0 ||
            ioctl(fd, SIOCOUTQ, &look->unsent) < 0 || !get_info(fd, &after))
            return false;
        if (look->info.tcpi_state == after.tcpi_state &&
            look->info.tcpi_bytes_received == after.tcpi_bytes_received &&
            look->info.tcpi_bytes_acked == after.tcpi_bytes_acked)
            return true;
    }
    return false;
}

/* RECOVERED if the connection goes on. The peer's FIN counts as a byte that was received. */
static enum recovery read_counters(int fd, struct counters *ret)
{
    struct look look;
    uint64_t behind;

    if (!has_counters(fd) || !look_at(fd, &look))
        return RECOVERY_UNKNOWN;
    switch (look.info.tcpi_state) {
    case ESTABLISHED:
    case CLOSE_WAIT:
        break;
    case FIN_WAIT1:
    case FIN_WAIT2:
    case TIME_WAIT:
    case CLOSE:
    case LAST_ACK:
    case CLOSING:
        return RECOVERY_OVER;
    default:
        return RECOVERY_UNKNOWN;
    }
    behind = (uint64_t)look.unread + (look.info.tcpi_state == CLOSE_WAIT);
    if (behind > look.info.tcpi_bytes_received)
        return RECOVERY_UNKNOWN;
    ret->consumed = look.info.tcpi_bytes_received - behind;
    ret->written = look.info.tcpi_bytes_acked + (uint64_t)look.unsent;
    return RECOVERED;
}

/* ---- what the slot says ---- */

/* Read once: a worker that an attacker has may change what it likes at any time. */
struct said {
    uint64_t received, sent;
    uint32_t spill_begin, spill_end;
    uint16_t header;
    bool header_due, piped;
};

/* A byte that is neither 0 nor 1 is no bool that C knows. */
static bool is_set(const bool *flag)
{
    return *(const volatile uint8_t *)flag != 0;
}

static struct said read_slot(const struct slot *slot)
{
    struct said said = {
        .received = slot->received,
        .sent = slot->sent,
        .spill_begin = slot->spill_begin,
        .spill_end = slot->spill_end,
        .header = slot->header,
        .header_due = is_set(&slot->header_due),
        .piped = is_set(&slot->piped),
    };

    atomic_signal_fence(memory_order_seq_cst);
    return said;
}

/* All that was read was sent, or waits in the spill buffer: true of any slot between two steps. */
static bool is_settled(const struct said *said)
{
    uint32_t most = said->header_due ? PROXY_HEADER_MAX : SPILL_BYTES;

    return said->spill_begin <= said->spill_end && said->spill_end <= most &&
           said->received - said->sent == said->spill_end - said->spill_begin;
}

/* ---- making it right: in the order of stream.c, as this may be killed, too ---- */

/* What is owed lies in the spill buffer, from BEGIN to END, and that is all that was read. */
static enum recovery settle(struct slot *slot, const struct counters *kernel, uint32_t begin,
                            uint32_t end)
{
    slot->spill_begin = begin;
    slot->spill_end = end;
    slot->sent = kernel->written;
    atomic_signal_fence(memory_order_release);
    slot->received = kernel->consumed;
    atomic_signal_fence(memory_order_release);
    slot->piped = false;
    return RECOVERED;
}

/* The header is read once more, from its beginning, whatever had been made of it. */
static enum recovery recover_header(struct slot *slot, int fd, const struct counters *kernel)
{
    struct addr proxy;

    if (kernel->written > 0 || kernel->consumed > PROXY_HEADER_MAX)
        return RECOVERY_UNKNOWN;
    if (addr_of_peer(fd, &proxy) < 0)
        return RECOVERY_OVER;
    slot_set_peer(slot, &proxy);
    slot->header = 0;
    return settle(slot, &(struct counters){0}, (uint32_t)kernel->consumed,
                  (uint32_t)kernel->consumed);
}

/* Nothing was read since it began to send what lies in the spill buffer. */
static enum recovery recover_spilled(struct slot *slot, const struct said *said,
                                     const struct counters *kernel)
{
    uint64_t owed = said->received - kernel->written;

    if (kernel->consumed != said->received || said->spill_end > SPILL_BYTES ||
        owed > said->spill_end)
        return RECOVERY_UNKNOWN;
    return settle(slot, kernel, said->spill_end - (uint32_t)owed, said->spill_end);
}

/* The pipe has the last of the bytes that are owed: those before are in their place already. */
static bool take_from_pipe(int pipe, uint8_t *spill, size_t owed)
{
    int waiting = 0;
    size_t done;

    if (ioctl(pipe, FIONREAD, &waiting) < 0 || (size_t)waiting > owed)
        return false;
    for (done = owed - (size_t)waiting; done < owed;) {
        ssize_t n = read(pipe, spill + done, owed - done);

        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* They were read in the step that was cut off, and are still where they were read to. */
static enum recovery recover_read(struct slot *slot, const struct said *said,
                                  const struct wreck *wreck, const struct counters *kernel)
{
    uint8_t *spill = spill_at(wreck->spill, wreck->number);
    size_t owed = (size_t)(kernel->consumed - kernel->written);

    if (kernel->consumed - said->received > STREAM_BUFFER)
        return RECOVERY_UNKNOWN;
    if (said->piped && !take_from_pipe(wreck->pipe, spill, owed))
        return RECOVERY_UNKNOWN;
    if (!said->piped)
        memcpy(spill, wreck->buffer + (kernel->written - said->received), owed);
    return settle(slot, kernel, 0, (uint32_t)owed);
}

static enum recovery recover_nothing(struct slot *slot, const struct wreck *wreck,
                                     const struct counters *kernel)
{
    (void)settle(slot, kernel, 0, 0);
    spill_release(wreck->spill, wreck->number);
    return RECOVERED;
}

static enum recovery recover_step(struct slot *slot, const struct said *said,
                                  const struct wreck *wreck, const struct counters *kernel)
{
    if (kernel->written > kernel->consumed || said->received > kernel->consumed)
        return RECOVERY_UNKNOWN;
    if (kernel->written == kernel->consumed)
        return recover_nothing(slot, wreck, kernel);
    if (kernel->written < said->received)
        return recover_spilled(slot, said, kernel);
    return recover_read(slot, said, wreck, kernel);
}

/* What the next worker reads without a check of its own. */
static enum recovery accept_settled(struct slot *slot, const struct said *said)
{
    if (!is_settled(said))
        return RECOVERY_UNKNOWN;
    slot->header_due = said->header_due;
    slot->piped = false;
    slot->bulk = false;
    return RECOVERED;
}

enum recovery recovery_of_stream(struct slot *slot, int fd, const struct wreck *wreck)
{
    const struct said said = read_slot(slot);
    struct counters kernel;
    enum recovery r;

    if (!wreck->buffer)
        return accept_settled(slot, &said);
    r = read_counters(fd, &kernel);
    if (r != RECOVERED)
        return r;
    if (said.header_due)
        return recover_header(slot, fd, &kernel);
    if (said.header > kernel.consumed)
        return RECOVERY_UNKNOWN;
    kernel.consumed -= said.header; /* which was read and is not to be sent */
    return recover_step(slot, &said, wreck, &kernel);
}

enum recovery recovery_of_stranger(struct slot *slot, int fd)
{
    struct counters kernel;
    enum recovery r = read_counters(fd, &kernel);

    if (r != RECOVERED)
        return r;
    if (kernel.consumed != kernel.written)
        return RECOVERY_UNKNOWN;
    return settle(slot, &kernel, 0, 0);
}
