/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/conf_array.h"
#include "base/network.h"

/* What is allowed where an array has a network, in words. */
#define CONF_NETWORK_ALLOWED                                                                       \
    "an IPv4 or IPv6 network or address in double quotes, as \"10.0.0.0/8\" or \"2001:db8::1\""

/* Enough for what conf_network_read() has to say. */
enum { CONF_NETWORK_PROBLEM_SIZE = 128 };

/*
 * Reads a network from an element of an array and the string that libconfig made of it. Returns
 * NULL, or problem: what is wrong.
 */
const char *conf_network_read(const struct conf_element *element, const char *string,
                              struct network *ret, char problem[static CONF_NETWORK_PROBLEM_SIZE]);
