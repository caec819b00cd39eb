/* SPDX-License-Identifier: MIT */
#include "net/proxy_header.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/crc32c.h"

static enum proxy_header_state faulty(struct proxy_header *header, const char *fault)
{
    header->fault = fault;
    return PROXY_HEADER_FAULTY;
}

/* Whether what has come is WANTED, or a part of it from its beginning on. */
static bool begins_as(const uint8_t *bytes, size_t size, const void *wanted, size_t length)
{
    return memcmp(bytes, wanted, size < length ? size : length) == 0;
}

/* PORT is in host byte order; HOST has 4 or 16 bytes. */
static struct addr addr_of(int family, const void *host, uint16_t port)
{
    struct addr addr = addr_loopback(family, port);

    if (family == AF_INET)
        memcpy(&addr.in.sin_addr, host, sizeof(addr.in.sin_addr));
    else
        memcpy(&addr.in6.sin6_addr, host, sizeof(addr.in6.sin6_addr));
    return addr;
}

/* ---- version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 54321 7\r\n" ---- */

static const char text_mark[] = "PROXY ";

enum { TEXT_MAX = 107, KIND_AT = sizeof(text_mark) - 1 };

static const struct kind {
    const char *word;
    int family;
} kinds[] = {{"TCP4 ", AF_INET},
             {"TCP6 ", AF_INET6},
             {"UNKNOWN ", AF_UNSPEC}, /* and anything, to the end of the line */
             {"UNKNOWN\r\n", AF_UNSPEC}};

static const struct kind *kind_of(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (begins_as(bytes, size, kinds[i].word, strlen(kinds[i].word)))
            return &kinds[i];
    return NULL;
}

/* Without a leading zero, which would make it octal elsewhere. */
static bool port_parse(const char *text, uint16_t *ret)
{
    enum { DIGITS_MAX = 5 };
    size_t digits = strspn(text, "0123456789");
    unsigned long port;

    if (digits == 0 || digits > DIGITS_MAX || text[digits] || (digits > 1 && text[0] == '0'))
        return false;
    port = strtoul(text, NULL, 10);
    *ret = (uint16_t)port;
    return port <= UINT16_MAX;
}

/* inet_pton(3) is as strict as the specification; it also takes ::ffff:192.0.2.1, which is sent. */
static const char *fields_parse(int family, char *text, struct addr *ret_client)
{
    struct in6_addr client, local;
    uint16_t port, local_port;
    const char *fields[4];

    for (size_t i = 0; i < 4; i++) {
        fields[i] = strsep(&text, " ");
        if (!fields[i])
            return "v1: less than two addresses and two ports";
    }
    if (inet_pton(family, fields[0], &client) != 1 || inet_pton(family, fields[1], &local) != 1)
        return "v1: an address that is none of its family";
    if (text || !port_parse(fields[2], &port) || !port_parse(fields[3], &local_port))
        return "v1: a port that is no number up to 65535";
    *ret_client = addr_of(family, &client, port);
    return NULL;
}

/* LENGTH bytes without the CRLF. */
static enum proxy_header_state parse_line(const struct kind *kind, const uint8_t *line,
                                          size_t length, struct proxy_header *ret)
{
    char text[TEXT_MAX + 1];
    const char *fault;

    ret->length = length + strlen("\r\n");
    if (kind->family == AF_UNSPEC)
        return PROXY_HEADER_PROXY;
    memcpy(text, line, length);
    text[length] = '\0';
    if (strlen(text) < length)
        return faulty(ret, "v1: a NUL in its line");
    fault = fields_parse(kind->family, text + KIND_AT + strlen(kind->word), &ret->client);
    return fault ? faulty(ret, fault) : PROXY_HEADER_CLIENT;
}

/* As specified, nothing is made of the addresses before their line is whole. */
static enum proxy_header_state parse_text(const uint8_t *bytes, size_t size,
                                          struct proxy_header *ret)
{
    size_t most = size < TEXT_MAX ? size : TEXT_MAX;
    const uint8_t *end = memmem(bytes, most, "\r\n", strlen("\r\n"));
    const struct kind *kind;

    if (size <= KIND_AT)
        return PROXY_HEADER_BEGUN;
    kind = kind_of(bytes + KIND_AT, size - KIND_AT);
    if (!kind)
        return faulty(ret, "v1: neither TCP4, TCP6 nor UNKNOWN");
    if (end)
        return parse_line(kind, bytes, (size_t)(end - bytes), ret);
    if (kind->family != AF_UNSPEC && memchr(bytes, '\n', most))
        return faulty(ret, "v1: an end of line without CR");
    return most < TEXT_MAX ? PROXY_HEADER_BEGUN : faulty(ret, "v1: no CRLF in 107 bytes");
}

/* ---- version 2: a signature, three fields, addresses, and more (type, length, value) ---- */

static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";

enum {
    COMMAND_AT = sizeof(signature) - 1, /* with the version: 4 bits each */
    FAMILY_AT,                          /* with the transport protocol: 4 bits each */
    LENGTH_AT,
    ADDRESSES_AT = LENGTH_AT + 2,
};

