/* SPDX-License-Identifier: MIT */
#include "base/conf_schema.h"

#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/conf_listeners.h"

static const struct conf_choice protocols[] = {
    {"tcp", CONF_PROTOCOL_TCP},
    {"udp", CONF_PROTOCOL_UDP},
    {NULL, 0},
};

static const struct conf_choice socket_types[] = {
    {"stream", SOCK_STREAM},
    {"datagram", SOCK_DGRAM},
    {NULL, 0},
};

static const struct conf_choice log_levels[] = {
    {"err", LOG_ERR},   {"warning", LOG_WARNING}, {"notice", LOG_NOTICE},
    {"info", LOG_INFO}, {"debug", LOG_DEBUG},     {NULL, 0},
};

static const struct conf_choice log_targets[] = {
    {"auto", CONF_LOG_TARGET_AUTO},
    {"journal", CONF_LOG_TARGET_JOURNAL},
    {"syslog", CONF_LOG_TARGET_SYSLOG},
    {"stderr", CONF_LOG_TARGET_STDERR},
    {NULL, 0},
};

static const struct conf_choice log_connections[] = {
    {"none", CONF_LOG_CONNECTIONS_NONE},
    {"refused", CONF_LOG_CONNECTIONS_REFUSED},
    {"all", CONF_LOG_CONNECTIONS_ALL},
    {NULL, 0},
};

static const char *const everyone[] = {"0.0.0.0/0", "::/0", NULL};
static const char *const nobody[] = {NULL};

#define FIELD(kind, field) .type = CONF_TYPE_##kind, .offset = offsetof(struct conf, field)
#define INT_FIELD(field) FIELD(INT, field)
#define CHOICE_FIELD(field, table) FIELD(CHOICE, field), .choices = (table)
#define CHOICES_FIELD(field, table) FIELD(CHOICES, field), .choices = (table)
#define STRING_FIELD(field)                                                                        \
    FIELD(STRING, field), .max = (int)sizeof(((struct conf *)NULL)->field) - 1
#define NETWORKS_FIELD(field) FIELD(NETWORKS, field)

/* The same in an entry of listeners. */
#define ENTRY_FIELD(kind, field)                                                                   \
    .type = CONF_TYPE_##kind, .offset = offsetof(struct conf_listener, field)
#define ENTRY_STRING_FIELD(field)                                                                  \
    ENTRY_FIELD(STRING, field), .max = (int)sizeof(((struct conf_listener *)NULL)->field) - 1

/* What entries have it. */
#define WITH_HOST .kinds = 1 << CONF_LISTENER_IP
#define WITH_PATH .kinds = 1 << CONF_LISTENER_UNIX
#define WITH_VSOCK .kinds = 1 << CONF_LISTENER_VSOCK
#define WITH_ANY .kinds = 1 << CONF_LISTENER_IP | 1 << CONF_LISTENER_UNIX | 1 << CONF_LISTENER_VSOCK

/* What a key has in common that stands in the file and in an entry of listeners. */
#define PORT_RANGE .min = 1, .max = 65535
#define BACKLOG_RANGE .min = 1, .max = 1000000, .unit = "connections"

