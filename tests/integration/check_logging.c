/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/event.h"
#include "harness.h"
#include "peer.h"
#include "processes.h"
#include "sandbox.h"

/* What echod says, and where: standard error, and a journal and a syslog that are the test's. */

static struct echod e;

static void set_up(void)
{
    echod_init(&e);
}

/* Standard error. */

static bool matches(const char *text, const char *pattern)
{
    regex_t regex;
    bool match;

    ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    match = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return match;
}

/* Every line of standard error, and there are some. */
static void assert_lines_match(const char *pattern)
{
    char text[16384], *rest = text;

    (void)snprintf(text, sizeof(text), "%s", echod_errors(&e));
    ck_assert_str_ne(text, "");
    for (const char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
        ck_assert_msg(line[0] == '\0' || matches(line, pattern), "not of %s: %s", pattern, line);
}

static void set_variable_journal_stream(void)
{
    static char variable[64];
    struct stat st;

    ck_assert_int_eq(stat(echod_path(&e, "err"), &st), 0);
    (void)snprintf(variable, sizeof(variable), "JOURNAL_STREAM=%ju:%ju", (uintmax_t)st.st_dev,
                   (uintmax_t)st.st_ino);
    e.variables[0] = variable;
}

START_TEST(lines_on_standard_error_name_the_program)
{
    echod_start(&e);
    (void)echod_try_reload(&e);
    echod_stop(&e);
    assert_lines_match("^echod: .");
}
END_TEST

START_TEST(journal_stream_of_another_file_is_no_matter)
{
    e.variables[0] = "JOURNAL_STREAM=1:1";
    echod_start(&e);
    echod_stop(&e);
    assert_lines_match("^echod: .");
}
END_TEST

START_TEST(log_level_keeps_lesser_messages_out)
{
    echod_configure(&e, "workers = 1; log: { level = \"err\"; };");
    echod_start(&e);
    ck_assert_str_eq(echod_errors(&e), "");
    echod_write(&e, "echod.conf", "port = 0;");
    (void)echod_try_reload(&e);
    ck_assert_str_ne(echod_errors(&e), "");
    echod_stop(&e);
}
END_TEST

START_TEST(journal_stream_gets_levels_where_journal_does_not_answer)
{
    sandbox_mounts();
    set_variable_journal_stream();
    echod_start(&e);
    echod_write(&e, "echod.conf", "port = 0;");
    (void)echod_try_reload(&e);
    echod_stop(&e);
    assert_lines_match("^<[3-6]>.");
    ck_assert(matches(echod_errors(&e), "<3>"));
    ck_assert(matches(echod_errors(&e), "<6>"));
}
END_TEST

/* Sockets of the test's own that others log to. */

static int listen_for_messages(const char *path)
{
    const struct timeval limit = {.tv_sec = DEADLINE_MS / 1000};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)strcpy(addr.sun_path, path);
    ck_assert_msg(bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0, "%s: %s", path,
                  strerror(errno));
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    return fd;
}

/* One message, whose bytes end with a NUL here. */
static void receive_message(int fd, char *text, size_t size)
{
    ssize_t n = recv(fd, text, size - 1, 0);

    ck_assert_msg(n > 0, "no message came: %s", strerror(errno));
    text[n] = '\0';
}

/* The journal: the native protocol, NAME=VALUE lines; no value of ours has a line break. */

static struct {
    int fd;
    char entry[8192];
} journal;

static void open_journal(void)
{
    sandbox_mounts();
    ck_assert_int_eq(mkdir("/run/systemd", 0755), 0);
    ck_assert_int_eq(mkdir("/run/systemd/journal", 0755), 0);
    journal.fd = listen_for_messages("/run/systemd/journal/socket");
    e.arguments[0] = "--log-target=journal";
}

/* A field of the last entry, or NULL. */
static const char *field(const char *name)
{
    static char value[sizeof(journal.entry)];
    char text[sizeof(journal.entry)], *rest = text;
    size_t length = strlen(name);

    (void)strcpy(text, journal.entry);
    for (const char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
        if (strncmp(line, name, length) == 0 && line[length] == '=')
            return strcpy(value, line + length + 1);
    return NULL;
}

static void assert_field(const char *name, const char *value)
{
    const char *found = field(name);

    ck_assert_msg(found && strcmp(found, value) == 0, "%s is not %s, but %s", name, value,
                  found ? found : "missing");
}

static void assert_number(const char *name, unsigned long long value)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%llu", value);
    assert_field(name, text);
}

static unsigned long long number(const char *name)
{
    ck_assert_msg(field(name) != NULL, "%s is missing", name);
    return strtoull(field(name), NULL, 10);
}

