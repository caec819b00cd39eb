/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client_run.h"
#include "echo_servers.h"
#include "harness.h"

/* echo-client pipe, in pipelines of a shell, against servers good and bad. */

static struct echod e;
static char target[128];

static void set_up(void)
{
    echod_init(&e);
    (void)snprintf(target, sizeof(target), "%s:%d", e.host, e.port);
    ck_assert_int_eq(setenv("client", client_path(), 1), 0);
}

/* Runs a line of shell, in which $client is the program. */
__attribute__((format(printf, 1, 2))) static struct run shell(const char *format, ...)
{
    char line[1024];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    return client_run((const char *const[]){"/bin/bash", "-c", line, NULL});
}

static void assert_run(const struct run *run, int status, const char *out)
{
    ck_assert_msg(run->status == status, "exit %d: %s%s", run->status, run->out, run->err);
    ck_assert_str_eq(run->out, out);
}

static void assert_error(const struct run *run, const char *fact1, const char *fact2)
{
    ck_assert_msg(strstr(run->err, fact1) && strstr(run->err, fact2), "%s / %s are not in: %s",
                  fact1, fact2, run->err);
    ck_assert_msg(strchr(run->err, '\n') == run->err + strlen(run->err) - 1, "not one line: %s",
                  run->err);
}

START_TEST(comes_back)
{
    struct run run;

    echod_start(&e);
    run = shell("printf 'Hello, world' | \"$client\" pipe %s", target);
    assert_run(&run, 0, "Hello, world");
    ck_assert_str_eq(run.err, "");
    run = shell("printf 'Hello, world' | \"$client\" pipe --verify -v %s", target);
    assert_run(&run, 0, "Hello, world");
    assert_error(&run, "12 bytes came back", "intact");
    run = shell("\"$client\" pipe %s </dev/null", target);
    assert_run(&run, 0, "");
    echod_stop(&e);
}
END_TEST

/* More than all buffers on the way hold, slow readers, slow writers. */
static const struct {
    int bytes;
    const char *line; /* in which f is the program, and $in the file */
} flows[] = {
    {60000000, "f <$in | cmp - $in"},
    {60000000, "f --verify <$in | cmp - $in"},
    {3000000, "dd if=$in bs=777 2>$in.err | f --verify | dd bs=333 2>$in.err | cmp - $in"},
};

START_TEST(large_streams)
{
    const char *in = echod_path(&e, "in");
    struct run run;

    ck_assert_int_eq(setenv("in", in, 1), 0);
    run = shell("head -c %d /dev/urandom >$in", flows[_i].bytes);
    assert_run(&run, 0, "");
    echod_start(&e);
    run = shell("set -o pipefail; f() { \"$client\" pipe \"$@\" %s; }; %s", target, flows[_i].line);
    echod_stop(&e);
    assert_run(&run, 0, "");
    ck_assert_str_eq(run.err, "");
}
END_TEST

/* A conversation: each answer before the next question, and the input stays open. */
START_TEST(answers_before_the_input_ends)
{
    struct run run;

    echod_start(&e);
    run = shell("coproc \"$client\" pipe %s; for i in 1 2 3; do echo $i >&${COPROC[1]}; "
                "read -r answer <&${COPROC[0]}; echo got $answer; done",
                target);
    echod_stop(&e);
    assert_run(&run, 0, "got 1\ngot 2\ngot 3\n");
}
END_TEST

/* Loses what it still owes when the client closes its side. */
static void serve_until_half_close(const struct server *server, int fd)
{
    char data[65536];
    ssize_t n = recv(fd, data, sizeof(data), MSG_WAITALL);

    (void)server;
    if (n > 5)
        (void)send(fd, data, 5, MSG_NOSIGNAL);
}

static const struct {
    void (*serve)(const struct server *server, int fd);
    const char *arguments;
    int status;
    const char *out, *fact1, *fact2;
} broken[] = {
    {serve_flipped, "--verify", 2, "Hello, ", "wrong byte at offset 7", "expected 0x77 'w'"},
    {serve_flipped, "", 0, "Hello, vorld", "", ""},
    {serve_short, "", 2, "Hello, ", "closed early", "7 of 12"},
    {serve_surplus_at_the_end, "--verify", 2, "Hello, world", "surplus", "offset 12"},
    {serve_surplus_at_the_end, "", 0, "Hello, world!", "", ""},
    {serve_silence, "-t 0.2", 2, "", "timed out after 0.2 s", "0 of 12"},
    {serve_reset, "", 2, "", "reset", "0 of 12"},
    {serve_until_half_close, "", 2, "Hello", "5 of 12", "half-closed"},
    {serve_echo_and_hold, "", 0, "Hello, world", "", ""},
    {serve_echo_and_reset, "", 0, "Hello, world", "", ""},
};

START_TEST(servers_that_do_not_echo)
{
    struct server server = {.serve = broken[_i].serve, .at = 7};
    struct run run;

    server_start(&server);
    run = shell("printf 'Hello, world' | \"$client\" pipe %s %s", broken[_i].arguments,
                server.target);
    server_stop(&server);
    assert_run(&run, broken[_i].status, broken[_i].out);
    if (broken[_i].status != 0)
        assert_error(&run, broken[_i].fact1, broken[_i].fact2);
    else
        ck_assert_str_eq(run.err, "");
}
END_TEST

START_TEST(trouble_on_this_side)
{
    struct run run;

    echod_start(&e);
    run = shell("echo x | \"$client\" pipe %s >/dev/full", target);
    assert_run(&run, 3, "");
    assert_error(&run, "cannot write to standard output", "No space left");
    run = shell("\"$client\" pipe %s </", target);
    assert_run(&run, 3, "");
    assert_error(&run, "cannot read standard input", "Is a directory");
    echod_stop(&e);
    run = shell("\"$client\" pipe udp://%s", target);
    ck_assert_int_eq(run.status, 3);
    ck_assert_ptr_nonnull(strstr(run.err, "no stream"));
    ck_assert_ptr_null(strstr(run.err, "udp://HOST"));
    ck_assert_ptr_null(strstr(CLIENT("pipe", "--help").out, "udp:"));
    run = shell("\"$client\" pipe unix:/nonexistent/socket </dev/null");
    assert_run(&run, 2, "");
    assert_error(&run, "unix:/nonexistent/socket", "No such file");
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
    TCase *tcase = harness_suite("check_pipe");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, comes_back);
    tcase_add_loop_test(tcase, large_streams, 0, COUNT(flows));
    tcase_add_test(tcase, answers_before_the_input_ends);
    tcase_add_loop_test(tcase, servers_that_do_not_echo, 0, COUNT(broken));
    tcase_add_test(tcase, trouble_on_this_side);
    return harness_run();
}