static const struct conf_schema table[CONF_ROW_COUNT] = {
    [CONF_HOST] =
        {
            .name = "host",
            STRING_FIELD(host),
            .text = "127.0.0.1",
            .help = "Name or address to listen on; \"\" is every interface, IPv4 and IPv6.",
        },
    [CONF_PORT] =
        {
            .name = "port",
            INT_FIELD(port),
            PORT_RANGE,
            .number = 65432,
            .help = "Port to listen on.",
        },
    [CONF_BACKLOG] =
        {
            .name = "backlog",
            INT_FIELD(backlog),
            BACKLOG_RANGE,
            .number = 4096,
            .help = "Length of the accept queue; the kernel caps it at net.core.somaxconn.",
        },
    [CONF_PROTOCOLS] =
        {
            .name = "protocols",
            CHOICES_FIELD(protocols, protocols),
            .number = CONF_PROTOCOL_TCP,
            .help = "What to listen for on host and port; [ ] is nothing.",
        },
    [CONF_LISTENERS] =
        {
            .name = "listeners",
            FIELD(LISTENERS, listeners),
            .help = "Where else to listen.",
        },
    [CONF_WORKERS] =
        {
            .name = "workers",
            INT_FIELD(workers),
            .min = 0,
            .max = 256,
            .number = 0,
            .unit = "processes",
            .help = "Worker processes; 0 is one per CPU that echod may run on.",
        },
    [CONF_IDLE_TIMEOUT] =
        {
            .name = "idle_timeout",
            INT_FIELD(idle_timeout),
            .min = 0,
            .max = 7 * 24 * 60 * 60,
            .number = 0,
            .unit = "seconds",
            .help = "How long a connection may be silent before it is closed; 0 is for ever.",
        },
    [CONF_DRAIN_TIMEOUT] =
        {
            .name = "drain_timeout",
            INT_FIELD(drain_timeout),
            .min = 0,
            .max = 60 * 60,
            .number = 10,
            .unit = "seconds",
            .help = "How long busy connections are still served when echod stops.",
        },
    [CONF_BUSY_POLL_US] =
        {
            .name = "busy_poll_us",
            INT_FIELD(busy_poll_us),
            .min = 0,
            .max = 1000,
            .number = 50,
            .unit = "microseconds",
            .help = "How long a busy worker looks again before it sleeps; 0 is never.",
        },
    [CONF_ESCROW_AFTER] =
        {
            .name = "escrow_after",
            INT_FIELD(escrow_after),
            .min = -1,
            .max = 60 * 60,
            .number = 1,
            .unit = "seconds",
            .help = "How old a connection is when echod sees to it that it survives a crash; "
                    "0 is at once, -1 is never.",
        },
    [CONF_LIMITS_CONNECTIONS] =
        {
            .name = "limits.connections",
            INT_FIELD(limit_connections),
            .min = 1,
            .max = 1000000,
            .number = 10000,
            .unit = "connections",
            .help = "Connections open at the same time, of all workers together.",
        },
    [CONF_LIMITS_CONNECTIONS_PER_SOURCE] =
        {
            .name = "limits.connections_per_source",
            INT_FIELD(limit_connections_per_source),
            .min = 0,
            .max = 1000000,
            .number = 1000,
            .unit = "connections",
            .help = "Connections of one source open at the same time; 0 is no limit.",
        },
    [CONF_LIMITS_CONNECTION_RATE_PER_SOURCE] =
        {
            .name = "limits.connection_rate_per_source",
            INT_FIELD(limit_connection_rate_per_source),
            .min = 0,
            .max = 1000000,
            .number = 0,
            .unit = "per second",
            .help = "New connections of one source; 0 is no limit.",
        },
    [CONF_LIMITS_DATAGRAM_RATE_PER_SOURCE] =
        {
            .name = "limits.datagram_rate_per_source",
            INT_FIELD(limit_datagram_rate_per_source),
            .min = 0,
            .max = 1000000,
            .number = 1000,
            .unit = "per second",
            .help = "Datagrams of one source that are answered; 0 is no limit.",
        },
    [CONF_LIMITS_IPV4_PREFIX] =
        {
            .name = "limits.ipv4_prefix",
            INT_FIELD(limit_ipv4_prefix),
            .min = 1,
            .max = 32,
            .number = 32,
            .unit = "bits",
            .help = "How many bits of an IPv4 address make a source.",
        },
    [CONF_LIMITS_IPV6_PREFIX] =
        {
            .name = "limits.ipv6_prefix",
            INT_FIELD(limit_ipv6_prefix),
            .min = 1,
            .max = 128,
            .number = 64,
            .unit = "bits",
            .help = "How many bits of an IPv6 address make a source.",
        },
    [CONF_ACCESS_ALLOW] =
        {
            .name = "access.allow",
            NETWORKS_FIELD(access_allow),
            .networks = everyone,
            .help = "Who may connect; of all networks in both lists the most specific one decides.",
        },
    [CONF_ACCESS_DENY] =
        {
            .name = "access.deny",
            NETWORKS_FIELD(access_deny),
            .networks = nobody,
            .help = "Who may not connect; a network that is in both lists is denied.",
        },
    [CONF_PROXY_PROTOCOL] =
        {
            .name = "proxy_protocol",
            NETWORKS_FIELD(proxy_protocol),
            .networks = nobody,
            .help = "Proxies: their PROXY header, version 1 or 2, is required and believed.",
        },
    [CONF_LOG_LEVEL] =
        {
            .name = "log.level",
            CHOICE_FIELD(log_level, log_levels),
            .number = LOG_INFO,
            .help = "The least important messages that are still logged.",
        },
    [CONF_LOG_TARGET] =
        {
            .name = "log.target",
            CHOICE_FIELD(log_target, log_targets),
            .number = CONF_LOG_TARGET_AUTO,
            .help = "Where messages go; \"auto\" is the journal where it answers.",
        },
    [CONF_LOG_CONNECTIONS] =
        {
            .name = "log.connections",
            CHOICE_FIELD(log_connections, log_connections),
            .number = CONF_LOG_CONNECTIONS_REFUSED,
            .help = "Which connections are logged.",
        },
    [CONF_LISTENER_HOST] =
        {
            .name = "listeners[].host",
            WITH_HOST,
            ENTRY_STRING_FIELD(host),
            .absent = CONF_ABSENT_INHERITED,
            .help = "Name or address, as host.",
        },
    [CONF_LISTENER_PORT] =
        {
            .name = "listeners[].port",
            WITH_HOST,
            ENTRY_FIELD(INT, port),
            PORT_RANGE,
            .absent = CONF_ABSENT_INHERITED,
            .help = "Port.",
        },
    [CONF_LISTENER_BACKLOG] =
        {
            .name = "listeners[].backlog",
            WITH_ANY,
            ENTRY_FIELD(INT, backlog),
            BACKLOG_RANGE,
            .absent = CONF_ABSENT_INHERITED,
            .help = "Length of the accept queue.",
        },
    [CONF_LISTENER_PROTOCOLS] =
        {
            .name = "listeners[].protocols",
            WITH_HOST,
            ENTRY_FIELD(CHOICES, protocols),
            .choices = protocols,
            .absent = CONF_ABSENT_INHERITED,
            .help = "What to listen for.",
        },
    [CONF_LISTENER_PATH] =
        {
            .name = "listeners[].path",
            WITH_PATH,
            ENTRY_STRING_FIELD(path),
            .absent = CONF_ABSENT_NOTHING,
            .check = conf_listener_path_problem,
            .allowed = CONF_LISTENER_PATH_ALLOWED,
            .help = "Unix socket, instead of host and port.",
        },
    [CONF_LISTENER_MODE] =
        {
            .name = "listeners[].mode",
            WITH_PATH,
            ENTRY_FIELD(MODE, mode),
            .min = 0,
            .max = 0777,
            .number = 0660,
            .help = "Permissions of the Unix socket; who may write to it may connect.",
        },
    [CONF_LISTENER_OWNER] =
        {
            .name = "listeners[].owner",
            WITH_PATH,
            ENTRY_STRING_FIELD(owner),
            .absent = CONF_ABSENT_NOTHING,
            .check = conf_listener_owner_problem,
            .allowed = CONF_LISTENER_OWNER_ALLOWED,
            .help = "Owner and group of the Unix socket.",
        },
    [CONF_LISTENER_TYPE] =
        {
            .name = "listeners[].type",
            WITH_PATH,
            ENTRY_FIELD(CHOICE, type),
            .choices = socket_types,
            .number = SOCK_STREAM,
            .help = "Type of the Unix socket.",
        },
    [CONF_LISTENER_VSOCK_PORT] =
        {
            .name = "listeners[].vsock_port",
            WITH_VSOCK,
            ENTRY_FIELD(INT, vsock_port),
            .min = 1,
            .max = INT_MAX,
            .absent = CONF_ABSENT_NOTHING,
            .help = "Port for virtual machines and their host, instead of host and port.",
        },
};

