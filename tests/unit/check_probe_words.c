/* SPDX-License-Identifier: MIT */
#include "client/probe_words.h"

#include <errno.h>
#include <string.h>

#include "client/deadline.h"
#include "suite.h"

static void assert_cause(const struct probe_result *result, const char *expected)
{
    char text[512] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");

    probe_words_cause(out, result);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(text, expected);
}

#define BLOCKED                                                                                    \
    " (a server that cannot read while it writes blocks itself: ncat --exec, socat PIPE)"

/* Of ten seconds, in which 70 of 100 bytes came back: what it is put down to. */
static const struct {
    uint64_t sent;
    int64_t silent_nsec;
    const char *expected;
} waits[] = {
    {90, 9 * NSEC_PER_SEC, "70 of 100 bytes came back" BLOCKED},
    {90, NSEC_PER_SEC, "70 of 100 bytes came back"}, /* slow, but alive */
    {100, 9 * NSEC_PER_SEC, "70 of 100 bytes came back"},
};

START_TEST(no_answer_in_time)
{
    const struct probe_result result = {.outcome = PROBE_TIMED_OUT,
                                        .phase = PROBE_ECHOING,
                                        .error = -ETIMEDOUT,
                                        .limit_nsec = 10 * NSEC_PER_SEC,
                                        .silent_nsec = waits[_i].silent_nsec,
                                        .size = 100,
                                        .sent = waits[_i].sent,
                                        .received = 70};
    char expected[256];

    (void)snprintf(expected, sizeof(expected),
                   "timed out after 10 s while waiting for the answer: %s", waits[_i].expected);
    assert_cause(&result, expected);
}
END_TEST

START_TEST(no_connection_in_time)
{
    struct probe_result result = {
        .outcome = PROBE_TIMED_OUT, .phase = PROBE_CONNECTING, .limit_nsec = 200 * NSEC_PER_MSEC};

    assert_cause(&result, "timed out after 0.2 s while connecting");
    result.phase = PROBE_RESOLVING;
    assert_cause(&result, "timed out after 0.2 s while looking up the host name");
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("probe_words");

    tcase_add_loop_test(tcase, no_answer_in_time, 0, (int)(sizeof(waits) / sizeof(waits[0])));
    tcase_add_test(tcase, no_connection_in_time);
    return suite_run("probe_words", tcase);
}
