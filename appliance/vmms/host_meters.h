/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of a VM (as its worker tells) and of the host (from procfs); both only grow. */
#ifndef VMMS_HOST_METERS_H
#define VMMS_HOST_METERS_H

#include <stdint.h>

enum meter {
	METER_CPU_USEC, METER_DISK_READ_BYTES, METER_DISK_WRITTEN_BYTES, METER_DISK_READS, METER_DISK_WRITES, METER_NET_RECEIVED_BYTES,
	METER_NET_SENT_BYTES, METER_NET_RECEIVED_FRAMES, METER_NET_SENT_FRAMES, METERS
};

void host_meters_read(uint64_t meters[METERS]);		/* what cannot be read is 0 */

#endif
