// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ptx.h"
#include "ptx_memory.h"

#define MAX_REGISTERS	 128
#define MAX_LABELS	 32
#define MAX_PARAMETERS	 8
#define MAX_INSTRUCTIONS 512
#define MAX_OPERANDS	 4
#define NAME		 32

enum op {
	LD_PARAM,
	MOV,
	MOV_SPECIAL,
	AND,
	OR,
	SHL,
	SHR,
	ADD,
	SUB,
	MIN,
	MUL_LO,
	MUL_WIDE,
	MAD_LO,
	LT,
	GE,
	EQ,
	SELP,
	OR_PRED,
	CVT,
	LD8,
	LD64,
	LD_PAIR,
	ST8,
	ST64,
	ST_PAIR,
	BRA,
	RET,
};

/*
 * Operands by letter: w, l, p a register of 32 bits, 64 bits, or a predicate that is written; W, L,
 * P one that is read, or a number; v, V a pair of 64 bits; m memory at a register and an offset; a
 * parameter; s a special register; b a label.
 */
static const struct form {
	const char *name;
	enum op op;
	unsigned int bits;
	const char *operands;
} forms[] = {
	{ "ld.param.u64", LD_PARAM, 64, "la" },
	{ "ld.param.u32", LD_PARAM, 32, "wa" },
	{ "cvta.to.global.u64", MOV, 64, "lL" },
	{ "mov.u64", MOV, 64, "lL" },
	{ "mov.u32", MOV, 32, "wW" },
	{ "mov.u32", MOV_SPECIAL, 32, "ws" },
	{ "and.b32", AND, 32, "wWW" },
	{ "and.b64", AND, 64, "lLL" },
	{ "or.b64", OR, 64, "lLL" },
	{ "shl.b32", SHL, 32, "wWW" },
	{ "shl.b64", SHL, 64, "lLW" },
	{ "shr.u32", SHR, 32, "wWW" },
	{ "shr.u64", SHR, 64, "lLW" },
	{ "add.u32", ADD, 32, "wWW" },
	{ "add.u64", ADD, 64, "lLL" },
	{ "sub.u32", SUB, 32, "wWW" },
	{ "sub.u64", SUB, 64, "lLL" },
	{ "min.u32", MIN, 32, "wWW" },
	{ "mul.lo.u32", MUL_LO, 32, "wWW" },
	{ "mul.wide.u32", MUL_WIDE, 64, "lWW" },
	{ "mad.lo.u32", MAD_LO, 32, "wWWW" },
	{ "setp.lt.u32", LT, 32, "pWW" },
	{ "setp.ge.u32", GE, 32, "pWW" },
	{ "setp.eq.u32", EQ, 32, "pWW" },
	{ "setp.eq.u64", EQ, 64, "pLL" },
	{ "selp.u32", SELP, 32, "wWWP" },
	{ "or.pred", OR_PRED, 1, "pPP" },
	{ "cvt.u32.u64", CVT, 32, "wL" },
	{ "cvt.u64.u32", CVT, 64, "lW" },
	{ "ld.global.u8", LD8, 32, "wm" },
	{ "ld.global.u64", LD64, 64, "lm" },
	{ "ld.global.v2.u64", LD_PAIR, 64, "vm" },
	{ "st.global.u8", ST8, 32, "mW" },
	{ "st.global.u64", ST64, 64, "mL" },
	{ "st.global.v2.u64", ST_PAIR, 64, "mV" },
	{ "bra", BRA, 0, "b" },
	{ "ret", RET, 0, "" },
};

struct operand {
	bool number;
	unsigned int reg, second; /* of a pair */
	/* a number, an offset, a parameter's index, a special register, a place to go to */
	uint64_t value;
	char label[NAME];
};

struct instruction {
	const struct form *form;
	int guard; /* its predicate's register, -1: always */
	bool unless;
	struct operand operand[MAX_OPERANDS];
};

