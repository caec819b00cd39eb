/* SPDX-License-Identifier: MIT */
#include "client/load_svg.h"

#include <math.h>

#include "client/load_curve.h"

/* The page and the plot on it, in pixels. */
enum { WIDTH = 800, HEIGHT = 480, LEFT = 80, RIGHT = 770, TOP = 60, BOTTOM = 420 };

/* Colours that the colour-blind can tell apart, too (Okabe, Ito). */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7"};

enum { COLOURS = sizeof(colours) / sizeof(colours[0]) };

/* What the axes show: nines up to NINES (2: 99 %), decades of nanoseconds from LOW to HIGH. */
struct axes {
    double nines, low, high;
};

static double x_of(const struct axes *axes, double share)
{
    double nines = share < 1 ? -log10(1 - share) : axes->nines;

    return LEFT + (RIGHT - LEFT) * fmin(nines / axes->nines, 1);
}

static double y_of(const struct axes *axes, double nsec)
{
    double decades = log10(fmax(nsec, 1));

    return BOTTOM - (BOTTOM - TOP) * (decades - axes->low) / (axes->high - axes->low);
}

static struct axes fit(const struct load_svg_curve *curves, size_t count)
{
    struct axes axes = {.nines = 1, .low = INFINITY, .high = -INFINITY};

    for (size_t i = 0; i < count; i++) {
        const struct histogram *times = curves[i].times;

        if (times->count == 0)
            continue;
        axes.nines = fmax(axes.nines, log10((double)times->count));
        axes.low = fmin(axes.low, floor(log10(fmax((double)histogram_min(times), 1))));
        axes.high = fmax(axes.high, ceil(log10(fmax((double)histogram_max(times), 1))));
    }
    if (axes.low > axes.high) /* Nothing was measured: from a microsecond to a millisecond. */
        axes.low = 3, axes.high = 6;
    if (axes.high - axes.low < 1)
        axes.high = axes.low + 1;
    return axes;
}

/* Text of any origin: what XML does not take as it is, is replaced. */
static void write_text(const char *text, FILE *out)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '<')
            (void)fputs("&lt;", out);
        else if (c == '&')
            (void)fputs("&amp;", out);
        else
            (void)fputc(c < ' ' || c > '~' ? '?' : c, out);
    }
}

static void write_head(const char *title, FILE *out)
{
    (void)fprintf(out,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
                  "height=\"%d\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n"
                  "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
                  "<text x=\"%d\" y=\"24\" font-size=\"16\">",
                  WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT);
    write_text(title, out);
    (void)fprintf(out,
                  "</text>\n<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">percentile</text>\n"
                  "<text transform=\"translate(22 %d) rotate(-90)\" text-anchor=\"middle\">"
                  "latency (ms)</text>\n",
                  (LEFT + RIGHT) / 2, HEIGHT - 14, (TOP + BOTTOM) / 2);
}

/* 0 %, 90 %, 99 %, and so on. */
static void write_nines(const struct axes *axes, FILE *out)
{
    for (int nines = 0; nines <= axes->nines; nines++) {
        double x = x_of(axes, 1 - pow(10, -nines));
        int digits = nines > 2 ? nines - 2 : 0;

        (void)fprintf(out,
                      "<path d=\"M%.1f %dV%d\" stroke=\"#ddd\"/>\n"
                      "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.*f %%</text>\n",
                      x, TOP, BOTTOM, x, BOTTOM + 20, digits, 100 - pow(10, 2 - nines));
    }
}

static void write_decades(const struct axes *axes, FILE *out)
{
    for (double decade = axes->low; decade <= axes->high; decade++) {
        double y = y_of(axes, pow(10, decade));

        (void)fprintf(out,
                      "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>\n"
                      "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n",
                      LEFT, y, RIGHT, LEFT - 8, y + 4, pow(10, decade - 6));
    }
}

/* The line, and its name in the legend. */
static void write_curve(const struct axes *axes, const struct load_svg_curve *curve,
                        const char *colour, int legend, FILE *out)
{
    struct load_curve points = {0};
    struct load_curve_point point;

    (void)fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"",
                  colour);
    while (load_curve_next(&points, curve->times, &point))
        (void)fprintf(out, "%.1f,%.1f ", x_of(axes, point.share), y_of(axes, (double)point.value));
    (void)fprintf(out,
                  "\"/>\n<path d=\"M%d 44h24\" stroke=\"%s\" stroke-width=\"2\"/>\n"
                  "<text x=\"%d\" y=\"48\">",
                  LEFT + legend, colour, LEFT + legend + 30);
    write_text(curve->name, out);
    (void)fputs("</text>\n", out);
}

void load_svg_write(const char *title, const struct load_svg_curve *curves, size_t count, FILE *out)
{
    struct axes axes = fit(curves, count);
    int drawn = 0;

    write_head(title, out);
    write_nines(&axes, out);
    write_decades(&axes, out);
    for (size_t i = 0; i < count && drawn < COLOURS; i++)
        if (curves[i].times->count > 0) {
            write_curve(&axes, &curves[i], colours[drawn], drawn * 170, out);
            drawn++;
        }
    (void)fputs("</svg>\n", out);
}
