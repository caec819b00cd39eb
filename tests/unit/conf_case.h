/* SPDX-License-Identifier: MIT */
#pragma once

#include <syslog.h>

#include "base/conf.h"
#include "scratch.h"

/* A configuration read from a scratch directory, for the tests of what comes of it. */

static struct conf conf;
static struct conf_errors errors;

/*
 * Reads echod.conf and the drop-ins of a.d and b.d in the scratch directory. What fails changes
 * nothing.
 */
static inline int load(void)
{
    const char *const dirs[] = {scratch_path("a.d"), scratch_path("b.d"), NULL};
    struct conf_paths paths = {
        .file = scratch_path("echod.conf"), .file_required = true, .dirs = dirs};
    struct conf loaded, before;
    int r;

    memset(&before, 0x5a, sizeof(before));
    memcpy(&loaded, &before, sizeof(loaded));
    conf_errors_deinit(&errors);
    r = conf_load(&paths, &loaded, &errors);
    if (r < 0) {
        ck_assert_mem_eq(&loaded, &before, sizeof(loaded));
        return r;
    }
    conf_deinit(&conf);
    conf = conf_take(&loaded);
    return 0;
}

static inline int load_text(const char *text)
{
    scratch_write("echod.conf", text);
    return load();
}

static inline void no_errors(void)
{
    for (size_t i = 0; i < errors.count; i++)
        ck_abort_msg("%s", errors.text[i]);
}

/* The error with this number begins with "FILE:START" and has the rest in it. */
static inline void error_is(size_t index, const char *file, const char *start, const char *rest)
{
    char prefix[PATH_MAX + 128];

    (void)snprintf(prefix, sizeof(prefix), "%s:%s", scratch_path(file), start);
    ck_assert_uint_lt(index, errors.count);
    ck_assert_msg(strncmp(errors.text[index], prefix, strlen(prefix)) == 0, "%s is not %s...",
                  errors.text[index], prefix);
    ck_assert_msg(strstr(errors.text[index] + strlen(prefix), rest) != NULL, "%s lacks %s",
                  errors.text[index], rest);
    ck_assert_ptr_null(strchr(errors.text[index], '\n'));
}

/* A list is WANTED: each network followed by a space. */
static inline void networks_are(const struct networks *networks, const char *wanted)
{
    char text[1024] = "", network[NETWORK_TEXT_MAX];

    for (size_t i = 0; i < networks->count; i++) {
        strcat(text, network_format(&networks->list[i], network));
        strcat(text, " ");
    }
    ck_assert_str_eq(text, wanted);
}

static inline void assert_defaults(void)
{
    ck_assert_str_eq(conf.host, "127.0.0.1");
    ck_assert_int_eq(conf.port, 65432);
    ck_assert_int_eq(conf.backlog, 4096);
    ck_assert_int_eq(conf.protocols, CONF_PROTOCOL_TCP);
    ck_assert_uint_eq(conf.listeners.count, 0);
    ck_assert_int_eq(conf.workers, 0);
    ck_assert_int_eq(conf.idle_timeout, 0);
    ck_assert_int_eq(conf.drain_timeout, 10);
    ck_assert_int_eq(conf.busy_poll_us, 50);
    ck_assert_int_eq(conf.limit_connections, 10000);
    ck_assert_int_eq(conf.limit_connections_per_source, 1000);
    ck_assert_int_eq(conf.limit_connection_rate_per_source, 0);
    ck_assert_int_eq(conf.limit_datagram_rate_per_source, 1000);
    ck_assert_int_eq(conf.limit_ipv4_prefix, 32);
    ck_assert_int_eq(conf.limit_ipv6_prefix, 64);
    networks_are(&conf.access_allow, "0.0.0.0/0 ::/0 ");
    networks_are(&conf.access_deny, "");
    networks_are(&conf.proxy_protocol, "");
    ck_assert_int_eq(conf.log_level, LOG_INFO);
    ck_assert_int_eq(conf.log_target, CONF_LOG_TARGET_AUTO);
    ck_assert_int_eq(conf.log_connections, CONF_LOG_CONNECTIONS_REFUSED);
    for (int key = 0; key < CONF_KEY_COUNT; key++)
        ck_assert_str_eq(conf.origin[key].file, "");
}

static void conf_case_end(void)
{
    conf_deinit(&conf);
    conf_errors_deinit(&errors);
}

static inline void conf_case(TCase *tcase)
{
    scratch_case(tcase);
    tcase_add_checked_fixture(tcase, NULL, conf_case_end);
}
