/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/suite.h"
#include "client_run.h"
#include "ping_servers.h"

/* The real "echo-client ping" against servers of every kind. */

#define PING(...) CLIENT("ping", __VA_ARGS__)
#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* How often TEXT stands in ALL. */
static unsigned count(const char *all, const char *text)
{
    unsigned found = 0;

    for (; (all = strstr(all, text)) != NULL; all += strlen(text))
        found++;
    return found;
}

static void assert_run(const struct run *run, int status, const char *fact)
{
    ck_assert_msg(run->status == status, "exit %d: %s%s", run->status, run->out, run->err);
    ck_assert_msg(strstr(run->out, fact) != NULL, "no \"%s\" in: %s%s", fact, run->out, run->err);
}

/* What each server does to probes of 56 bytes, and what is to be said of it. */
static const struct {
    const char *script;
    const char *options[6]; /* beside -c 3 */
    int status;
    const char *facts[3]; /* in the summary and before it */
} datagrams[] = {
    {".", {"-i0.01"}, 0, {"3 sent, 3 received, 0 lost (0%), 0 duplicates\n", "seq=3 time="}},
    {".", {"-i0"}, 0, {"3 sent, 3 received"}},
    {".", {"-i0.01", "-s24"}, 0, {"3 sent, 3 received", "24 bytes from"}},
    {".", {"-i0.01", "-s65507"}, 0, {"3 sent, 3 received", "65507 bytes from"}},
    {"x.", {"-i0.01", "-W1"}, 0, {"3 sent, 2 received, 1 lost (33.33%)", "seq=1 no answer"}},
    {"x", {"-i0.01", "-W0.1"}, 1, {"3 sent, 0 received, 3 lost (100%)"}},
    {".2.", {"-i0.05"}, 0, {"3 received, 0 lost (0%), 1 duplicates", "(duplicate)"}},
    {"h.", {"-i0.01"}, 0, {"3 received, 0 lost (0%), 0 duplicates, 1 reordered", "overtaken"}},
    {"h.",
     {"-i1.5", "-W1"},
     0,
     {"2 received, 1 lost (33.33%), 0 duplicates, 1 of the lost came late", "seq=1 no answer",
      "(late: counted as lost)"}},
    {".c.",
     {"-i0.05"},
     0,
     {"2 received, 0 lost (0%), 0 duplicates, 1 corrupted\n",
      "seq=2 corrupted: wrong byte at offset 55"}},
    {".H.",
     {"-i0.5"},
     0,
     {"2 received, 0 lost (0%), 0 duplicates, 1 corrupted\n",
      "seq=2 corrupted: wrong byte at offset 0"}},
    {".t.",
     {"-i0.05"},
     0,
     {"2 received, 0 lost (0%), 0 duplicates, 1 corrupted\n",
      "seq=2 corrupted: cut to 28 of 56 bytes"}},
    {"t", {"-i0.5", "-s30"}, 1, {"0 received", "3 corrupted", "cut to 15 of 30 bytes"}},
    {"s.",
     {"-i0.5"},
     0,
     {"3 received, 0 lost (0%), 0 duplicates, 1 answered no probe", "that answer no probe"}},
};

static struct run ping_server(struct ping_server *server, const char *const *options)
{
    const char *argv[12] = {client_path(), "ping", "-c3"};
    size_t argc = 3;
    struct run run;

    for (size_t i = 0; i < 6 && options[i]; i++)
        argv[argc++] = options[i];
    ping_server_start(server);
    argv[argc] = server->target;
    run = client_run(argv);
    ping_server_stop(server);
    return run;
}

START_TEST(tells_datagrams_apart)
{
    struct ping_server server = {.script = datagrams[_i].script, .type = SOCK_DGRAM};
    struct run run = ping_server(&server, datagrams[_i].options);

    for (size_t i = 0; i < 3 && datagrams[_i].facts[i]; i++)
        assert_run(&run, datagrams[_i].status, datagrams[_i].facts[i]);
}
END_TEST