/* What every entry has. */
static void assert_entry_is_of(enum event event)
{
    ck_assert_ptr_nonnull(field("MESSAGE"));
    assert_field("MESSAGE_ID", event_kind(event)->message_id);
    assert_number("PRIORITY", (unsigned)event_kind(event)->priority);
    assert_field("SYSLOG_IDENTIFIER", "echod");
    ck_assert(matches(field("CODE_FILE"), "\\.c$"));
    ck_assert(matches(field("CODE_FUNC"), "^[a-z_]+$"));
    ck_assert_uint_gt(number("CODE_LINE"), 0);
}

/* Takes entries until there is one of this event. Fails if one is of UNWANTED before. */
static void await_event_without(enum event event, const char *unwanted)
{
    do {
        receive_message(journal.fd, journal.entry, sizeof(journal.entry));
        ck_assert_ptr_nonnull(field("ECHOD_EVENT"));
        ck_assert_str_ne(field("ECHOD_EVENT"), unwanted);
    } while (strcmp(field("ECHOD_EVENT"), event_kind(event)->name) != 0);
    assert_entry_is_of(event);
}

static void await_event(enum event event)
{
    await_event_without(event, "");
}

static unsigned port_of(int fd)
{
    struct sockaddr_in own;
    socklen_t size = sizeof(own);

    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&own, &size), 0);
    return ntohs(own.sin_port);
}

static void assert_peer_and_listener(unsigned peer_port)
{
    char listener[96];

    assert_field("ECHOD_PEER_ADDR", "127.0.0.1");
    assert_number("ECHOD_PEER_PORT", peer_port);
    (void)snprintf(listener, sizeof(listener), "%s:%d", e.host, e.port);
    assert_field("ECHOD_LISTENER", listener);
}

START_TEST(journal_gets_the_course_of_a_life)
{
    char listener[96];

    open_journal();
    (void)snprintf(listener, sizeof(listener), "%s:%d", e.host, e.port);
    echod_start(&e);
    await_event(EVENT_LISTENING);
    assert_field("ECHOD_LISTENER", listener);
    await_event(EVENT_STARTED);
    assert_number("ECHOD_WORKERS", 2);
    e.port += 100;
    echod_configure(&e, "workers = 3;");
    (void)echod_try_reload(&e);
    await_event(EVENT_RELOADING);
    await_event(EVENT_LISTENER_CLOSED);
    assert_field("ECHOD_LISTENER", listener);
    await_event(EVENT_LISTENING);
    await_event(EVENT_RELOADED);
    assert_number("ECHOD_WORKERS", 3);
    ck_assert_uint_gt(number("ECHOD_DURATION_USEC"), 0);
    echod_signal(&e, SIGTERM);
    await_event(EVENT_STOPPING);
    assert_number("ECHOD_CONNECTIONS", 0);
    await_event(EVENT_STOPPED);
    ck_assert_int_eq(echod_wait(&e), 0);
    ck_assert_str_eq(echod_errors(&e), "");
}
END_TEST

START_TEST(journal_stream_is_the_journal_where_it_answers)
{
    open_journal();
    e.arguments[0] = "--log-target=auto";
    set_variable_journal_stream();
    echod_start(&e);
    await_event(EVENT_STARTED);
    echod_stop(&e);
    ck_assert_str_eq(echod_errors(&e), "");
}
END_TEST

START_TEST(journal_that_does_not_answer_is_replaced_by_standard_error)
{
    sandbox_mounts();
    e.arguments[0] = "--log-target=journal";
    echod_start(&e);
    echod_stop(&e);
    ck_assert_str_ne(echod_errors(&e), "");
}
END_TEST

START_TEST(refused_connection_is_logged_and_counted)
{
    int fd, refused;

    open_journal();
    echod_configure(&e, "workers = 1; limits: { connections = 1; };");
    echod_start(&e);
    fd = peer_connect(&e);
    peer_exchange(fd, "within");
    refused = peer_begin_connect(&e);
    await_event(EVENT_CONNECTION_REFUSED);
    assert_peer_and_listener(port_of(refused));
    assert_field("ECHOD_REASON", "limits.connections");
    peer_expect_reset(refused);
    echod_signal(&e, SIGUSR1);
    await_event(EVENT_COUNTERS);
    assert_number("ECHOD_CONNECTIONS", 1);
    assert_number("ECHOD_REFUSED", 1);
    assert_number("ECHOD_BYTES", strlen("within"));
    echod_stop(&e);
}
END_TEST