struct named {
	char name[NAME];
	unsigned int value; /* bits of a register or parameter, place of a label */
};

struct ptx {
	char name[NAME];
	struct named reg[MAX_REGISTERS], label[MAX_LABELS], parameter[MAX_PARAMETERS];
	unsigned int registers, labels, parameters, instructions;
	struct instruction instruction[MAX_INSTRUCTIONS];
	char *why;
	size_t room;
};

__attribute__((format(printf, 2, 3))) static bool wrong(struct ptx *ptx, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(ptx->why, ptx->room, format, ap);
	va_end(ap);
	return false;
}

/* ---------------------------------------------------------------------------------------- words */

/* Behind blanks, and comments up to the end of their lines. */
static const char *skip(const char *s)
{
	while (isspace((unsigned char)*s) || (s[0] == '/' && s[1] == '/'))
		s += *s == '/' ? strcspn(s, "\n") : 1;
	return s;
}

/* A name, or an instruction with its dots. NULL: there is none, or it is too long. */
static const char *take_word(const char *s, char word[NAME])
{
	size_t n = 0;

	for (s = skip(s); isalnum((unsigned char)*s) || strchr("._%$", *s ? *s : ' '); s++)
		if (n < NAME)
			word[n++] = *s;
	if (!n || n == NAME)
		return NULL;
	word[n] = '\0';
	return skip(s);
}

static const char *take_char(const char *s, char c)
{
	s = s ? skip(s) : NULL;
	return s && *s == c ? skip(s + 1) : NULL;
}

static int find(const struct named *list, unsigned int n, const char *name)
{
	for (unsigned int i = 0; i < n; i++)
		if (!strcmp(list[i].name, name))
			return (int)i;
	return -1;
}

static bool add(struct ptx *ptx, struct named *list, unsigned int *n, unsigned int most,
		const char *name, unsigned int value)
{
	if (*n == most || find(list, *n, name) >= 0)
		return wrong(ptx, "%s is there twice, or there is no room for it", name);
	snprintf(list[*n].name, NAME, "%s", name);
	list[(*n)++].value = value;
	return true;
}

static unsigned int bits_of(const char *type)
{
	return !strcmp(type, ".pred")  ? 1
	       : !strcmp(type, ".u32") ? 32
	       : !strcmp(type, ".u64") ? 64
				       : 0;
}

/* ------------------------------------------------------------------------------------- operands */

static const char *take_register(struct ptx *ptx, const char *s, unsigned int bits,
				 unsigned int *reg)
{
	char word[NAME];
	int i;

	s = take_word(s, word);
	i = s ? find(ptx->reg, ptx->registers, word) : -1;
	if (i < 0 || ptx->reg[i].value != bits)
		return NULL;
	*reg = (unsigned int)i;
	return s;
}

static const char *take_source(struct ptx *ptx, const char *s, unsigned int bits, struct operand *o)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return take_register(ptx, s, bits, &o->reg);
	o->number = true;
	o->value = strtoull(s, &end, 0);
	return bits == 64 || o->value <= UINT32_MAX ? skip(end) : NULL;
}

static const char *take_pair(struct ptx *ptx, const char *s, struct operand *o)
{
	s = take_char(s, '{');
	s = s ? take_register(ptx, s, 64, &o->reg) : NULL;
	s = take_char(s, ',');
	s = s ? take_register(ptx, s, 64, &o->second) : NULL;
	return take_char(s, '}');
}

static const char *take_memory(struct ptx *ptx, const char *s, struct operand *o)
{
	char *end;

	s = take_char(s, '[');
	s = s ? take_register(ptx, s, 64, &o->reg) : NULL;
	if (s && *s == '+') {
		o->value = strtoull(s + 1, &end, 0);
		s = end;
	}
	return take_char(s, ']');
}

static const char *take_parameter(struct ptx *ptx, const char *s, unsigned int bits,
				  struct operand *o)
{
	char word[NAME];
	int i;

