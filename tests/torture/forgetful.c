/* SPDX-License-Identifier: MIT */

/*
 * An echod that is broken in one place, to see that the torture test notices: whatever a connection
 * is owed when its worker was killed is forgotten. It is linked with this in place of recovery.c,
 * from libechod.a; everything else is as it is.
 */

#define recovery_of_stream remembering_recovery_of_stream
#include "net/recovery.c"
#undef recovery_of_stream

enum recovery recovery_of_stream(struct slot *slot, int fd, const struct wreck *wreck);

enum recovery recovery_of_stream(struct slot *slot, int fd, const struct wreck *wreck)
{
    enum recovery r = remembering_recovery_of_stream(slot, fd, wreck);

    if (r == RECOVERED && !slot->header_due) {
        slot->spill_begin = slot->spill_end = 0;
        slot->sent = slot->received;
    }
    return r;
}
