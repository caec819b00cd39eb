/* SPDX-License-Identifier: MIT */
#include "base/conf_schema.h"

#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"

static const struct conf_choice protocols[] = {
    {"tcp", CONF_PROTOCOL_TCP},
    {"udp", CONF_PROTOCOL_UDP},
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

#define INT_FIELD(field) .type = CONF_TYPE_INT, .offset = offsetof(struct conf, field)
#define CHOICE_FIELD(field, table)                                                                 \
    .type = CONF_TYPE_CHOICE, .offset = offsetof(struct conf, field), .choices = (table)
#define CHOICES_FIELD(field, table)                                                                \
    .type = CONF_TYPE_CHOICES, .offset = offsetof(struct conf, field), .choices = (table)
#define STRING_FIELD(field)                                                                        \
    .type = CONF_TYPE_STRING, .offset = offsetof(struct conf, field),                              \
    .max = (int)sizeof(((struct conf *)NULL)->field) - 1
#define NETWORKS_FIELD(field) .type = CONF_TYPE_NETWORKS, .offset = offsetof(struct conf, field)

static const struct conf_schema table[CONF_KEY_COUNT] = {
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
            .min = 1,
            .max = 65535,
            .number = 65432,
            .help = "Port to listen on.",
        },
    [CONF_BACKLOG] =
        {
            .name = "backlog",
            INT_FIELD(backlog),
            .min = 1,
            .max = 1000000,
            .number = 4096,
            .unit = "connections",
            .help = "Length of the accept queue; the kernel caps it at net.core.somaxconn.",
        },
    [CONF_PROTOCOLS] =
        {
            .name = "protocols",
            CHOICES_FIELD(protocols, protocols),
            .number = CONF_PROTOCOL_TCP,
            .help = "What to listen for on host and port.",
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
};

const struct conf_schema *conf_schema(enum conf_key key)
{
    return &table[key];
}

int conf_schema_find(const char *name)
{
    for (int key = 0; key < CONF_KEY_COUNT; key++)
        if (strcmp(table[key].name, name) == 0)
            return key;
    return -1;
}

size_t conf_schema_group_length(const struct conf_schema *schema)
{
    const char *dot = strrchr(schema->name, '.');

    return dot ? (size_t)(dot - schema->name) : 0;
}

bool conf_schema_is_group(const char *name)
{
    size_t length = strlen(name);

    for (int key = 0; key < CONF_KEY_COUNT && length > 0; key++)
        if (strncmp(table[key].name, name, length) == 0 && table[key].name[length] == '.')
            return true;
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

static int field_default(const struct conf_schema *schema, void *field)
{
    switch (schema->type) {
    case CONF_TYPE_INT:
    case CONF_TYPE_CHOICE:
    case CONF_TYPE_CHOICES:
        *(int *)field = schema->number;
        return 0;
    case CONF_TYPE_STRING:
        (void)snprintf(field, (size_t)schema->max + 1, "%s", schema->text);
        return 0;
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
        r = field_default(&table[key], (char *)&conf + table[key].offset);
    if (r == 0)
        *ret_conf = conf_take(&conf);
    return r;
}

void conf_deinit(struct conf *conf)
{
    for (int key = 0; key < CONF_KEY_COUNT; key++)
        if (table[key].type == CONF_TYPE_NETWORKS)
            networks_deinit((struct networks *)(void *)((char *)conf + table[key].offset));
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
