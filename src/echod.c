/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/conf.h"
#include "base/descriptors.h"
#include "base/log.h"
#include "daemon/daemonize.h"
#include "daemon/inetd.h"
#include "daemon/options.h"
#include "daemon/pidfile.h"
#include "daemon/supervisor.h"

/* Exit codes of LSB and daemon(7) beside 0 and 1. */
enum { EXIT_USAGE = 2, EXIT_PERMISSION = 4, EXIT_CONFIGURATION = 6 };

/* 0 or EXIT_CONFIGURATION, after saying all that is wrong. */
static int load_configuration(const struct echod_options *options, struct conf *ret)
{
    struct conf_errors errors = {0};
    int r = echod_options_load_conf(options, ret, &errors);

    for (size_t i = 0; i < errors.count; i++)
        (void)log_event(EVENT_CONFIG_ERROR, 0, LOG_NO_FIELDS, "%s", errors.text[i]);
    if (r == -ENOMEM)
        (void)log_event(EVENT_CONFIG_ERROR, r, LOG_NO_FIELDS, "%m");
    conf_errors_deinit(&errors);
    return r < 0 ? EXIT_CONFIGURATION : 0;
}

static int print_configuration(const struct conf *conf)
{
    int r = conf_print(conf, stdout);

    if (r == 0 && fflush(stdout) == EOF)
        r = -errno;
    if (r < 0)
        (void)log_event(EVENT_START_FAILED, r, LOG_NO_FIELDS, "Cannot print: %m");
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int create_pidfile(struct pidfile *pidfile, const char *path)
{
    pid_t holder = 0;
    int r = pidfile_create(pidfile, path, &holder);

    if (r == -EEXIST)
        (void)log_event(EVENT_START_FAILED, 0, LOG_NO_FIELDS,
                        "echod is running already: process %d holds %s", (int)holder, path);
    else if (r < 0)
        (void)log_event(EVENT_START_FAILED, r, LOG_NO_FIELDS, "Cannot create pid file %s: %m",
                        path);
    if (r == -EACCES || r == -EPERM)
        return EXIT_PERMISSION;
    return r < 0 ? EXIT_FAILURE : 0;
}

static int run_as_daemon(const struct echod_options *options, struct conf *conf)
{
    struct pidfile pidfile = {.fd = -1};
    int parent, status;

    switch (daemonize(&parent)) {
    case DAEMONIZE_PARENT:
        return parent;
    case DAEMONIZE_FAILED:
        (void)log_event(EVENT_START_FAILED, parent, LOG_NO_FIELDS, "Cannot become a daemon: %m");
        return EXIT_FAILURE;
    case DAEMONIZE_CHILD:
        break;
    }
    log_copy_errors(parent);
    log_open((enum conf_log_target)conf->log_target, conf->log_level, true);
    status = create_pidfile(&pidfile, options->pid_file);
    if (status == 0)
        status = supervisor_run(options, conf, &parent);
    pidfile_remove(&pidfile);
    daemonize_tell(&parent, status);
    return status;
}

/* What is left when the command line is known. */
static int run(const struct echod_options *options)
{
    int silent = options->inetd ? inetd_silence() : 0; /* standard error leads to nobody */
    enum conf_log_target target =
        options->log_target >= 0 ? (enum conf_log_target)options->log_target : CONF_LOG_TARGET_AUTO;
    int status, no_parent = -1;
    _cleanup_(conf_deinit) struct conf conf = {0};

    if (silent < 0)
        return EXIT_FAILURE;
    log_open(target, LOG_INFO, silent); /* for what may be wrong in the configuration */
    status = load_configuration(options, &conf);
    if (status != 0)
        return status;
    if (options->print_config)
        return print_configuration(&conf);
    if (options->check_config)
        return EXIT_SUCCESS;
    if (options->daemon)
        return run_as_daemon(options, &conf);
    log_open((enum conf_log_target)conf.log_target, conf.log_level, silent);
    return options->inetd ? inetd_run(&conf) : supervisor_run(options, &conf, &no_parent);
}

int main(int argc, char **argv)
{
    struct echod_options options;

    if (descriptors_open_standard() < 0)
        return EXIT_FAILURE;
    switch (echod_options_parse(argc, argv, &options)) {
    case OPTIONS_WRONG:
        return EXIT_USAGE;
    case OPTIONS_DONE:
        return EXIT_SUCCESS;
    case OPTIONS_RUN:
        break;
    }
    return run(&options);
}
