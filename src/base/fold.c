/* SPDX-License-Identifier: MIT */
#include "base/fold.h"

static bool fold_over(const struct fold *fold, uint64_t now)
{
    return now - fold->began >= FOLD_INTERVAL_MS;
}

bool fold_pass(struct fold *fold, uint64_t now)
{
    /* What an interval held back must be taken before the next one begins. */
    if (fold->held == 0 && (fold->passed == 0 || fold_over(fold, now)))
        *fold = (struct fold){.began = now};
    if (fold->passed < FOLD_BURST) {
        fold->passed++;
        return true;
    }
    fold->held++;
    return false;
}

unsigned fold_take(struct fold *fold, uint64_t now)
{
    unsigned held = fold->held;

    if (held == 0 || !fold_over(fold, now))
        return 0;
    *fold = (struct fold){0};
    return held;
}

int fold_wait(const struct fold *fold, uint64_t now)
{
    if (fold->held == 0)
        return -1;
    return fold_over(fold, now) ? 0 : (int)(fold->began + FOLD_INTERVAL_MS - now);
}
