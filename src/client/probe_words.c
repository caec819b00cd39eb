/* SPDX-License-Identifier: MIT */
#include "client/probe_words.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/deadline.h"
#include "net/resolve.h"

/* 0x2c ',' */
static void print_byte(FILE *out, uint8_t byte)
{
    (void)fprintf(out, isascii(byte) && isprint(byte) ? "0x%02x '%c'" : "0x%02x", byte, byte);
}

void probe_words_target(FILE *out, const struct target *target, const struct addr *peer)
{
    const char *host = strstr(target->text, "://");
    char text[ADDR_TEXT_MAX];

    (void)fputs(target->text, out);
    host = host ? host + strlen("://") : target->text;
    if (target_has_host(target->kind) && peer->len > 0 &&
        strcmp(addr_format(peer, text), host) != 0)
        (void)fprintf(out, " (%s)", text);
}

static void print_progress(FILE *out, const struct probe_result *result)
{
    (void)fprintf(out, "%" PRIu64 " of %" PRIu64 " bytes", result->received, result->size);
}

/*
 * Whether it took no more, and said no more, although it had answered: then it waits for us to
 * read, who have read all. One that was merely slow said something until the end, or nearly so.
 */
static bool blocks_itself(const struct probe_result *result)
{
    return result->phase == PROBE_ECHOING && result->received > 0 && result->sent < result->size &&
           result->silent_nsec > result->limit_nsec / 2;
}

static void print_timed_out(FILE *out, const struct probe_result *result)
{
    static const char *const doing[] = {
        [PROBE_RESOLVING] = "looking up the host name",
        [PROBE_CONNECTING] = "connecting",
        [PROBE_ECHOING] = "waiting for the answer: ",
    };

    /* 0.2, 10, 90 as they were typed. */
    (void)fprintf(out, "timed out after %.4g s while %s",
                  (double)result->limit_nsec / (double)NSEC_PER_SEC, doing[result->phase]);
    if (result->phase == PROBE_ECHOING) {
        print_progress(out, result);
        (void)fputs(" came back", out);
    }
    if (blocks_itself(result))
        (void)fputs(
            " (a server that cannot read while it writes blocks itself: ncat --exec, socat PIPE)",
            out);
}

static void print_not_connected(FILE *out, const struct probe_result *result)
{
    (void)fprintf(out, "cannot connect: %s", strerror(-result->error));
    if (result->error == -ENOENT)
        (void)fputs(" (is echod running?)", out);
}

static void print_wrong_bytes(FILE *out, const struct probe_result *result)
{
    (void)fprintf(out, "wrong byte at offset %" PRIu64 ": expected ", result->wrong_offset);
    print_byte(out, result->expected);
    (void)fputs(", found ", out);
    print_byte(out, result->found);
}

/* The inetds that echo by themselves read a datagram into a buffer of this size. */
const char *probe_words_limit(uint64_t bytes)
{
    static const struct {
        uint64_t bytes;
        const char *whose;
    } limits[] = {{2048, "xinetd"}, {4096, "OpenBSD's inetd"}, {8192, "GNU inetd"}};

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (bytes == limits[i].bytes)
            return limits[i].whose;
    return NULL;
}

static void print_cut(FILE *out, const struct probe_result *result)
{
    const char *whose = probe_words_limit(result->received);

    (void)fputs("the answer was cut short: one datagram with ", out);
    print_progress(out, result);
    if (whose)
        (void)fprintf(out, " (the limit of %s)", whose);
}

static void print_surplus_bytes(FILE *out, const struct probe_result *result)
{
    (void)fprintf(out, "surplus bytes: more came back than was sent, at offset %" PRIu64 ": ",
                  result->received);
    print_byte(out, result->found);
}

void probe_words_cause(FILE *out, const struct probe_result *result)
{
    switch (result->outcome) {
    case PROBE_OK:
        break;
    case PROBE_NO_HOST:
        (void)fprintf(out, "cannot look up the host: %s", resolve_strerror(result->error));
        break;
    case PROBE_REFUSED:
        (void)fputs("connection refused (is echod running?)", out);
        break;
    case PROBE_NOT_CONNECTED:
        print_not_connected(out, result);
        break;
    case PROBE_TIMED_OUT:
        print_timed_out(out, result);
        break;
    case PROBE_CLOSED_EARLY:
        (void)fputs("closed early: the server closed the connection after ", out);
        print_progress(out, result);
        break;
    case PROBE_RESET:
        (void)fprintf(out, "%s after ", strerror(-result->error));
        print_progress(out, result);
        break;
    case PROBE_WRONG_BYTES:
        print_wrong_bytes(out, result);
        break;
    case PROBE_CUT:
        print_cut(out, result);
        break;
    case PROBE_SURPLUS_BYTES:
        print_surplus_bytes(out, result);
        break;
    case PROBE_LOCAL_ERROR:
        (void)fprintf(out, "not checked, trouble on this side: %s", strerror(-result->error));
        break;
    }
}

const char *probe_words_outcome(enum probe_outcome outcome)
{
    static const char *const names[] = {
        [PROBE_OK] = "ok",
        [PROBE_NO_HOST] = "no_host",
        [PROBE_REFUSED] = "refused",
        [PROBE_NOT_CONNECTED] = "not_connected",
        [PROBE_TIMED_OUT] = "timed_out",
        [PROBE_CLOSED_EARLY] = "closed_early",
        [PROBE_RESET] = "reset",
        [PROBE_WRONG_BYTES] = "wrong_bytes",
        [PROBE_CUT] = "cut",
        [PROBE_SURPLUS_BYTES] = "surplus_bytes",
        [PROBE_LOCAL_ERROR] = "local_error",
    };

    return names[outcome];
}
