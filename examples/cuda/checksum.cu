// SPDX-License-Identifier: MIT
/*
 * The kernel in CUDA C: nvcc -ptx checksum.cu -o checksum_nvcc.ptx. checksum.ptx is the same by
 * hand, for machines without the toolkit. The program (receive.c) loads either.
 *
 * Each thread has a sum of its own in @sums, to which it adds its share of the bytes. Launches in
 * one stream follow each other, so no two of them touch a sum at the same time. A byte counts as
 * often as its position in the stream says: bytes in another order have another checksum.
 */
extern "C" __global__ void checksum(const unsigned char *data, unsigned int bytes,
				    unsigned int position, unsigned long long *sums)
{
	const unsigned int thread = blockIdx.x * blockDim.x + threadIdx.x;
	const unsigned int threads = gridDim.x * blockDim.x;
	unsigned long long sum = sums[thread];

	for (unsigned int i = thread; i < bytes; i += threads)
		sum += (unsigned long long)(position + i + 1) * data[i];
	sums[thread] = sum;
}
