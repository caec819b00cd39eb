/* SPDX-License-Identifier: MIT */
#include "client/load_curve.h"

#include <math.h>

enum { POINTS_PER_HALF = 5 };

/* From 0 to 1/2 in equal steps, from 1/2 to 3/4 in steps of half that length, and so on. */
static double share_of(unsigned point)
{
    double step = (double)(point % POINTS_PER_HALF) / POINTS_PER_HALF / 2;

    return 1 - ldexp(1 - step, -(int)(point / POINTS_PER_HALF));
}

bool load_curve_next(struct load_curve *curve, const struct histogram *histogram,
                     struct load_curve_point *ret_point)
{
    double share = share_of(curve->point++);

    if (histogram->count == 0 || curve->step.cumulative == histogram->count)
        return false;
    do
        if (curve->step.cumulative > 0 &&
            (double)curve->step.cumulative >= share * (double)histogram->count)
            break;
    while (histogram_next(histogram, &curve->step));
    *ret_point = (struct load_curve_point){
        .share = curve->step.cumulative < histogram->count ? share : 1,
        .value = curve->step.value,
        .cumulative = curve->step.cumulative,
    };
    return true;
}