static void assert_end_is_logged(void (*end)(int fd), const char *reason)
{
    int fd = peer_connect(&e);
    unsigned port = port_of(fd);

    peer_exchange(fd, "Hello, world");
    end(fd);
    await_event(EVENT_CONNECTION_ENDED);
    assert_peer_and_listener(port);
    assert_number("ECHOD_BYTES", strlen("Hello, world"));
    assert_field("ECHOD_REASON", reason);
    ck_assert_uint_gt(number("ECHOD_DURATION_USEC"), 0);
}

START_TEST(ended_connection_is_logged_with_its_figures)
{
    open_journal();
    echod_configure(&e, "idle_timeout = 1; log: { connections = \"all\"; };");
    echod_start(&e);
    assert_end_is_logged(peer_finish, "finished");
    assert_end_is_logged(peer_reset, "reset");
    assert_end_is_logged(peer_expect_end, "idle");
    echod_stop(&e);
}
END_TEST

/* Also when the listener is closed already: its connections are still known to be its own. */
START_TEST(connection_to_a_unix_socket_is_logged_with_its_path)
{
    char path[128];
    int fd;

    open_journal();
    (void)snprintf(path, sizeof(path), "unix:%s", echod_path(&e, "a"));
    echod_configure(&e, "listeners = ( { path = \"%s\"; } ); log: { connections = \"all\"; };",
                    echod_path(&e, "a"));
    echod_start(&e);
    peer_finish(peer_connect_unix(echod_path(&e, "a")));
    await_event(EVENT_CONNECTION_ENDED);
    assert_field("ECHOD_LISTENER", path);
    fd = peer_connect_unix(echod_path(&e, "a"));
    peer_exchange(fd, "still here");
    echod_signal(&e, SIGTERM);
    await_event(EVENT_STOPPING);
    peer_finish(fd);
    await_event(EVENT_CONNECTION_ENDED);
    assert_field("ECHOD_LISTENER", path);
    ck_assert_int_eq(echod_wait(&e), 0);
}
END_TEST

/* What was dropped in the last moment is told in it. */
START_TEST(dropped_datagrams_are_logged_at_the_end)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    open_journal();
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", echod_path(&e, "a"));
    echod_configure(&e, "workers = 1; listeners = ( { path = \"%s\"; type = \"datagram\"; } );",
                    addr.sun_path);
    echod_start(&e);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    ck_assert_int_eq(send(fd, "x", 1, 0), 1);
    await_event(EVENT_DATAGRAMS_DROPPED);
    assert_number("ECHOD_DROPPED", 1);
    ck_assert_int_eq(send(fd, "x", 1, 0), 1);
    ck_assert_int_eq(send(fd, "x", 1, 0), 1);
    echod_signal(&e, SIGTERM);
    await_event(EVENT_DATAGRAMS_DROPPED);
    ck_assert_int_eq(echod_wait(&e), 0);
}
END_TEST

START_TEST(connections_are_not_logged_unless_asked_for)
{
    int fd;

    open_journal();
    echod_configure(&e, "limits: { connections = 1; }; log: { connections = \"%s\"; };",
                    _i ? "refused" : "none");
    echod_start(&e);
    fd = peer_connect(&e);
    peer_exchange(fd, "within");
    if (_i == 0)
        peer_expect_refusal(&e);
    peer_finish(fd);
    echod_stop(&e);
    await_event_without(EVENT_STOPPED, _i ? "connection-ended" : "connection-refused");
}
END_TEST

START_TEST(dead_worker_is_logged_with_what_was_lost)
{
    pid_t worker;
    int fd;

    open_journal();
    echod_configure(&e, "workers = 1;");
    echod_start(&e);
    fd = peer_connect(&e);
    peer_exchange(fd, "lost soon");
    worker = process_children(e.pid).pid[0];
    ck_assert_int_eq(kill(worker, SIGKILL), 0);
    await_event(EVENT_WORKER_DIED);
    assert_number("ECHOD_WORKER_PID", (unsigned)worker);
    assert_number("ECHOD_CONNECTIONS", 1);
    ck_assert_ptr_nonnull(field("ECHOD_REASON"));
    peer_expect_loss(fd);
    echod_stop(&e);
}
END_TEST

START_TEST(failures_are_logged_with_their_errno)
{
    int other = peer_listen(e.host, e.port + 100);

    open_journal();
    echod_start(&e);
    e.port += 100;
    echod_configure(&e, "workers = 2;");
    (void)echod_try_reload(&e);
    await_event(EVENT_RELOAD_FAILED);
    assert_number("ERRNO", EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(field("ECHOD_REASON"), e.host));
    echod_stop(&e);
    ck_assert_int_eq(echod_run(&e), 1);
    await_event(EVENT_START_FAILED);
    assert_number("ERRNO", EADDRINUSE);
    (void)close(other);
}
END_TEST