static const struct {
    const char *script;
    const char *options[6];
    int status;
    const char *facts[3];
} streams[] = {
    {".", {"-i0.01"}, 0, {"3 sent, 3 received, 0 lost (0%), 0 duplicates\n", "seq=3 time="}},
    {".", {"-i0", "-s65507"}, 0, {"3 sent, 3 received"}},
    {".", {"-i0", "--connect"}, 0, {"3 sent, 3 received", "seq=3 connect=", "\nconnect min/"}},
    {"3.", {"-i0.5", "-c5"}, 0, {"5 sent, 5 received", "2 connections", "connected again"}},
    {"r.", {"-i0.5"}, 0, {"2 received, 1 lost (33.33%)", "connection lost: Connection reset"}},
    {"x", {"-i0.01", "-W0.1"}, 1, {"3 sent, 0 received, 3 lost (100%)", "seq=1 no answer"}},
    {"x.", {"-i0.01", "-W1", "--connect"}, 0, {"3 sent, 2 received", "seq=1 no answer"}},
    {"c.",
     {"-i0.5"},
     0,
     {"2 received, 0 lost (0%), 0 duplicates, 1 corrupted",
      "seq=2 corrupted: wrong byte at "
      "offset 44",
      "connected again"}},
    {"s.", {"-i0.5"}, 0, {"3 received", "1 answered no probe", "more than it was sent"}},
};

START_TEST(tells_streams_apart)
{
    struct ping_server server = {.script = streams[_i].script, .type = SOCK_STREAM};
    struct run run = ping_server(&server, streams[_i].options);

    for (size_t i = 0; i < 3 && streams[_i].facts[i]; i++)
        assert_run(&run, streams[_i].status, streams[_i].facts[i]);
}
END_TEST

static void assert_clock(const char *out, bool by_kernel)
{
    ck_assert_msg((strstr(out, "kernel time stamps") != NULL) == by_kernel, "%s", out);
    ck_assert_msg((strstr(out, "(monotonic clock)") != NULL) == !by_kernel, "%s", out);
}

static void assert_answered(struct addr addr, int type, bool by_kernel)
{
    static const char *const options[] = {"-i0.05", NULL};
    struct ping_server server = {.script = ".", .type = type, .addr = addr};
    struct run run = ping_server(&server, options);

    assert_run(&run, 0, "3 sent, 3 received");
    assert_clock(run.out, by_kernel);
}

START_TEST(families)
{
    struct addr addr;
    char name[64];

    (void)snprintf(name, sizeof(name), "@check_ping.%d", (int)getpid());
    ck_assert_int_eq(addr_unix(name, &addr), 0);
    assert_answered(addr, SOCK_STREAM, false);
    assert_answered(addr, SOCK_DGRAM, false);
    assert_answered(addr_loopback(AF_INET, 0), SOCK_STREAM, true);
    assert_answered(addr_loopback(AF_INET, 0), SOCK_DGRAM, true);
    assert_answered(addr_loopback(AF_INET6, 0), SOCK_STREAM, true);
    assert_answered(addr_loopback(AF_INET6, 0), SOCK_DGRAM, true);
}
END_TEST

/* A port of ours where nobody listens. */
static void refused(int type, const char *prefix)
{
    struct addr addr = addr_loopback(AF_INET, 0);
    int fd = socket(AF_INET, type, 0);
    char text[ADDR_TEXT_MAX], target[ADDR_TEXT_MAX + 8];
    struct run run;

    ck_assert_int_eq(bind(fd, &addr.sa, addr.len), 0);
    ck_assert_int_eq(addr_of_socket(fd, &addr), 0);
    if (type == SOCK_DGRAM)
        (void)close(fd); /* a socket that is bound would take the datagrams */
    (void)snprintf(target, sizeof(target), "%s%s", prefix, addr_format(&addr, text));
    run = PING("-c2", "-i0.01", target);
    assert_run(&run, 1, "2 sent, 0 received, 2 lost (100%), 0 duplicates, 2 errors");
    ck_assert_uint_eq(count(run.out, "Connection refused"), 2);
    if (type == SOCK_STREAM)
        (void)close(fd);
}

