/* SPDX-License-Identifier: Apache-2.0 */
/* Between scsi_disk.c and scsi_disk_steps.c. */
#ifndef VMWP_VSP_SCSI_DISK_H
#define VMWP_VSP_SCSI_DISK_H

#include "vmwp/vsp/scsi_internal.h"

struct scsi_extent { uint64_t lba, blocks; uint8_t flags; };	/* flags: byte 1 of the CDB, 0 for six-byte commands */

struct scsi_extent scsi_extent_of(const struct scsi_request *r);	/* by the shape of the CDB's group */
bool scsi_extent_fits(const struct scsi_unit *u, uint64_t lba, uint64_t blocks);
/* Protection bits and range; false: the command has been answered. */
bool scsi_extent_check(struct scsi_unit *u, struct scsi_request *r, const struct scsi_extent *e);

void scsi_disk_verify(struct scsi_unit *u, struct scsi_request *r);
void scsi_disk_write_same(struct scsi_unit *u, struct scsi_request *r);
void scsi_disk_unmap(struct scsi_unit *u, struct scsi_request *r);

#endif
