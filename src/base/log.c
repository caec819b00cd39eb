/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

/* The caller's place in the source is sent, not this file's. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fold.h"

#define IDENTIFIER "echod"
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static struct {
    enum conf_log_target target;
    int level;
    bool prefixed; /* standard error is a journal stream and wants <N> before each line */
    int copy_fd;   /* errors go here, too */
    struct fold folds[EVENT_COUNT];
} state = {.target = CONF_LOG_TARGET_STDERR, .level = LOG_INFO, .copy_fd = -1};

/* Whether standard error is the stream that the service manager connected: systemd.exec(5). */
static bool stderr_is_journal_stream(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    uintmax_t device, inode;

    return stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static bool journal_answers(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    return fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0;
}

static enum conf_log_target choose_target(bool daemonized, bool stream)
{
    if ((daemonized || stream) && journal_answers())
        return CONF_LOG_TARGET_JOURNAL;
    return daemonized ? CONF_LOG_TARGET_SYSLOG : CONF_LOG_TARGET_STDERR;
}

void log_open(enum conf_log_target target, int level, bool daemonized)
{
    bool stream = stderr_is_journal_stream();

    state.level = level;
    state.prefixed = stream;
    state.target = target == CONF_LOG_TARGET_AUTO ? choose_target(daemonized, stream) : target;
    if (state.target == CONF_LOG_TARGET_JOURNAL && !journal_answers())
        state.target = CONF_LOG_TARGET_STDERR; /* sd_journal_sendv(3) would be silent. */
    /* Connected by the first message: a daemon closes all descriptors that it finds. */
    if (state.target == CONF_LOG_TARGET_SYSLOG)
        openlog(IDENTIFIER, LOG_PID, LOG_DAEMON);
}

void log_copy_errors(int fd)
{
    state.copy_fd = fd;
}

/*
 * A pipe that nobody reads must not stop the daemon; one that is writable takes PIPE_BUF bytes
 * without waiting, and no line is longer.
 */
static bool is_writable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

static void write_line(int fd, const char *before, const char *message)
{
    struct iovec line[] = {
        {.iov_base = (char *)before, .iov_len = strlen(before)},
        {.iov_base = (char *)message, .iov_len = strlen(message)},
        {.iov_base = (char *)"\n", .iov_len = 1},
    };

    if (!is_writable(fd) || writev(fd, line, 3) < 0)
        return; /* A message that cannot be said, nor can this be. */
}

static void say_on_stderr(int priority, const char *message)
{
    char before[16] = IDENTIFIER ": ";

    if (state.prefixed)
        (void)snprintf(before, sizeof(before), "<%d>", priority);
    write_line(STDERR_FILENO, before, message);
}

/* The fields of one journal entry: texts that lie behind one another, and where each begins. */
struct entry {
    struct iovec field[FIELD_COUNT + 9];
    unsigned count;
    char text[4096];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void entry_add(struct entry *e, const char *format,
                                                            ...)
{
    char *at = e->text + e->used;
    size_t room = sizeof(e->text) - e->used;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(at, room, format, args);
    va_end(args);
    /* A field that finds no room is left out: the message came first. */
    if (n < 0 || (size_t)n >= room || e->count == sizeof(e->field) / sizeof(e->field[0]))
        return;
    e->field[e->count++] = (struct iovec){.iov_base = at, .iov_len = (size_t)n};
    e->used += (size_t)n + 1;
}

static void entry_add_fields(struct entry *e, struct log_fields fields)
{
    for (unsigned i = 0; i < fields.count; i++) {
        const struct log_field *f = &fields.field[i];

        if (f->text && *f->text)
            entry_add(e, "%s=%s", event_field_name(f->field), f->text);
        else if (!f->text)
            entry_add(e, "%s=%" PRId64, event_field_name(f->field), f->number);
    }
}

static int say_to_journal(enum event event, int error, struct log_fields fields,
                          struct log_place place, const char *message)
{
    const struct event_kind *kind = event_kind(event);
    struct entry e = {.count = 0};

    entry_add(&e, "MESSAGE=%s", message);
    entry_add(&e, "MESSAGE_ID=%s", kind->message_id);
    entry_add(&e, "PRIORITY=%d", kind->priority);
    entry_add(&e, "SYSLOG_IDENTIFIER=" IDENTIFIER);
    entry_add(&e, "CODE_FILE=%s", place.file);
    entry_add(&e, "CODE_LINE=%d", place.line);
    entry_add(&e, "CODE_FUNC=%s", place.function);
    entry_add(&e, "%s=%s", event_field_name(FIELD_EVENT), kind->name);
    if (error)
        entry_add(&e, "ERRNO=%d", abs(error));
    entry_add_fields(&e, fields);
    return sd_journal_sendv(e.field, (int)e.count);
}

static void say(enum event event, int error, struct log_fields fields, struct log_place place,
                const char *message)
{
    int priority = event_kind(event)->priority;

    if (priority <= LOG_ERR && state.copy_fd >= 0)
        write_line(state.copy_fd, IDENTIFIER ": ", message);
    if (priority > state.level)
        return;
    if (state.target == CONF_LOG_TARGET_SYSLOG)
        syslog(priority, "%s", message);
    else if (state.target != CONF_LOG_TARGET_JOURNAL ||
             say_to_journal(event, error, fields, place, message) < 0)
        say_on_stderr(priority, message);
}

static void say_folded(enum event event, uint64_t now)
{
    unsigned held = fold_take(&state.folds[event], now);
    char message[128];

    if (held == 0)
        return;
    (void)snprintf(message, sizeof(message), "%u more like this (%s) within %d seconds", held,
                   event_kind(event)->name, FOLD_INTERVAL_MS / 1000);
    say(event, 0, LOG_FIELDS(LOG_NUMBER(FIELD_FOLDED, held)),
        (struct log_place){__FILE__, __func__, __LINE__}, message);
}

int log_event_at(enum event event, int error, struct log_fields fields, struct log_place place,
                 const char *format, ...)
{
    uint64_t now = clock_ms();
    char message[2048];
    va_list args;

    if (event_kind(event)->folded) {
        say_folded(event, now);
        if (!fold_pass(&state.folds[event], now))
            return -abs(error);
    }
    va_start(args, format);
    errno = abs(error); /* for %m */
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    say(event, error, fields, place, message);
    return -abs(error);
}

void log_flush_all_folded(void)
{
    uint64_t when_all_is_due = clock_ms() + FOLD_INTERVAL_MS;

    for (int event = 0; event < EVENT_COUNT; event++)
        say_folded((enum event)event, when_all_is_due);
}

int log_flush_folded(void)
{
    uint64_t now = clock_ms();
    int next = -1;

    for (int event = 0; event < EVENT_COUNT; event++) {
        int wait;

        say_folded(event, now);
        wait = fold_wait(&state.folds[event], now);
        if (wait >= 0 && (next < 0 || wait < next))
            next = wait;
    }
    return next;
}
