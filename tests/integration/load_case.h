/* SPDX-License-Identifier: MIT */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client_run.h"
#include "crowd_server.h"

/* For suites about echo-client load: how to run it, how to read it, and one server. */

enum { LOAD_WORDS = 16 };

/* How it went. */
static struct {
    int status; /* of exit(3), -1 when a signal ended it */
    char out[65536], err[4096];
} run;
static struct crowd_server server;

static inline void set_up(void)
{
    server = (struct crowd_server){0};
}

static int out_fd, err_fd;

/* Begins "echo-client load OPTIONS... TARGET" with this many descriptors allowed; 0: no limit. */
static inline pid_t begin(const char *const *options, const char *target, unsigned descriptors)
{
    const char *argv[LOAD_WORDS + 4] = {client_path(), "load"};
    struct rlimit limit = {descriptors, descriptors};
    size_t count = 2;
    pid_t pid;

    for (size_t i = 0; i < LOAD_WORDS && options[i]; i++)
        argv[count++] = options[i];
    argv[count] = target;
    out_fd = memfd_create("out", MFD_CLOEXEC);
    err_fd = memfd_create("err", MFD_CLOEXEC);
    ck_assert(out_fd >= 0 && err_fd >= 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (dup2(out_fd, STDOUT_FILENO) >= 0 && dup2(err_fd, STDERR_FILENO) >= 0 &&
            (descriptors == 0 || setrlimit(RLIMIT_NOFILE, &limit) == 0))
            (void)execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    return pid;
}

static inline void finish(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    run.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    client_take_text(out_fd, run.out, sizeof(run.out));
    client_take_text(err_fd, run.err, sizeof(run.err));
}

/* Runs it to its end; where the machine has stalled for all of the time measured, again. */
static inline void load(const char *target, const char *const *options)
{
    for (unsigned i = 0; i < 5; i++) {
        finish(begin(options, target, 0));
        if (!strstr(run.out, "\"since_sent\":null"))
            return;
    }
}

#define LOAD(target, ...) load(target, (const char *const[]){__VA_ARGS__, NULL})
#define JSON "--json", "--warm-up", "0.05"

/* A number of the JSON object, by the first field of this name behind the one named FROM. */
static inline double number_in(const char *from, const char *name)
{
    char field[64];
    const char *at = strstr(run.out, from);

    (void)snprintf(field, sizeof(field), "\"%s\":", name);
    at = at ? strstr(at, field) : NULL;
    ck_assert_msg(at != NULL, "no %s in \"%s\", %s", field, run.out, run.err);
    return strtod(at + strlen(field), NULL);
}

static inline double number(const char *name)
{
    return number_in("{", name);
}

/* Everything was answered. */
static inline void assert_good(void)
{
    ck_assert_msg(run.status == 0, "exit %d: %s%s", run.status, run.out, run.err);
    ck_assert_double_gt(number("answers"), 0);
    ck_assert_double_gt(number_in("\"since_sent\":", "count"), 0);
    ck_assert_double_eq(number("lost"), 0);
    ck_assert_double_eq(number("unsent"), 0);
}

#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))
