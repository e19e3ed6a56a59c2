// SPDX-License-Identifier: MIT
/* A fake of a libcuda.so.1 from before cuGetProcAddress(), which claims to be new enough. */
unsigned int cuDriverGetVersion(int *version);

__attribute__((visibility("default"))) unsigned int cuDriverGetVersion(int *version)
{
	*version = 11070;
	return 0;
}
