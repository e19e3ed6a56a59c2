// SPDX-License-Identifier: MIT
/*
 * The gather kernel, as text that the driver compiles for its GPU: no toolkit is needed to build,
 * and GPUs to come are served. Turing is the oldest that exports memory; the target is one below
 * it, which every driver of CUDA 11.7 and later still takes.
 *
 * A warp copies a piece, then the one that lies as many pieces on as there are warps. Its next
 * descriptor is on its way meanwhile: it comes from the host's memory. Where source and target
 * agree in their last four bits, each lane moves 16 bytes at a time; elsewhere it makes each 8-byte
 * unit of the target out of the two aligned ones of the source that have its bytes. Either has four
 * loads in flight for each lane. Bytes in front of the first unit and behind the last one come one
 * by one; their loads go out before the units' and their stores behind, so that nothing waits for
 * them alone.
 *
 * Only aligned 8-byte words that hold bytes of the piece are read, and only the piece's bytes are
 * written: a unit of 8 that is aligned in the target by one store, whatever path is taken.
 */
#include "backends/cuda_gather.h"

const char devmem__cuda_gather_ptx[] =
	".version 6.4\n"
	".target sm_70\n"
	".address_size 64\n"
	/* pieces: of struct piece; target: what their targets count from */
	".visible .entry devmem_gather(.param .u64 pieces, .param .u64 target, .param .u32 n)\n"
	"{\n"
	"	.reg .pred p, q, p1, p2, p3, more, edge, lone;\n"
	"	.reg .u32 t, lane, per, index, stride, count, bytes, head, tail, at, units, unit, "
	"lead, shift, back, byte;\n"
	"	.reg .u64 w, list, base, entry, step, packed, next_packed, source, next_source, "
	"to;\n"
	"	.reg .u64 edge_from, edge_to, lone_from, lone_to, word, low, high;\n"
	"	.reg .u64 a0, a1, a2, a3, b0, b1, b2, b3;\n"

	"	ld.param.u64 list, [pieces];\n"
	"	ld.param.u64 base, [target];\n"
	"	ld.param.u32 count, [n];\n"
	"	cvta.to.global.u64 list, list;\n"
	"	cvta.to.global.u64 base, base;\n"

	/* index: this warp's number among all; stride: how many there are */
	"	mov.u32 t, %tid.x;\n"
	"	and.b32 lane, t, 31;\n"
	"	shr.u32 at, t, 5;\n"
	"	mov.u32 t, %ntid.x;\n"
	"	shr.u32 per, t, 5;\n"
	"	mov.u32 t, %ctaid.x;\n"
	"	mad.lo.u32 index, t, per, at;\n"
	"	mov.u32 t, %nctaid.x;\n"
	"	mul.lo.u32 stride, t, per;\n"
	"	setp.ge.u32 p, index, count;\n"
	"	@p bra DONE;\n"
	"	mul.wide.u32 w, index, 16;\n"
	"	add.u64 entry, list, w;\n"
	"	mul.wide.u32 step, stride, 16;\n"
	"	ld.global.v2.u64 {next_source, next_packed}, [entry];\n"

	"PIECE:\n"
	"	mov.u64 source, next_source;\n"
	"	mov.u64 packed, next_packed;\n"
	"	add.u32 index, index, stride;\n"
	"	add.u64 entry, entry, step;\n"
	"	setp.lt.u32 more, index, count;\n"
	"	@more ld.global.v2.u64 {next_source, next_packed}, [entry];\n"
	"	and.b64 to, packed, 0xffffffff;\n"
	"	add.u64 to, to, base;\n"
	"	shr.u64 w, packed, 32;\n"
	"	cvt.u32.u64 bytes, w;\n"

	/* head: bytes up to the first unit of the target; tail: behind its last one */
	"	cvt.u32.u64 head, to;\n"
	"	sub.u32 head, 0, head;\n"
	"	and.b32 head, head, 7;\n"
	"	min.u32 head, head, bytes;\n"
	"	sub.u32 t, bytes, head;\n"
	"	and.b32 tail, t, 7;\n"
	"	shr.u32 units, t, 3;\n"

	/* lanes 0 to 7 have a byte of the head each, and 8 to 15 of the tail; (lane - 8) is large
	 * where lane is less */
	"	setp.lt.u32 p, lane, head;\n"
	"	sub.u32 t, lane, 8;\n"
	"	setp.lt.u32 q, t, tail;\n"
	"	or.pred edge, p, q;\n"
	"	add.u32 t, t, bytes;\n"
	"	sub.u32 t, t, tail;\n"
	"	setp.lt.u32 p, lane, 8;\n"
	"	selp.u32 at, lane, t, p;\n"
	"	cvt.u64.u32 w, at;\n"
	"	add.u64 edge_from, source, w;\n"
	"	add.u64 edge_to, to, w;\n"
	"	@edge ld.global.u8 byte, [edge_from];\n"

	"	cvt.u64.u32 w, head;\n"
	"	add.u64 source, source, w;\n"
	"	add.u64 to, to, w;\n"
	"	setp.lt.u32 lone, lane, 0;\n"
	"	sub.u64 w, source, to;\n"
	"	and.b64 w, w, 15;\n"
	"	setp.eq.u64 p, w, 0;\n"
	"	@p bra ALIKE;\n"

	/*
	 * A unit's bytes begin shift bits up in the aligned word low, and go on in high. Where
	 * shift is 0 both are the same word, since the one behind it may not be the piece's; high
	 * is then shifted by all 64 bits, which leaves nothing.
	 */
	"	cvt.u32.u64 shift, source;\n"
	"	and.b32 shift, shift, 7;\n"
	"	shl.b32 shift, shift, 3;\n"
	"	sub.u32 back, 64, shift;\n"
	"	add.u64 high, source, 7;\n"
	"	and.b64 high, high, 0xfffffffffffffff8;\n"
	"	and.b64 low, source, 0xfffffffffffffff8;\n"
	"	mul.wide.u32 w, lane, 8;\n"
	"	add.u64 low, low, w;\n"
	"	add.u64 high, high, w;\n"
	"	add.u64 to, to, w;\n"
	"	mov.u32 unit, lane;\n"
	"SHIFTED:\n"
	"	setp.ge.u32 p, unit, units;\n"
	"	@p bra NEXT;\n"
	"	add.u32 t, unit, 32;\n"
	"	setp.lt.u32 p1, t, units;\n"
	"	add.u32 t, unit, 64;\n"
	"	setp.lt.u32 p2, t, units;\n"
	"	add.u32 t, unit, 96;\n"
	"	setp.lt.u32 p3, t, units;\n"
	"	ld.global.u64 a0, [low];\n"
	"	ld.global.u64 b0, [high];\n"
	"	@p1 ld.global.u64 a1, [low+256];\n"
	"	@p1 ld.global.u64 b1, [high+256];\n"
	"	@p2 ld.global.u64 a2, [low+512];\n"
	"	@p2 ld.global.u64 b2, [high+512];\n"
	"	@p3 ld.global.u64 a3, [low+768];\n"
	"	@p3 ld.global.u64 b3, [high+768];\n"
	"	shr.u64 a0, a0, shift;\n"
	"	shl.b64 b0, b0, back;\n"
	"	or.b64 a0, a0, b0;\n"
	"	st.global.u64 [to], a0;\n"
	"	shr.u64 a1, a1, shift;\n"
	"	shl.b64 b1, b1, back;\n"
	"	or.b64 a1, a1, b1;\n"
	"	@p1 st.global.u64 [to+256], a1;\n"
	"	shr.u64 a2, a2, shift;\n"
	"	shl.b64 b2, b2, back;\n"
	"	or.b64 a2, a2, b2;\n"
	"	@p2 st.global.u64 [to+512], a2;\n"
	"	shr.u64 a3, a3, shift;\n"
	"	shl.b64 b3, b3, back;\n"
	"	or.b64 a3, a3, b3;\n"
	"	@p3 st.global.u64 [to+768], a3;\n"
	"	add.u64 low, low, 1024;\n"
	"	add.u64 high, high, 1024;\n"
	"	add.u64 to, to, 1024;\n"
	"	add.u32 unit, unit, 128;\n"
	"	bra SHIFTED;\n"

	/*
	 * The units are taken in pairs, aligned to 16. One may be left over in front, which is lane
	 * 0's, and one behind, which is lane 1's.
	 */
	"ALIKE:\n"
	"	cvt.u32.u64 t, to;\n"
	"	shr.u32 t, t, 3;\n"
	"	and.b32 t, t, 1;\n"
	"	min.u32 lead, t, units;\n"
	"	sub.u32 at, units, lead;\n"
	"	and.b32 tail, at, 1;\n"
	"	setp.lt.u32 p, lane, lead;\n"
	"	sub.u32 t, lane, 1;\n"
	"	setp.lt.u32 q, t, tail;\n"
	"	or.pred lone, p, q;\n"
	"	sub.u32 t, units, 1;\n"
	"	setp.eq.u32 p, lane, 0;\n"
	"	selp.u32 t, 0, t, p;\n"
	"	mul.wide.u32 w, t, 8;\n"
	"	add.u64 lone_from, source, w;\n"
	"	add.u64 lone_to, to, w;\n"
	"	@lone ld.global.u64 word, [lone_from];\n"
	"	shr.u32 units, at, 1;\n"
	"	mul.wide.u32 w, lead, 8;\n"
	"	add.u64 source, source, w;\n"
	"	add.u64 to, to, w;\n"
	"	mul.wide.u32 w, lane, 16;\n"
	"	add.u64 source, source, w;\n"
	"	add.u64 to, to, w;\n"
	"	mov.u32 unit, lane;\n"
	"PAIRS:\n"
	"	setp.ge.u32 p, unit, units;\n"
	"	@p bra NEXT;\n"
	"	add.u32 t, unit, 32;\n"
	"	setp.lt.u32 p1, t, units;\n"
	"	add.u32 t, unit, 64;\n"
	"	setp.lt.u32 p2, t, units;\n"
	"	add.u32 t, unit, 96;\n"
	"	setp.lt.u32 p3, t, units;\n"
	"	ld.global.v2.u64 {a0, b0}, [source];\n"
	"	@p1 ld.global.v2.u64 {a1, b1}, [source+512];\n"
	"	@p2 ld.global.v2.u64 {a2, b2}, [source+1024];\n"
	"	@p3 ld.global.v2.u64 {a3, b3}, [source+1536];\n"
	"	st.global.v2.u64 [to], {a0, b0};\n"
	"	@p1 st.global.v2.u64 [to+512], {a1, b1};\n"
	"	@p2 st.global.v2.u64 [to+1024], {a2, b2};\n"
	"	@p3 st.global.v2.u64 [to+1536], {a3, b3};\n"
	"	add.u64 source, source, 2048;\n"
	"	add.u64 to, to, 2048;\n"
	"	add.u32 unit, unit, 128;\n"
	"	bra PAIRS;\n"

	"NEXT:\n"
	"	@edge st.global.u8 [edge_to], byte;\n"
	"	@lone st.global.u64 [lone_to], word;\n"
	"	@more bra PIECE;\n"
	"DONE:\n"
	"	ret;\n"
	"}\n";
