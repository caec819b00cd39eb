/* SPDX-License-Identifier: MIT */
#pragma once

#include <syslog.h>

#include "base/conf.h"
#include "scratch.h"

/* A configuration read from a scratch directory, for the tests of what comes of it. */

static struct conf conf;
static struct conf_errors errors;

/* Reads echod.conf and the drop-ins of a.d and b.d in the scratch directory. */
static inline int load(void)
{
    const char *const dirs[] = {scratch_path("a.d"), scratch_path("b.d"), NULL};
    struct conf_paths paths = {
        .file = scratch_path("echod.conf"), .file_required = true, .dirs = dirs};

    conf_errors_deinit(&errors);
    return conf_load(&paths, &conf, &errors);
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

static inline void assert_defaults(void)
{
    ck_assert_str_eq(conf.host, "127.0.0.1");
    ck_assert_int_eq(conf.port, 65432);
    ck_assert_int_eq(conf.backlog, 4096);
    ck_assert_int_eq(conf.workers, 0);
    ck_assert_int_eq(conf.idle_timeout, 0);
    ck_assert_int_eq(conf.drain_timeout, 10);
    ck_assert_int_eq(conf.busy_poll_us, 50);
    ck_assert_int_eq(conf.limit_connections, 10000);
    ck_assert_int_eq(conf.log_level, LOG_INFO);
    ck_assert_int_eq(conf.log_target, CONF_LOG_TARGET_AUTO);
    ck_assert_int_eq(conf.log_connections, CONF_LOG_CONNECTIONS_REFUSED);
    for (int key = 0; key < CONF_KEY_COUNT; key++)
        ck_assert_str_eq(conf.origin[key].file, "");
}

static void conf_case_end(void)
{
    conf_errors_deinit(&errors);
}

static inline void conf_case(TCase *tcase)
{
    scratch_case(tcase);
    tcase_add_checked_fixture(tcase, NULL, conf_case_end);
}
