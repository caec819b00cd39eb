/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/network.h"

/*
 * The configuration: data only. It owns its lists, so it is not copied: who has it calls
 * conf_deinit(), or passes it on with conf_take(). It is never changed in place: a reload makes
 * another one.
 */

/* The keys, in the order of the schema table in conf_schema.c. */
enum conf_key {
    CONF_HOST,
    CONF_PORT,
    CONF_BACKLOG,
    CONF_PROTOCOLS,
    CONF_LISTENERS,
    CONF_WORKERS,
    CONF_IDLE_TIMEOUT,
    CONF_DRAIN_TIMEOUT,
    CONF_BUSY_POLL_US,
    CONF_ESCROW_AFTER,
    CONF_LIMITS_CONNECTIONS,
    CONF_LIMITS_CONNECTIONS_PER_SOURCE,
    CONF_LIMITS_CONNECTION_RATE_PER_SOURCE,
    CONF_LIMITS_DATAGRAM_RATE_PER_SOURCE,
    CONF_LIMITS_IPV4_PREFIX,
    CONF_LIMITS_IPV6_PREFIX,
    CONF_ACCESS_ALLOW,
    CONF_ACCESS_DENY,
    CONF_PROXY_PROTOCOL,
    CONF_LOG_LEVEL,
    CONF_LOG_TARGET,
    CONF_LOG_CONNECTIONS,
    CONF_KEY_COUNT,

    /* The keys of each entry of listeners. */
    CONF_LISTENER_HOST = CONF_KEY_COUNT,
    CONF_LISTENER_PORT,
    CONF_LISTENER_BACKLOG,
    CONF_LISTENER_PROTOCOLS,
    CONF_LISTENER_PATH,
    CONF_LISTENER_MODE,
    CONF_LISTENER_OWNER,
    CONF_LISTENER_TYPE,
    CONF_LISTENER_VSOCK_PORT,
    CONF_ROW_COUNT
};

enum { CONF_LISTENER_KEYS = CONF_ROW_COUNT - CONF_KEY_COUNT };

/* protocols: what is listened for; a bit each. */
enum conf_protocol {
    CONF_PROTOCOL_TCP = 1 << 0,
    CONF_PROTOCOL_UDP = 1 << 1,
};

/* log.target: where messages go. */
enum conf_log_target {
    CONF_LOG_TARGET_AUTO,
    CONF_LOG_TARGET_JOURNAL,
    CONF_LOG_TARGET_SYSLOG,
    CONF_LOG_TARGET_STDERR,
};

/* log.connections: which connections are logged. */
enum conf_log_connections {
    CONF_LOG_CONNECTIONS_NONE,
    CONF_LOG_CONNECTIONS_REFUSED,
    CONF_LOG_CONNECTIONS_ALL,
};

/*
 * Where a value was set: a file's line; with line 0 something else, by its name, as an option of
 * the command line; with an empty name nowhere, it is the built-in default.
 */
struct conf_origin {
    char file[256];
    unsigned line;
};

/* What an entry of listeners asks for. */
enum conf_listener_kind {
    CONF_LISTENER_IP,    /* host, port, protocols */
    CONF_LISTENER_UNIX,  /* path, mode, owner, type */
    CONF_LISTENER_VSOCK, /* vsock_port */
};

/* An entry of listeners: complete once conf_load() is through. */
struct conf_listener {
    enum conf_listener_kind kind;
    char host[256]; /* as in struct conf */
    int port;
    int backlog;
    int protocols;
    char path[109]; /* absolute, or "@" and an abstract name */
    int mode;       /* permission bits, 0 to 0777 */
    char owner[68]; /* "user", "user:group", ":group", or "" */
    int type;       /* SOCK_STREAM or SOCK_DGRAM */
    int vsock_port;
    unsigned line;                         /* of the entry, in the file that set listeners */
    unsigned key_line[CONF_LISTENER_KEYS]; /* 0: the entry does not say */
};

struct conf_listeners {
    struct conf_listener *list;
    size_t count;
};

struct conf {
    char host[256]; /* name or numeric address; "" = every interface, both families */
    int port;       /* 1..65535 */
    int backlog;    /* connections, listen(2) */
    int protocols;  /* bits of enum conf_protocol */
    struct conf_listeners listeners;
    int workers;                          /* processes; 0 = one per CPU */
    int idle_timeout;                     /* seconds; 0 = never */
    int drain_timeout;                    /* seconds */
    int busy_poll_us;                     /* microseconds; 0 = never */
    int escrow_after;                     /* seconds; 0 = at once, -1 = never */
    int limit_connections;                /* open connections of all workers together */
    int limit_connections_per_source;     /* open connections; 0 = no limit */
    int limit_connection_rate_per_source; /* new connections in a second; 0 = no limit */
    int limit_datagram_rate_per_source;   /* datagrams in a second; 0 = no limit */
    int limit_ipv4_prefix;                /* bits of an IPv4 address that make a source */
    int limit_ipv6_prefix;                /* bits of an IPv6 address that make a source */
    struct networks access_allow;
    struct networks access_deny;
    struct networks proxy_protocol;
    int log_level;       /* LOG_ERR .. LOG_DEBUG, syslog(3) */
    int log_target;      /* enum conf_log_target */
    int log_connections; /* enum conf_log_connections */
    struct conf_origin origin[CONF_KEY_COUNT];
};

/* What was found wrong: one line of text each, "FILE:LINE: KEY = VALUE: problem; allowed: ...". */
struct conf_errors {
    char **text;
    size_t count;
};

void conf_errors_deinit(struct conf_errors *errors);

/* Where conf_load() reads. Both may be NULL: then nothing is read. */
struct conf_paths {
    const char *file;        /* the main file */
    bool file_required;      /* a missing main file is an error */
    const char *const *dirs; /* drop-in directories, the most important one first, NULL-ended */
};

/* /etc/echod.conf, and echod.conf.d under /etc, /run, /usr/local/lib and /usr/lib. */
struct conf_paths conf_paths_system(void);

/* The built-in defaults. 0 or -ENOMEM. */
int conf_defaults(struct conf *ret_conf);

/* Frees what a configuration owns; {0} owns nothing. */
void conf_deinit(struct conf *conf);

/* Takes a configuration over: what it was taken from owns nothing any more. */
struct conf conf_take(struct conf *conf);

/*
 * Reads the files over the built-in defaults: the main file, then the drop-ins. Returns 0, or
 * -EINVAL when anything was wrong: then errors, {0} before, has every fault of every file, and
 * ret_conf is untouched. -ENOMEM is possible, too.
 */
int conf_load(const struct conf_paths *paths, struct conf *ret_conf, struct conf_errors *errors);

/*
 * Writes the configuration in force in the file's own syntax, each key with its help and with
 * the place that set it as comments; what is written can be read again. 0 or -errno.
 */
int conf_print(const struct conf *conf, FILE *out);

/* "FILE:LINE" of a key's value, or "built-in default". text is returned. */
const char *conf_origin_format(const struct conf *conf, enum conf_key key, char *text, size_t size);

/*
 * "listeners[1].path: FILE:LINE", where an entry says a key, or that of the entry itself. text is
 * returned.
 */
const char *conf_listener_origin_format(const struct conf *conf, size_t entry, enum conf_key key,
                                        char *text, size_t size);

/* The number of a log level's name ("err" ... "debug"), or -1. For --log-level. */
int conf_log_level_parse(const char *name);

/* The enum conf_log_target of a name, or -1. For --log-target. */
int conf_log_target_parse(const char *name);
