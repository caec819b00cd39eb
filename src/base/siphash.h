/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * SipHash-2-4: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", 2012. Who does
 * not know the key cannot foresee a hash, nor find inputs that have the same one: for tables whose
 * keys strangers choose.
 */
struct siphash_key {
    uint64_t k0, k1;
};

/* A key from the kernel's random numbers. 0 or -errno. */
int siphash_key_draw(struct siphash_key *ret);

uint64_t siphash(const struct siphash_key *key, const void *data, size_t length);
