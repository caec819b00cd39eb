/* SPDX-License-Identifier: MIT */
#pragma once

#include "client/ping_lane.h"

/* Takes what a lane's socket has: answers, time stamps, errors. */
void ping_receive(struct ping_lane *lane);
