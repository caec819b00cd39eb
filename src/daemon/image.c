/* SPDX-License-Identifier: MIT */
#include "daemon/image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/descriptors.h"

enum { FIRST_PASSED = 3 /* SD_LISTEN_FDS_START */ };

#define REPLACED_VARIABLE "ECHOD_REPLACED" /* by which process: who inherits it is not meant */

int image_init(struct image *image, char **argv)
{
    ssize_t n = readlink("/proc/self/exe", image->path, sizeof(image->path) - 1);

    image->argv = argv;
    image->path[n > 0 ? n : 0] = '\0';
    if (!getcwd(image->directory, sizeof(image->directory)))
        image->directory[0] = '\0'; /* It may be gone: then no path in argv is relative to it. */
    return n < 0 ? -errno : 0;
}

bool image_was_replaced(void)
{
    const char *by = getenv(REPLACED_VARIABLE);

    return by && strtol(by, NULL, 10) == (long)getpid();
}

/* ---- the variables of sd_listen_fds(3) ---- */

static int set_number(const char *name, long number)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%ld", number);
    return setenv(name, text, 1) < 0 ? -errno : 0;
}

static int set_names(const struct image_fd *fds, unsigned count)
{
    size_t used = 0, size = (size_t)count * HANDED_NAME_SIZE + 1;
    _cleanup_(freep) char *text = malloc(size);

    if (!text)
        return -ENOMEM;
    text[0] = '\0';
    for (unsigned i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ":" : "", fds[i].name);
    return setenv("LISTEN_FDNAMES", text, 1) < 0 ? -errno : 0;
}

static int set_variables(const struct image_fd *fds, unsigned count)
{
    int r = set_number("LISTEN_PID", getpid());

    if (r == 0)
        r = set_number("LISTEN_FDS", count);
    if (r == 0)
        r = set_number(REPLACED_VARIABLE, getpid());
    return r < 0 ? r : set_names(fds, count);
}

static void unset_variables(void)
{
    (void)unsetenv("LISTEN_PID"); /* They cannot fail for such names. */
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    (void)unsetenv(REPLACED_VARIABLE);
}

/* ---- descriptors in their places ---- */

/* Copies out of the way, so that everything can be put back where it was. */
struct place {
    int given;     /* of what is to be here */
    int displaced; /* of what was here, or -1 */
};

static void forget_places(struct place *places, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        closep(&places[i].given);
        closep(&places[i].displaced);
    }
    free(places);
}

static int lift(const struct image_fd *fds, unsigned count, struct place *places)
{
    int above = FIRST_PASSED + (int)count;

    for (unsigned i = 0; i < count; i++)
        places[i] = (struct place){-1, -1};
    for (unsigned i = 0; i < count; i++) {
        places[i].given = fcntl(fds[i].fd, F_DUPFD_CLOEXEC, above);
        if (places[i].given < 0)
            return -errno;
        places[i].displaced = fcntl(FIRST_PASSED + (int)i, F_DUPFD_CLOEXEC, above);
        if (places[i].displaced < 0 && errno != EBADF)
            return -errno;
    }
    return 0;
}

static int put(const struct place *places, unsigned count)
{
    /* Not before Linux 5.11. Without it descriptors go along that came to us in the same way. */
    (void)close_range(FIRST_PASSED + count, UINT_MAX, CLOSE_RANGE_CLOEXEC);
    for (unsigned i = 0; i < count; i++)
        if (dup2(places[i].given, FIRST_PASSED + (int)i) < 0)
            return -errno;
    return 0;
}

/* An epoll that knows a displaced one knows it still: its file was open all the time. */
static void put_back(const struct place *places, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (places[i].displaced >= 0)
            (void)dup3(places[i].displaced, FIRST_PASSED + (int)i, O_CLOEXEC);
        else
            (void)close(FIRST_PASSED + (int)i);
    }
}

/* The signal mask stays, and so nothing that is pending is lost. */
static int execute(const struct image *image)
{
    _cleanup_(closep) int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r;

    if (image->directory[0] && chdir(image->directory) < 0)
        return -errno;
    (void)execv(image->path, image->argv);
    r = -errno;
    (void)!fchdir(here); /* Nothing here depends on it but the next try, which says if it fails. */
    return r;
}

