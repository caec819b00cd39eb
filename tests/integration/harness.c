/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "processes.h"

enum { TEST_TIMEOUT_S = 60, PORT = 7007, LOOK_AGAIN_MS = 2, EXIT_SKIPPED = 77, ECHODS_MAX = 32 };

/* The suite that this program is. */
static struct {
    const char *name;
    char directory[96];
    Suite *suite;
    unsigned skipped;
    unsigned echods;             /* of the running test */
    FILE *histories[ECHODS_MAX]; /* theirs: they end with the test's process, not before */
} state;

/* The suite. */

TCase *harness_suite(const char *name)
{
    const char *tmp = getenv("TMPDIR");
    TCase *tcase = tcase_create(name);

    if (!getenv("ECHOD")) {
        (void)fprintf(stderr, "%s: $ECHOD has to be the path of the program\n", name);
        exit(EXIT_FAILURE);
    }
    state.name = name;
    state.suite = suite_create(name);
    suite_add_tcase(state.suite, tcase);
    tcase_set_timeout(tcase, TEST_TIMEOUT_S);
    (void)snprintf(state.directory, sizeof(state.directory), "%s/%s-XXXXXX", tmp ? tmp : "/tmp",
                   name);
    if (!mkdtemp(state.directory) || chmod(state.directory, 0755) < 0) {
        perror(state.directory);
        exit(EXIT_FAILURE);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    return tcase;
}

bool harness_may(bool possible, const char *what)
{
    if (possible)
        return true;
    (void)fprintf(stderr, "%s: SKIPPED what needs %s\n", state.name, what);
    state.skipped++;
    return false;
}

/* Daemons leave their process group, but they become children of this process. */
static void end_orphans(void)
{
    struct children children;

    do {
        children = process_children(getpid());
        for (unsigned i = 0; i < children.count; i++)
            (void)kill(children.pid[i], SIGKILL);
    } while (waitpid(-1, NULL, 0) > 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    (void)remove(path);
    return 0;
}

int harness_run(void)
{
    SRunner *runner = srunner_create(state.suite);
    int failed;

    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    srunner_set_fork_status(runner, CK_FORK);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    end_orphans();
    (void)nftw(state.directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    if (failed)
        return EXIT_FAILURE;
    return state.skipped ? EXIT_SKIPPED : EXIT_SUCCESS;
}

/* Time. */

uint64_t harness_now_ms(void)
{
    struct timespec now;

    ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int left_ms(uint64_t deadline)
{
    uint64_t now = harness_now_ms();

    return now < deadline ? (int)(deadline - now) : 0;
}

void harness_await(bool (*holds)(void *context), void *context, const char *what)
{
    uint64_t deadline = harness_now_ms() + DEADLINE_MS;

    while (!holds(context)) {
        ck_assert_msg(left_ms(deadline) > 0, "waited in vain: %s", what);
        (void)poll(NULL, 0, LOOK_AGAIN_MS);
    }
}

/* What a test was told, where a message of check would be too long. */
__attribute__((format(printf, 2, 3))) _Noreturn static void give_up(const struct echod *e,
                                                                    const char *format, ...)
{
    char what[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    (void)fflush(e->history_stream);
    (void)fprintf(stderr,
                  "---- %s\n---- echod told its service manager:\n%s---- and on standard "
                  "error:\n%s----\n",
                  what, e->history, echod_errors(e));
    ck_abort_msg("%s", what);
}

/* Before the start. */

const char *echod_path(const struct echod *e, const char *name)
{
    static char paths[8][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 8];

    (void)snprintf(path, PATH_MAX, "%s/%s", e->directory, name);
    return path;
}

const char *echod_write(const struct echod *e, const char *name, const char *text)
{
    const char *path = echod_path(e, name);
    FILE *file = fopen(path, "we");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

void echod_configure(const struct echod *e, const char *more, ...)
{
    char text[4096];
    int n = snprintf(text, sizeof(text), "host = \"%s\"; port = %d;\n", e->host, e->port);
    va_list args;

    va_start(args, more);
    n += vsnprintf(text + n, sizeof(text) - (size_t)n, more, args);
    va_end(args);
    ck_assert_uint_lt((size_t)n, sizeof(text));
    (void)echod_write(e, "echod.conf", text);
}

static int open_notify_socket(const char *path)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    ck_assert_int_ge(fd, 0);
    ck_assert_uint_lt(strlen(path), sizeof(addr.sun_path));
    (void)strcpy(addr.sun_path, path);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

void echod_init(struct echod *e)
{
    pid_t pid = getpid();
    unsigned number = state.echods++;

    *e = (struct echod){
        .port = PORT + (int)number, .input = -1, .output = -1, .pid = -1, .pidfd = -1};
    (void)snprintf(e->host, sizeof(e->host), "127.%d.%d.%d", 1 + (pid >> 16 & 63), pid >> 8 & 255,
                   pid & 255);
    (void)snprintf(e->directory, sizeof(e->directory), "%s/%d-%u", state.directory, (int)pid,
                   number);
    ck_assert_int_eq(mkdir(e->directory, 0755), 0);
    (void)snprintf(e->config, sizeof(e->config), "%s/echod.conf", e->directory);
    (void)echod_write(e, "err", "");
    (void)echod_write(e, "out", "");
    e->notify = open_notify_socket(echod_path(e, "notify"));
    e->history_stream = open_memstream(&e->history, &e->history_size);
    ck_assert_ptr_nonnull(e->history_stream);
    ck_assert_uint_lt(number, ECHODS_MAX);
    state.histories[number] = e->history_stream;
    echod_configure(e, "workers = 2;\n");
}

/* The new process. */

static void set_descriptor(int fd, int wanted)
{
    if (fd < 0 || dup2(fd, wanted) < 0)
        _exit(126);
}

static void set_descriptors(const struct echod *e)
{
    enum { OUT_OF_THE_WAY = 64 };
    int passed[4];

    for (unsigned i = 0; i < e->passed_count; i++)
        passed[i] = fcntl(e->passed[i], F_DUPFD, OUT_OF_THE_WAY);
    set_descriptor(e->input >= 0 ? e->input : open("/dev/null", O_RDONLY), STDIN_FILENO);
    set_descriptor(e->output >= 0 ? e->output : open(echod_path(e, "out"), O_WRONLY | O_APPEND),
                   STDOUT_FILENO);
    set_descriptor(open(echod_path(e, "err"), O_WRONLY | O_APPEND), STDERR_FILENO);
    for (unsigned i = 0; i < e->passed_count; i++)
        set_descriptor(passed[i], 3 + (int)i);
    if (close_range(3 + e->passed_count, UINT_MAX, 0) < 0)
        _exit(126);
}

static void set_variables(const struct echod *e)
{
    static const char *const others[] = {"WATCHDOG_USEC", "WATCHDOG_PID",   "LISTEN_FDS",
                                         "LISTEN_PID",    "LISTEN_FDNAMES", "JOURNAL_STREAM"};
    char number[16];

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        (void)unsetenv(others[i]);
    (void)setenv("NOTIFY_SOCKET", echod_path(e, "notify"), 1);
    for (unsigned i = 0; e->variables[i]; i++)
        (void)putenv((char *)e->variables[i]);
    if (e->passed_count == 0)
        return;
    (void)snprintf(number, sizeof(number), "%u", e->passed_count);
    (void)setenv("LISTEN_FDS", number, 1);
    (void)snprintf(number, sizeof(number), "%d", (int)getpid());
    (void)setenv("LISTEN_PID", number, 1);
    if (e->passed_names)
        (void)setenv("LISTEN_FDNAMES", e->passed_names, 1);
}

_Noreturn static void become_echod(const struct echod *e, pid_t test)
{
    const char *config = e->config_name ? e->config_name : e->config;
    const char *words[ECHOD_WORDS + 4] = {getenv("ECHOD")};
    unsigned count = 1;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != test || chdir(e->directory) < 0)
        _exit(126);
    set_descriptors(e);
    set_variables(e);
    if (config[0]) {
        words[count++] = "--config";
        words[count++] = config;
    }
    for (unsigned i = 0; e->arguments[i]; i++)
        words[count++] = e->arguments[i];
    if (e->prepare)
        e->prepare();
    (void)execv(words[0], (char *const *)words);
    _exit(127);
}

void echod_spawn(struct echod *e)
{
    pid_t test = getpid();

    e->pid = fork();
    ck_assert_int_ge(e->pid, 0);
    if (e->pid == 0)
        become_echod(e, test);
    e->pidfd = process_watch(e->pid);
}

pid_t echod_pid_in(const struct echod *e, const char *name)
{
    FILE *file = fopen(echod_path(e, name), "re");
    int pid = 0;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%d", &pid), 1);
    (void)fclose(file);
    return pid;
}

void echod_start(struct echod *e)
{
    echod_spawn(e);
    (void)echod_await(e, "READY=1");
}

/* What it tells its service manager. */

static bool message_has(const struct echod *e, const char *line)
{
    size_t length = strlen(line);

    for (const char *at = e->message; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, line, length) == 0)
            return true;
    }
    return false;
}

static void take_control(struct echod *e, const struct cmsghdr *c)
{
    struct ucred sender;

    if (c->cmsg_type == SCM_RIGHTS) {
        memcpy(&e->attached, CMSG_DATA(c), sizeof(e->attached));
        return;
    }
    memcpy(&sender, CMSG_DATA(c), sizeof(sender));
    e->sender = sender.pid;
}

static void receive_message(struct echod *e)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec body = {.iov_base = e->message, .iov_len = sizeof(e->message) - 1};
    struct msghdr header = {.msg_iov = &body,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(e->notify, &header, MSG_CMSG_CLOEXEC);

    ck_assert_int_gt(n, 0);
    e->message[n] = '\0';
    ck_assert_ptr_nonnull(CMSG_FIRSTHDR(&header));
    if (e->attached > 0)
        (void)close(e->attached);
    e->attached = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c))
        take_control(e, c);
    (void)fprintf(e->history_stream, "[%d] %s\n", (int)e->sender, e->message);
}

/* Receives one if there is one before the deadline or echod's end. */
static bool next_message(struct echod *e, uint64_t deadline)
{
    struct pollfd p[] = {{.fd = e->notify, .events = POLLIN}, {.fd = e->pidfd, .events = POLLIN}};
    int n;

    do
        n = poll(p, 2, left_ms(deadline));
    while (n < 0 && errno == EINTR);
    if (!(p[0].revents & POLLIN))
        return false;
    receive_message(e);
    return true;
}

/*
 * After READY=1 comes a barrier, sd_notify_barrier(3): echod is to know that this was read, and it
 * shows that it does by closing its end.
 */
static void let_it_know(struct echod *e, uint64_t deadline)
{
    char ready[sizeof(e->message)], byte;

    if (!message_has(e, "READY=1"))
        return;
    memcpy(ready, e->message, sizeof(ready));
    ck_assert(next_message(e, deadline) && message_has(e, "BARRIER=1"));
    ck_assert_int_eq(shutdown(e->attached, SHUT_WR), 0);
    ck_assert_int_le(read(e->attached, &byte, 1), 0);
    memcpy(e->message, ready, sizeof(ready));
}

const char *echod_await(struct echod *e, const char *line)
{
    uint64_t deadline = harness_now_ms() + DEADLINE_MS;

    while (next_message(e, deadline))
        if (message_has(e, line)) {
            let_it_know(e, deadline);
            return e->message;
        }
    give_up(e, "echod did not tell: %s", line);
    return NULL;
}

const char *echod_value(struct echod *e, const char *name)
{
    static char value[sizeof(e->message)];
    char text[sizeof(e->message)], *rest = text;
    size_t length = strlen(name);

    (void)strcpy(text, e->message);
    for (const char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
        if (strncmp(line, name, length) == 0)
            return strcpy(value, line + length);
    return NULL;
}

unsigned echod_count_messages(struct echod *e, const char *line, int within_ms)
{
    uint64_t deadline = harness_now_ms() + (uint64_t)within_ms;
    unsigned count = 0;

    while (next_message(e, deadline))
        count += message_has(e, line);
    return count;
}

void echod_signal(const struct echod *e, int signal)
{
    ck_assert_int_eq(kill(e->pid, signal), 0);
}

const char *echod_try_reload(struct echod *e)
{
    echod_signal(e, SIGHUP);
    (void)echod_await(e, "RELOADING=1");
    (void)echod_await(e, "READY=1");
    return echod_value(e, "STATUS=");
}

void echod_reload(struct echod *e)
{
    struct children old = process_children(e->pid);

    (void)echod_try_reload(e);
    (void)process_await_children(e->pid, 0, &old);
}

/* Its end. */

int echod_wait(struct echod *e)
{
    struct pollfd p = {.fd = e->pidfd, .events = POLLIN};
    int status;

    if (poll(&p, 1, DEADLINE_MS) != 1)
        give_up(e, "echod did not end");
    ck_assert_int_eq(waitpid(e->pid, &status, 0), e->pid);
    if (WIFSIGNALED(status))
        give_up(e, "echod was ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

int echod_run(struct echod *e)
{
    echod_spawn(e);
    return echod_wait(e);
}

void echod_stop(struct echod *e)
{
    int status;

    echod_signal(e, SIGQUIT);
    status = echod_wait(e);
    if (status != 0)
        give_up(e, "echod ended with status %d", status);
    if (strstr(echod_errors(e), "Sanitizer") || strstr(echod_errors(e), "runtime error"))
        give_up(e, "a sanitizer found something");
}

static const char *read_file(const struct echod *e, const char *name)
{
    static char text[1 << 17];
    int fd = open(echod_path(e, name), O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof(text) - 1);

    ck_assert_int_ge(n, 0);
    (void)close(fd);
    text[n] = '\0';
    return text;
}

const char *echod_errors(const struct echod *e)
{
    return read_file(e, "err");
}

const char *echod_output(const struct echod *e)
{
    return read_file(e, "out");
}

void echod_await_error(struct echod *e, const char *text)
{
    uint64_t deadline = harness_now_ms() + DEADLINE_MS;

    while (!strstr(echod_errors(e), text)) {
        if (left_ms(deadline) == 0)
            give_up(e, "echod did not say: %s", text);
        (void)poll(NULL, 0, LOOK_AGAIN_MS);
    }
}