enum { VERSION = 2, LOCAL = 0, PROXY = 1 };
enum { FAMILY_UNSPEC, FAMILY_INET, FAMILY_INET6, FAMILY_UNIX, FAMILIES };
enum { PROTOCOL_UNSPEC, PROTOCOL_STREAM, PROTOCOL_DGRAM, PROTOCOLS };

/* Both addresses, then both ports. */
static const size_t addresses_size[FAMILIES] = {
    [FAMILY_INET] = 2 * 4 + 2 * 2, [FAMILY_INET6] = 2 * 16 + 2 * 2, [FAMILY_UNIX] = 2 * 108};

static uint16_t number_at(const uint8_t *bytes, size_t at)
{
    return (uint16_t)(bytes[at] << 8 | bytes[at + 1]);
}

/* What is wrong with the fields as far as they have come, or NULL. */
static const char *check_fields(const uint8_t *bytes, size_t size)
{
    if (size > COMMAND_AT && bytes[COMMAND_AT] >> 4 != VERSION)
        return "v2: its version is not 2";
    if (size > COMMAND_AT && (bytes[COMMAND_AT] & 15) > PROXY)
        return "v2: neither LOCAL nor PROXY";
    if (size > FAMILY_AT && (bytes[COMMAND_AT] & 15) == PROXY &&
        (bytes[FAMILY_AT] >> 4 >= FAMILIES || (bytes[FAMILY_AT] & 15) >= PROTOCOLS))
        return "v2: an unknown address family or protocol";
    if (size >= ADDRESSES_AT && ADDRESSES_AT + number_at(bytes, LENGTH_AT) > PROXY_HEADER_MAX)
        return "v2: larger than 4096 bytes";
    return NULL;
}

/* Whose addresses there are, FAMILY_UNSPEC if none that mean anything. */
static unsigned named_family(const uint8_t *bytes)
{
    if ((bytes[COMMAND_AT] & 15) == LOCAL || (bytes[FAMILY_AT] & 15) == PROTOCOL_UNSPEC)
        return FAMILY_UNSPEC;
    return bytes[FAMILY_AT] >> 4;
}

/* The checksum is that of the whole header with zeros in the checksum's place. */
static bool checksum_holds(const uint8_t *bytes, size_t length, size_t at)
{
    static const uint8_t zeros[4];
    uint32_t given = (uint32_t)number_at(bytes, at) << 16 | number_at(bytes, at + 2);
    uint32_t crc = crc32c(crc32c(0, bytes, at), zeros, sizeof(zeros));

    return crc32c(crc, bytes + at + 4, length - at - 4) == given;
}

/* One checksum, so that the work is bounded. What is wrong, or NULL. */
static const char *check_extras(const uint8_t *bytes, size_t at, size_t length)
{
    enum { HEAD = 3, TYPE_CRC32C = 3 };
    size_t checksum_at = 0;

    while (at < length) {
        size_t left = length - at, size = left < HEAD ? 0 : number_at(bytes, at + 1);

        if (left < HEAD + size)
            return "v2: a TLV that is longer than what is left";
        if (bytes[at] == TYPE_CRC32C && (size != sizeof(uint32_t) || checksum_at > 0))
            return "v2: a checksum of wrong size, or two";
        if (bytes[at] == TYPE_CRC32C)
            checksum_at = at + HEAD;
        at += HEAD + size;
    }
    if (checksum_at > 0 && !checksum_holds(bytes, length, checksum_at))
        return "v2: its checksum is wrong";
    return NULL;
}

static struct addr client_of(const uint8_t *bytes, unsigned family)
{
    size_t port_at = ADDRESSES_AT + addresses_size[family] - 2 * sizeof(uint16_t);

    return addr_of(family == FAMILY_INET ? AF_INET : AF_INET6, bytes + ADDRESSES_AT,
                   number_at(bytes, port_at));
}

static enum proxy_header_state parse_binary(const uint8_t *bytes, size_t size,
                                            struct proxy_header *ret)
{
    const char *fault = check_fields(bytes, size);
    unsigned family;

    if (fault || size < ADDRESSES_AT)
        return fault ? faulty(ret, fault) : PROXY_HEADER_BEGUN;
    family = named_family(bytes);
    ret->length = ADDRESSES_AT + number_at(bytes, LENGTH_AT);
    if (ret->length < ADDRESSES_AT + addresses_size[family])
        return faulty(ret, "v2: too short for its addresses");
    if (size < ret->length)
        return PROXY_HEADER_BEGUN;
    if (family == FAMILY_UNSPEC) /* Then nothing says where anything would be: all is skipped. */
        return PROXY_HEADER_PROXY;
    fault = check_extras(bytes, ADDRESSES_AT + addresses_size[family], ret->length);
    if (fault || family == FAMILY_UNIX)
        return fault ? faulty(ret, fault) : PROXY_HEADER_PROXY;
    ret->client = client_of(bytes, family);
    return PROXY_HEADER_CLIENT;
}

enum proxy_header_state proxy_header_parse(const uint8_t *bytes, size_t size,
                                           struct proxy_header *ret)
{
    if (begins_as(bytes, size, text_mark, KIND_AT))
        return parse_text(bytes, size, ret);
    if (begins_as(bytes, size, signature, COMMAND_AT))
        return parse_binary(bytes, size, ret);
    return faulty(ret, "no PROXY header");
}