	s = take_char(s, '[');
	s = s ? take_word(s, word) : NULL;
	i = s ? find(ptx->parameter, ptx->parameters, word) : -1;
	if (i < 0 || ptx->parameter[i].value != bits)
		return NULL;
	o->value = (uint64_t)i;
	return take_char(s, ']');
}

static const char *const specials[] = { "%tid.x", "%ntid.x", "%ctaid.x", "%nctaid.x" };

static const char *take_special(const char *s, struct operand *o)
{
	char word[NAME];

	s = take_word(s, word);
	for (unsigned int i = 0; s && i < 4; i++)
		if (!strcmp(word, specials[i])) {
			o->value = i;
			return s;
		}
	return NULL;
}

static const char *take_operand(struct ptx *ptx, const char *s, const struct form *form,
				char letter, struct operand *o)
{
	switch (letter) {
	case 'w':
		return take_register(ptx, s, 32, &o->reg);
	case 'l':
		return take_register(ptx, s, 64, &o->reg);
	case 'p':
	case 'P':
		return take_register(ptx, s, 1, &o->reg);
	case 'W':
		return take_source(ptx, s, 32, o);
	case 'L':
		return take_source(ptx, s, 64, o);
	case 'v':
	case 'V':
		return take_pair(ptx, s, o);
	case 'm':
		return take_memory(ptx, s, o);
	case 'a':
		return take_parameter(ptx, s, form->bits, o);
	case 's':
		return take_special(s, o);
	default:
		return take_word(s, o->label); /* known when all is read */
	}
}

/* Do the operands, up to the semicolon, fit this form? Where they end, or NULL. */
static const char *take_operands(struct ptx *ptx, const char *s, const struct form *form,
				 struct instruction *in)
{
	memset(in->operand, 0, sizeof(in->operand));
	for (unsigned int i = 0; s && form->operands[i]; i++) {
		s = i ? take_char(s, ',') : s;
		s = s ? take_operand(ptx, s, form, form->operands[i], &in->operand[i]) : NULL;
	}
	in->form = form;
	return take_char(s, ';');
}

/* ----------------------------------------------------------------------------------- statements */

static const char *take_guard(struct ptx *ptx, const char *s, struct instruction *in)
{
	unsigned int reg = 0;

	in->guard = -1;
	if (*s != '@')
		return s;
	in->unless = s[1] == '!';
	s = take_register(ptx, s + 1 + in->unless, 1, &reg);
	in->guard = (int)reg;
	return s;
}

static const char *take_instruction(struct ptx *ptx, const char *s)
{
	const char *statement = s, *end = NULL;
	struct instruction in = { 0 };
	char word[NAME];

	s = take_guard(ptx, s, &in);
	s = s ? take_word(s, word) : NULL;
	for (size_t i = 0; s && !end && i < sizeof(forms) / sizeof(forms[0]); i++)
		if (!strcmp(word, forms[i].name))
			end = take_operands(ptx, s, &forms[i], &in);
	if (!end || ptx->instructions == MAX_INSTRUCTIONS) {
		wrong(ptx, "unknown: %.60s", statement);
		return NULL;
	}
	ptx->instruction[ptx->instructions++] = in;
	return end;
}

static const char *take_registers(struct ptx *ptx, const char *s)
{
	char type[NAME], word[NAME];
	unsigned int bits;

	s = take_word(s, type);
	bits = s ? bits_of(type) : 0;
	do {
		s = s && bits ? take_word(s, word) : NULL;
		if (!s || !add(ptx, ptx->reg, &ptx->registers, MAX_REGISTERS, word, bits))
			return NULL;
	} while (*s == ',' && s++);
	return take_char(s, ';');
}

