/* SPDX-License-Identifier: MIT */
#include "client/ping_payload.h"

#include <endian.h>
#include <string.h>

#include "client/pattern.h"

static const unsigned char mark[4] = {'p', 'i', 'n', 'g'};

/* As it is sent: no gaps, PING_PAYLOAD_MIN bytes. */
struct header {
    unsigned char mark[sizeof(mark)];
    uint32_t run;
    uint64_t sequence;
    uint64_t sent_nsec;
};

_Static_assert(sizeof(struct header) == PING_PAYLOAD_MIN, "the header has gaps");

static struct header header_of(const struct ping_payload *payload)
{
    struct header header = {
        .run = htobe32(payload->run),
        .sequence = htobe64(payload->sequence),
        .sent_nsec = htobe64((uint64_t)payload->sent_nsec),
    };

    memcpy(header.mark, mark, sizeof(mark));
    return header;
}

/* Other bytes in each probe: an answer that is a mixture of two is found out. */
static struct pattern pattern_of(const struct ping_payload *payload)
{
    uint64_t seed = (uint64_t)payload->run << 32 ^ payload->sequence;

    return pattern_random(seed, payload->size - sizeof(struct header));
}

void ping_payload_write(const struct ping_payload *payload, unsigned char *buffer)
{
    struct header header = header_of(payload);
    struct pattern pattern = pattern_of(payload);

    memcpy(buffer, &header, sizeof(header));
    pattern_fill(&pattern, 0, buffer + sizeof(header), (size_t)pattern.size);
}

static size_t header_mismatch(const struct ping_payload *payload, size_t offset,
                              const unsigned char *bytes, size_t length)
{
    struct header header = header_of(payload);
    const unsigned char *expected = (const unsigned char *)&header + offset;
    size_t i = 0;

    while (i < length && bytes[i] == expected[i])
        i++;
    return i;
}

size_t ping_payload_mismatch(const struct ping_payload *payload, size_t offset,
                             const unsigned char *bytes, size_t length)
{
    struct pattern pattern = pattern_of(payload);
    size_t left = offset < sizeof(struct header) ? sizeof(struct header) - offset : 0;
    size_t head = left < length ? left : length;
    size_t same = header_mismatch(payload, offset, bytes, head);

    if (same < head || head == length)
        return same;
    return head + pattern_mismatch(&pattern, offset + head - sizeof(struct header), bytes + head,
                                   length - head);
}

bool ping_payload_read(uint32_t run, const unsigned char *bytes, size_t length,
                       struct ping_payload *ret_payload)
{
    struct header header;

    if (length < sizeof(header))
        return false;
    memcpy(&header, bytes, sizeof(header));
    if (memcmp(header.mark, mark, sizeof(mark)) != 0 || be32toh(header.run) != run)
        return false;
    *ret_payload = (struct ping_payload){.run = run,
                                         .sequence = be64toh(header.sequence),
                                         .sent_nsec = (int64_t)be64toh(header.sent_nsec),
                                         .size = length};
    return true;
}
