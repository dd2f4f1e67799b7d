/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The firmware of a VM as its worker is handed it: SeaBIOS for generation 1; for generation 2 Debian's OVMF, our driver for
 * VMBus, and the VM's own variables, a file in its folder that begins as a copy of the template.
 */
#include "firmware.h"

#include "partita/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CODE		"OVMF_CODE_4M.fd"
#define TEMPLATE	"OVMF_VARS_4M.fd"
#define TEMPLATE_MAX	(4u << 20)
#define DRIVER		"vmbus.rom"

static int file_open(const char *dir, const char *name, struct problem *p)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? problem_from_errno(p, -errno, path) : fd;
}

int firmware_variables_create(const struct vmms *v, int vm_folder)
{
	char *data = NULL;
	size_t size = 0;
	int dir = open(v->options.uefi_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (dir < 0)
		return -errno;
	r = file_read(dir, TEMPLATE, TEMPLATE_MAX, &data, &size);
	if (r == 0)
		r = file_write(vm_folder, FIRMWARE_VARIABLES_FILE, data, size, 0600);
	free(data);
	close(dir);
	return r;
}

static int variables_open(const struct vm *vm, struct problem *p)
{
	int folder = directory_open(vm->vmms->vms_dir, vm->id, 0700), fd;

	if (folder < 0)
		return problem_from_errno(p, folder, "The VM's folder");
	fd = openat(folder, FIRMWARE_VARIABLES_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		fd = problem_from_errno(p, -errno, "The VM's UEFI variables");
	close(folder);
	return fd;
}

static int part_open(const struct vm *vm, const char *key, struct problem *p)
{
	const struct vmms_options *o = &vm->vmms->options;
	const struct { const char *key, *dir, *name; } parts[] = {
		{ "biosFd", o->firmware_dir, "bios-256k.bin" }, { "vgaBiosFd", o->firmware_dir, "vgabios-stdvga.bin" },
		{ "codeFd", o->uefi_dir, CODE }, { "driverFd", o->driver_dir, DRIVER },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].key == key)
			return file_open(parts[i].dir, parts[i].name, p);
	return variables_open(vm, p);
}

int firmware_open(const struct vm *vm, struct firmware_part parts[FIRMWARE_PARTS], struct problem *p)
{
	static const char *const keys[][FIRMWARE_PARTS] = {
		[1] = { "biosFd", "vgaBiosFd", NULL }, [2] = { "codeFd", "varsFd", "driverFd" },
	};

	for (unsigned int i = 0; i < FIRMWARE_PARTS; i++)
		parts[i] = (struct firmware_part){ keys[vm->config.generation][i], -1 };
	for (unsigned int i = 0; i < FIRMWARE_PARTS && parts[i].key; i++) {
		parts[i].fd = part_open(vm, parts[i].key, p);
		if (parts[i].fd >= 0)
			continue;
		firmware_close(parts);
		return -EINVAL;
	}
	return 0;
}

void firmware_close(struct firmware_part parts[FIRMWARE_PARTS])
{
	for (unsigned int i = 0; i < FIRMWARE_PARTS; i++) {
		if (parts[i].fd >= 0)
			close(parts[i].fd);
		parts[i].fd = -1;
	}
}
