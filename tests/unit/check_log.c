/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/fold.h"
#include "suite.h"

/* What they say does not matter here: their priority and whether they are folded does. */
static const enum event an_error = EVENT_START_FAILED;
static const enum event a_notice = EVENT_NOTICE;
static const enum event an_info = EVENT_STOPPED;
static const enum event a_folded = EVENT_CONNECTION_REFUSED;
static const enum event another_folded = EVENT_ACCEPT_PAUSED;

/* Time goes on when a test says so: this takes the place of the library's function. */
static int64_t skipped_ms;

int clock_gettime(clockid_t clock, struct timespec *t)
{
    int r = (int)syscall(SYS_clock_gettime, clock, t);

    if (clock == CLOCK_MONOTONIC_COARSE)
        t->tv_sec += skipped_ms / 1000;
    return r;
}

static int written = -1; /* a file in the place of standard error */
static off_t seen;       /* how much of it said() has returned */
static int real_stderr = -1;

static int memory_file(void)
{
    int fd = memfd_create("log", MFD_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static void redirect_stderr(void)
{
    ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
    written = memory_file();
    seen = 0;
    real_stderr = dup(STDERR_FILENO);
    ck_assert_int_eq(dup2(written, STDERR_FILENO), STDERR_FILENO);
}

static void restore_stderr(void)
{
    (void)dup2(real_stderr, STDERR_FILENO);
    (void)close(real_stderr);
    (void)close(written);
}

static const char *text_from(int fd, off_t from)
{
    static char text[16384];
    ssize_t n = pread(fd, text, sizeof(text) - 1, from);

    ck_assert_int_ge(n, 0);
    text[n] = '\0';
    return text;
}

/* What came on standard error since the last call. */
static const char *said(void)
{
    const char *text = text_from(written, seen);

    seen += (off_t)strlen(text);
    return text;
}

static void say(enum event event, const char *text)
{
    ck_assert_int_eq(log_event(event, 0, LOG_NO_FIELDS, "%s", text), 0);
}

static void assert_says(enum event event, const char *expected)
{
    say(event, "text");
    ck_assert_str_eq(said(), expected);
}

START_TEST(says_one_line_on_standard_error)
{
    log_open(CONF_LOG_TARGET_STDERR, LOG_INFO, false);
    assert_says(an_info, "echod: text\n");
}
END_TEST

START_TEST(says_on_standard_error_before_it_is_opened)
{
    assert_says(an_info, "echod: text\n");
}
END_TEST

START_TEST(auto_in_a_terminal_is_standard_error)
{
    log_open(CONF_LOG_TARGET_AUTO, LOG_INFO, false);
    assert_says(an_info, "echod: text\n");
}
END_TEST

START_TEST(level_holds_back_what_is_less_important)
{
    const enum event events[] = {an_error, a_notice, an_info};

    for (int level = LOG_ERR; level <= LOG_DEBUG; level++) {
        log_open(CONF_LOG_TARGET_STDERR, level, false);
        for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
            int priority = event_kind(events[i])->priority;

            assert_says(events[i], priority <= level ? "echod: text\n" : "");
        }
    }
}
END_TEST

START_TEST(percent_m_is_the_error)
{
    char expected[128];

    (void)snprintf(expected, sizeof(expected), "echod: open 7: %s.\n", strerror(ENOENT));
    errno = EPERM;
    (void)log_event(an_error, ENOENT, LOG_NO_FIELDS, "open %d: %m.", 7);
    ck_assert_str_eq(said(), expected);
    (void)log_event(an_error, -ENOENT, LOG_NO_FIELDS, "open %d: %m.", 7);
    ck_assert_str_eq(said(), expected);
}
END_TEST

START_TEST(returns_the_error_as_a_negative_number)
{
    ck_assert_int_eq(log_event(an_error, ENOENT, LOG_NO_FIELDS, "x"), -ENOENT);
    ck_assert_int_eq(log_event(an_error, -ENOENT, LOG_NO_FIELDS, "x"), -ENOENT);
    ck_assert_int_eq(log_event(an_error, 0, LOG_NO_FIELDS, "x"), 0);
    log_open(CONF_LOG_TARGET_STDERR, LOG_ERR, false);
    ck_assert_int_eq(log_event(an_info, ENOENT, LOG_NO_FIELDS, "x"), -ENOENT); /* unsaid */
}
END_TEST

START_TEST(returns_the_error_of_what_is_folded_away)
{
    for (int i = 0; i < 2 * FOLD_BURST; i++)
        ck_assert_int_eq(log_event(a_folded, EMFILE, LOG_NO_FIELDS, "x"), -EMFILE);
}
END_TEST

START_TEST(fields_do_not_change_the_line)
{
    (void)log_event(an_info, 0,
                    LOG_FIELDS(LOG_TEXT(FIELD_REASON, "why"), LOG_NUMBER(FIELD_BYTES, -1)), "text");
    ck_assert_str_eq(said(), "echod: text\n");
}
END_TEST

START_TEST(too_long_message_is_cut_and_still_a_line)
{
    char text[10000];
    const char *line;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    say(an_info, text);
    line = said();
    ck_assert_uint_ge(strlen(line), 1000);
    ck_assert_uint_eq(strspn(line + strlen("echod: "), "x"), strlen(line) - strlen("echod: ") - 1);
    ck_assert_int_eq(line[strlen(line) - 1], '\n');
}
END_TEST

/* -- A journal stream: systemd.exec(5) -- */

static void set_journal_stream(uint64_t device_offset, uint64_t inode_offset)
{
    struct stat st;
    char text[64];

    ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
    (void)snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev + device_offset,
                   (uintmax_t)st.st_ino + inode_offset);
    ck_assert_int_eq(setenv("JOURNAL_STREAM", text, 1), 0);
}

