/* SPDX-License-Identifier: MIT */
#include "client/check_report.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/deadline.h"
#include "client/escape.h"
#include "net/resolve.h"

static void print_duration(FILE *out, int64_t nsec)
{
    if (nsec < NSEC_PER_SEC)
        (void)fprintf(out, "%.3f ms", (double)nsec / (double)NSEC_PER_MSEC);
    else
        (void)fprintf(out, "%.3f s", (double)nsec / (double)NSEC_PER_SEC);
}

static void print_size(FILE *out, double bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;

    if (bytes < 1024) {
        (void)fprintf(out, bytes == 1 ? "%.0f byte" : "%.0f bytes", bytes);
        return;
    }
    for (bytes /= 1024; bytes >= 1024 && unit < 3; bytes /= 1024)
        unit++;
    (void)fprintf(out, "%.1f %s", bytes, units[unit]);
}

/* 0x2c ',' */
static void print_byte(FILE *out, uint8_t byte)
{
    (void)fprintf(out, isascii(byte) && isprint(byte) ? "0x%02x '%c'" : "0x%02x", byte, byte);
}

/* The target as it was named, and the address that was reached where that is not the same. */
static void print_target(FILE *out, const struct target *target, const struct addr *peer)
{
    char text[ADDR_TEXT_MAX];

    (void)fputs(target->text, out);
    if (peer->len > 0 && strcmp(addr_format(peer, text), target->text) != 0)
        (void)fprintf(out, " (%s)", text);
}

static void print_success(FILE *out, const struct probe_request *request,
                          const struct probe_result *result)
{
    static const char *const endings[] = {
        [PROBE_ENDING_CLOSED] = "",
        [PROBE_ENDING_RESET] = "; then the server reset the connection",
        [PROBE_ENDING_OPEN] = "; the server did not close its side after ours",
    };
    const struct pattern *pattern = &request->pattern;

    (void)fputs("Received ", out);
    if (pattern->message) {
        /* Verified byte for byte: what was sent is what was received. */
        (void)fputc('"', out);
        escape_write(out, pattern->message, pattern->size);
        (void)fputc('"', out);
    } else {
        print_size(out, (double)pattern->size);
    }
    (void)fputs(" from ", out);
    print_target(out, &request->target, &result->peer);
    (void)fputs(pattern->message ? " in " : " intact in ", out);
    print_duration(out, result->rtt_nsec);
    if (!pattern->message && result->rtt_nsec > 0) {
        double seconds = (double)result->rtt_nsec / (double)NSEC_PER_SEC;

        (void)fputs(" (", out);
        print_size(out, (double)pattern->size / seconds);
        (void)fputs("/s)", out);
    }
    (void)fprintf(out, "%s\n", endings[result->ending]);
}

static void print_progress(FILE *out, const struct probe_request *request,
                           const struct probe_result *result)
{
    (void)fprintf(out, "%" PRIu64 " of %" PRIu64 " bytes", result->received, request->pattern.size);
}

static void print_timed_out(FILE *out, const struct probe_request *request,
                            const struct probe_result *result)
{
    static const char *const doing[] = {
        [PROBE_RESOLVING] = "looking up the host name",
        [PROBE_CONNECTING] = "connecting",
        [PROBE_ECHOING] = "waiting for the answer: ",
    };

    /* %g: 0.2, 10, 90 as they were typed. */
    (void)fprintf(out, "timed out after %g s while %s",
                  (double)request->timeout_nsec / (double)NSEC_PER_SEC, doing[result->phase]);
    if (result->phase == PROBE_ECHOING) {
        print_progress(out, request, result);
        (void)fputs(" came back", out);
    }
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

static void print_surplus_bytes(FILE *out, const struct probe_result *result)
{
    (void)fprintf(out, "surplus bytes: more came back than was sent, at offset %" PRIu64 ": ",
                  result->received);
    print_byte(out, result->found);
}

static void print_cause(FILE *out, const struct probe_request *request,
                        const struct probe_result *result)
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
        print_timed_out(out, request, result);
        break;
    case PROBE_CLOSED_EARLY:
        (void)fputs("closed early: the server closed the connection after ", out);
        print_progress(out, request, result);
        break;
    case PROBE_RESET:
        (void)fprintf(out, "%s after ", strerror(-result->error));
        print_progress(out, request, result);
        break;
    case PROBE_WRONG_BYTES:
        print_wrong_bytes(out, result);
        break;
    case PROBE_SURPLUS_BYTES:
        print_surplus_bytes(out, result);
        break;
    case PROBE_LOCAL_ERROR:
        (void)fprintf(out, "not checked, trouble on this side: %s", strerror(-result->error));
        break;
    }
}

enum report_status report_check(const struct probe_request *request,
                                const struct probe_result *result, bool quiet, FILE *out, FILE *err)
{
    if (result->outcome == PROBE_OK) {
        if (!quiet)
            print_success(out, request, result);
        return REPORT_INTACT;
    }
    (void)fputs("echo-client: ", err);
    print_target(err, &request->target, &result->peer);
    (void)fputs(": ", err);
    print_cause(err, request, result);
    (void)fputc('\n', err);
    return result->outcome == PROBE_LOCAL_ERROR ? REPORT_UNKNOWN : REPORT_NOT_INTACT;
}
