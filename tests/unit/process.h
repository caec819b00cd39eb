/* SPDX-License-Identifier: MIT */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Processes of a test's own, and the descriptors that a process has. */

/* Runs BODY(argument) in a process of its own, which exits with what that returns. */
static inline pid_t process_start(int (*body)(void *), void *argument)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(body(argument));
    return pid;
}

/* Its exit status; a signal fails the test. */
static inline int process_wait(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status), "the child was ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static inline int process_run(int (*body)(void *), void *argument)
{
    return process_wait(process_start(body, argument));
}

/* One line for each open descriptor below 1024: its number and what it is. To be freed. */
static inline char *process_descriptors(void)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(out);
    for (int fd = 0; fd < 1024; fd++) {
        char path[32], target[256];
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        n = readlink(path, target, sizeof(target));
        if (n > 0)
            (void)fprintf(out, "%d %.*s\n", fd, (int)n, target);
    }
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

/* Fails when a descriptor was opened or closed since BEFORE, which is freed. */
static inline void process_assert_descriptors(char *before)
{
    char *now = process_descriptors();

    ck_assert_str_eq(now, before);
    free(now);
    free(before);
}
