/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/*
 * launch [--cpu=N] [--cgroup=FILE] [--nice=N] [--stamp=FD] -- PROGRAM [ARG...]
 *
 * Becomes PROGRAM, on one CPU, in the control group whose cgroup.procs FILE is, more or less nice
 * to others, and ends with its parent. To FD goes CLOCK_MONOTONIC in nanoseconds, eight bytes, read
 * right before execve(2): what a start takes does not include what it takes the runner to fork.
 */

static void pin(const char *text)
{
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET((size_t)atoi(text), &cpus);
    if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
        err(126, "sched_setaffinity to CPU %s", text);
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        err(126, "%s", path);
    close(fd);
}

/* Where sessions are scheduled as groups, sched(7), it is the group's niceness that counts. */
static void set_nice(const char *text)
{
    if (setpriority(PRIO_PROCESS, 0, atoi(text)) < 0)
        err(126, "setpriority");
    if (access("/proc/self/autogroup", W_OK) == 0)
        write_file("/proc/self/autogroup", text);
}

static void stamp(int fd)
{
    struct timespec now;
    int64_t nsec;

    clock_gettime(CLOCK_MONOTONIC, &now);
    nsec = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
    if (write(fd, &nsec, sizeof(nsec)) != sizeof(nsec))
        err(126, "cannot write the time");
    close(fd);
}

int main(int argc, char **argv)
{
    static const struct option known[] = {{"cpu", required_argument, NULL, 'c'},
                                          {"cgroup", required_argument, NULL, 'g'},
                                          {"nice", required_argument, NULL, 'n'},
                                          {"stamp", required_argument, NULL, 's'},
                                          {NULL, 0, NULL, 0}};
    int letter, stamp_fd = -1;

    while ((letter = getopt_long(argc, argv, "+", known, NULL)) >= 0)
        if (letter == 'c')
            pin(optarg);
        else if (letter == 'g')
            write_file(optarg, "0");
        else if (letter == 'n')
            set_nice(optarg);
        else if (letter == 's')
            stamp_fd = atoi(optarg);
        else
            return 126;
    if (optind == argc)
        errx(126, "no program is given");
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        err(126, "prctl");
    if (stamp_fd >= 0)
        stamp(stamp_fd);
    execvp(argv[optind], argv + optind);
    err(126, "%s", argv[optind]);
}