START_TEST(refusals)
{
    refused(SOCK_STREAM, "");
    refused(SOCK_DGRAM, "udp://");
}
END_TEST

START_TEST(several_targets)
{
    struct ping_server good = {.script = ".", .type = SOCK_DGRAM};
    struct ping_server silent = {.script = "x", .type = SOCK_DGRAM};
    struct ping_server stream = {.script = ".", .type = SOCK_STREAM};
    struct run run;

    ping_server_start(&good);
    ping_server_start(&silent);
    ping_server_start(&stream);
    run = PING("-c2", "-i0.01", "-W1", good.target, silent.target, stream.target);
    assert_run(&run, 0, "2 sent, 0 received, 2 lost (100%)");
    ck_assert_msg(count(run.out, "2 sent, 2 received") == 2, "%s", run.out);
    ck_assert_uint_eq(count(run.out, silent.target), 1 + 2 + 1);
    run = PING("-c1", "nowhere.invalid", good.target);
    assert_run(&run, 2, "1 sent, 1 received");
    ck_assert_ptr_nonnull(strstr(run.err, "cannot look up nowhere.invalid"));
    ping_server_stop(&stream);
    ping_server_stop(&silent);
    ping_server_stop(&good);
}
END_TEST

/* Without -w, so many are sent; with it, so many must come back. */
START_TEST(count_and_deadline)
{
    static const char *const options[] = {"-i0.1", "-W30", "-w60", NULL};
    static const char *const endless[] = {"-i0.01", "-c1000000", "-w0.2", NULL};
    struct ping_server server = {.script = "xxx.", .type = SOCK_DGRAM};
    struct run run = ping_server(&server, options);
    unsigned sent = 0, received = 0;
    const char *summary = strstr(run.out, "---\n");

    ck_assert_int_eq(run.status, 0);
    ck_assert_ptr_nonnull(summary);
    ck_assert_int_eq(sscanf(summary, "---\n%u sent, %u received, 0 lost", &sent, &received), 2);
    ck_assert_uint_ge(received, 3);
    ck_assert_uint_ge(sent, received + 3);
    server = (struct ping_server){.script = "x", .type = SOCK_DGRAM};
    run = ping_server(&server, endless);
    assert_run(&run, 1, ", 0 received");
    ck_assert_ptr_nonnull(strstr(run.out, " under way\n"));
}
END_TEST

/* As ping(8) has it: too few answers by the deadline are a failure, though some came. */
START_TEST(deadline_wants_all_answers)
{
    static const char *const options[] = {"-i0.01", "-c3", "-w0.3", NULL};
    static const char *const without[] = {"-i0.01", "-c3", "-W0.1", NULL};
    struct ping_server server = {.script = "..x", .type = SOCK_DGRAM};
    struct run run = ping_server(&server, options);

    assert_run(&run, 1, ", 2 received");
    server = (struct ping_server){.script = "..x", .type = SOCK_DGRAM};
    run = ping_server(&server, without);
    assert_run(&run, 0, "3 sent, 2 received, 1 lost");
}
END_TEST

START_TEST(quiet)
{
    static const char *const options[] = {"-q", "-i0", NULL};
    struct ping_server server = {.script = ".", .type = SOCK_DGRAM};
    struct run run = ping_server(&server, options);

    assert_run(&run, 0, "3 sent, 3 received");
    ck_assert_uint_eq(count(run.out, "seq="), 0);
}
END_TEST

START_TEST(time_of_day)
{
    static const char *const options[] = {"-D", "-i0", NULL};
    struct ping_server server = {.script = ".", .type = SOCK_DGRAM};
    struct run run = ping_server(&server, options);
    long seconds, usec;
    int length = 0;

    assert_run(&run, 0, "3 sent, 3 received");
    ck_assert_int_eq(
        sscanf(strchr(run.out, '\n'), " [%ld.%6ld] 56 bytes from%n", &seconds, &usec, &length), 2);
    ck_assert_int_gt(length, 0);
    ck_assert_int_gt(seconds, 1600000000);
}
END_TEST