START_TEST(flood_of_refusals_is_cut_short_and_counted)
{
    enum { COUNT = 60 }; /* fewer than the channel of a worker holds */
    unsigned long long said = 0, folded = 0;
    int fd;

    open_journal();
    echod_configure(&e, "limits: { connections = 1; };");
    echod_start(&e);
    fd = peer_connect(&e);
    peer_exchange(fd, "within");
    for (int i = 0; i < COUNT; i++)
        peer_expect_refusal(&e);
    while (said + folded < COUNT) {
        await_event(EVENT_CONNECTION_REFUSED);
        if (field("ECHOD_FOLDED"))
            folded += number("ECHOD_FOLDED");
        else
            said++;
    }
    ck_assert_uint_gt(said, 0);
    ck_assert_uint_lt(said, COUNT / 2);
    ck_assert_uint_eq(said + folded, COUNT);
    echod_stop(&e);
}
END_TEST

/* Syslog: RFC 3164 as syslog(3) writes it. */

static int open_syslog(void)
{
    sandbox_mounts();
    ck_assert_int_eq(mkdir(echod_path(&e, "dev"), 0755), 0);
    sandbox_dev(echod_path(&e, "dev"));
    return listen_for_messages("/dev/log");
}

static void assert_syslog_message(int fd, int priority, pid_t pid)
{
    char message[4096], pattern[96];

    (void)snprintf(pattern, sizeof(pattern), "^<%d>.{15} echod\\[%d\\]: .", LOG_DAEMON | priority,
                   (int)pid);
    do
        receive_message(fd, message, sizeof(message));
    while (!matches(message, pattern));
}

START_TEST(syslog_gets_facility_level_and_pid)
{
    int fd = open_syslog();

    e.arguments[0] = "--log-target=syslog";
    echod_start(&e);
    assert_syslog_message(fd, LOG_INFO, e.pid);
    echod_write(&e, "echod.conf", "port = 0;");
    (void)echod_try_reload(&e);
    assert_syslog_message(fd, LOG_ERR, e.pid);
    echod_stop(&e);
    ck_assert_str_eq(echod_errors(&e), "");
}
END_TEST

START_TEST(daemon_without_journal_logs_to_syslog)
{
    int fd = open_syslog();

    e.arguments[0] = "--daemon";
    e.arguments[1] = "--pid-file=echod.pid";
    ck_assert_int_eq(echod_run(&e), 0);
    (void)echod_count_messages(&e, "READY=1", 0);
    ck_assert_int_gt(e.sender, 0);
    assert_syslog_message(fd, LOG_INFO, e.sender);
    ck_assert_int_eq(kill(e.sender, SIGTERM), 0);
    peer_await_refusal(e.host, e.port);
}
END_TEST

static void add_sandbox_tests(TCase *tcase)
{
    tcase_add_test(tcase, journal_stream_gets_levels_where_journal_does_not_answer);
    tcase_add_test(tcase, journal_gets_the_course_of_a_life);
    tcase_add_test(tcase, journal_stream_is_the_journal_where_it_answers);
    tcase_add_test(tcase, journal_that_does_not_answer_is_replaced_by_standard_error);
    tcase_add_test(tcase, refused_connection_is_logged_and_counted);
    tcase_add_test(tcase, ended_connection_is_logged_with_its_figures);
    tcase_add_test(tcase, connection_to_a_unix_socket_is_logged_with_its_path);
    tcase_add_test(tcase, dropped_datagrams_are_logged_at_the_end);
    tcase_add_loop_test(tcase, connections_are_not_logged_unless_asked_for, 0, 2);
    tcase_add_test(tcase, dead_worker_is_logged_with_what_was_lost);
    tcase_add_test(tcase, failures_are_logged_with_their_errno);
    tcase_add_test(tcase, flood_of_refusals_is_cut_short_and_counted);
    tcase_add_test(tcase, syslog_gets_facility_level_and_pid);
    tcase_add_test(tcase, daemon_without_journal_logs_to_syslog);
}

int main(void)
{
    TCase *tcase = harness_suite("check_logging");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, lines_on_standard_error_name_the_program);
    tcase_add_test(tcase, journal_stream_of_another_file_is_no_matter);
    tcase_add_test(tcase, log_level_keeps_lesser_messages_out);
    if (harness_may(sandbox_may_have_mounts(), "a mount namespace"))
        add_sandbox_tests(tcase);
    return harness_run();
}
