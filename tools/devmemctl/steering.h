/* SPDX-License-Identifier: MIT */
/* Flow rules as text. */
#ifndef STEERING_H
#define STEERING_H

#include "netlink/flow_rule.h"

/* steering_words() - describes the flow, for example "tcp4 to *:5201 from *:*". */
void steering_words(const struct devmem__rule *rule, char *text, size_t room);

#endif
