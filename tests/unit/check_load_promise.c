/* SPDX-License-Identifier: MIT */
#include "client/load_promise.h"

#include "suite.h"

static struct load_counts counts;

static const struct {
    const char *text;
    double share; /* -1: the mean */
    int64_t limit_nsec;
} promises[] = {
    {"p99<1ms", 0.99, 1000000},
    {"p50<100us", 0.5, 100000},
    {"p99.9<0.5s", 0.999, 500000000},
    {"p100<1", 1, 1000000000},
    {"max<20ms", 1, 20000000},
    {"mean<1.5ms", -1, 1500000},
    {"p99.999<1h", 0.99999, INT64_C(3600000000000)},
};

START_TEST(understands)
{
    struct load_promise promise;

    ck_assert_ptr_null(load_promise_parse(promises[_i].text, &promise));
    ck_assert_str_eq(promise.text, promises[_i].text);
    ck_assert_int_eq(promise.limit_nsec, promises[_i].limit_nsec);
    ck_assert_int_eq(promise.is_mean, promises[_i].share < 0);
    if (promises[_i].share >= 0)
        ck_assert_double_eq_tol(promise.share, promises[_i].share, 1e-12);
}
END_TEST

static const char *const wrongs[] = {
    "",       "p99",     "p99<",     "<1ms",     "p<1ms",    "p0<1ms",   "p101<1ms", "p9.9.9<1ms",
    "p-1<1s", "q99<1ms", "p99<1ns",  "p99<0",    "p99<-1ms", "p99<2h",   "p99=1ms",  "p99<1ms ",
    "99<1ms", "maxi<1s", "meanx<1s", "p99<=1ms", "pp99<1ms", "p 99<1ms", "p.<1ms",   "p99<1 ms",
};

START_TEST(refuses)
{
    struct load_promise promise = {.text = "untouched"};

    ck_assert_ptr_nonnull(load_promise_parse(wrongs[_i], &promise));
    ck_assert_str_eq(promise.text, "untouched");
}
END_TEST

/* 99 answers of a tenth of a millisecond, and one that is much later. */
static void measure(void)
{
    counts = (struct load_counts){0};
    histogram_add_many(&counts.since_due, 100000, 99);
    histogram_add(&counts.since_due, 5000000);
}

static bool kept(const char *text)
{
    struct load_promise promise;

    ck_assert_ptr_null(load_promise_parse(text, &promise));
    return load_promise_kept(&promise, &counts);
}

START_TEST(is_about_its_percentile)
{
    ck_assert(kept("p99<1ms"));
    ck_assert(!kept("p99.5<1ms"));
    ck_assert(!kept("max<5ms"));
    ck_assert(kept("max<5.1ms"));
    ck_assert(kept("mean<150us"));
    ck_assert(!kept("mean<148us"));
}
END_TEST

/* Fast answers are worth nothing when others do not come. */
START_TEST(is_not_kept_by_those_who_fail)
{
    struct load_counts good = counts;

    counts.lost = 1;
    ck_assert(!kept("p99<1ms"));
    counts = good;
    counts.unsent = 1;
    ck_assert(!kept("p99<1ms"));
    counts = good;
    load_counts_error(&counts, LOAD_RESET, 0);
    ck_assert(!kept("p99<1ms"));
    counts = (struct load_counts){0};
    ck_assert(!kept("p99<1ms"));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("load_promise");

    tcase_add_checked_fixture(tcase, measure, NULL);
    tcase_add_loop_test(tcase, understands, 0, (int)(sizeof(promises) / sizeof(promises[0])));
    tcase_add_loop_test(tcase, refuses, 0, (int)(sizeof(wrongs) / sizeof(wrongs[0])));
    tcase_add_test(tcase, is_about_its_percentile);
    tcase_add_test(tcase, is_not_kept_by_those_who_fail);
    return suite_run("load_promise", tcase);
}
