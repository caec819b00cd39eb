/* SPDX-License-Identifier: MIT */
#include "base/conf_network.h"

#include <stdio.h>
#include <string.h>

static const char *no_address(const struct conf_element *element, const char *string)
{
    if (!*string)
        return "an empty string";
    if (element->strings > 1)
        return "no network; strings without a comma between them are one";
    return "neither an IPv4 nor an IPv6 network or address";
}

const char *conf_network_read(const struct conf_element *element, const char *string,
                              struct network *ret, char problem[static CONF_NETWORK_PROBLEM_SIZE])
{
    struct network network;
    char meant[NETWORK_TEXT_MAX];

    if (conf_literal_has_nul(&element->text))
        return "a NUL character (\\x00) in a string";
    switch (network_parse(string, &network)) {
    case NETWORK_SOUND:
        *ret = network;
        return NULL;
    case NETWORK_NO_ADDRESS:
        return no_address(element, string);
    case NETWORK_NO_LENGTH:
        (void)snprintf(problem, CONF_NETWORK_PROBLEM_SIZE,
                       "the prefix length is no number from 0 to %d",
                       strchr(string, ':') ? 128 : 32);
        break;
    case NETWORK_HOST_BITS:
        (void)snprintf(problem, CONF_NETWORK_PROBLEM_SIZE,
                       "bits beyond the prefix are set, did you mean \"%s\"?",
                       network_format(&network, meant));
        break;
    }
    return problem;
}
