/* SPDX-License-Identifier: MIT */
#include "daemon/options.h"

#include <config.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/image.h"

#define DEFAULT_PID_FILE RUNSTATEDIR "/echod.pid"

enum {
    OPTION_CHECK_CONFIG = 256,
    OPTION_PRINT_CONFIG,
    OPTION_CHECK_UPGRADE,
    OPTION_DAEMON,
    OPTION_PID_FILE,
    OPTION_INETD,
    OPTION_USER,
    OPTION_LOG_LEVEL,
    OPTION_LOG_TARGET,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check-config", no_argument, NULL, OPTION_CHECK_CONFIG},
    {"print-config", no_argument, NULL, OPTION_PRINT_CONFIG},
    {"check-upgrade", required_argument, NULL, OPTION_CHECK_UPGRADE},
    {"daemon", no_argument, NULL, OPTION_DAEMON},
    {"pid-file", required_argument, NULL, OPTION_PID_FILE},
    {"inetd", no_argument, NULL, OPTION_INETD},
    {"user", required_argument, NULL, OPTION_USER},
    {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
    {"log-target", required_argument, NULL, OPTION_LOG_TARGET},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {0},
};

static void print_help(void)
{
    puts("Usage: echod [OPTIONS]\n"
         "Send back every byte that is received (RFC 862).\n"
         "\n"
         "  -c, --config FILE    read FILE and FILE.d/*.conf, not " SYSCONFDIR "/echod.conf\n"
         "      --check-config   say what is wrong in the configuration, and exit\n"
         "      --print-config   print the configuration in force, and exit\n"
         "      --check-upgrade FD  what a running echod asks a new one, see SIGUSR2\n"
         "      --daemon         go into the background once listening\n"
         "      --pid-file FILE  with --daemon, instead of " DEFAULT_PID_FILE "\n"
         "      --inetd          serve the one connection on standard input\n"
         "      --user NAME      let the workers run as this user\n"
         "      --log-level L    err, warning, notice, info or debug\n"
         "      --log-target T   journal, syslog, stderr or auto\n"
         "      --help           print this help, and exit\n"
         "      --version        print the version, and exit\n"
         "\n"
         "Without --daemon, echod stays in the foreground. See echod(8).");
}

__attribute__((format(printf, 1, 2))) static bool wrong(const char *format, ...)
{
    va_list args;

    fputs("echod: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs("\nTry \"echod --help\".\n", stderr);
    return false;
}

/* A daemon's working directory is /: a path has to be absolute to be found again. */
static bool set_path(char path[static PATH_MAX], const char *option, const char *file)
{
    char directory[PATH_MAX] = "";
    int n;

    if (file[0] == '\0')
        return wrong("%s: the file name is empty", option);
    if (file[0] != '/' && !getcwd(directory, sizeof(directory)))
        return wrong("%s %s: the working directory is not known", option, file);
    n = snprintf(path, PATH_MAX, "%s%s%s", directory, directory[0] ? "/" : "", file);
    return (n > 0 && n < PATH_MAX) || wrong("%s %s: the path is too long", option, file);
}

static bool set_config(struct echod_options *options, const char *file)
{
    if (!set_path(options->config, "--config", file))
        return false;
    (void)snprintf(options->dropins, sizeof(options->dropins), "%s.d", options->config);
    return true;
}

static bool set_check_upgrade(struct echod_options *options, const char *descriptor)
{
    char *end;
    long fd = strtol(descriptor, &end, 10);

    options->check_upgrade = (int)fd;
    return (end > descriptor && *end == '\0' && fd > STDERR_FILENO && fd < INT_MAX) ||
           wrong("--check-upgrade %s: allowed: a descriptor, which a running echod passes",
                 descriptor);
}

static bool take_option(struct echod_options *options, int option, const char *argument)
{
    switch (option) {
    case 'c':
        return set_config(options, argument);
    case OPTION_CHECK_CONFIG:
        options->check_config = true;
        return true;
    case OPTION_PRINT_CONFIG:
        options->print_config = true;
        return true;
    case OPTION_CHECK_UPGRADE:
        return set_check_upgrade(options, argument);
    case OPTION_DAEMON:
        options->daemon = true;
        return true;
    case OPTION_PID_FILE:
        return set_path(options->pid_file, "--pid-file", argument);
    case OPTION_INETD:
        options->inetd = true;
        return true;
    case OPTION_USER:
        options->user = argument;
        return true;
    case OPTION_LOG_LEVEL:
        options->log_level = conf_log_level_parse(argument);
        return options->log_level >= 0 ||
               wrong("--log-level %s: allowed: err, warning, notice, info, debug", argument);
    case OPTION_LOG_TARGET:
        options->log_target = conf_log_target_parse(argument);
        return options->log_target >= 0 ||
               wrong("--log-target %s: allowed: journal, syslog, stderr, auto", argument);
    default:
        return false; /* getopt_long(3) has said what is wrong. */
    }
}

static bool check_combination(struct echod_options *options)
{
    if (options->pid_file[0] && !options->daemon)
        return wrong("--pid-file %s: needs --daemon", options->pid_file);
    if (options->daemon && options->inetd)
        return wrong("--daemon and --inetd exclude each other");
    if (options->daemon && getenv("LISTEN_FDS") && !image_was_replaced())
        return wrong("--daemon closes all descriptors, but the service manager passed some "
                     "($LISTEN_FDS): start echod without --daemon");
    if (options->user && options->inetd)
        return wrong("--user %s: not with --inetd, whose user inetd chooses", options->user);
    return options->pid_file[0] || set_path(options->pid_file, "--pid-file", DEFAULT_PID_FILE);
}

enum options_result echod_options_parse(int argc, char **argv, struct echod_options *ret)
{
    int option;

    *ret = (struct echod_options){.check_upgrade = -1, .log_level = -1, .log_target = -1};
    while ((option = getopt_long(argc, argv, "c:", long_options, NULL)) != -1) {
        if (option == OPTION_HELP) {
            print_help();
            return OPTIONS_DONE;
        }
        if (option == OPTION_VERSION) {
            puts("echod " PACKAGE_VERSION);
            return OPTIONS_DONE;
        }
        if (!take_option(ret, option, optarg))
            return OPTIONS_WRONG;
    }
    if (optind < argc && !wrong("unexpected argument \"%s\"", argv[optind]))
        return OPTIONS_WRONG;
    return check_combination(ret) ? OPTIONS_RUN : OPTIONS_WRONG;
}

int echod_options_load_conf(const struct echod_options *options, struct conf *ret_conf,
                            struct conf_errors *errors)
{
    const char *const dropins[] = {options->dropins, NULL};
    struct conf_paths paths = conf_paths_system();
    int r;

    if (options->config[0])
        paths =
            (struct conf_paths){.file = options->config, .file_required = true, .dirs = dropins};
    r = conf_load(&paths, ret_conf, errors);
    if (r < 0)
        return r;
    if (options->log_level >= 0) {
        ret_conf->log_level = options->log_level;
        ret_conf->origin[CONF_LOG_LEVEL] = (struct conf_origin){.file = "--log-level"};
    }
    if (options->log_target >= 0) {
        ret_conf->log_target = options->log_target;
        ret_conf->origin[CONF_LOG_TARGET] = (struct conf_origin){.file = "--log-target"};
    }
    return 0;
}