const struct conf_schema *conf_schema(enum conf_key key)
{
    return &table[key];
}

size_t conf_schema_match(const struct conf_schema *schema, const char *path)
{
    const char *name = schema->name;

    for (; *name && *name == *path; name++, path++)
        if (*name == '[')
            path += strspn(path + 1, "0123456789");
    return *path == '\0' && (*name == '\0' || *name == '.') ? (size_t)(name - schema->name) : 0;
}

int conf_schema_find(const char *name)
{
    for (int row = 0; row < CONF_ROW_COUNT; row++)
        if (conf_schema_match(&table[row], name) == strlen(table[row].name))
            return row;
    return -1;
}

size_t conf_schema_group_length(const struct conf_schema *schema)
{
    const char *dot = strrchr(schema->name, '.');

    return dot ? (size_t)(dot - schema->name) : 0;
}

bool conf_schema_is_group(const char *name)
{
    for (int row = 0; row < CONF_ROW_COUNT; row++) {
        size_t length = conf_schema_match(&table[row], name);

        if (length > 0 && table[row].name[length] == '.')
            return true;
    }
    return false;
}

int conf_schema_choice(const struct conf_schema *schema, const char *name)
{
    for (const struct conf_choice *choice = schema->choices; choice->name; choice++)
        if (strcmp(choice->name, name) == 0)
            return choice->value;
    return -1;
}

