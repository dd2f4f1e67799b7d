/* SPDX-License-Identifier: Apache-2.0 */
/* What a VM is made of: the part of it that clients choose and the file keeps. Pure: no files, no other VMs. */
#ifndef VMMS_VM_CONFIG_H
#define VMMS_VM_CONFIG_H

#include "partita/guid.h"
#include "partita/problem.h"
#include "adapters.h"
#include "vm_resources.h"
#include "vm_services.h"

#include <stdint.h>

#define VM_NAME_CHARS		64
#define VM_NOTES_CHARS		4096
#define VM_VPS_MAX		64
#define VM_MEMORY_MIN		(32ull << 20)
#define VM_MEMORY_MAX		(4ull << 40)
#define VM_MEMORY_STEP		(2ull << 20)		/* large pages, as in Hyper-V */
#define VM_IDE_POSITIONS	4
#define VM_SCSI_CONTROLLERS	4
#define VM_SCSI_LOCATIONS	64		/* of each */
#define VM_DRIVES_MAX		64		/* of all controllers together */
#define DISK_NAME_CHARS		128
#define DISK_SIZE_MIN		(1ull << 20)
#define DISK_SIZE_MAX		(64ull << 40)		/* of VHDX; each format has its own */
#define DISK_BLOCK_MIN		(1ull << 20)
#define DISK_BLOCK_MAX		(256ull << 20)

enum controller { CONTROLLER_IDE, CONTROLLER_SCSI };
enum medium { MEDIUM_DVD, MEDIUM_DISK };		/* also the words of the boot order */
enum disk_format { DISK_FORMAT_RAW, DISK_FORMAT_VHD, DISK_FORMAT_VHDX };	/* kinds: enum disk_kind of storage/disk.h */
enum automatic_start { START_NEVER, START_IF_WAS_RUNNING, START_ALWAYS };
enum automatic_stop { STOP_SHUTDOWN, STOP_TURN_OFF };
extern const char *const controller_words[], *const medium_words[], *const disk_format_words[], *const disk_kind_words[], *const automatic_start_words[], *const automatic_stop_words[];

struct disk_spec {			/* POST /disks, or "newDisk" of a drive */
	char name[4 * DISK_NAME_CHARS + 1];
	unsigned int format, kind;
	uint64_t size_bytes, block_bytes;	/* block_bytes 0: the format's default */
	char parent[GUID_TEXT_SIZE];		/* of a differencing disk; its size is the parent's */
};

struct drive {
	char id[GUID_TEXT_SIZE];
	bool has_position;
	unsigned int controller;
	uint64_t number, location;	/* of that kind of controller, and the place on it */
	unsigned int medium;
	char source[GUID_TEXT_SIZE];	/* of a disk or an ISO; "" is an empty DVD drive */
	bool read_only;
	bool make_new;			/* the disk is to be made from `spec`; only while a request is worked on */
	struct disk_spec spec;
};

struct vm_config {
	char name[4 * VM_NAME_CHARS + 1];
	char notes[4 * VM_NOTES_CHARS + 1];
	unsigned int generation;	/* 1: BIOS, 2: UEFI; never changes */
	struct vm_processor processor;
	struct vm_memory memory;
	unsigned int boot[2], boot_count;
	struct drive drives[VM_DRIVES_MAX];
	unsigned int drive_count;
	struct adapters adapters;
	struct vm_services services;
	unsigned int automatic_start, automatic_stop;
};

/* 0, or -EINVAL and *p. New drives get ids and positions. No limits: our own file, which has been judged before. */
int vm_config_parse(const json_t *body, const struct vm_limits *limits, struct vm_config *c, struct problem *p);
int drive_parse(const json_t *body, const char *path, bool own_file, struct drive *d, struct problem *p);
/* Gives a position: IDE first, which guests without VMBus see too, or SCSI at once. */
int drive_place(struct vm_config *c, struct drive *d, bool scsi, const char *path, struct problem *p);
json_t *vm_config_to_json(const struct vm_config *c);	/* reads back by vm_config_parse() */
json_t *drive_to_json(const struct drive *d);
int disk_spec_parse(const json_t *body, const char *path, struct disk_spec *d, struct problem *p);
/* RFC 7396 on what may be patched; 0, or -EINVAL and *p. *cold: something changed that a running VM cannot take. */
int vm_config_patch(const struct vm_config *old, const json_t *patch, const struct vm_limits *limits, struct vm_config *c,
		    bool *cold, struct problem *p);
struct drive *vm_config_drive_at(struct vm_config *c, unsigned int controller, uint64_t number, uint64_t location);

#endif
