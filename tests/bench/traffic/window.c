/* SPDX-License-Identifier: MIT */
#include "traffic/window.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "traffic/fail.h"

int64_t now_nsec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int64_t cpu_nsec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void wait_for_line(void)
{
    int c;

    do {
        c = getchar();
    } while (c != '\n' && c != EOF);
}

static void flush(void)
{
    if (fflush(stdout) != 0)
        fail("cannot write to standard output");
}

void wait_until_told(const struct options *options)
{
    if (!options->synchronised)
        return;
    puts("ready");
    flush();
    wait_for_line();
}

void window_begin(struct window *window)
{
    wait_until_told(window->options);
    histogram_reset(&window->histogram);
    window->bytes = window->lost = 0;
    window->waited_nsec = 0;
    window->begun_cpu_nsec = cpu_nsec();
    window->begun_nsec = now_nsec();
}

void window_end(struct window *window)
{
    int64_t nsec = now_nsec() - window->begun_nsec;

    window->seconds = (double)nsec / 1e9;
    window->cpu_share = (double)(cpu_nsec() - window->begun_cpu_nsec) / (double)nsec;
}

static void print_durations(const struct window *window)
{
    const struct histogram *histogram = &window->histogram;
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"p999_us", 0.999}};

    printf(", \"count\": %" PRIu64 ", \"per_second\": %.1f", histogram->count,
           (double)histogram->count / (window->seconds - (double)window->waited_nsec / 1e9));
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
        printf(", \"%s\": %.2f", quantiles[i].name,
               histogram_quantile_us(histogram, quantiles[i].share));
    printf(", \"max_us\": %.2f", (double)histogram->max_nsec / 1e3);
}

void window_report(const struct window *window)
{
    const struct options *options = window->options;

    printf("{\"mode\": \"%s\", \"connections\": %u, \"message_bytes\": %zu, \"spin\": %s, "
           "\"seconds\": %.6f, \"load_cpu_share\": %.4f",
           options->mode, options->connections, options->size, options->spin ? "true" : "false",
           window->seconds, window->cpu_share);
    if (window->histogram.count)
        print_durations(window);
    if (window->bytes)
        printf(", \"bytes\": %" PRIu64 ", \"megabytes_per_second\": %.1f", window->bytes,
               (double)window->bytes / 1e6 / window->seconds);
    if (window->may_lose)
        printf(", \"lost\": %" PRIu64 ", \"waited_seconds\": %.6f", window->lost,
               (double)window->waited_nsec / 1e9);
    puts("}");
    flush();
    if (options->synchronised)
        wait_for_line();
}
