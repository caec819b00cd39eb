/* SPDX-License-Identifier: MIT */
#include "client/record.h"

#include <math.h>
#include <string.h>

#include "suite.h"

/* Prints RECORD, and asserts what it says. */
static void assert_printed(struct record *record, const char *expected)
{
    char text[1024] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");

    ck_assert_int_eq(record_finish(record, out), 0);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(text, expected);
}

START_TEST(empty)
{
    assert_printed(record_new(), "{}\n");
}
END_TEST

START_TEST(every_type)
{
    struct record *record = record_new();

    record_text(record, "text", "a \"b\"\n");
    record_integer(record, "bytes", INT64_MAX);
    record_number(record, "number", 0.1);
    record_number(record, "infinite", INFINITY);
    record_truth(record, "good", true);
    record_null(record, "nothing");
    record_usec(record, "rtt_us", 213417);
    assert_printed(record,
                   "{\"text\":\"a \\\"b\\\"\\n\",\"bytes\":9223372036854775807,\"number\":0.1,"
                   "\"infinite\":null,\"good\":true,\"nothing\":null,\"rtt_us\":213.417}\n");
}
END_TEST

START_TEST(nested)
{
    struct record *record = record_new();

    record_open_array(record, "probes");
    record_open_object(record, NULL);
    record_integer(record, "n", 1);
    record_close(record);
    record_integer(record, NULL, 2);
    record_close(record);
    record_open_object(record, "end");
    assert_printed(record, "{\"probes\":[{\"n\":1},2],\"end\":{}}\n");
}
END_TEST

START_TEST(odd_bytes)
{
    struct record *record = record_new();

    record_text(record, "utf8", "\xc3\xa4");
    record_text(record, "other", "a\xe4z");
    assert_printed(record, "{\"utf8\":\"\xc3\xa4\",\"other\":\"a?z\"}\n");
}
END_TEST

START_TEST(without_memory)
{
    record_text(NULL, "text", "x");
    record_open_object(NULL, "object");
    record_close(NULL);
    ck_assert_int_lt(record_finish(NULL, stdout), 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("record");

    if (record_is_possible()) {
        tcase_add_test(tcase, empty);
        tcase_add_test(tcase, every_type);
        tcase_add_test(tcase, nested);
        tcase_add_test(tcase, odd_bytes);
    }
    tcase_add_test(tcase, without_memory);
    return suite_run("record", tcase);
}
