/* SPDX-License-Identifier: MIT */
#include "base/event.h"

#include <syslog.h>

/* systemd/echod.catalog explains each MESSAGE_ID; a test holds the two together. */
static const struct event_kind kinds[EVENT_COUNT] = {
    [EVENT_STARTED] = {"started", "efd1496d90364455bb15851feccdca91", LOG_INFO, false},
    [EVENT_LISTENING] = {"listening", "e7533739f7764140aa680dd938bd5c12", LOG_INFO, false},
    [EVENT_LISTENER_CLOSED] = {"listener-closed", "f326df2d7435496698d36c3b1b7b0905", LOG_INFO,
                               false},
    [EVENT_NOTICE] = {"notice", "18ea36169e3c47dca2eda8a82080d5d8", LOG_NOTICE, false},
    [EVENT_START_FAILED] = {"start-failed", "c84ca87557714be9b7323910aa1e0e32", LOG_ERR, false},
    [EVENT_CONFIG_ERROR] = {"config-error", "097906dec1b744409d8574f642b4f9a8", LOG_ERR, false},
    [EVENT_RELOADING] = {"reloading", "34d3aa6d201643cb8d65953842a6614b", LOG_INFO, false},
    [EVENT_RELOADED] = {"reloaded", "dfc5f274e2ba409e82d89fb839ccfe14", LOG_INFO, false},
    [EVENT_RELOAD_FAILED] = {"reload-failed", "c01b6af4e3e848329c5e479fb13e189a", LOG_ERR, false},
    [EVENT_UPGRADING] = {"upgrading", "c2faa0c54f8a4b24855004cfdcba7256", LOG_INFO, false},
    [EVENT_UPGRADED] = {"upgraded", "c86d8c95d28643a684435f2bdd59adb7", LOG_INFO, false},
    [EVENT_UPGRADE_FAILED] = {"upgrade-failed", "5b6bbce7d9894ea88de61432f89c0f54", LOG_ERR, false},
    [EVENT_CONNECTION_REFUSED] = {"connection-refused", "212e868069c74144b3f0eff87cdc0ad9",
                                  LOG_NOTICE, true},
    [EVENT_CONNECTION_ENDED] = {"connection-ended", "1d12d662df274736bc536679aa031938", LOG_INFO,
                                false},
    [EVENT_DATAGRAMS_DROPPED] = {"datagrams-dropped", "03ae658185c740d18d5d2835ab7990a5",
                                 LOG_NOTICE, true},
    [EVENT_ACCEPT_PAUSED] = {"accept-paused", "cabe09e0110f405aaf41ef15924aac9c", LOG_WARNING,
                             true},
    [EVENT_WORKER_STARTED] = {"worker-started", "edcd818de2434e7a96e6bb5c7f8e39c1", LOG_NOTICE,
                              true},
    [EVENT_WORKER_DIED] = {"worker-died", "aff32342caaf45e5948706db34463443", LOG_ERR, true},
    [EVENT_WORKER_HUNG] = {"worker-hung", "b907598209ba4b37900b55e5fbebf6c2", LOG_ERR, false},
    [EVENT_ADOPTED] = {"adopted", "fd157bebbe0a434d902bda03a3637527", LOG_NOTICE, false},
    [EVENT_COUNTERS] = {"counters", "0df853d1778844bfa595506796e9d887", LOG_INFO, false},
    [EVENT_STOPPING] = {"stopping", "35460663565c4835b53cdd57c84c4204", LOG_INFO, false},
    [EVENT_STOPPED] = {"stopped", "6c85ed5c654d460282296775de00dcbf", LOG_INFO, false},
    [EVENT_LEFT] = {"left", "9a114099f5c147ca9d5420cff0ed9740", LOG_INFO, false},
};

static const char *const fields[FIELD_COUNT] = {
    [FIELD_EVENT] = "ECHOD_EVENT",
    [FIELD_PEER_ADDR] = "ECHOD_PEER_ADDR",
    [FIELD_PEER_PORT] = "ECHOD_PEER_PORT",
    [FIELD_LISTENER] = "ECHOD_LISTENER",
    [FIELD_LISTENER_NAME] = "ECHOD_LISTENER_NAME",
    [FIELD_WORKER] = "ECHOD_WORKER",
    [FIELD_WORKER_PID] = "ECHOD_WORKER_PID",
    [FIELD_BYTES] = "ECHOD_BYTES",
    [FIELD_DURATION_USEC] = "ECHOD_DURATION_USEC",
    [FIELD_REASON] = "ECHOD_REASON",
    [FIELD_CONNECTIONS] = "ECHOD_CONNECTIONS",
    [FIELD_CONNECTIONS_TOTAL] = "ECHOD_CONNECTIONS_TOTAL",
    [FIELD_LOST] = "ECHOD_LOST",
    [FIELD_REFUSED] = "ECHOD_REFUSED",
    [FIELD_DENIED] = "ECHOD_DENIED",
    [FIELD_OVER_RATE] = "ECHOD_OVER_RATE",
    [FIELD_OVER_SOURCE] = "ECHOD_OVER_SOURCE",
    [FIELD_OVER_TOTAL] = "ECHOD_OVER_TOTAL",
    [FIELD_BAD_HEADERS] = "ECHOD_BAD_HEADERS",
    [FIELD_WORKERS] = "ECHOD_WORKERS",
    [FIELD_DATAGRAMS] = "ECHOD_DATAGRAMS",
    [FIELD_ANSWERED] = "ECHOD_ANSWERED",
    [FIELD_DROPPED] = "ECHOD_DROPPED",
    [FIELD_DROPPED_MULTICAST] = "ECHOD_DROPPED_MULTICAST",
    [FIELD_DROPPED_ADDRESS] = "ECHOD_DROPPED_ADDRESS",
    [FIELD_DROPPED_LOOP] = "ECHOD_DROPPED_LOOP",
    [FIELD_DROPPED_DENIED] = "ECHOD_DROPPED_DENIED",
    [FIELD_DROPPED_RATE] = "ECHOD_DROPPED_RATE",
    [FIELD_DROPPED_UNNAMED] = "ECHOD_DROPPED_UNNAMED",
    [FIELD_DROPPED_TOO_LONG] = "ECHOD_DROPPED_TOO_LONG",
    [FIELD_DROPPED_UNSENDABLE] = "ECHOD_DROPPED_UNSENDABLE",
    [FIELD_FOLDED] = "ECHOD_FOLDED",
};

const struct event_kind *event_kind(enum event event)
{
    return &kinds[event];
}

const char *event_field_name(enum event_field field)
{
    return fields[field];
}
