/* SPDX-License-Identifier: MIT */
#include "policy/access.h"

int access_init(struct access *ret, const struct conf *conf)
{
    static const struct networks none = {0};
    struct access access = {0};
    int r = acl_init(&access.clients, &conf->access_allow, &conf->access_deny);

    if (r == 0)
        r = acl_init(&access.proxies, &conf->proxy_protocol, &none);
    if (r < 0) {
        access_deinit(&access);
        return r;
    }
    *ret = access;
    return 0;
}

void access_deinit(struct access *access)
{
    acl_deinit(&access->clients);
    acl_deinit(&access->proxies);
}

bool access_allows(const struct access *access, const struct addr *peer)
{
    return acl_allows(&access->clients, peer);
}

bool access_is_proxy(const struct access *access, const struct addr *peer)
{
    struct in6_addr address;

    return access->proxies.count > 0 && network_address(peer, &address) &&
           acl_allows(&access->proxies, peer);
}
