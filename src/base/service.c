/* SPDX-License-Identifier: MIT */
#include "base/service.h"

#include <inttypes.h>
#include <stdlib.h>

#include <systemd/sd-daemon.h>

#include "base/clock.h"

/*
 * Results of sd_notify(3) are ignored throughout: whoever does not hear us acts on our silence,
 * and there is nobody else to tell.
 */

void service_ready(const char *status)
{
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void service_reloading(void)
{
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reloading", clock_usec());
}

void service_stopping(const char *status)
{
    (void)sd_notifyf(0, "STOPPING=1\nSTATUS=%s", status);
}

void service_status(const char *status)
{
    (void)sd_notifyf(0, "STATUS=%s", status);
}

void service_failed(int error, const char *status)
{
    (void)sd_notifyf(0, "STATUS=%s\nERRNO=%d", status, abs(error));
}

void service_watchdog(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}

uint64_t service_watchdog_usec(void)
{
    uint64_t usec;

    return sd_watchdog_enabled(0, &usec) > 0 ? usec : 0;
}

void service_extend_timeout(uint64_t usec)
{
    (void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRIu64, usec);
}

int service_listen_fds(struct service_fds *ret)
{
    char **names = NULL;
    int n = sd_listen_fds_with_names(1, &names);

    if (n < 0)
        return n;
    *ret = (struct service_fds){.first = SD_LISTEN_FDS_START, .count = n, .names = names};
    return 0;
}

void service_fds_deinit(struct service_fds *fds)
{
    for (int i = 0; i < fds->count; i++)
        free(fds->names[i]);
    free(fds->names);
    *fds = (struct service_fds){0};
}
