/* SPDX-License-Identifier: MIT */
#pragma once

#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>

#include "process.h"

/* Processes that are killed at an instruction that the test chooses. */

struct process_steps {
    int (*body)(void *);
    void *argument;
};

static inline int process_steps_run(void *argument)
{
    const struct process_steps *steps = (const struct process_steps *)argument;

    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0)
        return EXIT_FAILURE;
    return steps->body(steps->argument);
}

/*
 * Runs BODY(argument) in a process of its own, which takes up to MOST steps of an instruction each,
 * and is killed then unless it has ended: how many it took. BODY has to return EXIT_SUCCESS.
 */
static inline uint64_t process_kill_after(int (*body)(void *), void *argument, uint64_t most)
{
    struct process_steps wanted = {.body = body, .argument = argument};
    pid_t pid = process_start(process_steps_run, &wanted);
    uint64_t steps = 0;
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSTOPPED(status), "no ptrace(2) here");
    for (; steps < most && !WIFEXITED(status); steps++) {
        ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    }
    if (WIFEXITED(status)) {
        ck_assert_int_eq(WEXITSTATUS(status), EXIT_SUCCESS);
        return steps;
    }
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return steps;
}

/*
 * How many instructions to go on from one death to the next: 1 if ALL of them can be looked at in a
 * few seconds, each with MEAN steps, which is not so with sanitizers.
 */
static inline uint64_t process_stride(uint64_t all, uint64_t mean)
{
    enum { STEPS_IN_ALL = 60000 };

    return 1 + all * mean / STEPS_IN_ALL;
}
