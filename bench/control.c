// SPDX-License-Identifier: MIT
/* Executes a known number of instructions, to check the counter: scripts/bench fails if it does not
 * find them. */
#include "../lab/count/mark.h"

#define ROUNDS 10000000 /* of two instructions each */

void spin(unsigned long n);

void __attribute__((noinline)) spin(unsigned long n)
{
#if defined(__x86_64__)
	__asm__ volatile("1: dec %0; jnz 1b" : "+r"(n));
#endif
}

/* control NAME */
int main(int argc, char **argv)
{
	volatile unsigned long rounds = ROUNDS;

	lab_count_name(argc > 1 ? argv[1] : "control");
	lab_count_begin();
	spin(rounds);
	lab_count_end();
	return 0;
}