START_TEST(journal_stream_gets_the_priority)
{
    set_journal_stream(0, 0);
    log_open(CONF_LOG_TARGET_STDERR, LOG_DEBUG, false);
    assert_says(an_error, "<3>text\n");
    assert_says(a_notice, "<5>text\n");
    assert_says(an_info, "<6>text\n");
}
END_TEST

START_TEST(stream_of_another_file_gets_no_priority)
{
    set_journal_stream(0, 1);
    log_open(CONF_LOG_TARGET_STDERR, LOG_INFO, false);
    assert_says(an_info, "echod: text\n");
    set_journal_stream(1, 0);
    log_open(CONF_LOG_TARGET_STDERR, LOG_INFO, false);
    assert_says(an_info, "echod: text\n");
}
END_TEST

START_TEST(stream_that_cannot_be_read_gets_no_priority)
{
    ck_assert_int_eq(setenv("JOURNAL_STREAM", "neither:nor", 1), 0);
    log_open(CONF_LOG_TARGET_STDERR, LOG_INFO, false);
    assert_says(an_info, "echod: text\n");
}
END_TEST

/* -- Copies for the one who started a daemon -- */

START_TEST(errors_alone_are_copied)
{
    int copy = memory_file();

    log_copy_errors(copy);
    say(an_error, "error");
    say(a_notice, "notice");
    ck_assert_str_eq(text_from(copy, 0), "echod: error\n");
    ck_assert_str_eq(said(), "echod: error\nechod: notice\n");
    log_copy_errors(-1);
    say(an_error, "error");
    ck_assert_str_eq(text_from(copy, 0), "echod: error\n");
    (void)close(copy);
}
END_TEST

START_TEST(copy_has_no_priority_before_it)
{
    int copy = memory_file();

    set_journal_stream(0, 0);
    log_open(CONF_LOG_TARGET_STDERR, LOG_INFO, false);
    log_copy_errors(copy);
    say(an_error, "error");
    ck_assert_str_eq(text_from(copy, 0), "echod: error\n");
    (void)close(copy);
}
END_TEST

/* -- Floods -- */

static unsigned lines_said(void)
{
    unsigned lines = 0;

    for (const char *c = said(); *c; c++)
        lines += *c == '\n';
    return lines;
}

static void flood(enum event event, int count)
{
    for (int i = 0; i < count; i++)
        say(event, "text");
}

START_TEST(flood_is_cut_short)
{
    flood(a_folded, FOLD_BURST);
    ck_assert_uint_eq(lines_said(), FOLD_BURST);
    flood(a_folded, 100);
    ck_assert_uint_eq(lines_said(), 0);
}
END_TEST

START_TEST(other_kinds_are_never_cut)
{
    flood(a_notice, 2 * FOLD_BURST);
    ck_assert_uint_eq(lines_said(), 2 * FOLD_BURST);
    ck_assert_int_eq(log_flush_folded(), -1);
}
END_TEST

