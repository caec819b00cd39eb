/* SPDX-License-Identifier: MIT */
#include "policy/acl.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* What a network is for; of equal networks the one that comes first here has the last word. */
enum verdict {
    VERDICT_DENY,
    VERDICT_ALLOW,
    VERDICT_NONE, /* no list has it: denied */
};

struct rule {
    struct acl_bound first, last;
    enum verdict verdict;
};

/*
 * What holds for addresses that are in no network. IPv4 has a rule of its own, lest a network of
 * IPv6 that reaches round the mapped addresses, as ::/0 does, decides for IPv4.
 */
static const struct network otherwise[] = {
    {.length = 0},
    {.address = {.s6_addr = {[10] = 0xff, [11] = 0xff}}, .length = NETWORK_IPV4_BITS},
};

enum {
    OTHERWISE_COUNT = sizeof(otherwise) / sizeof(otherwise[0]),
    DEPTH_MAX = 129, /* each network in another one: as many as there are lengths */
};

/* ---- addresses as numbers ---- */

static struct acl_bound number_of(const struct in6_addr *address)
{
    struct acl_bound number;

    memcpy(&number, address, sizeof(number));
    return (struct acl_bound){.high = be64toh(number.high), .low = be64toh(number.low)};
}

/* The last address of a network: all bits beyond the prefix are set. */
static struct acl_bound last_of(struct acl_bound first, unsigned length)
{
    if (length < 64)
        return (struct acl_bound){.high = first.high | UINT64_MAX >> length, .low = UINT64_MAX};
    if (length < 128)
        first.low |= UINT64_MAX >> (length - 64);
    return first;
}

static struct acl_bound next_after(struct acl_bound number)
{
    number.low++;
    number.high += number.low == 0;
    return number;
}

static bool at_most(const struct acl_bound *a, const struct acl_bound *b)
{
    return (a->high < b->high) | ((a->high == b->high) & (a->low <= b->low));
}

static int compare(const struct acl_bound *a, const struct acl_bound *b)
{
    return at_most(b, a) - at_most(a, b);
}

/* ---- making it ---- */

/* By where networks begin, the outer one first; of equal ones the one that has the last word. */
static int rule_compare(const void *left, const void *right)
{
    const struct rule *a = left, *b = right;
    int r = compare(&a->first, &b->first);

    if (r == 0)
        r = compare(&b->last, &a->last);
    return r ? r : (a->verdict > b->verdict) - (a->verdict < b->verdict);
}

static bool same_network(const struct rule *a, const struct rule *b)
{
    return compare(&a->first, &b->first) == 0 && compare(&a->last, &b->last) == 0;
}

static struct rule *rules_add(struct rule *rules, const struct network *list, size_t count,
                              enum verdict verdict)
{
    for (size_t i = 0; i < count; i++) {
        struct acl_bound first = number_of(&list[i].address);

        *rules++ = (struct rule){first, last_of(first, list[i].length), verdict};
    }
    return rules;
}

/* From here on addresses are allowed, or not: the last word about an address counts. */
static void set_from(struct acl *acl, struct acl_bound from, enum verdict verdict)
{
    if (acl->count > 0 && compare(&acl->bounds[acl->count - 1], &from) == 0)
        acl->count--;
    if (acl->count % 2 != (verdict == VERDICT_ALLOW))
        acl->bounds[acl->count++] = from;
}

/* The networks that an address is in, each in the one before it. */
struct nest {
    const struct rule *rule[DEPTH_MAX];
    size_t depth;
};

/* Leaves the networks that end before an address, or with NULL all of them. */
static void leave(struct nest *nest, struct acl *acl, const struct acl_bound *before)
{
    while (nest->depth > 1) {
        const struct acl_bound *last = &nest->rule[nest->depth - 1]->last;
        struct acl_bound next = next_after(*last);

        if (before && at_most(before, last))
            return;
        nest->depth--;
        if (at_most(last, &next)) /* else it was the last address of all */
            set_from(acl, next, nest->rule[nest->depth - 1]->verdict);
    }
}

/* One walk over the networks, in order; rules[0] is that of all addresses. */
static void make_bounds(struct acl *acl, const struct rule *rules, size_t count)
{
    struct nest nest = {.depth = 0};

    for (size_t i = 0; i < count; i++) {
        if (i > 0 && same_network(&rules[i - 1], &rules[i]))
            continue;
        leave(&nest, acl, &rules[i].first);
        nest.rule[nest.depth++] = &rules[i];
        set_from(acl, rules[i].first, rules[i].verdict);
    }
    leave(&nest, acl, NULL);
}

int acl_init(struct acl *ret, const struct networks *allow, const struct networks *deny)
{
    size_t count = OTHERWISE_COUNT + allow->count + deny->count;
    _cleanup_(freep) struct rule *rules = calloc(count, sizeof(*rules));
    struct acl acl = {.bounds = calloc(count, 2 * sizeof(*acl.bounds))}; /* begin and end of each */
    struct rule *end;

    if (!rules || !acl.bounds) {
        free(acl.bounds);
        return -ENOMEM;
    }
    end = rules_add(rules, otherwise, OTHERWISE_COUNT, VERDICT_NONE);
    end = rules_add(end, allow->list, allow->count, VERDICT_ALLOW);
    (void)rules_add(end, deny->list, deny->count, VERDICT_DENY);
    qsort(rules, count, sizeof(*rules), rule_compare);
    make_bounds(&acl, rules, count);
    *ret = acl;
    return 0;
}

void acl_deinit(struct acl *acl)
{
    free(acl->bounds);
    *acl = (struct acl){0};
}

/* ---- looking it up ---- */

/*
 * How many bounds are not above an address. Without a branch on what is compared, which cannot be
 * foreseen: a guess that fails costs more than a multiplication.
 */
static size_t count_up_to(const struct acl *acl, const struct acl_bound *address)
{
    const struct acl_bound *at = acl->bounds;

    /* What is sought is among these LEFT. */
    for (size_t left = acl->count; left > 1;) {
        size_t half = left / 2;

        at += half * at_most(&at[half], address);
        left -= half;
    }
    return (size_t)(at - acl->bounds) + (acl->count > 0 && at_most(at, address));
}

bool acl_allows(const struct acl *acl, const struct addr *peer)
{
    struct in6_addr address;
    struct acl_bound number;

    if (!network_address(peer, &address))
        return true;
    number = number_of(&address);
    return count_up_to(acl, &number) % 2 == 1;
}