const char *conf_schema_choice_name(const struct conf_schema *schema, int value)
{
    const struct conf_choice *choice = schema->choices;

    while (choice->name && choice->value != value)
        choice++;
    return choice->name;
}

static int networks_default(const char *const *text, struct networks *ret)
{
    int r = 0;

    for (; *text && r == 0; text++) {
        struct network network = {.length = 0};

        (void)network_parse(*text, &network); /* It stands in the table. */
        r = networks_add(ret, &network);
    }
    return r;
}

int conf_schema_set_default(const struct conf_schema *schema, void *field)
{
    switch (schema->type) {
    case CONF_TYPE_INT:
    case CONF_TYPE_CHOICE:
    case CONF_TYPE_CHOICES:
    case CONF_TYPE_MODE:
        *(int *)field = schema->number;
        return 0;
    case CONF_TYPE_STRING:
        (void)snprintf(field, (size_t)schema->max + 1, "%s", schema->text ? schema->text : "");
        return 0;
    case CONF_TYPE_LISTENERS:
        return 0; /* none */
    case CONF_TYPE_NETWORKS:
        return networks_default(schema->networks, field);
    }
    return 0;
}

int conf_defaults(struct conf *ret_conf)
{
    _cleanup_(conf_deinit) struct conf conf = {0};
    int r = 0;

    for (int key = 0; key < CONF_KEY_COUNT && r == 0; key++)
        r = conf_schema_set_default(&table[key], (char *)&conf + table[key].offset);
    if (r == 0)
        *ret_conf = conf_take(&conf);
    return r;
}

void conf_deinit(struct conf *conf)
{
    for (int key = 0; key < CONF_KEY_COUNT; key++)
        if (table[key].type == CONF_TYPE_NETWORKS)
            networks_deinit((struct networks *)(void *)((char *)conf + table[key].offset));
    conf_listeners_deinit(&conf->listeners);
}

struct conf conf_take(struct conf *conf)
{
    struct conf taken = *conf;

    *conf = (struct conf){0};
    return taken;
}

int conf_log_level_parse(const char *name)
{
    return conf_schema_choice(conf_schema(CONF_LOG_LEVEL), name);
}

int conf_log_target_parse(const char *name)
{
    return conf_schema_choice(conf_schema(CONF_LOG_TARGET), name);
}