START_TEST(each_kind_has_a_fold_of_its_own)
{
    flood(a_folded, 2 * FOLD_BURST);
    ck_assert_uint_eq(lines_said(), FOLD_BURST);
    flood(another_folded, 2 * FOLD_BURST);
    ck_assert_uint_eq(lines_said(), FOLD_BURST);
}
END_TEST

START_TEST(count_is_said_when_the_interval_is_over)
{
    int wait;

    flood(a_folded, FOLD_BURST + 37);
    (void)said();
    wait = log_flush_folded();
    ck_assert_int_gt(wait, 0);
    ck_assert_int_le(wait, FOLD_INTERVAL_MS);
    ck_assert_str_eq(said(), "");
    skipped_ms += FOLD_INTERVAL_MS;
    ck_assert_int_eq(log_flush_folded(), -1);
    ck_assert_ptr_nonnull(strstr(said(), "37 "));
    ck_assert_int_eq(log_flush_folded(), -1);
    ck_assert_str_eq(said(), "");
}
END_TEST

START_TEST(next_event_says_the_count_before_itself)
{
    const char *text, *count;

    flood(a_folded, FOLD_BURST + 37);
    (void)said();
    skipped_ms += FOLD_INTERVAL_MS;
    say(a_folded, "next");
    text = said();
    count = strstr(text, "37 ");
    ck_assert_ptr_nonnull(count);
    ck_assert_ptr_nonnull(strstr(count, "\nechod: next\n"));
}
END_TEST

START_TEST(flush_waits_for_the_first_of_several)
{
    int both, one;

    flood(a_folded, FOLD_BURST + 1);
    skipped_ms += FOLD_INTERVAL_MS / 2;
    flood(another_folded, FOLD_BURST + 1);
    both = log_flush_folded();
    ck_assert_int_gt(both, 0);
    ck_assert_int_le(both, FOLD_INTERVAL_MS / 2);
    skipped_ms += FOLD_INTERVAL_MS / 2;
    one = log_flush_folded();
    ck_assert_int_gt(one, 0);
    ck_assert_int_le(one, FOLD_INTERVAL_MS / 2);
}
END_TEST

START_TEST(end_says_what_is_still_folded)
{
    for (int i = 0; i < FOLD_BURST + 7; i++)
        say(a_folded, "text");
    (void)said();
    log_flush_all_folded();
    ck_assert_ptr_nonnull(strstr(said(), "7 more"));
    log_flush_all_folded();
    ck_assert_str_eq(said(), "");
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("log");

    tcase_add_checked_fixture(tcase, redirect_stderr, restore_stderr);
    tcase_add_test(tcase, says_one_line_on_standard_error);
    tcase_add_test(tcase, says_on_standard_error_before_it_is_opened);
    tcase_add_test(tcase, auto_in_a_terminal_is_standard_error);
    tcase_add_test(tcase, level_holds_back_what_is_less_important);
    tcase_add_test(tcase, percent_m_is_the_error);
    tcase_add_test(tcase, returns_the_error_as_a_negative_number);
    tcase_add_test(tcase, returns_the_error_of_what_is_folded_away);
    tcase_add_test(tcase, fields_do_not_change_the_line);
    tcase_add_test(tcase, too_long_message_is_cut_and_still_a_line);
    tcase_add_test(tcase, journal_stream_gets_the_priority);
    tcase_add_test(tcase, stream_of_another_file_gets_no_priority);
    tcase_add_test(tcase, stream_that_cannot_be_read_gets_no_priority);
    tcase_add_test(tcase, errors_alone_are_copied);
    tcase_add_test(tcase, copy_has_no_priority_before_it);
    tcase_add_test(tcase, flood_is_cut_short);
    tcase_add_test(tcase, other_kinds_are_never_cut);
    tcase_add_test(tcase, each_kind_has_a_fold_of_its_own);
    tcase_add_test(tcase, count_is_said_when_the_interval_is_over);
    tcase_add_test(tcase, next_event_says_the_count_before_itself);
    tcase_add_test(tcase, flush_waits_for_the_first_of_several);
    tcase_add_test(tcase, end_says_what_is_still_folded);
    return suite_run("log", tcase);
}