int image_become(const struct image *image, const struct image_fd *fds, unsigned count)
{
    struct place *places = calloc(count + 1, sizeof(*places));
    int r;

    if (!places)
        return -ENOMEM;
    r = lift(fds, count, places);
    if (r == 0)
        r = set_variables(fds, count);
    if (r == 0) {
        r = put(places, count);
        if (r == 0)
            r = execute(image);
        put_back(places, count);
    }
    unset_variables();
    forget_places(places, count);
    return r;
}

/* ---- a trial ---- */

/* The arguments, and OPTION with VALUE. To be freed; NULL without memory. */
static char **extend(char **argv, char *option, char *value)
{
    size_t count = 0;
    char **longer;

    while (argv[count])
        count++;
    longer = calloc(count + 3, sizeof(*longer));
    if (longer) {
        memcpy(longer, argv, count * sizeof(*argv));
        longer[count] = option;
        longer[count + 1] = value;
    }
    return longer;
}

/* The child. It is nothing to the service manager, and says everything into the pipe. */
_Noreturn static void try_here(const struct image *image, int state, int pipe, char **argv)
{
    static const char *const others[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                         "JOURNAL_STREAM"};
    sigset_t none;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        (void)unsetenv(others[i]);
    if (dup2(pipe, STDOUT_FILENO) < 0 || dup2(pipe, STDERR_FILENO) < 0)
        _exit(EXIT_FAILURE);
    descriptors_close_except(&state, 1);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (image->directory[0] && chdir(image->directory) < 0)
        dprintf(STDERR_FILENO, "%s: %s", image->directory, strerror(errno));
    else if (fcntl(state, F_SETFD, 0) == 0 && execv(image->path, argv) < 0)
        dprintf(STDERR_FILENO, "it cannot be executed: %s", strerror(errno));
    _exit(EXIT_FAILURE);
}

int image_try(const struct image *image, int state, struct image_trial *ret)
{
    char option[] = "--check-upgrade", value[16];
    _cleanup_(freep) char **argv = extend(image->argv, option, value);
    int ends[2];
    pid_t pid;

    (void)snprintf(value, sizeof(value), "%d", state);
    if (!argv)
        return -ENOMEM;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    pid = fork();
    if (pid == 0)
        try_here(image, state, ends[1], argv);
    *ret = (struct image_trial){.pid = pid, .fd = ends[0]};
    closep(&ends[1]);
    if (pid > 0)
        return 0;
    closep(&ret->fd);
    return -EAGAIN; /* All that fork(2) fails for is for want of something. */
}

bool image_trial_read(struct image_trial *trial)
{
    char surplus[256];
    size_t room = sizeof(trial->answer) - 1 - trial->length;
    ssize_t n = room > 0 ? read(trial->fd, trial->answer + trial->length, room)
                         : read(trial->fd, surplus, sizeof(surplus));

    if (n > 0 && room > 0)
        trial->length += (size_t)n;
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

void image_trial_ended(struct image_trial *trial, int status)
{
    trial->pid = 0; /* The number may be reused. */
    trial->status = status;
}

void image_trial_cancel(struct image_trial *trial)
{
    if (trial->pid > 0)
        (void)kill(trial->pid, SIGKILL); /* Not reaped yet, so still ours. */
    closep(&trial->fd);
}

/* One line of it. */
static void flatten(struct image_trial *trial)
{
    while (trial->length > 0 && trial->answer[trial->length - 1] == '\n')
        trial->length--;
    trial->answer[trial->length] = '\0';
    for (size_t i = 0; i < trial->length; i++)
        if (trial->answer[i] == '\n' || trial->answer[i] == '\0')
            trial->answer[i] = ' ';
}

static void explain(struct image_trial *trial)
{
    int status = trial->status;

    if (WIFSIGNALED(status))
        (void)snprintf(trial->answer, sizeof(trial->answer), "it was ended by signal %d (%s)",
                       WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        (void)snprintf(trial->answer, sizeof(trial->answer),
                       "it ended with status %d and without a word that is known here",
                       WEXITSTATUS(status));
}

bool image_trial_succeeded(struct image_trial *trial)
{
    bool ended_well = WIFEXITED(trial->status) && WEXITSTATUS(trial->status) == 0;

    flatten(trial);
    if (ended_well && strncmp(trial->answer, IMAGE_CAN_GO_ON, strlen(IMAGE_CAN_GO_ON)) == 0)
        return true;
    if (ended_well || WIFSIGNALED(trial->status) || trial->length == 0)
        explain(trial);
    return false;
}
