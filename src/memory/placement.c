// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory/buffer.h"
#include "memory/exporter.h"
#include "memory/placement.h"

#define FDINFO	"/proc/self/fdinfo"
#define DEV_DRI "/dev/dri/"

/*
 * [drivers/gpu/drm of 7.3: amdgpu_dma_buf_pin(), i915_gem_dmabuf_attach(), xe_dma_buf_pin(),
 * nouveau_gem_prime_pin(), radeon_gem_prime_pin()]
 */
static const char *const movers[] = { "amdgpu", "i915", "xe", "nouveau", "radeon" };

bool devmem__placement_moves(const char *driver)
{
	for (size_t i = 0; i < ARRAY_SIZE(movers); i++)
		if (!strcmp(driver, movers[i]))
			return true;
	return false;
}

/* -------------------------------------------------------------------------------------- parsing */

/* The bytes of a line "key: N", "key: N KiB" or "key: N MiB". */
static uint64_t bytes_of(const char *value)
{
	char *unit;
	const uint64_t n = strtoull(value, &unit, 10);

	while (*unit == ' ')
		unit++;
	return n << (!strncmp(unit, "KiB", 3) ? 10 : !strncmp(unit, "MiB", 3) ? 20 : 0);
}

/* A card's own memory is "vram" or "vram0" (amdgpu, xe), or "local0" (i915). */
static bool is_device(const char *region)
{
	return !strncmp(region, "vram", 4) || !strncmp(region, "local", 5);
}

/* "system" or "system0" (xe, i915), "gtt" (amdgpu, xe) and "cpu" (amdgpu) */
static bool is_host(const char *region)
{
	return !strncmp(region, "system", 6) || !strncmp(region, "gtt", 3) ||
	       !strncmp(region, "cpu", 3);
}

static void add_region(struct devmem__drm_usage *u, const char *region, const char *value)
{
	if (is_device(region))
		u->device_bytes += bytes_of(value);
	else if (is_host(region))
		u->host_bytes += bytes_of(value);
}

/* Returns what follows @key at the start of the line, or NULL. */
static const char *after(const char *line, const char *key)
{
	const size_t bytes = strlen(key);

	return strncmp(line, key, bytes) ? NULL : line + bytes;
}

/* @resident: the driver has "drm-resident-" lines, of which older "drm-memory-" ones are copies. */
static void parse_line(const char *line, bool resident, struct devmem__drm_usage *u)
{
	const char *region = after(line, resident ? "drm-resident-" : "drm-memory-"), *rest;

	rest = after(line, "drm-driver:");
	if (rest)
		sscanf(rest, "%31s", u->driver);
	rest = after(line, "drm-client-id:");
	if (rest)
		sscanf(rest, "%47s", u->client);
	rest = region ? strchr(region, ':') : NULL;
	if (rest)
		add_region(u, region, rest + 1);
}

