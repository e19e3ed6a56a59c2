/* SPDX-License-Identifier: MIT */
/* Which queues the interface's rules lead to. */
#ifndef STEERING_H
#define STEERING_H

#include "ethtool.h"

/* steering_leads() - sets @hit[queue] for each queue, of @n, that the rule's packets may come through. */
void steering_leads(struct devmem__ethtool *et, const struct devmem__rule *rule, uint8_t *hit, uint32_t n);

/* steering_words() - the flow, such as "tcp4 to *:5201". */
void steering_words(const struct devmem__rule *rule, char *text, size_t room);

#endif
