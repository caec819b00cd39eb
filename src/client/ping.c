/* SPDX-License-Identifier: MIT */
#include "client/ping.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/cleanup.h"
#include "client/deadline.h"
#include "client/pattern.h"
#include "client/ping_find.h"
#include "client/ping_lane.h"
#include "client/ping_options.h"
#include "client/ping_sweep_report.h"
#include "client/ping_view.h"

/* Exit statuses, as those of ping(8). */
enum { ANSWERED = 0, SILENT = 1, TROUBLE = 2 };

/* Looking up may take so long. */
#define FIND_NSEC (10 * NSEC_PER_SEC)

struct ping {
    struct ping_run run;
    struct ping_view view;
    int64_t deadline;        /* of everything */
    struct ping_lane **lane; /* of the targets that were found */
    size_t count;
    struct pollfd *pollfd; /* [0]: signals; [1 + i]: lane i */
    bool missing;          /* a target was not found */
};

static int trouble(const char *what, int error)
{
    (void)fprintf(stderr, "echo-client: %s: %s\n", what, strerror(-error));
    return error;
}

static void ping_deinit(struct ping *ping)
{
    ping_view_deinit(&ping->view);
    for (size_t i = 0; i < ping->count; i++) {
        ping_lane_deinit(ping->lane[i]);
        free(ping->lane[i]);
    }
    free(ping->lane);
    if (ping->pollfd)
        closep(&ping->pollfd[0].fd);
    free(ping->pollfd);
    free(ping->run.buffer);
}

static void configure(struct ping *ping, const struct ping_options *options)
{
    int64_t now = clock_nsec(), limit = options->common.timeout_nsec;

    ping->deadline = limit > 0 ? now + limit : INT64_MAX;
    ping->view = (struct ping_view){.out = stdout,
                                    .wants_graph = options->graph,
                                    .time = options->time,
                                    .quiet = options->common.quiet,
                                    .json = options->common.json,
                                    .json_lines = options->json_lines};
    ping->run = (struct ping_run){.number = (uint32_t)pattern_new_seed(),
                                  .began_nsec = now,
                                  .size = (size_t)options->size,
                                  .interval_nsec = options->interval_nsec,
                                  .wait_nsec = options->wait_nsec,
                                  .count = options->count,
                                  .until_answered = limit > 0,
                                  .connect_each = options->connect,
                                  .tell = ping_view_event,
                                  .audience = &ping->view};
}

/*
 * SIGINT and SIGTERM: the end. SIGQUIT: how it stands. SIGWINCH: the window. To be called when the
 * targets are found: until then nobody would read them, and there is nothing to sum up.
 */
static int take_signals(struct ping *ping)
{
    sigset_t set;
    int fd;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGQUIT);
    (void)sigaddset(&set, SIGWINCH);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    ping->pollfd[0].fd = fd;
    return 0;
}

static int allocate(struct ping *ping, size_t count)
{
    ping->lane = calloc(count, sizeof(struct ping_lane *));
    ping->run.buffer = malloc(PING_BUFFER_SIZE);
    ping->pollfd = calloc(count + 1, sizeof(*ping->pollfd));
    if (!ping->lane || !ping->run.buffer || !ping->pollfd)
        return -ENOMEM;
    ping->pollfd[0] = (struct pollfd){.fd = -1, .events = POLLIN};
    return 0;
}

static int add_lane(struct ping *ping, struct ping_place *place)
{
    struct ping_lane *lane = calloc(1, sizeof(*lane));
    int r;

    if (!lane)
        return -ENOMEM;
    ping->lane[ping->count++] = lane;
    r = ping_lane_init(lane, &ping->run, place->target, &place->connection.peer,
                       &place->common->dial);
    if (r < 0)
        return r;
    if (place->connection.fd >= 0)
        ping_lane_adopt(lane, place->connection.fd, place->connection.connect_nsec);
    place->connection.fd = -1; /* now owned by the lane */
    return 0;
}

static int take_places(struct ping *ping, struct ping_place *places, size_t count)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++)
        if (places[i].error == 0) {
            r = add_lane(ping, &places[i]);
        } else {
            ping->missing = true;
            (void)fprintf(stderr, "echo-client: cannot look up %s: %s\n", places[i].target->text,
                          resolve_strerror(places[i].error));
        }
    for (size_t i = 0; r < 0 && i < count; i++)
        closep(&places[i].connection.fd);
    return r;
}

