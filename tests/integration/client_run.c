/* SPDX-License-Identifier: MIT */
#include "client_run.h"

#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

void client_take_text(int fd, char *text, size_t size)
{
    ssize_t n = pread(fd, text, size - 1, 0);

    ck_assert_int_ge(n, 0);
    text[n] = '\0';
    (void)close(fd);
}

int client_run_to(const char *const *argv, int out, int err)
{
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0)
            (void)execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct run client_run(const char *const *argv)
{
    int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
    struct run run;

    ck_assert(out >= 0 && err >= 0);
    run.status = client_run_to(argv, out, err);
    client_take_text(out, run.out, sizeof(run.out));
    client_take_text(err, run.err, sizeof(run.err));
    return run;
}

const char *client_path(void)
{
    const char *path = getenv("ECHO_CLIENT");

    return path ? path : "../src/echo-client";
}
