/* SPDX-License-Identifier: MIT */
#include "client/chart.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "client/deadline.h"

enum {
    LABEL_WIDTH = 12, /* "  12.34 ms |" */
    WIDTH_MAX = CHART_SAMPLES / 2,
    DOTS_X = 2, /* of a Braille character */
    DOTS_Y = 4,
};

/* A character of the chart. */
struct cell {
    uint8_t dots;  /* of Braille: bits as in Unicode; else: not 0 when something is here */
    uint8_t owner; /* the series that was here last */
};

struct canvas {
    const struct terminal *terminal;
    unsigned width, height;  /* characters */
    unsigned dots_x, dots_y; /* of a character */
    int64_t top;             /* what the upper edge stands for */
    uint64_t last;           /* the number at the right edge */
    bool by_letter;          /* colours do not tell the series apart */
    struct cell *cell;       /* width * height, the upper line first */
    bool *lost;              /* width */
};

void chart_add(struct chart_series *series, uint64_t number, int64_t sample)
{
    if (number > series->last + CHART_SAMPLES)
        series->last = number - CHART_SAMPLES;
    while (series->last < number)
        series->sample[++series->last % CHART_SAMPLES] = CHART_NOTHING;
    if (series->last - number < CHART_SAMPLES)
        series->sample[number % CHART_SAMPLES] = sample;
}

static int64_t sample_at(const struct chart_series *series, uint64_t number)
{
    if (number == 0 || number > series->last || series->last - number >= CHART_SAMPLES)
        return CHART_NOTHING;
    return series->sample[number % CHART_SAMPLES];
}

/* The number that dot X shows, 0: none. */
static uint64_t number_at(const struct canvas *canvas, unsigned x)
{
    uint64_t behind = canvas->width * canvas->dots_x - 1 - x;

    return canvas->last > behind ? canvas->last - behind : 0;
}

/* A number with few digits, not much larger. */
static int64_t round_up(int64_t value)
{
    static const int steps[] = {10, 15, 20, 30, 40, 50, 60, 80};

    for (int64_t power = 1;; power *= 10)
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
            if (power * steps[i] >= value || power > INT64_MAX / 1000)
                return power * steps[i];
}

static int64_t largest(const struct canvas *canvas, const struct chart_series *const *series,
                       size_t count)
{
    int64_t max = 0;

    for (size_t i = 0; i < count; i++)
        for (unsigned x = 0; x < canvas->width * canvas->dots_x; x++) {
            int64_t sample = sample_at(series[i], number_at(canvas, x));

            max = sample > max ? sample : max;
        }
    return max;
}

/* Dots count from the lower left corner. */
static void set_dot(struct canvas *canvas, unsigned x, unsigned y, size_t owner)
{
    static const uint8_t bits[DOTS_Y][DOTS_X] = {
        {0x40, 0x80}, {0x04, 0x20}, {0x02, 0x10}, {0x01, 0x08}};
    unsigned row = canvas->height - 1 - y / canvas->dots_y;
    struct cell *cell = &canvas->cell[row * canvas->width + x / canvas->dots_x];

    cell->dots |= bits[y % canvas->dots_y][x % canvas->dots_x];
    cell->owner = (uint8_t)owner;
}

static unsigned height_of(const struct canvas *canvas, int64_t sample)
{
    unsigned dots = canvas->height * canvas->dots_y - 1;

    return (unsigned)((double)sample / (double)canvas->top * dots + 0.5);
}

/* From the sample before up or down to this one, so that dots make a line. */
static void plot_sample(struct canvas *canvas, const struct chart_series *series, unsigned x,
                        size_t owner)
{
    uint64_t number = number_at(canvas, x);
    int64_t sample = sample_at(series, number), before = sample_at(series, number - 1);
    unsigned y, from;

    if (sample == CHART_LOST)
        canvas->lost[x / canvas->dots_x] = true;
    if (sample <= 0)
        return;
    y = from = height_of(canvas, sample);
    if (x > 0 && before > 0)
        from = height_of(canvas, before);
    set_dot(canvas, x, y, owner);
    while (canvas->dots_y > 1 && from + 1 < y)
        set_dot(canvas, x, ++from, owner);
    while (canvas->dots_y > 1 && from > y + 1)
        set_dot(canvas, x, --from, owner);
}

void chart_begin_colour(FILE *out, const struct terminal *terminal, size_t i)
{
    static const int colours[] = {32, 36, 33, 35, 34, 37}; /* red is for what was lost */

    if (terminal->colour)
        (void)fprintf(out, "\033[%dm", colours[i % (sizeof(colours) / sizeof(colours[0]))]);
}

