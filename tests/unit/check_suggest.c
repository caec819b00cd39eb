/* SPDX-License-Identifier: MIT */
#include "base/suggest.h"

#include <check.h>
#include <stdlib.h>

static const char *const words[] = {"host", "port", "backlog", "idle_timeout", "warning", NULL};

static const struct {
    const char *word, *near;
} slips[] = {
    {"prot", "port"},  /* swapped: one step, "host" would be three */
    {"por", "port"},   /* one missing */
    {"pport", "port"}, /* one too many */
    {"pord", "port"},  /* one wrong */
    {"PORT", "port"},  /* case */
    {"idletimeout", "idle_timeout"},
    {"idle-time-out", "idle_timeout"},
    {"warn", "warning"},
    {"backlogs", "backlog"},
};

START_TEST(near_words)
{
    ck_assert_str_eq(suggest(slips[_i].word, words), slips[_i].near);
}
END_TEST

static const char *const strangers[] = {
    "",
    "x",
    "zz",
    "frobnicate",
    "connections",
    "timeoutidle",
    "porttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt",
};

START_TEST(far_words)
{
    ck_assert_ptr_null(suggest(strangers[_i], words));
}
END_TEST

START_TEST(nearest_wins)
{
    static const char *const close[] = {"none", "note", "notice", NULL};
    static const char *const nothing[] = {NULL};

    ck_assert_str_eq(suggest("notic", close), "notice");
    ck_assert_str_eq(suggest("nots", close), "note");
    ck_assert_str_eq(suggest("nonee", close), "none");
    ck_assert_ptr_null(suggest("none", nothing));
}
END_TEST

START_TEST(long_known_word)
{
    static const char *const known[] = {
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "port",
        NULL};

    ck_assert_str_eq(suggest("port_", known), "port");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("suggest");
    TCase *tcase = tcase_create("words");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tcase, near_words, 0, (int)(sizeof(slips) / sizeof(*slips)));
    tcase_add_loop_test(tcase, far_words, 0, (int)(sizeof(strangers) / sizeof(*strangers)));
    tcase_add_test(tcase, nearest_wins);
    tcase_add_test(tcase, long_known_word);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
