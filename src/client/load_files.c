/* SPDX-License-Identifier: MIT */
#include "client/load_files.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "client/load_hgrm.h"
#include "client/load_svg.h"
#include "client/output.h"

static int complain(const char *name, int error)
{
    (void)fprintf(stderr, "echo-client: cannot write %s: %s\n", name, strerror(-error));
    return error;
}

static int open_file(const char *name, FILE **ret_file)
{
    if (!name)
        return 0;
    *ret_file = fopen(name, "we");
    return *ret_file ? 0 : complain(name, -errno);
}

int load_files_open(const struct load_options *options, struct load_files *ret_files)
{
    int r = open_file(options->hgrm, &ret_files->hgrm);

    return r < 0 ? r : open_file(options->svg, &ret_files->svg);
}

/* A disk may be full only when the file is closed. */
static int close_file(const char *name, FILE **file)
{
    int flushed = output_flush(*file), closed = fclose(*file) == 0 ? 0 : -errno;

    *file = NULL;
    if (flushed < 0 || closed < 0)
        return complain(name, flushed < 0 ? flushed : closed);
    return 0;
}

static void write_svg(const struct load_result *result, FILE *out)
{
    const struct load_counts *counts = result->counts;
    const struct load_svg_curve curves[] = {
        {"since due", &counts->since_due},
        {"since sent", &counts->since_sent},
        {"to connect", &counts->connect},
    };
    char title[LOAD_TITLE_MAX];

    load_svg_write(load_result_title(result, title), curves,
                   result->options->plan.reconnect ? 3 : 2, out);
}

int load_files_write(struct load_files *files, const struct load_result *result)
{
    int r = 0;

    if (files->hgrm) {
        load_hgrm_write(load_result_times(result), files->hgrm);
        r = close_file(result->options->hgrm, &files->hgrm);
    }
    if (files->svg) {
        int r2;

        write_svg(result, files->svg);
        r2 = close_file(result->options->svg, &files->svg);
        r = r < 0 ? r : r2;
    }
    return r;
}

void load_files_deinit(struct load_files *files)
{
    fclosep(&files->hgrm);
    fclosep(&files->svg);
}
