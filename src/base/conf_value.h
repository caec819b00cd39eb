/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/conf_fault.h"

/*
 * Reads the value of a key into its field. PATH is that of the text: "listeners[1].port". False,
 * after saying so, if anything is wrong with it: then the field is what it was.
 */
bool conf_value_read(struct conf_reading *reading, const struct conf_node *node, const char *path,
                     const struct conf_schema *schema, void *field);