/* A label, registers, or an instruction. */
static const char *take_statement(struct ptx *ptx, const char *s)
{
	char word[NAME] = "";
	const char *behind = take_word(s, word);

	if (behind && *behind == ':')
		return add(ptx, ptx->label, &ptx->labels, MAX_LABELS, word, ptx->instructions)
			       ? skip(behind + 1)
			       : NULL;
	if (behind && !strcmp(word, ".reg"))
		return take_registers(ptx, behind);
	return take_instruction(ptx, s);
}

static const char *take_parameters(struct ptx *ptx, const char *s)
{
	char word[NAME], type[NAME];

	do {
		s = s ? take_word(s, word) : NULL;
		s = s && !strcmp(word, ".param") ? take_word(s, type) : NULL;
		s = s ? take_word(s, word) : NULL;
		if (!s || !add(ptx, ptx->parameter, &ptx->parameters, MAX_PARAMETERS, word,
			       bits_of(type)))
			return NULL;
	} while (*s == ',' && s++);
	return take_char(s, ')');
}

/* .version and so on, whatever they say, and the one entry up to its brace. */
static const char *take_head(struct ptx *ptx, const char *s)
{
	static const char *const directives[] = { ".version", ".target", ".address_size",
						  ".visible", ".entry" };
	char word[NAME];

	for (unsigned int i = 0; s && i < 5; i++) {
		s = take_word(s, word);
		if (!s || strcmp(word, directives[i]))
			return NULL;
		if (i < 3)
			s = take_word(s, word);
	}
	s = s ? take_word(s, ptx->name) : NULL;
	s = take_char(s, '(');
	s = s ? take_parameters(ptx, s) : NULL;
	return take_char(s, '{');
}

static bool find_labels(struct ptx *ptx)
{
	for (unsigned int i = 0; i < ptx->instructions; i++) {
		struct operand *o = &ptx->instruction[i].operand[0];
		int label;

		if (ptx->instruction[i].form->op != BRA)
			continue;
		label = find(ptx->label, ptx->labels, o->label);
		if (label < 0)
			return wrong(ptx, "no label %s", o->label);
		o->value = ptx->label[label].value;
	}
	return true;
}

static bool load(struct ptx *ptx, const char *text)
{
	const char *s = take_head(ptx, skip(text));

	if (!s)
		return wrong(ptx, "no head: %.60s", text);
	while (*s && *s != '}') {
		s = take_statement(ptx, s);
		if (!s)
			return ptx->why[0] ? false
					   : wrong(ptx, "registers or labels that are not "
							"understood");
	}
	if (*s != '}' || !ptx->instructions ||
	    ptx->instruction[ptx->instructions - 1].form->op != RET)
		return wrong(ptx, "no end");
	return find_labels(ptx);
}

struct ptx *ptx_load(const char *text, char *why, size_t room)
{
	struct ptx *ptx = calloc(1, sizeof(*ptx));

	if (!ptx)
		return NULL;
	why[0] = '\0';
	ptx->why = why;
	ptx->room = room;
	if (load(ptx, text))
		return ptx;
	free(ptx);
	return NULL;
}

void ptx_free(struct ptx *ptx)
{
	free(ptx);
}

const char *ptx_name(const struct ptx *ptx)
{
	return ptx->name;
}

unsigned int ptx_parameters(const struct ptx *ptx)
{
	return ptx->parameters;
}

unsigned int ptx_parameter_bytes(const struct ptx *ptx, unsigned int i)
{
	return ptx->parameter[i].value / 8;
}

/* -------------------------------------------------------------------------------------- running */

struct thread {
	const struct ptx_launch *launch;
	uint64_t special[4];
	uint64_t reg[MAX_REGISTERS];
	enum ptx_result result;
};

static uint64_t value_of(const struct thread *t, const struct operand *o)
{
	return o->number ? o->value : t->reg[o->reg];
}

static uint64_t cut(uint64_t value, unsigned int bits)
{
	return bits == 64 ? value : value & ((1ull << bits) - 1);
}