void chart_end_colour(FILE *out, const struct terminal *terminal)
{
    if (terminal->colour)
        (void)fputs("\033[0m", out);
}

static void print_letter(FILE *out, size_t i)
{
    (void)fputc((int)('a' + i % 26), out);
}

/* Of U+2800 and what follows, in UTF-8. */
static void print_braille(FILE *out, uint8_t dots)
{
    (void)fputc(0xe2, out);
    (void)fputc(0xa0 | dots >> 6, out);
    (void)fputc(0x80 | (dots & 0x3f), out);
}

static bool needs_letters(const struct terminal *terminal, size_t count)
{
    return !terminal->unicode || (count > 1 && !terminal->colour);
}

void chart_print_sign(FILE *out, const struct terminal *terminal, size_t i, size_t count)
{
    chart_begin_colour(out, terminal, i);
    if (needs_letters(terminal, count))
        print_letter(out, i);
    else
        print_braille(out, 0x36);
    chart_end_colour(out, terminal);
}

static void print_cell(FILE *out, const struct canvas *canvas, const struct cell *cell)
{
    if (cell->dots == 0) {
        (void)fputc(' ', out);
        return;
    }
    chart_begin_colour(out, canvas->terminal, cell->owner);
    if (canvas->by_letter)
        print_letter(out, cell->owner);
    else
        print_braille(out, cell->dots);
    chart_end_colour(out, canvas->terminal);
}

/* The upper edge, the middle and the lower edge say what they stand for. */
static void print_label(FILE *out, const struct canvas *canvas, unsigned row)
{
    unsigned middle = canvas->height / 2;
    double value = -1;

    if (row == 0)
        value = (double)canvas->top;
    else if (row == canvas->height - 1)
        value = 0;
    else if (row == middle)
        value = (double)canvas->top * (canvas->height - 1 - row) / (canvas->height - 1);
    if (value >= 0)
        (void)fprintf(out, "%7.4g ms |", value / (double)NSEC_PER_MSEC);
    else
        (void)fprintf(out, "%*s|", LABEL_WIDTH - 1, "");
}

static void print_lost(FILE *out, const struct canvas *canvas)
{
    (void)fprintf(out, "%*s|", LABEL_WIDTH - 1, "lost ");
    if (canvas->terminal->colour)
        (void)fputs("\033[31m", out);
    for (unsigned x = 0; x < canvas->width; x++)
        (void)fputc(canvas->lost[x] ? 'x' : ' ', out);
    chart_end_colour(out, canvas->terminal);
}

static void print_canvas(FILE *out, const struct canvas *canvas, const char *end)
{
    for (unsigned row = 0; row < canvas->height; row++) {
        print_label(out, canvas, row);
        for (unsigned x = 0; x < canvas->width; x++)
            print_cell(out, canvas, &canvas->cell[row * canvas->width + x]);
        (void)fputs(end, out);
    }
    print_lost(out, canvas);
    (void)fputs(end, out);
}

static struct canvas measure(const struct terminal *terminal, unsigned height,
                             const struct chart_series *const *series, size_t count)
{
    struct canvas canvas = {.terminal = terminal, .width = 1, .height = height ? height : 1};
    int64_t max;

    if (terminal->columns > LABEL_WIDTH + 1)
        canvas.width =
            terminal->columns - LABEL_WIDTH - 1; /* the last column stays free: no wrap */
    canvas.width = canvas.width < WIDTH_MAX ? canvas.width : WIDTH_MAX;
    canvas.by_letter = needs_letters(terminal, count);
    canvas.dots_x = canvas.by_letter ? 1 : DOTS_X;
    canvas.dots_y = canvas.by_letter ? 1 : DOTS_Y;
    for (size_t i = 0; i < count; i++)
        canvas.last = series[i]->last > canvas.last ? series[i]->last : canvas.last;
    max = largest(&canvas, series, count);
    canvas.top = max ? round_up(max) : NSEC_PER_MSEC;
    return canvas;
}

int chart_draw(FILE *out, const struct terminal *terminal, unsigned height, const char *end,
               const struct chart_series *const *series, size_t count)
{
    struct canvas canvas = measure(terminal, height, series, count);
    _cleanup_(freep) struct cell *cell =
        calloc((size_t)canvas.width * canvas.height, sizeof(*cell));
    _cleanup_(freep) bool *lost = calloc(canvas.width, sizeof(*lost));

    if (!cell || !lost)
        return -ENOMEM;
    canvas.cell = cell;
    canvas.lost = lost;
    for (size_t i = 0; i < count; i++)
        for (unsigned x = 0; x < canvas.width * canvas.dots_x; x++)
            plot_sample(&canvas, series[i], x, i);
    print_canvas(out, &canvas, end);
    return 0;
}
