/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hyper-V sockets (AF_VSOCK in Linux guests): streams between programs of the host and of the guest, one channel each. The
 * worker has no file system: listening sockets and the sockets of services are handed to it. docs/hvsock.md has the
 * handshakes. Machine lock held.
 */
#ifndef VMWP_VSP_HVSOCK_H
#define VMWP_VSP_HVSOCK_H

#include "vmwp/device.h"

extern const struct device_model hvsock_model;

/* Programs of the host connect here ("CONNECT <port>\n") to what listens in the guest. Takes fd; replaces an earlier one. */
int hvsock_listen(struct machine *m, int fd);
/* Guests may connect to `port`: each connection's descriptor is sent over `fd` (SOCK_SEQPACKET), until its peer closes it.
 * Takes fd on success. -EEXIST, -ENOSPC. */
int hvsock_add_service(struct machine *m, uint32_t port, int fd);

#endif
