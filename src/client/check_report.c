/* SPDX-License-Identifier: MIT */
#include "client/check_report.h"

#include "client/deadline.h"
#include "client/escape.h"
#include "client/output.h"
#include "client/probe_words.h"

static void print_success(FILE *out, const struct check_target *t)
{
    static const char *const endings[] = {
        [PROBE_ENDING_CLOSED] = "",
        [PROBE_ENDING_RESET] = "; then the server reset the connection",
        [PROBE_ENDING_OPEN] = "; the server did not close its side after ours",
    };
    const struct pattern *pattern = &t->options->pattern;
    const struct probe_result *result = &t->result[0];

    (void)fputs("Received ", out);
    if (pattern->message) {
        /* Verified byte for byte: what was sent is what was received. */
        (void)fputc('"', out);
        escape_write(out, pattern->message, pattern->size);
        (void)fputc('"', out);
    } else {
        output_size(out, (double)pattern->size);
    }
    (void)fputs(" from ", out);
    probe_words_target(out, t->target, &result->peer);
    (void)fputs(pattern->message ? " in " : " intact in ", out);
    output_duration(out, result->rtt_nsec);
    if (!pattern->message && result->rtt_nsec > 0) {
        double seconds = (double)result->rtt_nsec / (double)NSEC_PER_SEC;

        (void)fputs(" (", out);
        output_size(out, (double)pattern->size / seconds);
        (void)fputs("/s)", out);
    }
    (void)fprintf(out, "%s\n", endings[result->ending]);
}

void check_report_sentence(const struct check_target *target, enum check_state state, FILE *out,
                           FILE *err)
{
    if (state == CHECK_OK) {
        if (!target->options->common.quiet)
            print_success(out, target);
        return;
    }
    (void)fputs("echo-client: ", err);
    probe_words_target(err, target->target, &target->result[0].peer);
    (void)fputs(": ", err);
    probe_words_cause(err, &target->result[0]);
    (void)fputc('\n', err);
}