static int find_targets(struct ping *ping, const struct common_options *common)
{
    size_t count = common->target.count;
    _cleanup_(freep) struct ping_place *places = calloc(count, sizeof(*places));
    int64_t limit = clock_nsec() + FIND_NSEC;
    int r;

    if (!places)
        return -ENOMEM;
    r = ping_find(common, limit < ping->deadline ? limit : ping->deadline, places, count);
    return r == 0 ? take_places(ping, places, count) : r;
}

static const struct ping_lane *const *lanes_of(const struct ping *ping)
{
    return (const struct ping_lane *const *)ping->lane;
}

static void read_signals(struct ping *ping)
{
    struct signalfd_siginfo info;

    while (read(ping->pollfd[0].fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        if (info.ssi_signo == SIGQUIT)
            ping_view_interim(&ping->view, lanes_of(ping), ping->count);
        else if (info.ssi_signo == SIGWINCH)
            ping_view_resize(&ping->view);
        else
            ping->deadline = 0;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Lets time pass for all. Returns when the first of them has something to do again. */
static int64_t advance(struct ping *ping)
{
    int64_t next;

    ping_view_advance(&ping->view, clock_nsec());
    next = earlier(ping->deadline, ping_view_deadline(&ping->view));
    for (size_t i = 0; i < ping->count; i++) {
        ping_lane_advance(ping->lane[i], clock_nsec());
        next = earlier(next, ping_lane_deadline(ping->lane[i]));
    }
    return next;
}

static bool is_done(const struct ping *ping)
{
    if (clock_nsec() >= ping->deadline || ping->view.error < 0 || ferror(ping->view.out))
        return true;
    for (size_t i = 0; i < ping->count; i++)
        if (!ping_lane_is_done(ping->lane[i]))
            return false;
    return true;
}

/* Waits until NEXT, and serves what comes. */
static int serve(struct ping *ping, int64_t next)
{
    int r;

    for (size_t i = 0; i < ping->count; i++)
        ping->pollfd[1 + i] = (struct pollfd){.fd = ping->lane[i]->link.fd,
                                              .events = ping_lane_events(ping->lane[i])};
    r = deadline_wait(ping->pollfd, ping->count + 1, next);
    if (r < 0)
        return r == -ETIMEDOUT ? 0 : r;
    for (size_t i = 0; i < ping->count; i++)
        if (ping->pollfd[1 + i].revents)
            ping_lane_serve(ping->lane[i], ping->pollfd[1 + i].revents);
    if (ping->pollfd[0].revents)
        read_signals(ping);
    return 0;
}

static int loop(struct ping *ping)
{
    int r = 0;

    while (r == 0) {
        int64_t next = advance(ping);

        if (is_done(ping))
            return ping->view.error;
        r = serve(ping, next);
    }
    return r;
}

/* How many targets have answered so often. */
static size_t count_answered(const struct ping *ping, uint64_t times)
{
    size_t count = 0;

    for (size_t i = 0; i < ping->count; i++)
        count += ping->lane[i]->stats.received >= times;
    return count;
}

/* As of ping(8): with a number and a deadline, fewer answers are too few. */
static int status_of(const struct ping *ping)
{
    const struct ping_run *run = &ping->run;

    if (ping->missing)
        return TROUBLE;
    if (run->count > 0 && run->until_answered)
        return count_answered(ping, run->count) == ping->count ? ANSWERED : SILENT;
    return count_answered(ping, 1) > 0 ? ANSWERED : SILENT;
}

static int run(const struct ping_options *options)
{
    _cleanup_(ping_deinit) struct ping ping = {0};
    int r;

    configure(&ping, options);
    r = allocate(&ping, options->common.target.count);
    if (r == 0)
        r = find_targets(&ping, &options->common);
    if (r == 0)
        r = take_signals(&ping);
    if (r < 0)
        return trouble("cannot begin", r), TROUBLE;
    ping_view_begin(&ping.view, lanes_of(&ping), ping.count);
    r = loop(&ping);
    if (r == 0)
        ping_view_end(&ping.view, lanes_of(&ping), ping.count);
    r = r == 0 ? ping.view.error : r;
    if (r < 0)
        return trouble("cannot go on", r), TROUBLE;
    return status_of(&ping);
}

int ping_main(int argc, char **argv)
{
    _cleanup_(ping_options_deinit) struct ping_options options = {0};

    /* Each line when it happens, whoever reads. */
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    switch (ping_options_parse(argc, argv, &options)) {
    case OPTIONS_RUN:
        return options.sweep ? ping_sweep_report(&options) : run(&options);
    case OPTIONS_DONE:
        return 0;
    case OPTIONS_WRONG:
        break;
    }
    return TROUBLE;
}