bool devmem__drm_usage_parse(const char *text, struct devmem__drm_usage *usage)
{
	const bool resident = strstr(text, "drm-resident-");

	*usage = (struct devmem__drm_usage){ 0 };
	while (text) {
		parse_line(text, resident, usage);
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return usage->driver[0];
}

/* --------------------------------------------------------------------------------- this process */

/* Descriptors that were duplicated are of one client. */
static bool is_known(const struct devmem__placement *p, const struct devmem__drm_usage *u)
{
	for (unsigned int i = 0; i < p->clients && u->client[0]; i++)
		if (!strcmp(p->client[i].driver, u->driver) &&
		    !strcmp(p->client[i].client, u->client))
			return true;
	return false;
}

static void read_one(const char *path, struct devmem__placement *p)
{
	struct devmem__drm_usage usage;
	char text[8192];
	FILE *f = fopen(path, "re");
	size_t bytes;

	if (!f)
		return;
	bytes = fread(text, 1, sizeof(text) - 1, f);
	text[bytes] = '\0';
	fclose(f);
	if (devmem__drm_usage_parse(text, &usage) && !is_known(p, &usage))
		p->client[p->clients++] = usage;
}

void devmem__placement_read(const char *fdinfo, struct devmem__placement *placement)
{
	DIR *dir = opendir(fdinfo);
	struct dirent *entry;
	char path[PATH_MAX];

	placement->clients = 0;
	if (!dir)
		return;
	while (placement->clients < DEVMEM__DRM_CLIENTS && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", fdinfo, entry->d_name);
		if (entry->d_name[0] != '.')
			read_one(path, placement);
	}
	closedir(dir);
}

/* ---------------------------------------------------------------------------------- the message */

static void add_up(const struct devmem__placement *p, const char *driver, uint64_t *device,
		   uint64_t *host)
{
	*device = *host = 0;
	for (unsigned int i = 0; i < p->clients; i++) {
		if (strcmp(p->client[i].driver, driver))
			continue;
		*device += p->client[i].device_bytes;
		*host += p->client[i].host_bytes;
	}
}

/* Has so much gone from the card's memory to the host's? */
static bool was_moved(const struct devmem__placement *before, const struct devmem__placement *after,
		      const char *driver, uint64_t bytes)
{
	uint64_t device[2], host[2];

	add_up(before, driver, &device[0], &host[0]);
	add_up(after, driver, &device[1], &host[1]);
	return device[0] >= device[1] + bytes && host[1] >= host[0] + bytes;
}

bool devmem__placement_explain(const struct devmem__placement *before,
			       const struct devmem__placement *after, const char *driver,
			       uint64_t bytes, char *text, size_t room)
{
	text[0] = '\0';
	for (unsigned int i = 0; i < before->clients; i++) {
		if (!was_moved(before, after, before->client[i].driver, bytes))
			continue;
		devmem__text(text, room,
			     "%s moved the buffer from its own memory to host memory when it was "
			     "bound (%" PRIu64 " MiB, by its fdinfo)",
			     before->client[i].driver, bytes >> 20);
		return true;
	}
	if (!devmem__placement_moves(driver))
		return false;
	devmem__text(text, room, "%s keeps memory that a NIC has bound in host memory", driver);
	return true;
}

/* ------------------------------------------------------------------------------------- a buffer */

/* GEM's own exporter is called "drm" with any driver; i915 has one of its own. */
static bool is_drm(const struct devmem_buffer *buffer, char exporter[64])
{
	char path[64];

	snprintf(path, sizeof(path), FDINFO "/%d", devmem_buffer_fd(buffer));
	return !devmem__exporter_name(path, exporter) &&
	       (!strcmp(exporter, "drm") || devmem__placement_moves(exporter));
}

/* The driver of a card by the path of its device. "": unknown. */
static void driver_of(const char *device, char driver[32])
{
	char path[PATH_MAX], link[PATH_MAX];
	const char *name = after(device, DEV_DRI);
	ssize_t n;

	driver[0] = '\0';
	if (!name)
		return;
	snprintf(path, sizeof(path), "/sys/class/drm/%s/device/driver", name);
	n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return;
	link[n] = '\0';
	name = strrchr(link, '/');
	snprintf(driver, 32, "%.31s", name ? name + 1 : link);
}

void devmem__placement_begin(struct devmem_buffer *buffer, struct devmem__placement *before)
{
	char exporter[64];

	before->clients = 0;
	if (devmem__buffer_is_dmabuf(buffer) && is_drm(buffer, exporter))
		devmem__placement_read(FDINFO, before);
}

bool devmem__placement_end(struct devmem_buffer *buffer, const struct devmem__placement *before,
			   char *text, size_t room)
{
	struct devmem__placement now;
	char exporter[64], driver[32];

	text[0] = '\0';
	if (!devmem__buffer_is_dmabuf(buffer) || !is_drm(buffer, exporter))
		return false;
	driver_of(devmem__buffer_memory(buffer)->device, driver);
	devmem__placement_read(FDINFO, &now);
	return devmem__placement_explain(before, &now, driver[0] ? driver : exporter,
					 devmem_buffer_size(buffer), text, room);
}
