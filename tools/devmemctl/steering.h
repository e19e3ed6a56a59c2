/* SPDX-License-Identifier: MIT */
/* Rules in words. */
#ifndef STEERING_H
#define STEERING_H

#include "netlink/flow_rule.h"

/* steering_words() - the flow, such as "tcp4 to *:5201". */
void steering_words(const struct devmem__rule *rule, char *text, size_t room);

#endif
