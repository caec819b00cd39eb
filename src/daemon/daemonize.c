/* SPDX-License-Identifier: MIT */
#include "daemon/daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/descriptors.h"

/* What is left of the environment: nothing else may change how a daemon behaves. */
static const char *const kept_variables[] = {
    "PATH", "TZ", "LANG", "LC_ALL", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};

enum { KEPT_VARIABLES = sizeof(kept_variables) / sizeof(kept_variables[0]) };

static int clean_environment(void)
{
    char *value[KEPT_VARIABLES];
    int r = 0;

    for (int i = 0; i < KEPT_VARIABLES; i++) {
        const char *v = getenv(kept_variables[i]);

        value[i] = v ? strdup(v) : NULL;
    }
    if (clearenv() != 0)
        r = -ENOMEM;
    for (int i = 0; i < KEPT_VARIABLES; i++) {
        if (value[i] && setenv(kept_variables[i], value[i], 1) < 0)
            r = -errno;
        free(value[i]);
    }
    return r;
}

static void reset_signals(void)
{
    sigset_t none;

    for (int signo = 1; signo < NSIG; signo++)
        (void)signal(signo, SIG_DFL); /* Fails for SIGKILL, SIGSTOP and those of the C library. */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int connect_to_null(void)
{
    int fd = open("/dev/null", O_RDWR);

    if (fd < 0)
        return -errno;
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
        if (dup2(fd, i) < 0)
            return -errno;
    if (fd > STDERR_FILENO)
        (void)close(fd);
    return 0;
}

enum daemonize_result daemonize_again(int *ret)
{
    bool left = chdir("/") == 0;

    *ret = left ? -1 : errno;
    return left ? DAEMONIZE_CHILD : DAEMONIZE_FAILED;
}

/* The parent: texts come first, then a NUL and the exit status. */
static int wait_for_daemon(int fd)
{
    bool text = true;
    unsigned char byte;
    ssize_t n;

    while ((n = read(fd, &byte, 1)) == 1 || (n < 0 && errno == EINTR)) {
        if (n < 0)
            continue;
        if (!text)
            return byte;
        text = byte != '\0';
        if (text)
            (void)fputc(byte, stderr);
    }
    fputs("echod: the daemon died while it was started\n", stderr);
    return EXIT_FAILURE;
}

void daemonize_tell(int *parent, int status)
{
    char end[2] = {'\0', (char)status};

    if (*parent >= 0)
        (void)!write(*parent, end, sizeof(end)); /* A parent that is gone needs no telling. */
    closep(parent);
}

/* The daemon proper, after the second fork. */
static enum daemonize_result settle(int pipe, int *ret)
{
    int r = connect_to_null();

    (void)umask(0);
    if (r == 0 && chdir("/") < 0)
        r = -errno;
    if (r < 0) {
        dprintf(pipe, "echod: cannot become a daemon: %s\n", strerror(-r));
        daemonize_tell(&pipe, EXIT_FAILURE);
        *ret = -r;
        return DAEMONIZE_FAILED;
    }
    *ret = pipe;
    return DAEMONIZE_CHILD;
}

/* The first child: a session of its own, and a second fork so that it can get no terminal. */
static enum daemonize_result detach(int pipe, int *ret)
{
    pid_t pid;

    if (setsid() < 0) {
        *ret = errno;
        return DAEMONIZE_FAILED;
    }
    pid = fork();
    if (pid < 0) {
        *ret = errno;
        return DAEMONIZE_FAILED;
    }
    if (pid > 0)
        _exit(EXIT_SUCCESS);
    return settle(pipe, ret);
}

enum daemonize_result daemonize(int *ret)
{
    int ends[2];
    pid_t pid;
    int r;

    descriptors_close_except(NULL, 0);
    reset_signals();
    r = clean_environment();
    if (r < 0 || pipe2(ends, O_CLOEXEC) < 0) {
        *ret = r < 0 ? -r : errno;
        return DAEMONIZE_FAILED;
    }
    pid = fork();
    if (pid == 0) {
        closep(&ends[0]);
        return detach(ends[1], ret);
    }
    *ret = errno;
    closep(&ends[1]);
    if (pid < 0)
        return DAEMONIZE_FAILED;
    (void)waitpid(pid, NULL, 0); /* The first child ends at once. */
    *ret = wait_for_daemon(ends[0]);
    closep(&ends[0]);
    return DAEMONIZE_PARENT;
}
