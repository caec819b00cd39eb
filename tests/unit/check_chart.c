/* SPDX-License-Identifier: MIT */
#include "client/chart.h"

#include <string.h>

#include "suite.h"

enum { MS = 1000000 };

static struct chart_series series[2];

/* Draws COUNT series, four lines high, and compares. */
static void assert_chart(struct terminal terminal, size_t count, const char *expected)
{
    const struct chart_series *order[] = {&series[0], &series[1]};
    char text[4096] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");

    ck_assert_int_eq(chart_draw(out, &terminal, 4, "\n", order, count), 0);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(text, expected);
}

/* Twelve columns are the label's, one stays free. */
static struct terminal wide(unsigned columns)
{
    return (struct terminal){.columns = 13 + columns, .rows = 24};
}

START_TEST(empty)
{
    assert_chart(wide(3), 1,
                 "      1 ms |   \n"
                 "           |   \n"
                 " 0.3333 ms |   \n"
                 "      0 ms |   \n"
                 "      lost |   \n");
}
END_TEST

START_TEST(letters)
{
    chart_add(&series[0], 1, 3 * MS);
    chart_add(&series[0], 2, 1 * MS);
    chart_add(&series[0], 3, CHART_LOST);
    chart_add(&series[0], 4, 2 * MS);
    assert_chart(wide(5), 1,
                 "      3 ms | a   \n"
                 "           |    a\n"
                 "      1 ms |  a  \n"
                 "      0 ms |     \n"
                 "      lost |   x \n");
}
END_TEST

/* What is older than the window is wide leaves at the left. */
START_TEST(scrolls)
{
    for (unsigned i = 1; i <= 2000; i++)
        chart_add(&series[0], i, i == 1999 ? 3 * MS : 1);
    assert_chart(wide(3), 1,
                 "      3 ms | a \n"
                 "           |   \n"
                 "      1 ms |   \n"
                 "      0 ms |a a\n"
                 "      lost |   \n");
}
END_TEST

START_TEST(two_series)
{
    chart_add(&series[0], 2, 3 * MS);
    chart_add(&series[1], 1, 2 * MS);
    assert_chart(wide(2), 2,
                 "      3 ms | a\n"
                 "           |b \n"
                 "      1 ms |  \n"
                 "      0 ms |  \n"
                 "      lost |  \n");
}
END_TEST

/* Without colours, Braille could not tell two series apart. */
START_TEST(two_series_without_colours)
{
    struct terminal terminal = wide(2);

    terminal.unicode = true;
    chart_add(&series[0], 2, 3 * MS);
    chart_add(&series[1], 1, 2 * MS);
    assert_chart(terminal, 2,
                 "      3 ms | a\n"
                 "           |b \n"
                 "      1 ms |  \n"
                 "      0 ms |  \n"
                 "      lost |  \n");
}
END_TEST

START_TEST(braille)
{
    struct terminal terminal = wide(1);

    terminal.unicode = true;
    chart_add(&series[0], 1, 15 * MS); /* dot 15 of 0 to 15 */
    chart_add(&series[0], 2, 10 * MS); /* dot 10, and a line from above */
    assert_chart(terminal, 1,
                 "     15 ms |\u28b1\n"
                 "           |\u2818\n"
                 "      5 ms | \n"
                 "      0 ms | \n"
                 "      lost | \n");
}
END_TEST

START_TEST(colours)
{
    struct terminal terminal = wide(1);

    terminal.unicode = terminal.colour = true;
    chart_add(&series[0], 1, CHART_LOST);
    chart_add(&series[0], 2, CHART_LOST);
    chart_add(&series[1], 2, 15 * MS);
    assert_chart(terminal, 2,
                 "     15 ms |\033[36m\u2808\033[0m\n"
                 "           | \n"
                 "      5 ms | \n"
                 "      0 ms | \n"
                 "      lost |\033[31mx\033[0m\n");
}
END_TEST

/* Answers may come in any order, and long after. */
START_TEST(out_of_order)
{
    chart_add(&series[0], 3, 3 * MS);
    chart_add(&series[0], 2, 1 * MS);
    assert_chart(wide(3), 1,
                 "      3 ms |  a\n"
                 "           |   \n"
                 "      1 ms | a \n"
                 "      0 ms |   \n"
                 "      lost |   \n");
    chart_add(&series[0], UINT64_C(1) << 60, 3 * MS);
    chart_add(&series[0], 1, 1 * MS);
    assert_chart(wide(3), 1,
                 "      3 ms |  a\n"
                 "           |   \n"
                 "      1 ms |   \n"
                 "      0 ms |   \n"
                 "      lost |   \n");
}
END_TEST

/* However small or large the window is, something is drawn. */
START_TEST(sizes)
{
    const struct chart_series *order[] = {&series[0]};
    static char text[1 << 20];

    for (unsigned i = 1; i < 3000; i++)
        chart_add(&series[0], i, i * MS);
    for (unsigned columns = 0; columns < 2000; columns += 1 + columns / 8)
        for (unsigned height = 0; height < 300; height += 1 + height / 4) {
            struct terminal terminal = {.columns = columns, .unicode = columns % 2};
            FILE *out = fmemopen(text, sizeof(text), "w");

            ck_assert_int_eq(chart_draw(out, &terminal, height, "\n", order, 1), 0);
            ck_assert_int_eq(fclose(out), 0);
        }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("chart");

    tcase_add_test(tcase, empty);
    tcase_add_test(tcase, letters);
    tcase_add_test(tcase, scrolls);
    tcase_add_test(tcase, two_series);
    tcase_add_test(tcase, two_series_without_colours);
    tcase_add_test(tcase, braille);
    tcase_add_test(tcase, colours);
    tcase_add_test(tcase, out_of_order);
    tcase_add_test(tcase, sizes);
    return suite_run("chart", tcase);
}