/* A ping under way, whose standard output and error are read as they come. */
struct process {
    pid_t pid;
    int out, err;
};

static struct process start(const char *const *argv)
{
    int out[2], err[2];
    struct process process;

    ck_assert(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
    process.pid = fork();
    if (process.pid == 0) {
        if (dup2(out[1], STDOUT_FILENO) >= 0 && dup2(err[1], STDERR_FILENO) >= 0)
            (void)execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    (void)close(out[1]);
    (void)close(err[1]);
    process.out = out[0];
    process.err = err[0];
    return process;
}

/* Reads until TEXT has come. */
static void await_text(int fd, const char *text)
{
    char all[65536] = "";
    size_t length = 0;

    while (!strstr(all, text)) {
        ssize_t n = read(fd, all + length, sizeof(all) - 1 - length);

        ck_assert_msg(n > 0, "no \"%s\" in: %s", text, all);
        length += (size_t)n;
        all[length] = '\0';
    }
}

START_TEST(signals)
{
    struct ping_server server = {.script = ".", .type = SOCK_DGRAM};
    struct process process;
    int status;

    ping_server_start(&server);
    process = start((const char *const[]){client_path(), "ping", "-i0.01", server.target, NULL});
    await_text(process.out, "seq=2 ");
    ck_assert_int_eq(kill(process.pid, SIGQUIT), 0);
    await_text(process.err, " received, 0 lost");
    await_text(process.out, "seq="); /* it goes on */
    ck_assert_int_eq(kill(process.pid, SIGINT), 0);
    await_text(process.out, " received, 0 lost");
    ck_assert_int_eq(waitpid(process.pid, &status, 0), process.pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    (void)close(process.out);
    (void)close(process.err);
    ping_server_stop(&server);
}
END_TEST

START_TEST(output_cannot_be_written)
{
    struct ping_server server = {.script = ".", .type = SOCK_DGRAM};
    struct process process;
    int status;

    ping_server_start(&server);
    process = start((const char *const[]){client_path(), "ping", "-i0", server.target, NULL});
    (void)close(process.out); /* as head(1) does; it ends by itself */
    ck_assert_int_eq(waitpid(process.pid, &status, 0), process.pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    (void)close(process.err);
    ping_server_stop(&server);
}
END_TEST

static const char *const wrongs[][5] = {
    {"-c0"},
    {"-c", "x"},
    {"-s23"},
    {"-s65508"},
    {"-i-1"},
    {"-W0"},
    {"-w0"},
    {"--ttl", "256"},
    {"--ttl", "0"},
    {"--dscp", "64"},
    {"--mark", "4294967296"},
    {"--connect", "udp://localhost"},
    {"--connect", "unixgram:/x"},
    {"--df", "unix:/x"},
    {"--interface", "lo", "vsock:1:1"},
    {"http://localhost/"},
};

START_TEST(usage)
{
    const char *argv[8] = {client_path(), "ping"};
    struct run run;

    for (size_t i = 0; i < 5; i++)
        argv[2 + i] = wrongs[_i][i];
    run = client_run(argv);
    ck_assert_msg(run.status == 2, "exit %d: %s", run.status, run.out);
    ck_assert_str_eq(run.out, "");
    ck_assert_ptr_nonnull(strstr(run.err, "Try \"echo-client ping --help\""));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("ping");

    tcase_add_loop_test(tcase, tells_datagrams_apart, 0, COUNT(datagrams));
    tcase_add_loop_test(tcase, tells_streams_apart, 0, COUNT(streams));
    tcase_add_test(tcase, families);
    tcase_add_test(tcase, refusals);
    tcase_add_test(tcase, several_targets);
    tcase_add_test(tcase, count_and_deadline);
    tcase_add_test(tcase, deadline_wants_all_answers);
    tcase_add_test(tcase, quiet);
    tcase_add_test(tcase, time_of_day);
    tcase_add_test(tcase, signals);
    tcase_add_test(tcase, output_cannot_be_written);
    tcase_add_loop_test(tcase, usage, 0, COUNT(wrongs));
    return suite_run("ping", tcase);
}
