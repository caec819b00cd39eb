/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_run.h"
#include "harness.h"

/* echo-client --proxy-protocol, in all modes, at a real echod that wants a header. */

static struct echod e;

static void set_up(void)
{
    echod_init(&e);
    echod_configure(&e, "proxy_protocol = [ \"127.0.0.0/8\" ];");
    ck_assert_int_eq(setenv("client", client_path(), 1), 0);
    echod_start(&e);
}

static void tear_down(void)
{
    echod_stop(&e);
}

/* Lines of shell, in which $client is the program and $target the server, with OPTION before it. */
static const struct {
    const char *line;
    int without; /* the exit status without a header */
} modes[] = {
    {"\"$client\" $option $target", 2},
    {"\"$client\" check -n 3 -i 0 -s 100K $option $target", 2},
    {"head -c 100000 /dev/zero | \"$client\" pipe --verify $option $target", 2},
    {"\"$client\" ping -c 3 -i 0.01 $option $target", 1},
    {"\"$client\" ping --connect -c 3 -i 0.01 $option $target", 1},
    {"\"$client\" load -n 3 -d 0.2 --warm-up 0 --verify full $option $target", 2},
    {"\"$client\" load -n 3 -d 0.2 --warm-up 0 --reconnect $option $target", 2},
};

enum { MODES = sizeof(modes) / sizeof(modes[0]) };

static int status_with(const char *option, const char *line)
{
    char script[512];

    (void)snprintf(script, sizeof(script),
                   "option='%s' target=%s:%d; set -o pipefail; { %s; } >/dev/null 2>&1", option,
                   e.host, e.port, line);
    return client_run((const char *const[]){"/bin/bash", "-c", script, NULL}).status;
}

/* echod echoes nothing of a header, and resets who has one that is not as it should be. */
START_TEST(header_is_taken)
{
    ck_assert_int_eq(status_with("--proxy-protocol v1", modes[_i].line), 0);
    ck_assert_int_eq(status_with("--proxy-protocol v2", modes[_i].line), 0);
    ck_assert_ptr_null(strstr(echod_errors(&e), "proxy_protocol:"));
}
END_TEST

START_TEST(header_is_missed)
{
    ck_assert_int_eq(status_with("", modes[_i].line), modes[_i].without);
    echod_await_error(&e, "proxy_protocol: no PROXY header");
}
END_TEST

int main(void)
{
    TCase *tcase = harness_suite("check_client_proxy");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, header_is_taken, 0, MODES);
    tcase_add_loop_test(tcase, header_is_missed, 0, MODES);
    return harness_run();
}