/* As PTX defines them: what is shifted by all its bits or more is gone. */
static uint64_t shift_left(uint64_t value, uint64_t by, unsigned int bits)
{
	return by >= bits ? 0 : value << by;
}

static uint64_t shift_right(uint64_t value, uint64_t by, unsigned int bits)
{
	return by >= bits ? 0 : value >> by;
}

static uint64_t compute(const struct thread *t, const struct instruction *in)
{
	const uint64_t a = value_of(t, &in->operand[1]), b = value_of(t, &in->operand[2]);
	const unsigned int bits = in->form->bits;

	switch (in->form->op) {
	case LD_PARAM:
		return t->launch->parameters[in->operand[1].value];
	case MOV_SPECIAL:
		return t->special[in->operand[1].value];
	case AND:
		return a & b;
	case OR:
	case OR_PRED:
		return a | b;
	case SHL:
		return shift_left(a, b, bits);
	case SHR:
		return shift_right(a, b, bits);
	case ADD:
		return a + b;
	case SUB:
		return a - b;
	case MIN:
		return a < b ? a : b;
	case MUL_LO:
	case MUL_WIDE:
		return a * b;
	case MAD_LO:
		return a * b + value_of(t, &in->operand[3]);
	case LT:
		return a < b;
	case GE:
		return a >= b;
	case EQ:
		return a == b;
	case SELP:
		return t->reg[in->operand[3].reg] ? a : b;
	default: /* MOV, CVT */
		return a;
	}
}

static void *reach(struct thread *t, const struct operand *memory, unsigned int bytes, bool write)
{
	const uint64_t address = t->reg[memory->reg] + memory->value;
	void *at = NULL;

	if (address % bytes)
		t->result = PTX_MISALIGNED;
	else if (!(at = t->launch->at(t->launch->arg, address, bytes, write)))
		t->result = PTX_NOWHERE;
	return at;
}

static void load_from(struct thread *t, const struct instruction *in)
{
	const unsigned int bytes = in->form->op == LD8 ? 1 : in->form->op == LD64 ? 8 : 16;
	const unsigned char *at = reach(t, &in->operand[1], bytes, false);

	if (at)
		ptx_read(at, bytes, &t->reg[in->operand[0].reg], &t->reg[in->operand[0].second]);
}

static void store_to(struct thread *t, const struct instruction *in)
{
	const unsigned int bytes = in->form->op == ST8 ? 1 : in->form->op == ST64 ? 8 : 16;
	unsigned char *at = reach(t, &in->operand[0], bytes, true);

	if (at)
		ptx_write(at, bytes, value_of(t, &in->operand[1]), t->reg[in->operand[1].second]);
}

/* Returns where to go on. */
static unsigned int step(struct thread *t, const struct ptx *ptx, unsigned int at)
{
	const struct instruction *in = &ptx->instruction[at];

	if (in->guard >= 0 && !t->reg[in->guard] != in->unless)
		return at + 1;
	switch (in->form->op) {
	case RET:
		return ptx->instructions;
	case BRA:
		return (unsigned int)in->operand[0].value;
	case LD8:
	case LD64:
	case LD_PAIR:
		load_from(t, in);
		break;
	case ST8:
	case ST64:
	case ST_PAIR:
		store_to(t, in);
		break;
	default:
		t->reg[in->operand[0].reg] =
			cut(compute(t, in), ptx->reg[in->operand[0].reg].value);
	}
	return at + 1;
}

enum ptx_result ptx_run(const struct ptx *ptx, const struct ptx_launch *launch)
{
	for (unsigned int block = 0; block < launch->blocks; block++)
		for (unsigned int i = 0; i < launch->threads; i++) {
			struct thread t = { .launch = launch,
					    .special = { i, launch->threads, block,
							 launch->blocks } };

			for (unsigned int at = 0; at < ptx->instructions && t.result == PTX_DONE;)
				at = step(&t, ptx, at);
			if (t.result != PTX_DONE)
				return t.result;
		}
	return PTX_DONE;
}
