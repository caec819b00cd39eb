/* SPDX-License-Identifier: MIT */
#include "policy/ports.h"

#include <stddef.h>
#include <string.h>

/* RFCs and advisories say what each of them does with a datagram that it did not ask for. */
static const struct {
    uint16_t port;
    const char *service;
} table[] = {
    {0, "no port"},           /* nobody can be answered there, RFC 768 */
    {7, "echo"},              /* RFC 862, CA-1996-01 */
    {11, "systat"},           /* RFC 866: who is logged in, to whoever asks; CVE-2024-2169 */
    {13, "daytime"},          /* RFC 867, CVE-2024-2169 */
    {17, "qotd"},             /* RFC 865, CVE-2024-2169 */
    {18, "msp"},              /* RFC 1312: an answer to each message */
    {19, "chargen"},          /* RFC 864, CA-1996-01 */
    {37, "time"},             /* RFC 868, CVE-2024-2169 */
    {53, "dns"},              /* an error is answered with an error: CVE-2024-2169 */
    {69, "tftp"},             /* the same */
    {111, "portmapper"},      /* RFC 5531: calls that it does not know are rejected; TA14-017A */
    {123, "ntp"},             /* CVE-2009-3563, CVE-2024-2169 */
    {137, "netbios-ns"},      /* RFC 1002: negative answers; TA14-017A */
    {138, "netbios-dgm"},     /* RFC 1002: error datagrams */
    {161, "snmp"},            /* RFC 3416: reports and errors; TA14-017A */
    {177, "xdmcp"},           /* declines what it does not grant */
    {389, "cldap"},           /* RFC 1798, TA14-017A */
    {427, "slp"},             /* RFC 2608: errors are answers; CVE-2023-29552 */
    {520, "rip"},             /* RFC 1058: the whole table to any port; TA14-017A */
    {623, "rmcp"},            /* ASF pings are answered with pongs and acknowledged */
    {1434, "ms-sql-m"},       /* one byte 0x0a is answered with 0x0a: CVE-2002-0650 */
    {1900, "ssdp"},           /* TA14-017A */
    {2049, "nfs"},            /* RFC 5531, as the portmapper */
    {3702, "ws-discovery"},   /* TA14-017A */
    {5353, "mdns"},           /* RFC 6762: answers to unicast, too; TA14-017A */
    {5355, "llmnr"},          /* RFC 4795 */
    {5683, "coap"},           /* RFC 7252: a message that makes no sense is reset */
    {10001, "ubnt-discover"}, /* answers four bytes with hundreds */
    {11211, "memcached"},     /* "ERROR" for what is no command: CVE-2018-1000115 */
    {17185, "wdbrpc"},        /* VxWorks, CVE-2010-2965; RFC 5531 */
    {26000, "quake"},         /* TA14-017A */
    {27015, "steam"},         /* TA14-017A */
    {27960, "quake3"},        /* getstatus, and errors in answer to errors */
};

enum { TABLE_LENGTH = sizeof(table) / sizeof(table[0]) };

void ports_init(struct ports *ports)
{
    memset(ports, 0, sizeof(*ports));
    for (size_t i = 0; i < TABLE_LENGTH; i++)
        ports_add(ports, table[i].port);
}

void ports_add(struct ports *ports, uint16_t port)
{
    ports->bits[port / 64] |= UINT64_C(1) << port % 64;
}

const char *ports_service(uint16_t port)
{
    for (size_t i = 0; i < TABLE_LENGTH; i++)
        if (table[i].port == port)
            return table[i].service;
    return NULL;
}
