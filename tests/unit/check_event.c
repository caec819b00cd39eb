/* SPDX-License-Identifier: MIT */
#include "base/event.h"

#include <string.h>
#include <syslog.h>

#include "suite.h"

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static void assert_made_of(const char *text, const char *characters)
{
    ck_assert_ptr_nonnull(text);
    ck_assert_str_ne(text, "");
    ck_assert_msg(strspn(text, characters) == strlen(text), "\"%s\"", text);
}

START_TEST(message_ids_are_32_lower_case_hexadecimal_digits)
{
    for (int i = 0; i < EVENT_COUNT; i++) {
        const char *id = event_kind((enum event)i)->message_id;

        assert_made_of(id, DIGITS "abcdef");
        ck_assert_uint_eq(strlen(id), 32);
    }
}
END_TEST

START_TEST(events_are_named_in_lower_case_words)
{
    for (int i = 0; i < EVENT_COUNT; i++)
        assert_made_of(event_kind((enum event)i)->name, LOWER "-");
}
END_TEST

START_TEST(ids_and_names_are_unique)
{
    for (int i = 0; i < EVENT_COUNT; i++)
        for (int other = 0; other < i; other++) {
            const struct event_kind *a = event_kind((enum event)i);
            const struct event_kind *b = event_kind((enum event)other);

            ck_assert_str_ne(a->message_id, b->message_id);
            ck_assert_str_ne(a->name, b->name);
        }
}
END_TEST

START_TEST(priorities_are_those_that_log_level_knows)
{
    for (int i = 0; i < EVENT_COUNT; i++) {
        ck_assert_int_ge(event_kind((enum event)i)->priority, LOG_ERR);
        ck_assert_int_le(event_kind((enum event)i)->priority, LOG_DEBUG);
    }
}
END_TEST

/* systemd.journal-fields(7): upper case, digits, underscores, at most 64 bytes. */
START_TEST(fields_are_journal_fields_of_ours)
{
    for (int i = 0; i < FIELD_COUNT; i++) {
        const char *name = event_field_name((enum event_field)i);

        assert_made_of(name, UPPER DIGITS "_");
        ck_assert_int_eq(strncmp(name, "ECHOD_", 6), 0);
        ck_assert_uint_le(strlen(name), 64);
    }
}
END_TEST

START_TEST(field_names_are_unique)
{
    for (int i = 0; i < FIELD_COUNT; i++)
        for (int other = 0; other < i; other++)
            ck_assert_str_ne(event_field_name((enum event_field)other),
                             event_field_name((enum event_field)i));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("event");

    tcase_add_test(tcase, message_ids_are_32_lower_case_hexadecimal_digits);
    tcase_add_test(tcase, events_are_named_in_lower_case_words);
    tcase_add_test(tcase, ids_and_names_are_unique);
    tcase_add_test(tcase, priorities_are_those_that_log_level_knows);
    tcase_add_test(tcase, fields_are_journal_fields_of_ours);
    tcase_add_test(tcase, field_names_are_unique);
    return suite_run("event", tcase);
}
