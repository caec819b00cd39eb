/* SPDX-License-Identifier: MIT */
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/suite.h"
#include "client_run.h"
#include "ping_servers.h"

/* "echo-client ping --graph" on a terminal of ours. */

enum { OUTPUT_MAX = 1 << 20 };

struct window {
    int master;
    pid_t pid;
    char out[OUTPUT_MAX]; /* all that was written */
    size_t length;
};

static struct window window;
static struct ping_server server;

static void setup(void)
{
    server = (struct ping_server){.script = "..x.", .type = SOCK_DGRAM};
    ping_server_start(&server);
}

static void teardown(void)
{
    (void)close(window.master);
    ping_server_stop(&server);
}

/* Opens a window of 80 x 24 with these variables; runs the program in it. */
static void open_window(const char *term, const char *locale, const char *no_color)
{
    struct winsize size = {.ws_col = 80, .ws_row = 24};
    const char *const argv[] = {client_path(), "ping",        "--graph", "-i0.01",
                                "-W5",         server.target, NULL};

    window.pid = forkpty(&window.master, NULL, NULL, &size);
    ck_assert_int_ge(window.pid, 0);
    if (window.pid > 0)
        return;
    (void)setenv("TERM", term, 1);
    (void)setenv("LC_ALL", locale, 1);
    (void)setenv("NO_COLOR", no_color, 1);
    (void)execv(argv[0], (char *const *)argv);
    _exit(127);
}

/* Reads until TEXT has come after what was read before; false at the end of the output. */
static bool await_text(const char *text)
{
    size_t from = window.length;

    while (!strstr(window.out + from, text)) {
        ssize_t n = read(window.master, window.out + window.length, OUTPUT_MAX - 1 - window.length);

        if (n <= 0)
            return false;
        window.length += (size_t)n;
    }
    return true;
}

/* Ends it and reads the rest. Ctrl-C would have the terminal throw away what was not read yet. */
static void interrupt(void)
{
    int status;

    ck_assert_int_eq(kill(window.pid, SIGINT), 0);
    (void)await_text("no such text");
    ck_assert_int_eq(waitpid(window.pid, &status, 0), window.pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_ptr_nonnull(strstr(window.out, " received, "));
    ck_assert_ptr_nonnull(strstr(window.out, "rtt min/mean/"));
}

static bool has_colours(void)
{
    return strstr(window.out, "\033[3") != NULL;
}

static bool has_braille(void)
{
    return strstr(window.out, "\xe2\xa0") || strstr(window.out, "\xe2\xa1") ||
           strstr(window.out, "\xe2\xa2") || strstr(window.out, "\xe2\xa3");
}

static bool is_ascii(void)
{
    for (size_t i = 0; i < window.length; i++)
        if (window.out[i] & 0x80)
            return false;
    return true;
}

/* The columns that LINE takes, to its end: characters without escape sequences. */
static unsigned width(const char *line)
{
    unsigned columns = 0;

    for (; *line && *line != '\n'; line++)
        if (*line == '\033')
            line += strcspn(line, "ABCDHJKm");
        else if (*line != '\r' && (*line & 0xc0) != 0x80)
            columns++;
    return columns;
}

/* No line of the picture is so long that the terminal would break it. */
static void assert_fits(const char *from, unsigned columns)
{
    for (const char *line = strchr(from, '\n'); line && strstr(line, "\033[K"); line++) {
        ck_assert_uint_le(width(line), columns - 1);
        line = strchr(line, '\n');
    }
}

static const struct {
    const char *term, *locale, *no_color;
    bool colours, braille;
} windows[] = {
    {"xterm-256color", "C.UTF-8", "", true, true},
    {"xterm", "C.UTF-8", "1", false, true},
    {"xterm", "C", "", true, false},
    {"linux", "C.UTF-8", "", true, false},
    {"vt100", "C.UTF-8", "", false, false},
};

START_TEST(kinds_of_terminals)
{
    open_window(windows[_i].term, windows[_i].locale, windows[_i].no_color);
    for (int i = 0; i < 10; i++)
        ck_assert(await_text(" ms |"));
    ck_assert(await_text("\033[")); /* drawn over itself */
    interrupt();
    ck_assert(has_colours() == windows[_i].colours);
    ck_assert(has_braille() == windows[_i].braille);
    ck_assert(is_ascii() == !windows[_i].braille);
    ck_assert_ptr_nonnull(strstr(window.out, "lost |"));
    ck_assert_ptr_null(strstr(window.out, "seq="));
}
END_TEST

START_TEST(resized)
{
    struct winsize size = {.ws_col = 50, .ws_row = 12};
    const char *cleared;

    open_window("xterm", "C.UTF-8", "");
    for (int i = 0; i < 3; i++)
        ck_assert(await_text(" ms |"));
    ck_assert_int_eq(ioctl(window.master, TIOCSWINSZ, &size), 0);
    ck_assert(await_text("\033[2J"));
    for (int i = 0; i < 9; i++)
        ck_assert(await_text(" ms |"));
    cleared = strstr(window.out, "\033[2J");
    assert_fits(window.out, 80);
    assert_fits(cleared, 50);
    /* Twelve lines: the chart's, of what was lost, the legend, the remark, the cursor's. */
    ck_assert_ptr_nonnull(strstr(cleared, "\033[11A"));
    interrupt();
}
END_TEST

START_TEST(terminal_without_a_cursor)
{
    open_window("dumb", "C.UTF-8", "");
    ck_assert(await_text("seq=2 "));
    interrupt();
    ck_assert_ptr_null(strstr(window.out, "\033["));
}
END_TEST

START_TEST(no_terminal)
{
    struct run run = CLIENT("ping", "--graph", "-c2", "-i0", server.target);

    ck_assert_int_eq(run.status, 0);
    ck_assert_ptr_nonnull(strstr(run.out, "seq=2 time="));
    ck_assert_ptr_null(strstr(run.out, "\033["));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("ping_graph");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, kinds_of_terminals, 0, sizeof(windows) / sizeof(windows[0]));
    tcase_add_test(tcase, resized);
    tcase_add_test(tcase, terminal_without_a_cursor);
    tcase_add_test(tcase, no_terminal);
    return suite_run("ping_graph", tcase);
}
