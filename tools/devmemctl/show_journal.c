// SPDX-License-Identifier: MIT
/* The journal's part of "devmemctl show". */
#include <stdio.h>

#include "nic/journal.h"

#include "show.h"

static const char *state_of(const struct devmem__journal *journal,
			    const struct devmem__journal_owner *o)
{
	return devmem__journal_owner_alive(journal, o) ? "lives" : o->left ? "has left" : "died";
}

static bool has_changes(const struct devmem__journal *journal,
			const struct devmem__journal_owner *o)
{
	for (unsigned int i = 0; i < journal->state.nentries; i++)
		if (journal->state.entries[i].owner == o->id)
			return true;
	return false;
}

/* Processes that ended without leaving changes are not shown. */
static bool of_interest(const struct devmem__journal *journal,
			const struct devmem__journal_owner *o)
{
	return devmem__journal_owner_alive(journal, o) || has_changes(journal, o);
}

void show_journal_print(const struct devmem__journal *journal)
{
	const struct devmem__journal_state *state = &journal->state;
	char words[64];

	printf("  journal %s%s\n", journal->path, journal->damaged ? ", which is damaged" : "");
	for (unsigned int i = 0; i < state->nowners; i++) {
		const struct devmem__journal_owner *o = &state->owners[i];

		if (!of_interest(journal, o))
			continue;
		printf("    process %d (", o->pid);
		out_text(stdout, o->name);
		printf(") %s", state_of(journal, o));
		for (uint32_t q = 0; q < o->nqueues; q++)
			printf("%s %u", q ? "," : ", has queue", o->queues[q]);
		printf("\n");
	}
	for (unsigned int i = 0; i < state->nentries; i++) {
		const struct devmem__journal_owner *o =
			devmem__journal_state_owner(state, state->entries[i].owner);

		devmem__change_describe(&state->entries[i].change, words, sizeof(words));
		printf("    to be undone: %s, changed by process %d%s\n", words, o->pid,
		       devmem__journal_owner_alive(journal, o) ? "" : " (\"devmemctl restore\")");
	}
}

static void json_owner(struct out_json *j, const struct devmem__journal *journal,
		       const struct devmem__journal_owner *o)
{
	out_object(j, NULL);
	out_number(j, "pid", (uint64_t)o->pid);
	out_number(j, "start_time", o->started);
	out_string(j, "command", o->name);
	out_string(j, "state", state_of(journal, o));
	out_array(j, "queues");
	for (uint32_t q = 0; q < o->nqueues; q++)
		out_number(j, NULL, o->queues[q]);
	out_end(j);
	out_end(j);
}

static void json_entry(struct out_json *j, const struct devmem__journal *journal,
		       const struct devmem__journal_entry *e)
{
	const struct devmem__journal_owner *o =
		devmem__journal_state_owner(&journal->state, e->owner);
	char words[64];

	devmem__change_describe(&e->change, words, sizeof(words));
	out_object(j, NULL);
	out_string(j, "change", words);
	out_number(j, "pid", (uint64_t)o->pid);
	out_bool(j, "owner_lives", devmem__journal_owner_alive(journal, o));
	out_end(j);
}

void show_journal_json(struct out_json *j, const struct devmem__journal *journal)
{
	if (!journal) {
		out_string(j, "journal", NULL);
		return;
	}
	out_object(j, "journal");
	out_string(j, "path", journal->path);
	out_bool(j, "damaged", journal->damaged);
	out_array(j, "owners");
	for (unsigned int i = 0; i < journal->state.nowners; i++)
		if (of_interest(journal, &journal->state.owners[i]))
			json_owner(j, journal, &journal->state.owners[i]);
	out_end(j);
	out_array(j, "changes");
	for (unsigned int i = 0; i < journal->state.nentries; i++)
		json_entry(j, journal, &journal->state.entries[i]);
	out_end(j);
	out_end(j);
}
