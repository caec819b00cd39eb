/* SPDX-License-Identifier: MIT */
#include <config.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/conf.h"
#include "base/descriptors.h"
#include "base/log.h"
#include "daemon/arena.h"
#include "daemon/daemonize.h"
#include "daemon/image.h"
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

static int run_in_foreground(const struct echod_options *options, const struct image *image,
                             struct conf *conf)
{
    struct pidfile none = {.fd = -1};
    int no_parent = -1;

    return supervisor_run(&(struct supervisor_setup){options, image, &none, &no_parent}, conf);
}

static int run_in_background(const struct echod_options *options, const struct image *image,
                             struct conf *conf, int parent)
{
    struct pidfile pidfile = {.fd = -1};
    const struct supervisor_setup setup = {options, image, &pidfile, &parent};
    int status = 0;

    log_copy_errors(parent);
    log_open((enum conf_log_target)conf->log_target, conf->log_level, true);
    if (!image_was_replaced()) /* else the supervisor gets the file */
        status = create_pidfile(&pidfile, options->pid_file);
    if (status == 0)
        status = supervisor_run(&setup, conf);
    pidfile_remove(&pidfile);
    daemonize_tell(&parent, status);
    return status;
}

static int run_as_daemon(const struct echod_options *options, const struct image *image,
                         struct conf *conf)
{
    int parent = -1;

    switch (image_was_replaced() ? daemonize_again(&parent) : daemonize(&parent)) {
    case DAEMONIZE_PARENT:
        return parent;
    case DAEMONIZE_FAILED:
        (void)log_event(EVENT_START_FAILED, parent, LOG_NO_FIELDS, "Cannot become a daemon: %m");
        return EXIT_FAILURE;
    case DAEMONIZE_CHILD:
        break;
    }
    return run_in_background(options, image, conf, parent);
}

/* For a running echod that is to become this program; the configuration is good. */
static int check_upgrade(int memory)
{
    int r = arena_check(memory);

    if (r < 0)
        (void)log_event(EVENT_UPGRADE_FAILED, r, LOG_NO_FIELDS,
                        "echod " PACKAGE_VERSION " cannot go on with the memory of the one that "
                        "runs (%m): a restart is needed");
    else
        (void)printf(IMAGE_CAN_GO_ON PACKAGE_VERSION "\n");
    return r < 0 || fflush(stdout) == EOF ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Where messages go while it is not known what the configuration wants, as it may be wrong. */
static enum conf_log_target first_log_target(const struct echod_options *options)
{
    if (options->check_upgrade >= 0)
        return CONF_LOG_TARGET_STDERR;
    return options->log_target >= 0 ? (enum conf_log_target)options->log_target
                                    : CONF_LOG_TARGET_AUTO;
}

/* What is left when the command line is known. */
static int run(const struct echod_options *options, const struct image *image)
{
    int silent = options->inetd ? inetd_silence() : 0; /* standard error leads to nobody */
    int status;
    _cleanup_(conf_deinit) struct conf conf = {0};

    if (silent < 0)
        return EXIT_FAILURE;
    log_open(first_log_target(options), LOG_INFO, silent);
    status = load_configuration(options, &conf);
    if (status != 0)
        return status;
    if (options->print_config)
        return print_configuration(&conf);
    if (options->check_config)
        return EXIT_SUCCESS;
    if (options->check_upgrade >= 0)
        return check_upgrade(options->check_upgrade);
    if (options->daemon)
        return run_as_daemon(options, image, &conf);
    log_open((enum conf_log_target)conf.log_target, conf.log_level, silent);
    return options->inetd ? inetd_run(&conf) : run_in_foreground(options, image, &conf);
}

int main(int argc, char **argv)
{
    struct echod_options options;
    struct image image;

    if (descriptors_open_standard() < 0)
        return EXIT_FAILURE;
    (void)image_init(&image, argv); /* If not, an upgrade will fail and say so. */
    switch (echod_options_parse(argc, argv, &options)) {
    case OPTIONS_WRONG:
        return EXIT_USAGE;
    case OPTIONS_DONE:
        return EXIT_SUCCESS;
    case OPTIONS_RUN:
        break;
    }
    return run(&options, &image);
}
